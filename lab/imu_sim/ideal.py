"""What ideal IMUs would measure, block by block: motion of the skin, tissue under the boards, crooked mounting."""

from __future__ import annotations

import numpy as np

from face_model import rotation
from imu_sim.kinematics import Motion
from imu_sim.motion import Floats
from imu_sim.mounted_boards import MountedBoards, board_orientation
from imu_sim.physics import ImuTruth, imu_truth
from imu_sim.splines import Sampling
from imu_sim.tissue import TissueFilter


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
