"""A recording as 16-bit counts and back: half the size of float32, and what an IMU delivers anyway.

Largest errors, half a count each: quaternion components 1.53e-5 (a rotation of at most 6.1e-5 rad, 0.0035 degrees, as
on the hub's wire), weights 3.05e-5, angular velocity and specific force half a count of the part's range; signals that
a 16-bit part already quantised come back unchanged up to float32 rounding. Half-precision floats are as large and
coarser: wrong by up to 4 mm/s2 at the 9.8 m/s2 of gravity, against 1.2 for 16 bits over 8 standard gravities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from face_model import arkit
from imu_sim.errors import DatasetError
from imu_sim.recording import Recording

QUATERNION_COUNT = 1.0 / 32767.0
"""Quaternion component of one count, as in docs/protocol.md."""

WEIGHT_COUNT = 1.0 / 16384.0
"""Blendshape weight of one count: 0, 0.5 and 1 are exact, the range is -2 to 2."""

_FULL = 32768
"""Counts at the end of a range."""

SIGNALS = ("orientation", "angular_velocity", "specific_force", "valid", "weights", "head_orientation")
"""Arrays of a stored take; each has the samples as its first axis."""


@dataclass(frozen=True)
class CountScale:
    """SI value of one count.

    Attributes:
        gyro_rad_s: angular velocity, rad/s.
        accel_m_s2: specific force, m/s2.
    """

    gyro_rad_s: float
    accel_m_s2: float

    @classmethod
    def of_ranges(cls, gyro_rad_s: float, accel_m_s2: float) -> CountScale:
        """Scale of a 16-bit part with these full scales, in rad/s and m/s2."""
        return cls(gyro_rad_s / _FULL, accel_m_s2 / _FULL)

    @classmethod
    def fitting(cls, recording: Recording) -> CountScale:
        """The finest scale that holds this recording, where no part is known."""
        peaks = (
            float(np.abs(signal[recording.valid]).max(initial=1e-6))
            for signal in (recording.angular_velocity, recording.specific_force)
        )
        return cls(*(peak / (_FULL - 1) for peak in peaks))


def encode(recording: Recording, scale: CountScale) -> dict[str, NDArray[np.int16] | NDArray[np.bool_]]:
    """Arrays of a recording as counts, by the names in `SIGNALS`. What is not valid becomes zero.

    Raises:
        DatasetError: a valid value is not finite or beyond the range.
    """
    valid = np.asarray(recording.valid, dtype=np.bool_)
    sensed = {
        "orientation": (recording.orientation, QUATERNION_COUNT),
        "angular_velocity": (recording.angular_velocity, scale.gyro_rad_s),
        "specific_force": (recording.specific_force, scale.accel_m_s2),
    }
    counts = {
        name: _counts(np.where(valid[..., None], values, 0.0), count, f"{name} of take {recording.take}")
        for name, (values, count) in sensed.items()
    }
    weights = _counts(recording.weights, WEIGHT_COUNT, f"weights of take {recording.take}")
    head = _counts(recording.head_orientation, QUATERNION_COUNT, f"head_orientation of take {recording.take}")
    return {**counts, "valid": valid, "weights": weights, "head_orientation": head}


def decode(name: str, counts: NDArray[np.generic], scale: CountScale) -> NDArray[np.float32] | NDArray[np.bool_]:
    """Array `name` of `SIGNALS` in SI units as float32, `valid` as bool."""
    if name == "valid":
        return np.asarray(counts, dtype=np.bool_)
    value = {
        "orientation": QUATERNION_COUNT,
        "angular_velocity": scale.gyro_rad_s,
        "specific_force": scale.accel_m_s2,
        "weights": WEIGHT_COUNT,
        "head_orientation": QUATERNION_COUNT,
    }[name]
    values: NDArray[np.float32] = np.multiply(counts, np.float32(value), dtype=np.float32)
    return values


def sizes(samples: int, sensors: int) -> Mapping[str, tuple[int, ...]]:
    """Shape of each array of a stored take."""
    return {
        "orientation": (samples, sensors, 4),
        "angular_velocity": (samples, sensors, 3),
        "specific_force": (samples, sensors, 3),
        "valid": (samples, sensors),
        "weights": (samples, arkit.COUNT),
        "head_orientation": (samples, 4),
    }


def bytes_per_sample(sensors: int) -> int:
    """Size of one sample of a stored take."""
    return sum((1 if name == "valid" else 2) * int(np.prod(shape)) for name, shape in sizes(1, sensors).items())


def _counts(values: ArrayLike, count: float, what: str) -> NDArray[np.int16]:
    found = np.asarray(values, dtype=np.float64) / count
    # The end of a range is 32768 counts, one more than int16 holds: stored as 32767, as a saturated part reports it.
    if not np.all(np.abs(found) <= _FULL + 0.5):  # NaN compares false
        worst = float(np.abs(found).max()) * count
        raise DatasetError(f"{what}: expected finite values up to {_FULL * count:.4g}, found {worst:.4g}")
    return np.clip(np.rint(found), -_FULL, _FULL - 1).astype(np.int16)
