"""How each sensor did since it was last asked: rate, gaps, age, saturation, rest. No ROS, no clock."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model.imu_sample import (
    STATUS_ACCEL_SATURATED,
    STATUS_FAULT,
    STATUS_GYRO_SATURATED,
    STATUS_MISSING,
    STATUS_UNUSABLE,
    STATUS_USABLE,
    ImuSample,
)

LOOK_S: Final = 0.1
"""Between two samples that are kept to tell rest from motion: every sample would cost more and tell no more."""

LOOKS: Final = 12
"""Samples kept for that: a good second."""

REST_RATE_RAD_S: Final = 0.03
"""Angular velocities within this of their mean are those of a sensor at rest: four times the noise of a QMI8658 at a
bandwidth of 50 Hz (0.015 deg/s/sqrt(Hz), config/parts) leaves half of it for a wearer who breathes."""

REST_FORCE_M_S2: Final = 0.25
"""The same for the specific force."""

REST_MOST_RAD_S: Final = 0.35
"""A mean angular velocity above this, 20 deg/s, is a turn: no part in config/parts has such an offset."""


@dataclass(frozen=True)
class Tally:
    """Counts of each of `S` sensors since the hub was made; (S,) arrays.

    Attributes:
        samples: of the whole face, handed on.
        usable: that had everything.
        missing: that the hub did not have.
        faulty: that were refused.
        gyro_saturated: with the gyroscope at the end of its range.
        accel_saturated: the same of the accelerometer.
        usable_s: time of the newest usable one on the host's monotonic clock, s; minus infinity before the first.
    """

    samples: int
    usable: NDArray[np.int64]
    missing: NDArray[np.int64]
    faulty: NDArray[np.int64]
    gyro_saturated: NDArray[np.int64]
    accel_saturated: NDArray[np.int64]
    usable_s: NDArray[np.float64]

    @property
    def saturated(self) -> NDArray[np.int64]:
        """(S,) at the end of either range; a sample at both counts twice."""
        return self.gyro_saturated + self.accel_saturated


@dataclass(frozen=True)
class Stillness:
    """How the sensors lay in the last second; (S,) arrays.

    Attributes:
        known: whether there were enough usable samples to tell.
        at_rest: whether it neither turned nor shook.
        rate_rad_s: size of the mean angular velocity: at rest, the gyroscope's offset.
        force_m_s2: size of the mean specific force: at rest, gravity.
    """

    known: NDArray[np.bool_]
    at_rest: NDArray[np.bool_]
    rate_rad_s: NDArray[np.float64]
    force_m_s2: NDArray[np.float64]


class SensorTally:
    """Follows the samples of one hub; `add` belongs to the hub's thread, the rest to any."""

    def __init__(self, sensors: int) -> None:
        self._lock = threading.Lock()
        self._samples = 0
        self._counts = np.zeros((5, sensors), np.int64)
        self._usable_s = np.full(sensors, -np.inf)
        # The run of samples with one status: hardly ever is there anything to do for a sample but to count it.
        self._run, self._status, self._newest_s = 0, b"", -np.inf
        self._looks: deque[ImuSample] = deque(maxlen=LOOKS)
        self._look_s = -np.inf

    def add(self, sample: ImuSample) -> None:
        """Take in the next sample."""
        status, time_s = sample.status.tobytes(), sample.host_time_s
        with self._lock:
            if status != self._status:
                self._end_run()
                self._status = status
            self._run += 1
            self._newest_s = time_s
            if time_s >= self._look_s:
                self._look_s = time_s + LOOK_S
                self._looks.append(sample)

    def tally(self) -> Tally:
        """The counts up to now."""
        with self._lock:
            self._end_run()
            usable, missing, faulty, gyro, accel = self._counts.copy()
            return Tally(self._samples, usable, missing, faulty, gyro, accel, self._usable_s.copy())

    def stillness(self) -> Stillness:
        """How the sensors lay lately."""
        with self._lock:
            looks = list(self._looks)
        sensors = self._counts.shape[1]
        if len(looks) < LOOKS:
            none = np.zeros(sensors)
            return Stillness(none > 0.0, none > 0.0, none, none)
        usable: NDArray[np.bool_] = np.logical_and.reduce([sample.valid for sample in looks])
        rates = np.stack([sample.angular_velocity for sample in looks]).astype(np.float64)
        forces = np.stack([sample.specific_force for sample in looks]).astype(np.float64)
        rate, force = rates.mean(axis=0), forces.mean(axis=0)
        rate_size, force_size = np.linalg.norm(rate, axis=1), np.linalg.norm(force, axis=1)
        still = (
            (np.linalg.norm(rates - rate, axis=2).max(axis=0) < REST_RATE_RAD_S)
            & (np.linalg.norm(forces - force, axis=2).max(axis=0) < REST_FORCE_M_S2)
            & (rate_size < REST_MOST_RAD_S)
        )
        at_rest: NDArray[np.bool_] = usable & still
        return Stillness(usable, at_rest, rate_size, force_size)

    def _end_run(self) -> None:
        run, self._run = self._run, 0
        if not run:
            return
        status = np.frombuffer(self._status, np.uint8)
        if len(status) != self._counts.shape[1]:
            return
        usable = (status & (STATUS_USABLE | STATUS_UNUSABLE)) == STATUS_USABLE
        self._samples += run
        self._counts[0] += run * usable
        for row, bit in enumerate((STATUS_MISSING, STATUS_FAULT, STATUS_GYRO_SATURATED, STATUS_ACCEL_SATURATED), 1):
            self._counts[row] += run * ((status & bit) != 0)
        self._usable_s[usable] = self._newest_s
