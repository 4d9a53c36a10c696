"""From a trajectory to what the hub's units measure, block by block: physics, sensor errors, orientation fusion.

The same class serves data sets (one big block) and the simulated hub (0.1 s at a time): any split gives the same
values.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from face_model import rotation
from face_model.frames import GRAVITY_M_S2
from imu_sim.chips.compass import Compass
from imu_sim.chips.fusion import OrientationFusion, oversampling
from imu_sim.chips.magnetometer import MagneticScene, MagnetometerBank
from imu_sim.chips.parts import SensorPart, load_magnetometer
from imu_sim.chips.sensor import SensorBank
from imu_sim.kinematics import Motion
from imu_sim.motion import Floats
from imu_sim.mounted_boards import MountedBoards
from imu_sim.physics import IdealImus
from imu_sim.splines import Sampling

WARM_UP_S = 3.0
"""The units have been on for a while when a stream starts: the filters have found gravity and some of the bias."""

PHYSICS_HZ = 1000.0
"""Least rate of the ideal signals: face and tissue move below 100 Hz, and a part's low-pass must see what it cuts."""

_CHUNK_S = 2.0
"""Longest stretch computed at once: shorter ones pay more for Python; the matrix products of longer ones are shared
among threads, which makes them slower."""


@dataclass(frozen=True)
class Frames:
    """`N` samples of `S` units.

    Attributes:
        orientation: (N, S, 4) as fused, sensor frame to an earth frame with z up; heading
            arbitrary without magnetometers, otherwise x east and y north.
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

    Ideal signals are computed at the least multiple of the fusion's rate that reaches `PHYSICS_HZ`.

    Args:
        motion: what the face does, e.g. a `Trajectory`.
        boards: where the units sit.
        part: what each unit is.
        rate_hz: samples per second of motion time.
        seed: of the errors; the same seed gives the same bias and the same noise.
        start_s: motion time of sample 0, s.
        scene: magnetic field around the subject, for fusion with magnetometers; None: fusion without.
    """

    def __init__(
        self,
        motion: Motion,
        boards: MountedBoards,
        part: SensorPart,
        rate_hz: float,
        seed: int,
        start_s: float = 0.0,
        scene: MagneticScene | None = None,
    ) -> None:
        self.rate_hz = float(rate_hz)
        self._motion = motion
        self._start_s = start_s
        self._per_frame = oversampling(rate_hz)
        fusion_hz = self._per_frame * self.rate_hz
        self._decimation = max(1, int(np.ceil(PHYSICS_HZ / fusion_hz - 1e-3)))
        physics_hz = self._decimation * fusion_hz
        # The last ideal value of a period is the one at the sample's time.
        first = 1 - self._per_frame * self._decimation
        self._ideal = IdealImus(motion, boards, Sampling(start_s, physics_hz), first)
        rng = np.random.default_rng([seed, 0x5E25])
        self._bank = SensorBank(part, boards.sensors, physics_hz, self._decimation, rng)
        self._compass = None
        if scene is not None:
            magnetometers = MagnetometerBank(load_magnetometer(), boards.sensors, np.random.default_rng([seed, 0x3A6]))
            sampling = Sampling(start_s, fusion_hz)
            self._compass = Compass(motion, boards, sampling, scene, magnetometers, 1 - self._per_frame)
        self._fusion = OrientationFusion(boards.sensors, fusion_hz, "6d" if scene is None else "9d")
        self._warm_up(round(WARM_UP_S * fusion_hz) * self._decimation)

    def _warm_up(self, count: int) -> None:
        # A still head in the first pose: no rates, gravity only.
        pose = self._ideal.orientation(0, 1)
        up = rotation.rotate(rotation.conjugate(pose), np.array([0.0, 0.0, GRAVITY_M_S2]))
        shape = (count, *up.shape[1:])
        measured = self._bank.measure(np.zeros(shape), np.broadcast_to(up, shape))
        magnetic = None if self._compass is None else self._compass.at_rest(count // self._decimation)
        self._fusion.update(measured.angular_velocity, measured.specific_force, magnetic)

    def times(self, first: int, frames: int) -> Floats:
        """Motion times (frames,) of samples `first` and following, s."""
        return Sampling(self._start_s, self.rate_hz).times(first, frames)

    def weights(self, times_s: Floats) -> Floats:
        """True weights (T, 52) at motion times (T,), s."""
        return np.asarray(self._motion.weight_spline(times_s).T)

    def head(self, time_s: float) -> Floats:
        """The head's quaternion (4,), `face_head` to earth, at a motion time, s."""
        return np.asarray(self._motion.head_on(Sampling(time_s, self.rate_hz))(0, 1).orientation[0])

    def next(self, frames: int) -> Frames:
        """The next `frames` samples."""
        most = max(1, round(_CHUNK_S * self.rate_hz))
        sizes = [min(most, frames - done) for done in range(0, frames, most)]
        return _joined([self._chunk(size) for size in sizes or [0]])

    def _chunk(self, frames: int) -> Frames:
        m = self._per_frame
        ideal = self._ideal.next(frames * m * self._decimation)
        measured = self._bank.measure(ideal.angular_velocity.T, ideal.specific_force.T)
        magnetic = None if self._compass is None else self._compass.next(frames * m)
        orientation = self._fusion.update(measured.angular_velocity, measured.specific_force, magnetic)
        last = slice(m - 1, None, m)
        shape = (frames, m, orientation.shape[1])
        return Frames(
            orientation=orientation[last],
            angular_velocity=measured.angular_velocity[last],
            specific_force=measured.specific_force[last],
            gyro_saturated=np.asarray(measured.gyro_saturated.reshape(shape).any(axis=1)),
            accel_saturated=np.asarray(measured.accel_saturated.reshape(shape).any(axis=1)),
        )


def _joined(parts: list[Frames]) -> Frames:
    return Frames(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Frames)))
