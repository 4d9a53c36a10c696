"""From a trajectory to what the hub's units measure, block by block: physics, sensor errors, orientation fusion.

The same class serves data sets (one big block) and the simulated hub (0.1 s at a time): any split gives the same
values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model import rotation
from imu_sim.boards import LinearBoards
from imu_sim.fusion import OrientationFusion, oversampling
from imu_sim.kinematics import Trajectory
from imu_sim.motion import Floats
from imu_sim.parts import SensorPart
from imu_sim.physics import ImuTruth, imu_truth
from imu_sim.sensor import SensorBank

WARM_UP_S = 3.0
"""The units have been on for a while when a stream starts: the filters have found gravity and some of the bias."""


@dataclass(frozen=True)
class Frames:
    """`N` samples of `S` units.

    Attributes:
        orientation: (N, S, 4) as fused, sensor frame to an earth frame with z up, heading arbitrary.
        angular_velocity: (N, S, 3) rad/s, sensor frame, as measured.
        specific_force: (N, S, 3) m/s2, sensor frame, as measured.
        gyro_saturated: (N, S).
        accel_saturated: (N, S).
    """

    orientation: Floats
    angular_velocity: Floats
    specific_force: Floats
    gyro_saturated: NDArray[np.bool_]
    accel_saturated: NDArray[np.bool_]


class ImuStream:
    """Samples of all units at `rate_hz`: sample `k` is motion time `start_s + k / rate_hz`.

    Args:
        trajectory: what the face does.
        boards: where the units sit.
        part: what each unit is.
        rate_hz: samples per second.
        seed: of the errors; the same seed gives the same bias and the same noise.
        start_s: motion time of sample 0, s.
    """

    def __init__(
        self,
        trajectory: Trajectory,
        boards: LinearBoards,
        part: SensorPart,
        rate_hz: float,
        seed: int,
        start_s: float = 0.0,
    ) -> None:
        self.rate_hz = float(rate_hz)
        self.trajectory = trajectory
        self._boards = boards
        self._start_s = start_s
        self._per_frame = oversampling(rate_hz)
        self._internal_hz = self._per_frame * self.rate_hz
        self._bank = SensorBank(part, boards.sensors, self._internal_hz, 1, np.random.default_rng([seed, 0x5E25]))
        self._fusion = OrientationFusion(boards.sensors, self._internal_hz)
        self._next = 0
        self._warm_up()

    def _warm_up(self) -> None:
        first = self.truth(np.array([self._start_s]))
        count = round(WARM_UP_S * self._internal_hz)
        shape = (count, self._boards.sensors, 3)
        # A still head in the first pose: no rates, gravity only.
        up = rotation.rotate(rotation.conjugate(first.orientation), np.array([0.0, 0.0, 9.80665]))
        measured = self._bank.measure(np.zeros(shape), np.broadcast_to(up, shape))
        self._fusion.update(measured.angular_velocity, measured.specific_force)

    def truth(self, times_s: Floats) -> ImuTruth:
        """Ideal signals at motion times (T,), s."""
        weights, velocity, acceleration = (self.trajectory.weights(times_s, d) for d in (0, 1, 2))
        return imu_truth(self.trajectory.head(times_s), self._boards.state(weights, velocity, acceleration))

    def times(self, first: int, frames: int) -> Floats:
        """Motion times (frames,) of samples `first` and following, s."""
        return self._start_s + np.arange(first, first + frames) / self.rate_hz

    def next(self, frames: int) -> Frames:
        """The next `frames` samples."""
        m = self._per_frame
        # The last internal reading of a period is the one at the sample's time.
        internal = np.arange(self._next * m - (m - 1), (self._next + frames - 1) * m + 1)
        ideal = self.truth(self._start_s + internal / self._internal_hz)
        measured = self._bank.measure(ideal.angular_velocity, ideal.specific_force)
        orientation = self._fusion.update(measured.angular_velocity, measured.specific_force)
        self._next += frames
        last = slice(m - 1, None, m)
        shape = (frames, m, self._boards.sensors)
        return Frames(
            orientation=orientation[last],
            angular_velocity=measured.angular_velocity[last],
            specific_force=measured.specific_force[last],
            gyro_saturated=np.asarray(measured.gyro_saturated.reshape(shape).any(axis=1)),
            accel_saturated=np.asarray(measured.accel_saturated.reshape(shape).any(axis=1)),
        )
