"""The generated head: symmetric, closed where it must be, and every shape moves what its name says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from face_model import arkit
from face_model.rig import FaceRig
from imu_sim.head import build_head
from imu_sim.head import proportions as prop

FLIP = np.array([1.0, -1.0, 1.0])
PUPIL_Z = prop.PUPIL_HEIGHT_MM * prop.MM


@pytest.fixture(scope="module")
def rig() -> FaceRig:
    return build_head()


@pytest.fixture(scope="module")
def mirror(rig: FaceRig) -> NDArray[np.intp]:
    """Index of each vertex's mirror image, found by place and by how it moves, not by how the rig was built."""
    midline_shapes = [i for i, name in enumerate(arkit.BLENDSHAPES) if arkit.mirrored(name) == name]
    moves = rig.deltas[midline_shapes].transpose(1, 0, 2).astype(np.float64)
    part = np.zeros((len(rig.neutral), 1, 3))
    for number, (name, span) in enumerate(rig.parts.items()):
        # Both eyes are one part here; y is left free to change its sign.
        part[span, 0, 0] = -1.0 if name.startswith("eye_") else number
    keys = np.concatenate([part, rig.neutral[:, None, :], moves], axis=1)
    distance, index = cKDTree(keys.reshape(len(keys), -1)).query((keys * FLIP).reshape(len(keys), -1))
    assert distance.max() < 1e-6
    return index


def moved(rig: FaceRig, **shapes: float) -> NDArray[np.float32]:
    weights = np.zeros(arkit.COUNT)
    for name, value in shapes.items():
        weights[arkit.INDEX[name]] = value
    return rig.vertices(weights)


def lip_gap_m(rig: FaceRig, vertices: NDArray[np.float32]) -> float:
    apart = vertices[rig.landmarks["lip_upper"]] - vertices[rig.landmarks["lip_lower"]]
    return float(np.linalg.norm(apart))


def eye_is_covered(rig: FaceRig, vertices: NDArray[np.float32], side: str) -> NDArray[np.bool_]:
    """For each front vertex of an eyeball, whether skin lies before it, seen from the front."""
    eye = vertices[rig.parts[f"eye_{side}"]]
    eye = eye[eye[:, 0] > eye[:, 0].max() - 0.009]
    skin = rig.parts["skin"]
    used = ((rig.triangles >= skin.start) & (rig.triangles < skin.stop)).all(axis=1)
    corners = vertices[rig.triangles[used]].astype(np.float64)
    near = np.abs(corners[:, :, 1] - eye[:, 1].mean()).max(axis=1) < 0.03
    a, b, c = (corners[near][:, k] for k in range(3))
    ab, ac = (b - a)[None, :, 1:], (c - a)[None, :, 1:]
    ap = eye[:, None, 1:] - a[None, :, 1:]
    area = ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        u = (ap[..., 0] * ac[..., 1] - ap[..., 1] * ac[..., 0]) / area
        w = (ab[..., 0] * ap[..., 1] - ab[..., 1] * ap[..., 0]) / area
        x = a[:, 0] + u * (b - a)[:, 0] + w * (c - a)[:, 0]
        before = (u >= -1e-3) & (w >= -1e-3) & (u + w <= 1.001) & (x > eye[:, None, 0])
    return before.any(axis=1)


def test_size_and_types(rig: FaceRig) -> None:
    assert 3000 <= len(rig.neutral) <= 8000
    assert rig.neutral.dtype == np.float32
    assert rig.deltas.dtype == np.float32
    assert rig.triangles.dtype == np.int32
    assert rig.colors.dtype == np.uint8
    assert rig.triangles.min() == 0
    assert rig.triangles.max() == len(rig.neutral) - 1


def test_parts_tile_the_mesh(rig: FaceRig) -> None:
    ends = 0
    for part in rig.parts.values():
        assert part.start == ends
        ends = part.stop
    assert ends == len(rig.neutral)
    assert {"skin", "eye_left", "eye_right", "teeth_upper", "teeth_lower", "tongue", "mouth"} <= set(rig.parts)


def test_everything_is_finite_and_within_reach(rig: FaceRig) -> None:
    assert np.isfinite(rig.neutral).all()
    assert np.isfinite(rig.deltas).all()
    assert np.abs(rig.deltas).max() < 0.06


def test_it_is_built_the_same_every_time(rig: FaceRig) -> None:
    build_head.cache_clear()
    again = build_head()
    np.testing.assert_array_equal(again.neutral, rig.neutral)
    np.testing.assert_array_equal(again.deltas, rig.deltas)
    np.testing.assert_array_equal(again.triangles, rig.triangles)


def test_anthropometry(rig: FaceRig) -> None:
    at = {name: rig.neutral[index] for name, index in rig.landmarks.items()}
    assert at["pupil_left"][1] - at["pupil_right"][1] == pytest.approx(0.063, abs=1e-4)
    assert at["pupil_left"][0] == pytest.approx(0.095, abs=1e-3)
    assert at["pupil_left"][2] == pytest.approx(PUPIL_Z, abs=1e-4)
    assert at["mouth_corner_left"][1] - at["mouth_corner_right"][1] == pytest.approx(0.050, abs=0.004)
    assert at["nose_tip"][0] - at["lip_upper"][0] > 0.010
    assert at["chin"][2] < at["lip_lower"][2] < at["nose_tip"][2] < at["pupil_left"][2]
    skin = rig.neutral[rig.parts["skin"]]
    assert np.ptp(skin[:, 1]) == pytest.approx(0.156, abs=0.010)


def test_neutral_and_shapes_are_mirror_symmetric(rig: FaceRig, mirror: NDArray[np.intp]) -> None:
    np.testing.assert_allclose(rig.neutral[mirror], rig.neutral * FLIP, atol=1e-7)
    np.testing.assert_array_equal(rig.colors[mirror], rig.colors)
    for name in arkit.BLENDSHAPES:
        one = rig.deltas[arkit.INDEX[name]]
        other = rig.deltas[arkit.INDEX[arkit.mirrored(name)]]
        np.testing.assert_allclose(other[mirror], one * FLIP, atol=1e-6, err_msg=name)


def test_midline_vertices_stay_on_the_midline_in_midline_shapes(rig: FaceRig) -> None:
    midline = np.abs(rig.neutral[:, 1]) < 1e-9
    assert midline.sum() > 100
    for name in arkit.BLENDSHAPES:
        if arkit.mirrored(name) == name:
            assert np.abs(rig.deltas[arkit.INDEX[name]][midline, 1]).max() < 1e-7, name


def test_every_shape_moves_something_visible(rig: FaceRig) -> None:
    for name in arkit.BLENDSHAPES:
        assert np.linalg.norm(rig.deltas[arkit.INDEX[name]], axis=1).max() > 0.0015, name


def test_no_shape_moves_the_back_of_the_head_or_the_neck_base(rig: FaceRig) -> None:
    far = (rig.neutral[:, 0] < -0.03) | (rig.neutral[:, 2] > 0.13) | (rig.neutral[:, 2] < -0.16)
    assert np.abs(rig.deltas[:, far]).max() < 5e-5


@pytest.mark.parametrize("name", [n for n in arkit.BLENDSHAPES if n.startswith(("eye", "brow"))])
def test_upper_face_shapes_leave_mouth_and_chin(rig: FaceRig, name: str) -> None:
    low = rig.neutral[:, 2] < PUPIL_Z - 0.050
    assert np.linalg.norm(rig.deltas[arkit.INDEX[name]][low], axis=1).max() < 1e-4


@pytest.mark.parametrize(
    "name", [n for n in arkit.BLENDSHAPES if n.startswith(("jaw", "mouth", "tongue")) and "Smile" not in n]
)
def test_lower_face_shapes_leave_brows_and_eyes(rig: FaceRig, name: str) -> None:
    high = rig.neutral[:, 2] > PUPIL_Z + 0.004
    assert np.linalg.norm(rig.deltas[arkit.INDEX[name]][high], axis=1).max() < 2e-4


@pytest.mark.parametrize(
    "name", [n for n in arkit.BLENDSHAPES if n.endswith("Left") and n not in {"jawLeft", "mouthLeft"}]
)
def test_left_shapes_move_the_left_half(rig: FaceRig, name: str) -> None:
    size = np.linalg.norm(rig.deltas[arkit.INDEX[name]], axis=1)
    y = rig.neutral[:, 1]
    assert size[y > 0.005].sum() > 8.0 * size[y < -0.005].sum()


@pytest.mark.parametrize("side", ["left", "right"])
def test_blink_covers_the_eyeball(rig: FaceRig, side: str) -> None:
    assert eye_is_covered(rig, rig.neutral, side).mean() < 0.7
    shut = moved(rig, **{f"eyeBlink{side.capitalize()}": 1.0})
    assert eye_is_covered(rig, shut, side).all()


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_lids_never_dip_into_the_eyeball(rig: FaceRig, weight: float) -> None:
    vertices = moved(rig, eyeBlinkLeft=weight)[rig.parts["skin"]]
    centre = np.array([prop.EYE_X - prop.EYE_RADIUS, prop.EYE_Y, prop.PUPIL_HEIGHT_MM]) * prop.MM
    front = vertices[(vertices[:, 0] > centre[0] + 0.004) & (np.abs(vertices[:, 1] - centre[1]) < 0.02)]
    assert np.linalg.norm(front - centre, axis=1).min() > prop.EYE_RADIUS * prop.MM + 1e-5


def test_gaze_turns_the_eyeball(rig: FaceRig) -> None:
    pupil = rig.landmarks["pupil_left"]
    at = rig.neutral[pupil]
    assert moved(rig, eyeLookUpLeft=1.0)[pupil][2] - at[2] > 0.003
    assert moved(rig, eyeLookDownLeft=1.0)[pupil][2] - at[2] < -0.003
    assert moved(rig, eyeLookOutLeft=1.0)[pupil][1] - at[1] > 0.004
    assert moved(rig, eyeLookInLeft=1.0)[pupil][1] - at[1] < -0.004


def test_lips_touch_at_rest(rig: FaceRig) -> None:
    assert lip_gap_m(rig, rig.neutral) < 1e-4


def test_jaw_opens_and_the_lips_part(rig: FaceRig) -> None:
    opened = moved(rig, jawOpen=1.0)
    assert 0.022 < lip_gap_m(rig, opened) < 0.042
    drop = rig.neutral[rig.landmarks["chin"], 2] - opened[rig.landmarks["chin"], 2]
    assert 0.018 < drop < 0.040
    lower, upper = rig.parts["teeth_lower"], rig.parts["teeth_upper"]
    assert np.linalg.norm(opened[lower] - rig.neutral[lower], axis=1).min() > 0.010
    np.testing.assert_array_equal(opened[upper], rig.neutral[upper])


def test_mouth_close_seals_an_open_jaw(rig: FaceRig) -> None:
    sealed = moved(rig, jawOpen=1.0, mouthClose=1.0)
    assert lip_gap_m(rig, sealed) < 2e-4
    # The whole line of contact is shut, not only its middle: lips that met still meet.
    lips = rig.lip_vertices
    pairs = cKDTree(rig.neutral[lips]).query_pairs(1e-6, output_type="ndarray")
    assert len(pairs) > 20
    apart = np.linalg.norm(sealed[lips[pairs[:, 0]]] - sealed[lips[pairs[:, 1]]], axis=1)
    assert apart.max() < 3e-4
    chin = rig.landmarks["chin"]
    # The chin stays with the jaw; the skin between it and the lip is drawn up.
    np.testing.assert_allclose(sealed[chin], moved(rig, jawOpen=1.0)[chin], atol=1e-3)


@pytest.mark.parametrize(
    ("shape", "landmark", "axis", "least_m"),
    [
        ("mouthSmileLeft", "mouth_corner_left", 2, 0.005),
        ("mouthSmileLeft", "mouth_corner_left", 1, 0.004),
        ("mouthFrownLeft", "mouth_corner_left", 2, -0.005),
        ("mouthStretchLeft", "mouth_corner_left", 1, 0.006),
        ("mouthPucker", "mouth_corner_left", 1, -0.008),
        ("mouthPucker", "lip_upper", 0, 0.006),
        ("mouthFunnel", "lip_lower", 2, -0.004),
        ("mouthLeft", "lip_upper", 1, 0.006),
        ("mouthRight", "lip_upper", 1, -0.006),
        ("mouthRollLower", "lip_lower", 0, -0.003),
        ("mouthRollUpper", "lip_upper", 0, -0.003),
        ("mouthShrugUpper", "lip_upper", 2, 0.002),
        ("mouthShrugLower", "chin", 2, 0.002),
        ("jawForward", "chin", 0, 0.004),
        ("jawLeft", "chin", 1, 0.005),
        ("jawRight", "chin", 1, -0.005),
    ],
)
def test_landmarks_move_the_right_way(rig: FaceRig, shape: str, landmark: str, axis: int, least_m: float) -> None:
    step = rig.deltas[arkit.INDEX[shape], rig.landmarks[landmark], axis]
    assert step * np.sign(least_m) > abs(least_m)


def test_tongue_comes_out_between_the_lips(rig: FaceRig) -> None:
    tongue = rig.parts["tongue"]
    assert rig.neutral[tongue, 0].max() < rig.neutral[rig.landmarks["lip_lower"], 0] - 0.005
    out = moved(rig, tongueOut=1.0)
    assert out[tongue, 0].max() > out[rig.landmarks["lip_lower"], 0] + 0.012


def test_cheeks_puff_outwards(rig: FaceRig) -> None:
    delta = rig.deltas[arkit.INDEX["cheekPuff"]]
    strongest = int(np.argmax(np.linalg.norm(delta, axis=1)))
    assert delta[strongest] @ rig.neutral[strongest] > 0.0
    assert np.linalg.norm(delta[strongest]) > 0.006


def test_triangles_face_outwards_and_have_area(rig: FaceRig) -> None:
    skin = rig.parts["skin"]
    used = ((rig.triangles >= skin.start) & (rig.triangles < skin.stop)).all(axis=1)
    a, b, c = (rig.neutral[rig.triangles[used][:, k]].astype(np.float64) for k in range(3))
    normal = np.cross(b - a, c - a)
    area = 0.5 * np.linalg.norm(normal, axis=1)
    assert area.min() > 1e-10
    middle = (a + b + c) / 3.0
    cranium = (middle[:, 2] > 0.06) | (middle[:, 0] < 0.0)
    outward = np.sum(normal * (middle - [0.0, 0.0, 0.03]) * [1.0, 1.0, 0.0], axis=1)
    side = cranium & (np.hypot(normal[:, 0], normal[:, 1]) > np.abs(normal[:, 2]))
    assert (outward[side] > 0.0).all()


def test_skin_is_closed_but_for_eyes_and_mouth(rig: FaceRig) -> None:
    skin = rig.parts["skin"]
    used = rig.triangles[((rig.triangles >= skin.start) & (rig.triangles < skin.stop)).all(axis=1)]
    edges = np.concatenate([used[:, [0, 1]], used[:, [1, 2]], used[:, [2, 0]]])
    unique, count = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    assert count.max() == 2
    rim = rig.neutral[np.unique(unique[count == 1])]
    eyes = np.hypot(np.abs(rim[:, 1]) - 0.0315, rim[:, 2] - PUPIL_Z) < 0.017
    mouth = (np.abs(rim[:, 1]) < 0.026) & (np.abs(rim[:, 2] - PUPIL_Z + 0.067) < 0.004)
    assert (eyes | mouth).all()


def test_arrays_cannot_be_written(rig: FaceRig) -> None:
    with pytest.raises(ValueError, match="read-only"):
        rig.neutral[0, 0] = 1.0
