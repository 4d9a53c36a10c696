"""People around a rig: they differ, they repeat by seed, and they stay people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face_model import arkit
from face_model.errors import FaceModelError
from face_model.rig import Corrective, FaceRig
from imu_sim.head import build_head
from imu_sim.warped_family import WarpedFamily


@pytest.fixture(scope="module")
def rig() -> FaceRig:
    head = build_head()
    blink = arkit.INDEX["eyeBlinkLeft"]
    return replace(head, correctives=(Corrective((blink, blink), 0.3 * head.deltas[blink]),))


def test_a_seed_is_a_person(rig: FaceRig) -> None:
    family = WarpedFamily(rig)
    first, again, other = (family.subject(seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.displacements, again.displacements)
    np.testing.assert_array_equal(first.neutral, again.neutral)
    assert not np.allclose(first.deltas, other.deltas)
    assert family.typical() is rig


def test_people_differ_in_form(rig: FaceRig) -> None:
    change = np.linalg.norm(WarpedFamily(rig).subject(0).neutral - rig.neutral, axis=-1)
    assert 0.0005 < np.median(change) < 0.015


def test_the_two_sides_of_a_person_are_alike_and_not_the_same(rig: FaceRig) -> None:
    left = [i for i, name in enumerate(arkit.BLENDSHAPES) if name.endswith("Left")]
    sizes = np.stack([np.linalg.norm(WarpedFamily(rig).subject(seed).deltas, axis=(1, 2)) for seed in range(12)])
    sizes /= np.linalg.norm(rig.deltas, axis=(1, 2)) + 1e-12
    left = [i for i in left if sizes[:, i].min() > 0.0]
    right = [arkit.MIRROR[i] for i in left]
    alike = np.corrcoef(np.log(sizes[:, left]).ravel(), np.log(sizes[:, right]).ravel())[0, 1]
    assert 0.3 < alike < 0.95


def test_correctives_follow_their_shapes(rig: FaceRig) -> None:
    person = WarpedFamily(rig).subject(3)
    blink = arkit.INDEX["eyeBlinkLeft"]
    np.testing.assert_allclose(person.correctives[0].delta, 0.3 * person.deltas[blink], atol=1e-7)


def test_identity_components_take_the_place_of_random_form(rig: FaceRig) -> None:
    component = np.zeros((2, *rig.neutral.shape), np.float32)
    component[0, :, 1] = rig.neutral[:, 1] * 0.1
    component[1, :, 0] = 0.01
    change = WarpedFamily(rig, component).subject(4).neutral - rig.neutral
    assert np.abs(change).max() > 1e-4
    assert np.ptp(change[:, 0]) < 1e-6
    assert np.abs(change[:, 2]).max() < 1e-6
    np.testing.assert_allclose(
        change[:, 1] / 0.1, rig.neutral[:, 1] * (change[0, 1] / (0.1 * rig.neutral[0, 1])), atol=1e-4
    )


def test_identity_of_another_face_is_refused(rig: FaceRig) -> None:
    with pytest.raises(FaceModelError, match="identity components"):
        WarpedFamily(rig, np.zeros((2, 5, 3), np.float32))
