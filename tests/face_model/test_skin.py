"""Sensors on the skin: they land where the layout says, point outwards, and move with their patch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from face_model import arkit, rotation
from face_model.errors import FaceModelError
from face_model.layout import SensorLayout, load_layout
from face_model.rig import LANDMARKS, Corrective, FaceRig
from face_model.skin import SkinPatches, place_on_skin, skin_patches
from imu_sim.head import build_head

LAYOUT = Path(__file__).resolve().parents[2] / "config" / "layouts" / "face_12.yaml"
OUTWARD = np.array([0.0, 0.0, 1.0])
UPWARD = np.array([1.0, 0.0, 0.0])


@pytest.fixture(scope="module")
def layout() -> SensorLayout:
    return load_layout(LAYOUT)


@pytest.fixture(scope="module")
def patches(layout: SensorLayout) -> SkinPatches:
    return skin_patches(build_head(), layout)


def weights_of(**shapes: float) -> NDArray[np.float64]:
    weights = np.zeros((1, arkit.COUNT))
    for name, value in shapes.items():
        weights[0, arkit.INDEX[name]] = value
    return weights


def tilt_deg(patches: SkinPatches, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle between each board's normal and its neutral normal, (S,)."""
    normals = [rotation.rotate(patches.board_poses(w)[1][0], OUTWARD) for w in (0.0 * weights, weights)]
    return np.degrees(np.arccos(np.clip(np.sum(normals[0] * normals[1], axis=-1), -1.0, 1.0)))


def paper(curl: float = 0.0) -> FaceRig:
    """A sheet of skin facing x that jawOpen turns about y by a small angle and jawForward moves forward."""
    grid = np.linspace(-0.1, 0.1, 41)
    y, z = (a.ravel() for a in np.meshgrid(grid, grid))
    sheet = np.stack([curl * (y**2 + z**2), y, z], axis=-1)
    index = np.arange(41 * 41).reshape(41, 41)
    a, b, c, d = (i.ravel() for i in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    deltas = np.zeros((arkit.COUNT, len(sheet), 3), dtype=np.float32)
    deltas[arkit.INDEX["jawForward"], :, 0] = 0.01
    angle = 0.1
    turned = np.stack([np.sin(angle) * z, y, np.cos(angle) * z], axis=-1)
    deltas[arkit.INDEX["jawOpen"]] = turned - np.stack([0.0 * z, y, z], axis=-1)
    marks = dict.fromkeys(LANDMARKS, 0)
    place = {"pupil_left": (0.03, 0.03), "pupil_right": (-0.03, 0.03)}
    place |= {"mouth_corner_left": (0.02, -0.03), "mouth_corner_right": (-0.02, -0.03)}
    for name, (at_y, at_z) in place.items():
        marks[name] = int(np.argmin(np.hypot(y - at_y, z - at_z)))
    return FaceRig(
        name="paper",
        neutral=sheet.astype(np.float32),
        triangles=np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)]).astype(np.int32),
        deltas=deltas,
        colors=np.zeros((len(sheet), 3), dtype=np.uint8),
        parts={"skin": slice(0, len(sheet))},
        landmarks=marks,
        lip_vertices=np.array([0], dtype=np.int32),
    )


def test_place_is_in_units_of_pupils_and_mouth() -> None:
    rig = paper()
    np.testing.assert_allclose(place_on_skin(rig, (1.0, 0.0)), [0.0, 0.03, 0.03], atol=1e-7)
    np.testing.assert_allclose(place_on_skin(rig, (-2.0, -1.0)), [0.0, -0.06, -0.03], atol=1e-7)


def test_place_takes_the_foremost_skin() -> None:
    # The midline of the head is hit twice: on the face and at the back.
    assert place_on_skin(build_head(), (0.0, 0.5))[0] > 0.08


def test_place_beside_the_face_is_an_error_that_names_it() -> None:
    with pytest.raises(FaceModelError, match=r"place \(9.0, 0.0\)"):
        place_on_skin(build_head(), (9.0, 0.0))


def test_sensors_land_on_the_skin_and_point_outwards(patches: SkinPatches, layout: SensorLayout) -> None:
    rig = build_head()
    positions, quaternions = patches.board_poses(np.zeros((1, arkit.COUNT)))
    for i in layout.skin_indices:
        place = layout.sensors[i].place
        assert place is not None
        assert np.linalg.norm(positions[0, i] - place_on_skin(rig, place)) < 0.0006
        normal = rotation.rotate(quaternions[0, i], OUTWARD)
        assert normal @ (positions[0, i] - np.array([0.0, 0.0, 0.0])) > 0.0
        assert normal[0] > 0.4
        assert rotation.rotate(quaternions[0, i], UPWARD)[2] > 0.9


def test_left_and_right_sensors_mirror_each_other(patches: SkinPatches, layout: SensorLayout) -> None:
    flip = np.array([1.0, -1.0, 1.0])
    for left, name in enumerate(layout.names):
        if name.endswith("_left"):
            right = layout.names.index(name.removesuffix("left") + "right")
            np.testing.assert_allclose(patches.centres[right], patches.centres[left] * flip, atol=1e-7)
            np.testing.assert_allclose(
                patches.centre_deltas[list(arkit.MIRROR), right],
                patches.centre_deltas[: arkit.COUNT, left] * flip,
                atol=1e-7,
            )


def test_neutral_weights_give_the_neutral_pose(patches: SkinPatches) -> None:
    positions, quaternions = patches.board_poses(np.zeros((3, arkit.COUNT)))
    np.testing.assert_array_equal(positions, np.broadcast_to(patches.centres, positions.shape))
    turned = rotation.to_matrix(quaternions[1])
    np.testing.assert_allclose(turned[..., :2], patches.tangents, atol=1e-6)


def test_skull_unit_never_moves(patches: SkinPatches, layout: SensorLayout) -> None:
    skull = layout.sensors[layout.reference_index].skull
    assert skull is not None
    positions, quaternions = patches.board_poses(np.random.default_rng(0).uniform(size=(20, arkit.COUNT)))
    i = layout.reference_index
    np.testing.assert_allclose(positions[:, i], np.broadcast_to(skull.position_m, (20, 3)))
    apart = rotation.multiply(rotation.conjugate(quaternions[:, i]), np.array(skull.orientation))
    np.testing.assert_allclose(rotation.to_vector(apart), 0.0, atol=1e-7)


def test_a_patch_that_is_moved_and_turned_takes_its_board_along(layout: SensorLayout) -> None:
    patches = skin_patches(paper(), layout)
    centre = patches.centres[list(layout.skin_indices)]
    weights = weights_of(jawForward=1.0, jawOpen=1.0)
    positions, quaternions = patches.board_poses(weights)
    for i, c in zip(layout.skin_indices, centre, strict=True):
        expected = [0.01 + np.sin(0.1) * c[2], c[1], np.cos(0.1) * c[2]]
        np.testing.assert_allclose(positions[0, i], expected, atol=1e-6)
        # The sheet's normal was x; its top came forward, so it now looks down.
        normal = rotation.rotate(quaternions[0, i], OUTWARD)
        np.testing.assert_allclose(normal, [np.cos(0.1), 0.0, -np.sin(0.1)], atol=1e-5)


def test_a_curved_sheet_gives_its_slope(layout: SensorLayout) -> None:
    curl = -2.0
    patches = skin_patches(paper(curl), layout)
    for i in layout.skin_indices:
        x, y, z = patches.centres[i]
        slope = np.array([1.0, -2.0 * curl * y, -2.0 * curl * z])
        normal = np.cross(patches.tangents[i][:, 0], patches.tangents[i][:, 1])
        np.testing.assert_allclose(normal, slope / np.linalg.norm(slope), atol=0.02)
        assert x == pytest.approx(curl * (y**2 + z**2), abs=1e-4)


def test_correctives_take_boards_along(layout: SensorLayout) -> None:
    pair = (arkit.INDEX["jawForward"], arkit.INDEX["jawOpen"])
    flat = paper()
    shift = np.tile(np.float32([0.0, 0.004, 0.0]), (len(flat.neutral), 1))
    weights = weights_of(jawForward=0.5, jawOpen=0.8)
    with_it, without = (
        skin_patches(rig, layout).board_poses(weights)[0][0]
        for rig in (replace(flat, correctives=(Corrective(pair, shift),)), flat)
    )
    expected = np.zeros((len(layout.sensors), 3))
    expected[list(layout.skin_indices), 1] = 0.5 * 0.8 * 0.004
    np.testing.assert_allclose(with_it - without, expected, atol=1e-8)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_positions_are_linear_without_correctives_and_quaternions_are_unit(seed: int) -> None:
    patches = skin_patches(replace(build_head(), correctives=()), load_layout(LAYOUT))
    a, b = np.random.default_rng(seed).uniform(0.0, 1.0, size=(2, 1, arkit.COUNT))
    whole, half = patches.board_poses(a + b), [patches.board_poses(w)[0] for w in (a, b)]
    np.testing.assert_allclose(whole[0] - patches.centres, half[0] + half[1] - 2.0 * patches.centres, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(whole[1], axis=-1), 1.0, atol=1e-9)


def test_small_steps_give_small_turns(patches: SkinPatches) -> None:
    rng = np.random.default_rng(5)
    path = np.cumsum(rng.normal(scale=0.01, size=(400, arkit.COUNT)), axis=0).clip(0.0, 1.0)
    quaternions = patches.board_poses(path)[1]
    assert np.abs(np.diff(quaternions, axis=0)).max() < 0.1


def test_mount_turns_the_sensor_and_not_the_board(layout: SensorLayout, patches: SkinPatches) -> None:
    mount = np.tile(rotation.from_vector(np.array([0.0, 0.0, 0.3])), (len(layout.sensors), 1))
    crooked = skin_patches(build_head(), layout, mount=mount)
    weights = weights_of(mouthSmileLeft=0.8)
    np.testing.assert_array_equal(crooked.board_poses(weights)[0], patches.board_poses(weights)[0])
    between = rotation.multiply(rotation.conjugate(patches.board_poses(weights)[1]), crooked.board_poses(weights)[1])
    np.testing.assert_allclose(
        rotation.to_vector(between), np.broadcast_to([0.0, 0.0, 0.3], between[..., :3].shape), atol=1e-9
    )


def test_offset_moves_the_board_along_the_skin(layout: SensorLayout, patches: SkinPatches) -> None:
    offset = np.tile([0.004, -0.003], (len(layout.sensors), 1))
    moved = skin_patches(build_head(), layout, place_offset_m=offset)
    step = moved.centres - patches.centres
    np.testing.assert_array_equal(step[layout.reference_index], 0.0)
    for i in layout.skin_indices:
        along = patches.tangents[i].T @ step[i]
        np.testing.assert_allclose(along, [0.004, -0.003], atol=0.0012)
        assert np.linalg.norm(step[i]) == pytest.approx(0.005, abs=0.0015)


def test_wrong_shapes_are_refused(layout: SensorLayout, patches: SkinPatches) -> None:
    with pytest.raises(ValueError, match=r"\(T, 52\)"):
        patches.board_poses(np.zeros(52))
    with pytest.raises(ValueError, match="place_offset_m"):
        skin_patches(build_head(), layout, place_offset_m=np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("shapes", "sensor", "least_deg", "most_deg"),
    [
        (("browOuterUpLeft",), "frontalis_left", 1.6, 3.6),
        (("browInnerUp",), "frontalis_left", 1.6, 4.0),
        (("mouthSmileLeft", "mouthSmileRight"), "zygomaticus_left", 10.0, 20.0),
        (("mouthSmileLeft", "mouthSmileRight"), "orbicularis_left", 8.0, 20.0),
        (("jawOpen",), "mentalis", 12.0, 28.0),
        (("cheekPuff",), "buccinator_left", 8.0, 25.0),
        (("noseSneerLeft",), "levator_left", 5.0, 20.0),
    ],
)
def test_patches_tilt_as_much_as_faces_do(
    patches: SkinPatches, shapes: tuple[str, ...], sensor: str, least_deg: float, most_deg: float
) -> None:
    tilt = tilt_deg(patches, weights_of(**dict.fromkeys(shapes, 1.0)))
    assert least_deg < tilt[patches.layout.names.index(sensor)] < most_deg


def test_hidden_shapes_leave_the_sensors_alone(patches: SkinPatches, layout: SensorLayout) -> None:
    skin = list(layout.skin_indices)
    for name in arkit.BLENDSHAPES:
        if name.startswith(("eyeLook", "eyeWide")):
            assert np.linalg.norm(patches.centre_deltas[arkit.INDEX[name]][skin], axis=-1).max() < 0.0006, name
