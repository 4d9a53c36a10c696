"""What an IMU on a moving board feels: angular velocity and specific force, block by block.

Rigid-body kinematics in a moving frame: P. Zipfel, "Modeling and Simulation of Aerospace Vehicle Dynamics", 2007,
chapters 4 and 5; any mechanics text has the same formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model import rotation
from face_model.frames import GRAVITY_M_S2
from imu_sim.kinematics import HeadState, Motion
from imu_sim.motion import Floats
from imu_sim.mounted_boards import BoardState, MountedBoards, board_orientation
from imu_sim.splines import Sampling
from imu_sim.tissue import TissueFilter
from imu_sim.vectors import cross


@dataclass(frozen=True)
class ImuTruth:
    """What ideal IMUs measure, for `S` sensors at `N` times, component by component.

    Attributes:
        angular_velocity: (3, S, N) rad/s.
        specific_force: (3, S, N) m/s2; +9.81 on the axis that points up at rest.
    """

    angular_velocity: Floats
    specific_force: Floats


def imu_truth(head: HeadState, boards: BoardState) -> ImuTruth:
    """Ideal signals of boards that move on a moving head, in the boards' axes.

    The specific force is the acceleration of the chip against free fall: of the head's origin, minus gravity, plus
    Euler, centripetal, Coriolis and relative terms of the chip's lever arm.
    """
    against_free_fall = head.acceleration + np.array([0.0, 0.0, GRAVITY_M_S2])
    origin = rotation.rotate(rotation.conjugate(head.orientation), against_free_fall).T
    omega, alpha = head.angular_velocity.T, head.angular_acceleration.T
    turning = omega[:, None]
    force = boards.acceleration + origin[:, None]
    force += cross(alpha[:, None], boards.position)
    force += cross(turning, cross(turning, boards.position) + 2.0 * boards.velocity)
    return ImuTruth(
        angular_velocity=boards.angular_velocity + np.einsum("ijsn,jn->isn", boards.axes, omega),
        specific_force=np.einsum("ijsn,jsn->isn", boards.axes, force),
    )


class IdealImus:
    """Ideal signals of all units of a face at the samples of a regular sampling.

    Args:
        motion: what the face and the head do.
        boards: where the units sit.
        sampling: times.
        first: sample at which `next` begins.
    """

    def __init__(self, motion: Motion, boards: MountedBoards, sampling: Sampling, first: int = 0) -> None:
        self._head = motion.head_on(sampling)
        self._boards = boards.moving(motion.weight_spline, sampling)
        self._mount = boards.attachment.mount
        self._to_sensor = rotation.to_matrix(rotation.conjugate(self._mount))
        self._tissue = TissueFilter(boards.attachment.tissue, sampling.rate_hz)
        self._next = first

    def next(self, count: int) -> ImuTruth:
        """The next `count` samples, in the sensors' axes; any split gives the same values."""
        truth = imu_truth(self._head(self._next, count), self._boards(self._next, count))
        self._next += count
        force, rate = self._tissue(truth.specific_force, truth.angular_velocity)
        return ImuTruth(self._in_sensors(rate), self._in_sensors(force))

    def orientation(self, first: int, count: int) -> Floats:
        """Sensor frame to earth, (count, S, 4), at samples `first` and following, without what the tissue adds."""
        head = self._head(first, count).orientation[:, None]
        board = board_orientation(self._boards(first, count), self._mount)
        return np.asarray(rotation.multiply(np.broadcast_to(head, board.shape), board))

    def _in_sensors(self, vectors: Floats) -> Floats:
        """Vectors (3, S, N) in board axes, in the sensors' axes."""
        return np.swapaxes(self._to_sensor @ np.swapaxes(vectors, 0, 1), 0, 1)
