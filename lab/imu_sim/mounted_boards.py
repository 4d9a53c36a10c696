"""Boards on the skin as functions of time, with exact derivatives.

The chip's position and the two tangents of a skin patch are linear in the activations (`face_model.skin`), and those of
the control points of the weights are control points of the board's own curves: nine numbers for each board, whose
derivatives are known. Activations of correctives, which are products of weights, are taken at the control points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from face_model import rotation
from face_model.layout import SensorLayout
from face_model.rig import activations
from face_model.skin import skin_patches
from imu_sim.attachment import Attachment
from imu_sim.motion import Floats
from imu_sim.splines import SampledSpline, Sampling, UniformSpline
from imu_sim.subject import Subject
from imu_sim.vectors import cross, dot, with_length


@dataclass(frozen=True)
class BoardState:
    """`S` boards at `N` times, component by component, relative to the head.

    Attributes:
        position: (3, S, N) of the chip, `face_head` axes, m.
        velocity: (3, S, N) m/s.
        acceleration: (3, S, N) m/s2.
        axes: (3, 3, S, N) the board's x (up the skin), y and z (outwards), each in `face_head` axes.
        angular_velocity: (3, S, N) of the board relative to the head, in its own axes, rad/s.
    """

    position: Floats
    velocity: Floats
    acceleration: Floats
    axes: Floats
    angular_velocity: Floats


@dataclass(frozen=True)
class MountedBoards:
    """`S` boards on a face.

    Attributes:
        table: (1 + A, 3, 3, S) chip position in m and tangents along the board's x and y, each by component in
            `face_head`; row 0 is the neutral face, the others the change at each activation 1.
        pairs: the rig's, to compute activations from weights.
        attachment: how the boards were glued on.
    """

    table: Floats
    pairs: tuple[tuple[int, int], ...]
    attachment: Attachment

    @property
    def sensors(self) -> int:
        """Number of boards `S`."""
        return int(self.table.shape[-1])

    @property
    def neutral_orientation(self) -> Floats:
        """Sensor frame to `face_head` on a neutral face, (S, 4)."""
        x, y = self.table[0, 1:]
        board = rotation.from_matrix(np.moveaxis(np.stack([x, y, cross(x, y)]), (0, 1), (-1, -2)))
        return np.asarray(rotation.multiply(board, self.attachment.mount))

    def curves(self, weights: UniformSpline) -> UniformSpline:
        """Chip positions and tangents, (9 S) curves, of a face that moves by `weights` (52 curves)."""
        active = activations(weights.points.T, self.pairs)
        points = self.table[0].reshape(-1) + active @ self.table[1:].reshape(len(self.table) - 1, -1)
        return replace(weights, points=np.ascontiguousarray(points.T))

    def moving(self, weights: UniformSpline, sampling: Sampling) -> MovingBoards:
        """The boards on a regular sampling."""
        return MovingBoards(self, self.curves(weights), sampling)


class MovingBoards:
    """Boards at the samples of a regular sampling."""

    def __init__(self, boards: MountedBoards, curves: UniformSpline, sampling: Sampling) -> None:
        self._sensors = boards.sensors
        chips = 3 * boards.sensors
        self._chip, self._tangents = (
            SampledSpline(replace(curves, points=np.ascontiguousarray(points)), sampling)
            for points in (curves.points[:chips], curves.points[chips:])
        )

    def __call__(self, first: int, count: int) -> BoardState:
        """The boards at samples `first` and following."""
        position, velocity, acceleration = (
            each.reshape(3, self._sensors, count) for each in self._chip(first, count, range(3))
        )
        tangents, rates = (each.reshape(2, 3, self._sensors, count) for each in self._tangents(first, count, range(2)))
        return board_state(position, velocity, acceleration, tangents, rates)


def board_state(
    position: Floats, velocity: Floats, acceleration: Floats, tangents: Floats, tangent_rates: Floats
) -> BoardState:
    """State of boards from the motion of their chip (3, S, N) and tangents (2, 3, S, N).

    A board is the nearest square one to its two tangents within their plane, by polar decomposition: the tangents'
    components along its axes are the right stretch tensor U.
    """
    (a, b), (a_rate, b_rate) = tangents, tangent_rates
    axes = np.empty((3, *a.shape))
    area, axes[2] = with_length(cross(a, b))
    trace, axes[0] = with_length(a + cross(b, axes[2]))  # the length is the trace of U, as b x z . x = b . y
    axes[1] = cross(axes[2], axes[0])
    x, y, z = axes
    ux, uxy, uy = dot(a, x), dot(a, y), dot(b, y)
    a_out, b_out = dot(a_rate, z), dot(b_rate, z)
    # The tangents stay in the board's plane and U stays symmetric: three equations for the rates.
    rate = np.empty_like(a)
    rate[0] = (ux * b_out - uxy * a_out) / area
    rate[1] = (uxy * b_out - uy * a_out) / area
    rate[2] = (dot(a_rate, y) - dot(b_rate, x)) / trace
    return BoardState(position, velocity, acceleration, axes, rate)


def board_orientation(state: BoardState, mount: Floats) -> Floats:
    """Sensor frame to `face_head`, (N, S, 4), for mounts (S, 4)."""
    board = rotation.from_matrix(np.moveaxis(state.axes, (0, 1), (-1, -2)))
    return np.swapaxes(rotation.multiply(board, np.broadcast_to(mount[:, None], board.shape)), 0, 1)


def boards_on(subject: Subject, layout: SensorLayout) -> MountedBoards:
    """The boards of a layout on a subject.

    Raises:
        FaceModelError: the face has no skin at a sensor's place.
    """
    glued = subject.attachment
    patches = skin_patches(
        subject.rig, layout, glued.patch_radius_m, place_offset_m=glued.place_offset_m, mount=glued.mount
    )
    tangents, deltas = (np.asarray(each, dtype=np.float64) for each in (patches.tangents, patches.tangent_deltas))
    deltas = deltas + _tilt(tangents, deltas, glued.tilt_rad)
    chip, chip_deltas = _chip(tangents, deltas, glued.chip_m)
    neutral = np.stack([patches.centres + chip, tangents[..., 0], tangents[..., 1]])
    moves = np.stack([patches.centre_deltas + chip_deltas, deltas[..., 0], deltas[..., 1]], axis=1)
    table = np.swapaxes(np.concatenate([neutral[None], moves]), -1, -2)
    return MountedBoards(np.ascontiguousarray(table, dtype=np.float64), patches.pairs, glued)


def _chip(tangents: Floats, deltas: Floats, chip_m: Floats) -> tuple[Floats, Floats]:
    """The chip's place from the patch's centre, (S, 3), and its change with each activation, (A, S, 3), m.

    It moves with the tangents and, for its height, with the normal to first order in their change: exact to 0.1 mm for
    a board that turns by 20 degrees, and linear, so that it costs nothing afterwards.
    """
    normal = np.cross(tangents[..., 0], tangents[..., 1])
    place = np.einsum("sct,st->sc", tangents, chip_m[:, :2]) + normal * chip_m[:, 2:]
    leaning = np.einsum("asct,sc->ast", deltas, normal)
    change = np.einsum("asct,st->asc", deltas, chip_m[:, :2])
    return place, change - chip_m[:, 2:] * np.einsum("ast,sct->asc", leaning, tangents)


def _tilt(tangents: Floats, deltas: Floats, tilt_rad: Floats) -> Floats:
    """Change of the tangents, (A, S, 3, 2), as the board tilts by the strain of the skin under it.

    The strain of each displacement at activation 1 is U - I (Biot), which the skin's turning leaves alone; strains of
    several add up, and so do small tilts.
    """
    moved = np.moveaxis(tangents + deltas, (-1, -2), (0, 1))
    a, b = moved
    z = with_length(cross(a, b))[1]
    x = with_length(a + cross(b, z))[1]
    strain = np.stack([dot(a, x), dot(b, cross(z, x))], axis=-1) - 1.0
    # A tilt about y lowers x, one about x lifts y.
    lift = np.stack([-tilt_rad[:, 1] * strain[..., 0], tilt_rad[:, 0] * strain[..., 1]], axis=-1)
    normal = np.cross(tangents[..., 0], tangents[..., 1])
    return np.asarray(lift[:, :, None, :] * normal[:, :, None])
