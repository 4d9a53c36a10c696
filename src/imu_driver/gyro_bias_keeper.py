"""When gyroscope biases are recalled and kept: as units are met, now and then, and at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from imu_driver.gyro_bias import PERIOD_S, GyroBiasError, GyroBiasFile
from imu_driver.hub import FusingHub, Hub


class Warns(Protocol):
    """A logger, as far as it is used here."""

    def warning(self, message: str) -> object:
        """Tell people of something that is wrong."""
        ...


@dataclass
class _Recalled:
    """Which units of a hub had their kept biases told to the fusion."""

    hub: tuple[str, int] = ("", 0)
    units: set[int] = field(default_factory=set)


class GyroBiasKeeper:
    """Lets the driver's own fusion begin where it ended when these units of these hubs were here before.

    Args:
        folder: with the files of biases, see `gyro_bias`; None: nothing is kept.
        hubs: each with a file of its own.
        logger: told of files that cannot be used.
        where: see `GyroBiasFile.of`.
    """

    def __init__(self, folder: Path | None, hubs: Sequence[Hub], logger: Warns, where: str = "") -> None:
        self._folder = folder
        self._hubs = tuple(hubs)
        self._recalled = [_Recalled() for _ in hubs]
        self._logger = logger
        self._where = where
        self._kept_s = time.monotonic()

    def recall(self) -> None:
        """Tell the biases that are known of units that were just met; for the thread of the hubs."""
        if self._folder is None:
            return
        for hub, recalled in zip(self._hubs, self._recalled, strict=True):
            identity = hub.identity
            if identity is None or identity.sends_orientation or not isinstance(hub, FusingHub):
                continue
            if recalled.hub != (identity.name, hub.layout_id):
                recalled.hub, recalled.units = (identity.name, hub.layout_id), set()
            try:
                known = GyroBiasFile.of(self._folder, identity, self._where).load(identity)
            except GyroBiasError as error:
                self._logger.warning(str(error))
                continue
            # Once: what was found since then is newer than the file.
            new = {unit: bias for unit, bias in known.items() if unit not in recalled.units}
            recalled.units.update(sensor.id for sensor in identity.sensors if sensor.present)
            if new:
                hub.use_gyro_bias(new)

    def keep(self) -> None:
        """Keep what the fusion has found."""
        self._kept_s = time.monotonic()
        if self._folder is None:
            return
        for hub in self._hubs:
            if not isinstance(hub, FusingHub):
                continue
            biases, identity = hub.gyro_bias(), hub.identity
            if identity is None or not biases:  # the hub fuses, or was never there
                continue
            try:
                GyroBiasFile.of(self._folder, identity, self._where).save(identity, biases)
            except GyroBiasError as error:
                self._logger.warning(str(error))

    def keep_if_due(self) -> None:
        """The same, `PERIOD_S` after the last time."""
        if time.monotonic() - self._kept_s > PERIOD_S:
            self.keep()
