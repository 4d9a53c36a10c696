"""The magnetometers of all units of a moving face, block by block.

Readings stay in the hub, which fuses them: hub protocol v1 has no magnetic field. To send them it would need a bit in a
sample's `fields`, int16[N][3] of counts, and a unit's range in HELLO.
"""

from __future__ import annotations

import numpy as np

from face_model import rotation
from imu_sim.chips.magnetometer import MagneticScene, MagnetometerBank
from imu_sim.kinematics import Motion
from imu_sim.motion import Floats
from imu_sim.mounted_boards import MountedBoards, board_orientation
from imu_sim.splines import Sampling


class Compass:
    """Readings at the samples of a regular sampling; any split gives the same values.

    Args:
        motion: what the face and the head do.
        boards: where the units sit.
        sampling: times.
        scene: what makes a magnetic field.
        bank: the magnetometers.
        first: sample at which `next` begins.
    """

    def __init__(
        self,
        motion: Motion,
        boards: MountedBoards,
        sampling: Sampling,
        scene: MagneticScene,
        bank: MagnetometerBank,
        first: int = 0,
    ) -> None:
        self._head = motion.head_on(sampling)
        self._boards = boards.moving(motion.weight_spline, sampling)
        self._mount = boards.attachment.mount
        self._sampling = sampling
        self._scene = scene
        self._bank = bank
        self._next = first

    def next(self, count: int) -> Floats:
        """The next `count` readings, (count, S, 3), T, sensor axes."""
        field = self._field(self._next, count)
        self._next += count
        return self._bank.measure(field)

    def at_rest(self, count: int) -> Floats:
        """`count` readings (count, S, 3), T, in the pose and the field of sample 0."""
        return self._bank.measure(np.repeat(self._field(0, 1), count, axis=0))

    def _field(self, first: int, count: int) -> Floats:
        head, boards = self._head(first, count).orientation, self._boards(first, count)
        board = board_orientation(boards, self._mount)
        orientation = rotation.multiply(np.broadcast_to(head[:, None], board.shape), board)
        times_s = self._sampling.times(first, count)
        return self._scene.field(np.asarray(orientation), head, boards.position.T, times_s)
