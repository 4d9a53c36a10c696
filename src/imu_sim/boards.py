"""Boards on the skin as functions of the weights, with analytic rates.

The centre of a skin patch and its two tangents are linear in the weights (`face_model.skin`), so that velocity and
acceleration of a board follow from the derivatives of the weights without any numerical differentiation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, rotation
from face_model.layout import SensorLayout
from face_model.skin import SkinPatches, skin_patches
from imu_sim.motion import Floats
from imu_sim.physics import BoardState
from imu_sim.wearer import Wearer


@dataclass(frozen=True)
class LinearBoards:
    """`S` boards; row 0 of the first axis of a table is the neutral face, rows 1 to 52 the change at weight 1.

    Attributes:
        centre: (53, S, 3) m, `face_head`.
        tangents: (53, 2, S, 3) directions on the skin along the board's x (up) and y, any length.
        mount: (S, 4) sensor frame to board frame; the board's z is x cross y, out of the skin.
    """

    centre: Floats
    tangents: Floats
    mount: Floats

    @classmethod
    def of(cls, patches: SkinPatches) -> LinearBoards:
        """Tables of `skin_patches`' result."""
        centre = np.concatenate([patches.centres[None], patches.centre_deltas])
        tangents = np.concatenate([patches.tangents[None], patches.tangent_deltas])
        return cls(
            centre, np.ascontiguousarray(np.moveaxis(tangents, -1, 1)), np.asarray(patches.mount, dtype=np.float64)
        )

    @property
    def sensors(self) -> int:
        """Number of boards `S`."""
        return int(self.mount.shape[0])

    def state(self, weights: Floats, velocity: Floats, acceleration: Floats) -> BoardState:
        """Boards at `T` times from the weights (T, 52) and their first and second derivative by time.

        The board is the nearest square one to its two tangents within their plane, as in `SkinPatches.board_poses`.
        """
        along, rates = _at(self.tangents, weights), _rate(self.tangents, velocity)
        a, b, a_rate, b_rate = along[:, 0], along[:, 1], rates[:, 0], rates[:, 1]
        z, z_rate = _unit(rotation.cross(a, b), rotation.cross(a_rate, b) + rotation.cross(a, b_rate))
        up, up_rate = a + rotation.cross(b, z), a_rate + rotation.cross(b_rate, z) + rotation.cross(b, z_rate)
        x, x_rate = _unit(up, up_rate)
        y = rotation.cross(z, x)
        # Of any rotating frame: omega = z x dz/dt + (dx/dt . y) z.
        omega = rotation.cross(z, z_rate) + np.sum(x_rate * y, axis=-1, keepdims=True) * z
        board = rotation.from_matrix(np.stack([x, y, z], axis=-1))
        return BoardState(
            position=_at(self.centre, weights),
            velocity=_rate(self.centre, velocity),
            acceleration=_rate(self.centre, acceleration),
            orientation=np.asarray(rotation.multiply(board, np.broadcast_to(self.mount, board.shape))),
            angular_velocity=np.asarray(omega),
        )


def boards_on(wearer: Wearer, layout: SensorLayout) -> LinearBoards:
    """The boards of a layout on a wearer.

    Raises:
        FaceModelError: the face has no skin at a sensor's place.
    """
    return LinearBoards.of(
        skin_patches(wearer.rig, layout, place_offset_m=wearer.attachment.place_offset_m, mount=wearer.attachment.mount)
    )


def _at(table: Floats, weights: Floats) -> Floats:
    return np.asarray(table[0] + _rate(table, weights))


def _rate(table: Floats, change: Floats) -> Floats:
    return np.asarray((change @ table[1:].reshape(arkit.COUNT, -1)).reshape(len(change), *table.shape[1:]))


def _unit(vector: NDArray[np.floating], rate: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Unit vectors (..., 3) along `vector`, and their rate of change."""
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    unit = vector / length
    across = rate - np.sum(rate * unit, axis=-1, keepdims=True) * unit
    return np.asarray(unit), np.asarray(across / length)
