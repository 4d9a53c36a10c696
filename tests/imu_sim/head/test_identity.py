"""Other heads: each measure does what it says, and eyes, lips and skin stay sound on all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from face_model.layout import load_layout
from face_model.rig import FaceRig
from face_model.skin import skin_patches
from imu_sim.head import MEAN, TYPICAL, Identity, build_head, random_identity
from imu_sim.head.form import form_of, mean_mesh
from imu_sim.head.half import Region
from imu_sim.head.identity import LARGEST, NAMES, values

SEEDS = range(100)


def distance_mm(rig: FaceRig, one: str, other: str, axis: int) -> float:
    return 1e3 * float(rig.neutral[rig.landmarks[one], axis] - rig.neutral[rig.landmarks[other], axis])


def normals(points: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


@pytest.mark.parametrize(
    ("measure", "one", "other", "axis", "millimetres"),
    [
        ("pupil_distance", "pupil_left", "pupil_right", 1, 2.9),
        ("mouth_width", "mouth_corner_left", "mouth_corner_right", 1, 4.4),
        ("face_length", "pupil_left", "chin", 2, 7.0),
        ("nose_protrusion", "nose_tip", "lip_upper", 0, 2.5),
        ("chin_protrusion", "chin", "lip_upper", 0, 2.7),
        ("philtrum_length", "nose_tip", "lip_upper", 2, 1.4),
        ("nose_length", "pupil_left", "nose_tip", 2, 2.4),
    ],
)
def test_a_measure_changes_the_face_by_its_spread(
    measure: str, one: str, other: str, axis: int, millimetres: float
) -> None:
    changed = distance_mm(build_head(Identity(**{measure: 1.0}), TYPICAL), one, other, axis)
    assert changed - distance_mm(build_head(), one, other, axis) == pytest.approx(millimetres, rel=0.35)


@pytest.mark.parametrize("measure", NAMES)
def test_every_measure_moves_something_and_the_other_way_back(measure: str) -> None:
    mean = form_of(MEAN).points
    if measure == "eye_open":
        open_wide = build_head(Identity(eye_open=1.0), TYPICAL).neutral
        assert np.abs(open_wide - build_head().neutral).max() > 0.5e-3
        return
    more, less = form_of(Identity(**{measure: 1.0})).points, form_of(Identity(**{measure: -1.0})).points
    assert np.linalg.norm(more - mean, axis=1).max() > 0.4
    np.testing.assert_allclose(more - mean, mean - less, atol=1e-9)


def test_eyeballs_stay_spheres() -> None:
    mesh = mean_mesh()
    for seed in range(20):
        points = form_of(random_identity(np.random.default_rng(seed))).points
        for eye in ("eye_left", "eye_right"):
            ball = points[mesh.parts[eye]]
            design = np.concatenate([2.0 * ball, np.ones((len(ball), 1))], axis=1)
            centre = np.linalg.lstsq(design, np.sum(ball**2, axis=1), rcond=None)[0][:3]
            radius = np.linalg.norm(ball - centre, axis=1)
            assert np.ptp(radius) < 1e-3
            assert 11.0 < radius.mean() < 14.0


def test_no_triangle_of_the_neutral_skin_turns_over() -> None:
    mesh = mean_mesh()
    skin = mesh.triangles[np.isin(mesh.region, (Region.SKIN, Region.LID, Region.LIP))[mesh.triangles].all(axis=1)]
    mean = normals(mesh.points, skin)
    for seed in SEEDS:
        found = normals(form_of(random_identity(np.random.default_rng(seed))).points, skin)
        cosine = np.sum(found * mean, axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(mean, axis=1)
        assert cosine.min() > 0.3, seed


def test_lips_that_touch_still_touch() -> None:
    mesh = mean_mesh()
    lips = np.flatnonzero((mesh.region == Region.LIP) & (mesh.s == 0.0))
    middle = lips[mesh.side[lips] == 0]
    for seed in SEEDS:
        points = form_of(random_identity(np.random.default_rng(seed))).points
        assert np.linalg.norm(points[middle[0]] - points[middle[1]]) < 0.1, seed


def test_the_lining_of_mouth_and_eyes_starts_at_their_margins() -> None:
    mesh = mean_mesh()
    for seed in SEEDS:
        points = form_of(random_identity(np.random.default_rng(seed))).points
        for inside, skin in ((Region.MOUTH, Region.LIP), (Region.SOCKET, Region.LID)):
            first = points[(mesh.region == inside) & (mesh.s == 0.0)]
            margin = points[(mesh.region == skin) & (mesh.s == 0.0)]
            assert cKDTree(margin).query(first)[0].max() < 1e-3, seed


def test_sensors_find_skin_on_every_head() -> None:
    layout = load_layout("face_12")
    for seed in SEEDS:
        points = form_of(random_identity(np.random.default_rng(seed))).points
        rig = replace(build_head(), neutral=(points * 1e-3).astype(np.float32))
        patches = skin_patches(rig, layout)
        turned_out = np.cross(patches.tangents[..., 0], patches.tangents[..., 1])[list(layout.skin_indices), 0]
        assert turned_out.min() > 0.2, seed


def test_draws_have_the_spread_they_claim_and_stay_within_bounds() -> None:
    drawn = np.array([values(random_identity(np.random.default_rng(seed))) for seed in range(400)])
    assert np.abs(drawn).max() <= LARGEST
    np.testing.assert_allclose(drawn.std(axis=0), 0.97, atol=0.12)
    size, face = NAMES.index("head_size"), NAMES.index("face_length")
    assert 0.25 < np.corrcoef(drawn[:, size], drawn[:, face])[0, 1] < 0.55
