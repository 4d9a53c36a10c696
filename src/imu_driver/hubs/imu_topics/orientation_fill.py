"""The host's own orientation for sensors whose topic gives none that can be used."""

from __future__ import annotations

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
from imu_driver import host_fusion


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
        usable = (frame.status & (STATUS_VALID | STATUS_MISSING | STATUS_FAULT)) == STATUS_VALID
        # All of them, so that one whose orientation is refused later is known already.
        turned = self._filter.update(frame.angular_velocity, frame.specific_force, usable, lost)
        where = usable & without & np.isfinite(turned).all(axis=1)
        status: NDArray[np.uint8] = frame.status.copy()
        status[where] |= STATUS_ORIENTATION_VALID | STATUS_ORIENTATION_HOST
        orientation = np.where(where[:, None], turned, frame.orientation)
        return replace(frame, status=status, orientation=orientation)
