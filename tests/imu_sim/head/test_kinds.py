from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from face_model import arkit, observability
from face_model.errors import FaceModelError
from face_model.layout import load_layout
from face_training.prior_fit import jacobians
from imu_sim.families import is_generated, load_family
from imu_sim.head import HeadFamily, ManyKinds
from imu_sim.head.kinds import random_kind


def test_families_by_name() -> None:
    assert load_family("head") == HeadFamily()
    assert load_family("head:3") == HeadFamily(3)
    assert load_family("head:1-40") == ManyKinds(1, 40)
    assert [load_family(name).name for name in ("head:3", "head:1-40")] == ["head:3", "head:1-40"]
    assert is_generated("head:1-40")
    assert not is_generated("faces/head.glb")
    for wrong in ("head:0", "head:-1", "head:1-", "head:x"):
        with pytest.raises(FaceModelError):
            load_family(wrong)


def test_the_same_seed_is_the_same_person_of_the_same_kind() -> None:
    family = ManyKinds(1, 5)
    first, again, other = family.subject(7), family.subject(7), family.subject(8)
    np.testing.assert_array_equal(first.deltas, again.deltas)
    assert np.abs(first.deltas - other.deltas).max() > 0.001
    assert first.name.rpartition(" ")[0] in {f"head:{kind}" for kind in range(1, 6)}


def test_kinds_turn_the_boards_in_other_ways_as_artists_heads_do() -> None:
    """The mean Jacobians of any two of three artists' heads have a median cosine of 0.27 to 0.42."""
    layout, seen = load_layout("face_12"), list(observability.OBSERVABLE)
    ours, *kinds = (
        np.mean(list(jacobians(HeadFamily(kind), layout, range(800_000, 800_003))), axis=0) for kind in range(7)
    )
    cosines = [
        np.median([ours[:, i] @ kind[:, i] / np.linalg.norm(ours[:, i]) / np.linalg.norm(kind[:, i]) for i in seen])
        for kind in kinds
    ]
    assert 0.15 < np.mean(cosines) < 0.5
    size = [np.sqrt(np.mean(kind**2)) / np.sqrt(np.mean(ours**2)) for kind in kinds]
    assert 0.7 < np.mean(size) < 2.2


def test_a_kind_is_alike_on_both_sides() -> None:
    rig = HeadFamily(3).typical()
    left, right = (rig.deltas[arkit.INDEX[f"mouthSmile{side}"]] for side in ("Left", "Right"))
    skin = np.arange(len(rig.neutral))[rig.parts["skin"]]
    tree = cKDTree(rig.neutral[skin])
    # Where the lips meet, two vertices are in one place.
    alone = np.array([len(near) == 1 for near in tree.query_ball_point(rig.neutral[skin], 1e-5)])
    away, image = tree.query(rig.neutral[skin] * [1, -1, 1])
    mirrored = np.stack([skin, skin[image]], axis=1)[alone & (away < 1e-6)]
    assert len(mirrored) > 0.9 * len(skin)
    np.testing.assert_allclose(left[mirrored[:, 0]], right[mirrored[:, 1]] * [1, -1, 1], atol=2e-5)


def test_gaze_and_tongue_stay_and_the_skin_is_strained_as_much_as_before() -> None:
    kind, rig = random_kind(5), HeadFamily().subject(4)
    other = kind.applied(rig)
    for name in ("eyeLookInLeft", "tongueOut"):
        np.testing.assert_array_equal(other.deltas[arkit.INDEX[name]], rig.deltas[arkit.INDEX[name]])
    smile = arkit.INDEX["mouthSmileLeft"]
    assert np.abs(other.deltas[smile] - rig.deltas[smile]).max() > 0.001
    face = (rig.neutral[rig.triangles, 0] > 0.03).all(axis=1) & (rig.triangles < rig.parts["skin"].stop).all(axis=1)
    corners = rig.triangles[face]
    strain = [
        sum(np.square(d[smile][corners[:, i]] - d[smile][corners[:, i - 1]]).sum() for i in range(3))
        for d in (rig.deltas, other.deltas)
    ]
    assert strain[1] == pytest.approx(strain[0], rel=1e-3)
