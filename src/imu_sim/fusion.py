"""Orientation as the hub computes it: 6-axis VQF for each sensor, without a magnetometer.

Filter: D. Laidig and T. Seel, "VQF: Highly accurate IMU orientation estimation with bias estimation and magnetic
    disturbance rejection", Information Fusion 91, 2023; package `vqf`. The heading starts where the filter happens to
    start and drifts.
"""

from __future__ import annotations

import numpy as np
from vqf import VQF

from imu_sim.motion import Floats

LEAST_RATE_HZ = 200.0
"""Rate at which sensors are read and fused inside the hub: faster than it sends, which is worth some accuracy."""


def oversampling(rate_hz: float) -> int:
    """How many internal samples the hub takes for each one it sends at `rate_hz`."""
    return max(1, int(np.ceil(LEAST_RATE_HZ / rate_hz - 1e-9)))


class OrientationFusion:
    """One filter for each sensor; chunks of any size give the same result as one batch."""

    def __init__(self, sensors: int, rate_hz: float) -> None:
        self._filters = [VQF(1.0 / rate_hz) for _ in range(sensors)]

    def update(self, angular_velocity: Floats, specific_force: Floats) -> Floats:
        """Signals (N, S, 3) to orientations (N, S, 4), x, y, z, w, sensor frame to an earth frame with z up."""
        count, sensors = angular_velocity.shape[:2]
        # The filter wants each sensor's samples contiguous.
        gyro = np.ascontiguousarray(np.swapaxes(angular_velocity, 0, 1), dtype=np.float64)
        accel = np.ascontiguousarray(np.swapaxes(specific_force, 0, 1), dtype=np.float64)
        out = np.empty((count, sensors, 4))
        for index, each in enumerate(self._filters):
            # VQF returns w, x, y, z.
            out[:, index, [3, 0, 1, 2]] = each.updateBatch(gyro[index], accel[index])["quat6D"]
        return out
