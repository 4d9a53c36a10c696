"""All IMUs of one face at one sample time: what a hub delivers, and what the estimator takes in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Bits of `ImuSample.status` and of imusic/ImuFrame.status; a test keeps them equal to the message.
STATUS_VALID: Final = 1
STATUS_ORIENTATION_VALID: Final = 2
STATUS_ORIENTATION_HOST: Final = 4
STATUS_GYRO_SATURATED: Final = 8
STATUS_ACCEL_SATURATED: Final = 16
STATUS_MISSING: Final = 32
STATUS_FAULT: Final = 64

STATUS_USABLE: Final = STATUS_VALID | STATUS_ORIENTATION_VALID
"""Both must be set, and neither of `STATUS_UNUSABLE`, for a sensor's sample to be used."""

STATUS_UNUSABLE: Final = STATUS_MISSING | STATUS_FAULT


@dataclass(frozen=True)
class ImuSample:
    """All `S` sensors of a layout at one sample time; the arrays belong to the receiver.

    Attributes:
        layout_id: of the layout this belongs to.
        sequence: number of the sample, uint32; goes on without a break as long as the hub does not reboot.
        hub_time_s: sample time on the hub's own clock.
        status: (S,) uint8, `STATUS_` bits.
        orientation: (S, 4) float32, unit quaternion x, y, z, w, sensor frame to an earth frame with z up, heading
            arbitrary per sensor; identity where it is not valid.
        angular_velocity: (S, 3) float32, rad/s, sensor frame; zero where the sensor is missing or faulty.
        specific_force: (S, 3) float32, m/s2, sensor frame; zero where the sensor is missing or faulty.
        host_time_s: sample time on the host's monotonic clock; NaN where nobody mapped it.
        arrival_s: when it arrived, on the same clock; NaN where it came from no hub.
    """

    layout_id: int
    sequence: int
    hub_time_s: float
    status: NDArray[np.uint8]
    orientation: NDArray[np.float32]
    angular_velocity: NDArray[np.float32]
    specific_force: NDArray[np.float32]
    host_time_s: float = float("nan")
    arrival_s: float = float("nan")

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """(S,) whether orientation, rate and force of the sensor can be used."""
        usable: NDArray[np.bool_] = (self.status & (STATUS_USABLE | STATUS_UNUSABLE)) == STATUS_USABLE
        return usable


def status_of(valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Status of sensors of which only this is known: usable, or missing."""
    return np.where(valid, STATUS_USABLE, STATUS_MISSING).astype(np.uint8)
