"""When gyroscope biases are recalled and kept: as a hub is met, now and then, and at the end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from imu_driver.gyro_bias import PERIOD_S, GyroBiasError, GyroBiasFile
from imu_driver.hub import FusingHub, Hub, HubIdentity


class Warns(Protocol):
    """A logger, as far as it is used here."""

    def warning(self, message: str) -> object:
        """Tell people of something that is wrong."""
        ...


class GyroBiasKeeper:
    """Lets the driver's own fusion begin where it ended when a hub was here before.

    Args:
        folder: with the files of biases, see `gyro_bias`; None: nothing is kept.
        logger: told of files that cannot be used.
    """

    def __init__(self, folder: Path | None, logger: Warns) -> None:
        self._folder = folder
        self._logger = logger
        self._kept_s = time.monotonic()

    def recall(self, hub: Hub, identity: HubIdentity) -> None:
        """Tell a hub that was just met the biases that are known of it."""
        if self._folder is None or identity.sends_orientation or not isinstance(hub, FusingHub):
            return
        try:
            known = GyroBiasFile.of(self._folder, identity).load(identity)
        except GyroBiasError as error:
            self._logger.warning(str(error))
            return
        if known:
            hub.use_gyro_bias(known)

    def keep(self, hub: Hub | None) -> None:
        """Keep what the fusion has found."""
        self._kept_s = time.monotonic()
        if hub is None or self._folder is None or not isinstance(hub, FusingHub):
            return
        biases, identity = hub.gyro_bias(), hub.identity
        if identity is None or not biases:  # the hub fuses, or was never there
            return
        try:
            GyroBiasFile.of(self._folder, identity).save(identity, biases)
        except GyroBiasError as error:
            self._logger.warning(str(error))

    def keep_if_due(self, hub: Hub) -> None:
        """The same, `PERIOD_S` after the last time."""
        if time.monotonic() - self._kept_s > PERIOD_S:
            self.keep(hub)
