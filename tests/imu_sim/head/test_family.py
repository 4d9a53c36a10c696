"""People drawn from seeds: the same from the same seed, different from others, and sound in what faces must keep."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial import cKDTree

from face_model import arkit
from face_model.layout import load_layout
from face_model.rig import FaceRig
from face_model.skin import skin_patches
from imu_sim.families import FaceFamily
from imu_sim.head import HeadFamily, build_head


def weights(**shapes: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = np.zeros(arkit.COUNT)
    for name, value in shapes.items():
        for shape in (name,) if name in arkit.INDEX else (f"{name}Left", f"{name}Right"):
            found[arkit.INDEX[shape]] = value
    return found


def gap_mm(rig: FaceRig, one: str, other: str, shape: dict[str, float]) -> float:
    at = rig.vertices(weights(**shape))
    return 1e3 * float(np.linalg.norm(at[rig.landmarks[one]] - at[rig.landmarks[other]]))


def test_it_is_a_family() -> None:
    family: FaceFamily = HeadFamily()
    assert family.name == "head"
    assert family.typical() is build_head()


def test_the_same_seed_is_the_same_person(people: list[FaceRig]) -> None:
    again = HeadFamily().subject(3)
    np.testing.assert_array_equal(again.neutral, people[3].neutral)
    np.testing.assert_array_equal(again.displacements, people[3].displacements)


def test_people_differ_in_form_and_in_motion_and_share_the_rest(people: list[FaceRig]) -> None:
    typical = build_head()
    smile = arkit.INDEX["mouthSmileLeft"]
    for a, b in pairwise(people):
        assert np.linalg.norm(a.neutral - b.neutral, axis=1).max() > 0.005
        assert np.linalg.norm(a.deltas[smile] - b.deltas[smile], axis=1).max() > 0.001
        assert a.triangles is typical.triangles
        assert a.landmarks == typical.landmarks
        assert a.pairs == typical.pairs


def test_boards_turn_differently_on_different_people(people: list[FaceRig]) -> None:
    """PHYSICS.md: one face's browOuterUp turns the brow by 1.6 degrees, another's by 3.6."""
    layout = load_layout("face_12")
    brow, smile = layout.names.index("frontalis_left"), layout.names.index("zygomaticus_left")
    turns = []
    for rig in people:
        patches = skin_patches(rig, layout)
        at = np.stack([weights(), weights(browOuterUpLeft=1.0), weights(mouthSmileLeft=1.0)])
        quaternions = patches.board_poses(at)[1]
        cosine = np.abs(np.sum(quaternions[1:] * quaternions[:1], axis=-1))
        turns.append(2.0 * np.rad2deg(np.arccos(np.clip(cosine, 0.0, 1.0)))[[0, 1], [brow, smile]])
    low, high = np.percentile(turns, 10, axis=0), np.percentile(turns, 90, axis=0)
    assert (high > 1.7 * low).all()
    assert (high < 45.0).all()


@pytest.mark.parametrize("weight", [0.25, 0.5, 1.0])
def test_lips_seal_over_an_open_jaw(people: list[FaceRig], weight: float) -> None:
    for rig in people:
        neutral = rig.neutral[rig.lip_vertices]
        pairs = cKDTree(neutral).query_pairs(1e-5, output_type="ndarray")
        assert len(pairs) > 20
        shut = rig.vertices(weights(jawOpen=weight, mouthClose=weight))[rig.lip_vertices]
        assert np.linalg.norm(shut[pairs[:, 0]] - shut[pairs[:, 1]], axis=1).max() < 3e-4, rig.name


def test_jaws_open_by_what_people_open(people: list[FaceRig]) -> None:
    gaps = [gap_mm(rig, "lip_upper", "lip_lower", {"jawOpen": 1.0}) for rig in people]
    assert 18.0 < min(gaps) < max(gaps) < 60.0
    assert 28.0 < float(np.mean(gaps)) < 42.0
    assert gap_mm(build_head(), "lip_upper", "lip_lower", {"jawOpen": 1.0}) == pytest.approx(35.0, abs=5.0)


def test_smiles_reach_as_far_as_smiles_do(people: list[FaceRig]) -> None:
    corner = people[0].landmarks["mouth_corner_left"]
    ways = [1e3 * float(np.linalg.norm(r.deltas[arkit.INDEX["mouthSmileLeft"], corner])) for r in people]
    assert 4.0 < min(ways) < max(ways) < 24.0
    assert max(ways) > 1.4 * min(ways)


def eye(rig: FaceRig, side: str) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], float]:
    """Centre and radius of an eyeball, m."""
    ball = rig.neutral[rig.parts[f"eye_{side}"]].astype(np.float64)
    design = np.concatenate([2.0 * ball, np.ones((len(ball), 1))], axis=1)
    centre = np.linalg.lstsq(design, np.sum(ball**2, axis=1), rcond=None)[0][:3]
    return centre, float(np.linalg.norm(ball - centre, axis=1).mean())


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"eyeBlink": 0.25},
        {"eyeBlink": 0.5},
        {"eyeBlink": 1.0},
        {"eyeSquint": 1.0, "cheekSquint": 1.0},
        {"eyeWide": 1.0},
        {"eyeLookDown": 1.0},
        {"eyeBlink": 1.0, "eyeSquint": 1.0},
        {"eyeBlink": 1.0, "eyeLookUp": 1.0},
    ],
    ids=str,
)
def test_lids_stay_outside_the_eyeball(people: list[FaceRig], shapes: dict[str, float]) -> None:
    for rig in people:
        skin = rig.vertices(weights(**shapes))[rig.parts["skin"]].astype(np.float64)
        for side in ("left", "right"):
            centre, radius = eye(rig, side)
            near = skin[(skin[:, 0] > centre[0] + 0.3 * radius) & (np.abs(skin[:, 1] - centre[1]) < 1.6 * radius)]
            assert np.linalg.norm(near - centre, axis=1).min() > radius, (rig.name, side)


@pytest.mark.parametrize("other", ["none", "eyeSquint", "cheekSquint", "eyeLookUp", "eyeLookDown", "eyeWide"])
def test_shut_lids_stay_shut(people: list[FaceRig], other: str) -> None:
    """The lid margins, vertex against vertex across the eye, meet in a blink whatever else pulls at them."""
    typical = build_head()
    margin = lid_margin(typical)
    shapes = {"eyeBlink": 1.0} | ({} if other == "none" else {other: 1.0})
    for rig in people:
        at = rig.vertices(weights(**shapes)).astype(np.float64)
        apart = np.linalg.norm(at[margin[:, 0]] - at[margin[:, 1]], axis=1)
        assert apart.max() < 6e-4, rig.name


def lid_margin(rig: FaceRig) -> np.ndarray[tuple[int, int], np.dtype[np.intp]]:
    """Upper and lower margin vertices that face each other, (N, 2): those that a blink brings together."""
    blink = rig.vertices(weights(eyeBlink=1.0)).astype(np.float64)[rig.parts["skin"]]
    apart = cKDTree(blink).query_pairs(2e-4, output_type="ndarray")
    open_gap = np.linalg.norm(rig.neutral[apart[:, 0]] - rig.neutral[apart[:, 1]], axis=1)
    found = apart[open_gap > 2e-3]
    assert len(found) > 20
    return found
