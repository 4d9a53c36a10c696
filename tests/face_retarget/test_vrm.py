"""Faces as VRM expressions: each anchor is itself, overlap is not counted twice, nothing jumps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from face_model import arkit
from face_retarget.vrm import ANCHORS, EMOTIONS, EXPRESSIONS, MOUTH, VRM0_NAMES, expressions, vrm0_expressions


def face(shapes: dict[str, float]) -> NDArray[np.float64]:
    row = np.zeros(arkit.COUNT)
    for name, value in shapes.items():
        row[arkit.INDEX[name]] = value
    return row


def both(name: str, value: float) -> dict[str, float]:
    return {f"{name}Left": value, f"{name}Right": value}


@pytest.mark.parametrize("name", ANCHORS)
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_an_anchor_is_itself_and_nothing_else(name: str, share: float) -> None:
    told = expressions(share * face(dict(ANCHORS[name])))
    assert told[name] == pytest.approx(share, abs=0.011)
    others = {key: value for key, value in told.items() if value and key not in (name, "neutral")}
    assert not others


def test_a_face_at_rest_is_neutral() -> None:
    told = expressions(np.zeros(arkit.COUNT))
    assert list(told) == list(EXPRESSIONS)
    assert {key for key, value in told.items() if value} == {"neutral"}
    assert set(VRM0_NAMES) == set(EXPRESSIONS)


def test_what_two_expressions_share_counts_once() -> None:
    surprised = expressions(face(dict(ANCHORS["surprised"])))
    assert surprised["aa"] == 0.0
    shouting = expressions(face(dict(ANCHORS["surprised"]) | {"jawOpen": 1.0}))
    assert shouting["surprised"] == pytest.approx(1.0, abs=0.1)
    assert shouting["aa"] > 0.3
    speaking = expressions(face({**ANCHORS["happy"], "jawOpen": 0.7}))
    assert speaking["happy"] > 0.8
    assert speaking["aa"] > 0.5


def test_lips_closed_over_an_open_jaw_are_no_open_mouth() -> None:
    told = expressions(face({"jawOpen": 0.6, "mouthClose": 0.6}))
    assert all(told[name] == 0.0 for name in MOUTH)


def test_eyes_are_told_apart_and_gaze_is_the_wearers() -> None:
    told = expressions(face({"eyeBlinkLeft": 1.0, "eyeLookOutLeft": 0.6, "eyeLookInRight": 0.4}))
    assert (told["blink"], told["blinkLeft"], told["blinkRight"]) == (0.0, 1.0, 0.0)
    assert told["lookLeft"] == pytest.approx(0.5)
    assert told["lookRight"] == 0.0
    assert expressions(face({"eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0}), looks=False)["lookUp"] == 0.0


def test_names_of_vrm_0() -> None:
    told = vrm0_expressions(face({**ANCHORS["happy"], "eyeBlinkRight": 0.5}))
    assert told["Joy"] == pytest.approx(1.0, abs=1e-6)
    assert told["Blink_R"] == 0.5
    assert told["Neutral"] == 0.0


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(allow_nan=True), min_size=arkit.COUNT, max_size=arkit.COUNT))
def test_whatever_comes_in_each_is_0_to_1_and_groups_add_up_to_1_at_most(values: list[float]) -> None:
    told = expressions(values)
    assert all(math.isfinite(value) and 0.0 <= value <= 1.0 + 1e-9 for value in told.values())
    for group in (MOUTH, EMOTIONS):
        assert sum(told[name] for name in group) <= 1.0 + 1e-9


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_a_small_change_of_a_face_is_a_small_change_of_its_expressions(seed: int) -> None:
    random = np.random.default_rng(seed)
    first = random.uniform(0.0, 1.0, arkit.COUNT)
    second = np.clip(first + random.uniform(-1e-3, 1e-3, arkit.COUNT), 0.0, 1.0)
    one, other = expressions(first), expressions(second)
    assert max(abs(one[name] - other[name]) for name in EXPRESSIONS) < 0.02


def test_other_numbers_of_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 52 weights"):
        expressions([0.0] * 51)
