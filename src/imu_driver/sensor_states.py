"""How each sensor does: what `imu/states` says, and when it is worth saying."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_model.imu_sample import STATUS_ACCEL_SATURATED, STATUS_FAULT, STATUS_GYRO_SATURATED, STATUS_MISSING

PERIOD_S = 1.0
"""States are published at least this often while samples come."""

CHANGE_PERIOD_S = 0.1
"""A change is published at once, but not sooner after another publication: a sensor at the edge of its range may change
with every sample."""

_TROUBLE = np.uint8(STATUS_GYRO_SATURATED | STATUS_ACCEL_SATURATED | STATUS_MISSING | STATUS_FAULT)
"""Bits of trouble, remembered in `lately`."""


class StatesWatch:
    """Follows the status of all sensors from sample to sample; no ROS, no clock.

    Attributes:
        lately: (S,) uint8, the bits of trouble that any sample of the last one to two seconds had.
    """

    def __init__(self) -> None:
        self.lately: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._published = b""
        self._published_s = float("-inf")
        self._next_s = float("-inf")
        self._before: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._now: NDArray[np.uint8] = np.zeros(0, np.uint8)

    def due(self, status: bytes, taken_s: float) -> bool:
        """Take in the next sample; whether the states are to be published with it.

        Args:
            status: (S,) `STATUS_` bits.
            taken_s: time of the sample, never earlier than the one before.
        """
        if status == self._published and taken_s < self._next_s:
            return False
        found = np.frombuffer(status, np.uint8)
        if len(found) != len(self._now):
            self._before = self._now = np.zeros(len(found), np.uint8)
        self._now = self._now | (found & _TROUBLE)
        if taken_s >= self._next_s:
            self.lately = self._before | self._now
            self._before, self._now = self._now, found & _TROUBLE
            self._next_s = taken_s + PERIOD_S
        elif taken_s < self._published_s + CHANGE_PERIOD_S:
            return False
        else:
            self.lately = self._before | self._now
        self._published, self._published_s = status, taken_s
        return True
