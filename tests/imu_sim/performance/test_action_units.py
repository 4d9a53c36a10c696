from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import arkit
from imu_sim.errors import MotionError
from imu_sim.performance.action_units import ACTION_UNITS, EMOTIONS, INTENSITY, action_units, weights_of

UNITS = st.tuples(
    st.sampled_from(["", "L", "R"]),
    st.sampled_from(sorted(set(ACTION_UNITS) - {"30"})),
    st.sampled_from(["", *"ABCDE"]),
).map("".join)


@given(st.lists(UNITS, min_size=1, max_size=8))
def test_any_combination_is_a_face(units: list[str]) -> None:
    weights = action_units("+".join(units))
    assert weights.shape == (arkit.COUNT,)
    assert np.all((weights >= 0.0) & (weights <= 1.0))
    np.testing.assert_allclose(weights, action_units("+".join(reversed(units))), atol=1e-12)
    swapped = "+".join(u.translate(str.maketrans("LR", "RL")) for u in units)
    np.testing.assert_allclose(action_units(swapped), weights[list(arkit.MIRROR)], atol=1e-12)


def test_a_smile_and_its_sides() -> None:
    smile = arkit.INDEX["mouthSmileLeft"], arkit.INDEX["mouthSmileRight"]
    np.testing.assert_allclose(action_units("12")[list(smile)], 0.95)
    np.testing.assert_allclose(action_units("L12B")[list(smile)], [0.95 * INTENSITY["B"], 0.0])
    duchenne = action_units("6+12")
    assert duchenne[arkit.INDEX["cheekSquintLeft"]] > action_units("12")[arkit.INDEX["cheekSquintLeft"]]


def test_every_emotion_can_be_read_and_shows() -> None:
    for name, variants in EMOTIONS.items():
        for text in variants:
            assert action_units(text).max() > 0.1, name


@pytest.mark.parametrize("text", ["", "6+", "99", "12F", "X12", "30", "6,12"])
def test_what_is_no_action_unit_is_refused(text: str) -> None:
    with pytest.raises(MotionError, match="expected action units"):
        action_units(text)


def test_unknown_shapes_are_refused() -> None:
    with pytest.raises(MotionError, match="mouthSmlie"):
        weights_of({"mouthSmlie": 1.0})
