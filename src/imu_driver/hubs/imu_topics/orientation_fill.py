"""The host's own orientation for sensors whose topic gives none that can be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from face_model.imu_sample import (
    STATUS_FAULT,
    STATUS_MISSING,
    STATUS_ORIENTATION_HOST,
    STATUS_ORIENTATION_VALID,
    STATUS_VALID,
    ImuSample,
)
from face_model.saved_arrays import Arrays, SavedArrays
from imu_driver import host_fusion
from imu_driver.hub import GyroBias


class OrientationFill:
    """Fuses as soon as one sensor needs it.

    Args:
        sensors: how many.
        rate_hz: of the frames.

    Attributes:
        package_missing: whether it would be needed, but the package that fuses is not there.
    """

    def __init__(self, sensors: int, rate_hz: int) -> None:
        self._sensors, self._rate_hz = sensors, rate_hz
        self._filter: host_fusion.OrientationFilter | None = None
        self._known: dict[int, GyroBias] = {}
        self.package_missing = False

    def filled(self, frame: ImuSample, without: NDArray[np.bool_], lost: int) -> ImuSample:
        """A frame, `lost` frames after the one before, with orientations for the sensors (S,) that are `without`."""
        if self._filter is None:
            if not without.any() or self.package_missing:
                return frame
            self._filter = host_fusion.make_filter(self._sensors, self._rate_hz)
            self.package_missing = self._filter is None
            if self._filter is None:
                return frame
            self.use_bias(self._known)
        usable = (frame.status & (STATUS_VALID | STATUS_MISSING | STATUS_FAULT)) == STATUS_VALID
        # All of them, so that one whose orientation is refused later is known already.
        turned = self._filter.update(frame.angular_velocity, frame.specific_force, usable, lost)
        where = usable & without & np.isfinite(turned).all(axis=1)
        status: NDArray[np.uint8] = frame.status.copy()
        status[where] |= STATUS_ORIENTATION_VALID | STATUS_ORIENTATION_HOST
        orientation = np.where(where[:, None], turned, frame.orientation)
        return replace(frame, status=status, orientation=orientation)

    def bias(self) -> dict[int, GyroBias]:
        """Of each sensor's gyroscope, by its index, as the fusion believes; empty as long as none is needed."""
        if self._filter is None:
            return {}
        biases, deviations = self._filter.bias
        return {
            i: GyroBias(tuple(bias), d)
            for i, (bias, d) in enumerate(zip(biases.tolist(), deviations.tolist(), strict=True))
        }

    def use_bias(self, known: Mapping[int, GyroBias]) -> None:
        """Go on from these, by index; kept until the fusion begins."""
        if self._filter is None:
            self._known.update(known)
            return
        for i, bias in known.items():
            self._filter.use_bias(i, np.array(bias.bias_rad_s), bias.deviation_rad_s)

    def saved_state(self) -> Arrays:
        """As arrays, for `restore_state`."""
        known = [[i, *bias.bias_rad_s, bias.deviation_rad_s] for i, bias in self._known.items()]
        saved: Arrays = {"known": np.array(known, np.float64).reshape(-1, 5)}
        if self._filter is not None:
            saved["filter"] = self._filter.saved_state()
        return saved

    def restore_state(self, saved: SavedArrays) -> None:
        """Continue from `saved_state`; raises `SnapshotError`."""
        known = saved.array("known", (None, 5), most_rows=self._sensors)
        state = saved.array("filter", (self._sensors, None), finite=False) if "filter" in saved else None
        saved.end()
        if not ((known[:, 0] >= 0) & (known[:, 0] < self._sensors)).all():
            raise saved.refuse(f"biases of {self._sensors} sensors", "others")
        fusion = None
        if state is not None:
            fusion = host_fusion.make_filter(self._sensors, self._rate_hz)
            if fusion is None:
                raise saved.refuse("fusion here", "that the package `vqf` is not installed")
            fusion.restore_state(state)
        self._filter = fusion
        self._known = {int(i): GyroBias((x, y, z), d) for i, x, y, z, d in known.tolist()}
