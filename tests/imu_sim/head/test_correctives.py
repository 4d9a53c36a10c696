"""Correctives: there only when both shapes are, and each cures what the plain sum does."""

from __future__ import annotations

import numpy as np
import pytest

from face_model import arkit
from face_model.rig import FaceRig, activations
from imu_sim.head import build_head

PAIRS = [
    ("mouthSmileLeft", "mouthPucker"),
    ("mouthSmileRight", "mouthFunnel"),
    ("eyeBlinkLeft", "eyeSquintLeft"),
    ("eyeBlinkRight", "eyeLookUpRight"),
    ("eyeBlinkLeft", "eyeLookDownLeft"),
    ("jawOpen", "mouthSmileLeft"),
    ("jawOpen", "mouthStretchRight"),
    ("jawOpen", "mouthPucker"),
    ("jawOpen", "mouthFunnel"),
    ("jawOpen", "tongueOut"),
    ("jawOpen", "jawOpen"),
    ("eyeBlinkLeft", "eyeBlinkLeft"),
    ("mouthClose", "mouthClose"),
]


def weights(*shapes: str, at: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = np.zeros(arkit.COUNT)
    found[[arkit.INDEX[shape] for shape in shapes]] = at
    return found


def plain(
    rig: FaceRig, w: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return rig.neutral + np.tensordot(w, rig.deltas.astype(np.float64), axes=1)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_the_pair_is_there_and_moves_something(pair: tuple[str, str]) -> None:
    rig = build_head()
    index = rig.pairs.index((arkit.INDEX[pair[0]], arkit.INDEX[pair[1]]))
    assert np.linalg.norm(rig.correctives[index].delta, axis=1).max() > 2e-4


@pytest.mark.parametrize("name", arkit.BLENDSHAPES)
def test_correctives_vanish_at_single_shapes(name: str) -> None:
    rig = build_head()
    assert not activations(weights(name), rig.pairs)[arkit.COUNT :].any()


def test_the_jaw_goes_on_an_arc() -> None:
    """Half-way, lower teeth are as far from each other as at rest: the motion is rigid, not a shrinking chord."""
    rig = build_head()
    teeth = rig.parts["teeth_lower"]
    half = rig.vertices(weights("jawOpen", at=0.5))[teeth].astype(np.float64)
    rest = rig.neutral[teeth].astype(np.float64)
    size = np.linalg.norm(rest - rest.mean(axis=0), axis=1)
    np.testing.assert_allclose(np.linalg.norm(half - half.mean(axis=0), axis=1), size, atol=2e-6)
    chord = plain(rig, weights("jawOpen", at=0.5))[teeth]
    assert np.abs(np.linalg.norm(chord - chord.mean(axis=0), axis=1) - size).max() > 5e-5


def test_a_smile_and_a_pucker_meet_in_between() -> None:
    rig = build_head()
    corner = rig.landmarks["mouth_corner_left"]
    shapes = ("mouthSmileLeft", "mouthSmileRight", "mouthPucker")
    raised = rig.vertices(weights(*shapes))[corner, 2] - rig.neutral[corner, 2]
    assert 0.2 < raised / rig.deltas[arkit.INDEX["mouthSmileLeft"], corner, 2] < 0.85


def test_a_funnel_does_not_open_an_open_mouth_twice() -> None:
    rig = build_head()
    upper, lower = rig.landmarks["lip_upper"], rig.landmarks["lip_lower"]
    w = weights("jawOpen", "mouthFunnel")
    together, summed = rig.vertices(w), plain(rig, w)
    jaw = rig.vertices(weights("jawOpen"))
    assert (
        np.ptp(jaw[[upper, lower], 2]) < np.ptp(together[[upper, lower], 2]) < np.ptp(summed[[upper, lower], 2]) - 0.004
    )


def test_the_tongue_goes_down_with_the_jaw() -> None:
    rig = build_head()
    tongue = rig.parts["tongue"]
    tip = tongue.start + int(np.argmax(rig.vertices(weights("tongueOut"))[tongue, 0]))
    w = weights("jawOpen", "tongueOut")
    assert rig.vertices(w)[tip, 2] < plain(rig, w)[tip, 2] - 0.003


def test_eye_wide_and_gaze_move_lids_alone() -> None:
    """No sensor sees them: skin beyond the lids stays where it is."""
    rig = build_head()
    skin = rig.parts["skin"]
    centre = rig.neutral[rig.landmarks["pupil_left"]]
    far = np.linalg.norm((rig.neutral[skin] - centre)[:, 1:], axis=1) > 0.020
    for name in ("eyeWideLeft", "eyeLookUpLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft"):
        assert np.abs(rig.deltas[arkit.INDEX[name], skin][far]).max() < 1e-6, name


def test_tongue_out_leaves_jaw_and_chin_alone() -> None:
    rig = build_head()
    delta = rig.deltas[arkit.INDEX["tongueOut"]]
    assert not delta[rig.parts["teeth_lower"]].any()
    assert np.linalg.norm(delta[rig.landmarks["chin"]]) < 3e-4
