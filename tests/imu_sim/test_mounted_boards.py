from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face_model import arkit, rotation
from face_model.layout import SensorLayout
from face_model.rig import Corrective, FaceRig
from face_model.skin import skin_patches
from imu_sim.attachment import Attachment, ideal_attachment, random_attachment
from imu_sim.mounted_boards import BoardState, MountedBoards, board_orientation, board_state, boards_on
from imu_sim.splines import Sampling, UniformSpline
from imu_sim.subject import Subject

CHEEK = 5
"""Row of zygomaticus_left in the layout."""


@pytest.fixture(scope="module")
def corrected(rig: FaceRig) -> FaceRig:
    """A rig with an in-between and a combination that are felt."""
    smile, jaw = arkit.INDEX["mouthSmileLeft"], arkit.INDEX["jawOpen"]
    return replace(
        rig,
        correctives=(
            Corrective((jaw, jaw), 0.2 * rig.deltas[jaw]),
            Corrective((smile, jaw), -0.3 * rig.deltas[smile] + 0.1 * rig.deltas[jaw]),
        ),
    )


def glued(rig: FaceRig, layout: SensorLayout, attachment: Attachment) -> MountedBoards:
    return boards_on(Subject("one", rig, attachment), layout)


def held(boards: MountedBoards, weights: np.ndarray) -> BoardState:
    """Boards of a face with constant weights (52,), at one time."""
    spline = UniformSpline(np.repeat(weights[:, None], 12, axis=1), 60.0)
    return boards.moving(spline, Sampling(0.05, 1000.0))(0, 1)


def wandering(seed: int) -> UniformSpline:
    rng = np.random.default_rng(seed)
    return UniformSpline(rng.uniform(0.0, 0.8, (arkit.COUNT, 40)), 20.0)


def test_boards_follow_the_skin_with_correctives(corrected: FaceRig, layout: SensorLayout) -> None:
    boards = glued(corrected, layout, ideal_attachment(layout))
    patches = skin_patches(corrected, layout)
    for weights in np.random.default_rng(2).uniform(0.0, 1.0, (6, arkit.COUNT)):
        position, orientation = patches.board_poses(weights[None])
        state = held(boards, weights)
        np.testing.assert_allclose(state.position[:, :, 0].T, position[0], atol=1e-9)
        mine = board_orientation(state, boards.attachment.mount)[0]
        np.testing.assert_allclose(np.abs(np.sum(mine * orientation[0], axis=-1)), 1.0, atol=1e-9)
        assert np.abs(state.velocity).max() < 1e-9


def test_correctives_move_boards(corrected: FaceRig, rig: FaceRig, layout: SensorLayout) -> None:
    both = np.zeros(arkit.COUNT)
    both[[arkit.INDEX["mouthSmileLeft"], arkit.INDEX["jawOpen"]]] = 1.0
    plain = replace(rig, correctives=())
    moved = (held(glued(each, layout, ideal_attachment(layout)), both).position for each in (corrected, plain))
    assert np.linalg.norm(np.subtract(*moved)[:, CHEEK]) > 0.001


def test_rates_are_derivatives_of_the_pose(corrected: FaceRig, layout: SensorLayout) -> None:
    boards = glued(corrected, layout, random_attachment(layout, np.random.default_rng(4)))
    rate_hz = 20_000.0
    state = boards.moving(wandering(1), Sampling(0.3, rate_hz))(0, 3001)
    step = 1.0 / rate_hz
    found = state.velocity[..., 1:-1]
    np.testing.assert_allclose(found, (state.position[..., 2:] - state.position[..., :-2]) / (2 * step), atol=1e-7)
    second = (state.velocity[..., 2:] - state.velocity[..., :-2]) / (2 * step)
    np.testing.assert_allclose(state.acceleration[..., 1:-1], second, atol=1e-4)
    # Of the skin frame, by small turns between neighbours, in the frame's own axes.
    skin = rotation.from_matrix(np.moveaxis(state.axes, (0, 1), (-1, -2)))
    turn = rotation.multiply(rotation.conjugate(skin[:, :-2]), skin[:, 2:])
    turn = np.where(turn[..., 3:] < 0.0, -turn, turn)
    expected = np.moveaxis(rotation.to_vector(turn), -1, 0) / (2 * step)
    assert np.abs(expected).max() > 0.5
    # The small turn is in the axes of the first; the middle one's differ by a hundredth of a degree.
    np.testing.assert_allclose(state.angular_velocity[..., 1:-1], expected, atol=2e-3)


def test_the_nearest_square_board_shares_the_shear_between_its_sides() -> None:
    x, y = np.array([1.0, 0.0, 0.0]), np.array([0.1, 1.0, 0.0])
    tangents = np.stack([x, y])[..., None, None]
    zero = np.zeros((3, 1, 1))
    state = board_state(zero, zero, zero, tangents, 0.0 * tangents)
    np.testing.assert_allclose(state.axes[0, :, 0, 0], [np.cos(0.05), -np.sin(0.05), 0.0], atol=1e-4)


def normals(rig: FaceRig, layout: SensorLayout, tilt_rad: tuple[float, float], shape: str) -> np.ndarray:
    """Turn of each board, (S, 3) in its neutral axes, from neutral to weight 1 of a shape."""
    attachment = replace(ideal_attachment(layout), tilt_rad=np.tile(tilt_rad, (len(layout.sensors), 1)))
    boards = glued(rig, layout, attachment)
    weights = np.zeros(arkit.COUNT)
    weights[arkit.INDEX[shape]] = 1.0
    before, after = (board_orientation(held(boards, w), attachment.mount)[0] for w in (0.0 * weights, weights))
    return np.asarray(rotation.to_vector(rotation.multiply(rotation.conjugate(before), after)))


def stretched(rig: FaceRig, turn_rad: float) -> FaceRig:
    """jawOpen stretches all skin by 5 % along z, the boards' x, and then turns it about the head's y."""
    neutral = rig.neutral.astype(np.float64)
    turn = rotation.to_matrix(rotation.from_vector(np.array([0.0, turn_rad, 0.0])))
    deltas = np.zeros_like(rig.deltas)
    deltas[arkit.INDEX["jawOpen"]] = (neutral * [1.0, 1.0, 1.05]) @ turn.T - neutral
    return replace(rig, deltas=deltas, correctives=())


def test_a_board_tilts_by_the_strain_of_the_skin_and_not_by_its_turn(rig: FaceRig, layout: SensorLayout) -> None:
    level = layout.names.index("mentalis")
    for turn_rad in (0.0, 0.4):
        skin = stretched(rig, turn_rad)
        flat, about_y, about_x = (normals(skin, layout, tilt, "jawOpen") for tilt in ((0, 0), (0, 0.4), (0.4, 0)))
        # x of this board is not quite along z, so that the strain is a little less than 5 %.
        assert (about_y - flat)[level, 1] == pytest.approx(0.4 * 0.05, rel=0.25)
        assert abs((about_x - flat)[level, 0]) < 0.2 * 0.4 * 0.05


def test_the_chip_sits_above_the_skin_and_leans_with_it(rig: FaceRig, layout: SensorLayout) -> None:
    chip = np.tile([0.0005, -0.0003, 0.002], (12, 1))
    flat, high = (
        glued(rig, layout, replace(ideal_attachment(layout), chip_m=each)) for each in (np.zeros((12, 3)), chip)
    )
    weights = np.zeros(arkit.COUNT)
    weights[[arkit.INDEX["mouthSmileLeft"], arkit.INDEX["jawOpen"]]] = 0.7
    for each in (np.zeros(arkit.COUNT), weights):
        low, top = held(flat, each), held(high, each)
        lever = np.einsum("acsn,sa->csn", low.axes, chip)
        # First order in the turn of the board, and the in-plane part stretches with the skin.
        np.testing.assert_allclose(top.position - low.position, lever, atol=3e-4)
