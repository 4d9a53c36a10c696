"""Samples that are ready to be sent: scaled to counts many at a time, since the scaling costs more than the sending."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imu_driver.hubs.imusic_v1.protocol import QUATERNION_SCALE, Fields, Sample, to_counts
from imu_sim.hub.faults import UnitFrames


class SampleBlock:
    """Motion data of consecutive samples, taken one by one.

    Args:
        units: (N, S) samples of units.
        scales: rad/s and m/s2 of one count.
        listed: (S,) bool, the units that the hub tells of.
        quaternion: whether samples carry orientation.
    """

    def __init__(
        self, units: UnitFrames, scales: tuple[float, float], listed: NDArray[np.bool_], quaternion: bool
    ) -> None:
        blocks = [
            to_counts(units.angular_velocity[:, listed], scales[0]),
            to_counts(units.specific_force[:, listed], scales[1]),
        ]
        self._fields = Fields.GYRO | Fields.ACCEL
        if quaternion:
            self._fields |= Fields.QUATERNION
            blocks.insert(0, to_counts(units.orientation[:, listed], QUATERNION_SCALE))
        count = len(units.status)
        # One row holds a sample as it goes over the wire: block after block, each over all units.
        self._motion = np.concatenate([block.reshape(count, -1) for block in blocks], axis=1).astype("<i2")
        self._status = units.status[:, listed]
        self._at = 0

    @property
    def left(self) -> int:
        """Samples not taken yet."""
        return len(self._status) - self._at

    def take(self, sequence: int, hub_time_us: int) -> Sample:
        """The next sample; raises `IndexError` when none is left."""
        row = self._at
        sample = Sample(
            sequence, hub_time_us, int(self._fields), self._status[row].tobytes(), self._motion[row].tobytes()
        )
        self._at += 1
        return sample
