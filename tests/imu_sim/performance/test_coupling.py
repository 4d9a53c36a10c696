from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from face_model import arkit
from imu_sim.performance.coupling import ANTAGONISTS, COMPANIONS, TONUS, couple

MIRROR = list(arkit.MIRROR)


def test_both_sides_of_a_face_follow_the_same_rules() -> None:
    for matrix in (COMPANIONS, ANTAGONISTS):
        np.testing.assert_array_equal(matrix, matrix[np.ix_(MIRROR, MIRROR)])
        assert matrix.min() >= 0.0
        assert not np.diag(matrix).any()
    # The resting mouth is a little to one side, as in the recordings; everything else is even.
    uneven = np.flatnonzero(TONUS[MIRROR] - TONUS)
    assert {arkit.BLENDSHAPES[i] for i in uneven} == {"mouthLeft", "mouthRight"}


@given(st.integers(0, 1000), st.floats(0.0, 3.0))
def test_coupled_weights_stay_weights(seed: int, strength: float) -> None:
    weights = np.random.default_rng(seed).uniform(0.0, 1.0, (5, arkit.COUNT))
    coupled = couple(weights, COMPANIONS * strength, ANTAGONISTS * strength)
    assert np.all((coupled >= 0.0) & (coupled <= 1.0))
    for side in ("jaw", "mouth"):
        both = coupled[:, [arkit.INDEX[f"{side}Left"], arkit.INDEX[f"{side}Right"]]]
        assert not both.min(axis=1).any()


def test_without_couplings_shapes_stay_as_they_are() -> None:
    weights = np.zeros((1, arkit.COUNT))
    weights[0, arkit.INDEX["mouthSmileLeft"]] = 0.8
    nothing = np.zeros((arkit.COUNT, arkit.COUNT))
    np.testing.assert_allclose(couple(weights, nothing, nothing), weights)


def test_a_smile_on_the_left_brings_the_left_cheek_and_an_open_jaw_parts_pressed_lips() -> None:
    weights = np.zeros((2, arkit.COUNT))
    weights[0, arkit.INDEX["mouthSmileLeft"]] = 1.0
    weights[1, [arkit.INDEX["jawOpen"], arkit.INDEX["mouthPressLeft"]]] = 1.0
    smile, opened = couple(weights, COMPANIONS, ANTAGONISTS)
    assert smile[arkit.INDEX["cheekSquintLeft"]] > 0.05
    assert smile[arkit.INDEX["cheekSquintRight"]] == 0.0
    assert opened[arkit.INDEX["mouthPressLeft"]] < 0.3
