from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from face_affect.action_units import action_units
from face_affect.expressions import expressions
from face_affect.prototypes import BASIC, HRI, NAMES, OTHER, PROTOTYPES, VALENCE_AROUSAL
from face_model import arkit
from imu_sim.performance.poses import EMOTION_WEIGHTS, POSE_WEIGHTS

WEIGHTS = arrays(np.float64, arkit.COUNT, elements=st.floats(0.0, 1.0))
SHARES = arrays(np.float64, arkit.COUNT, elements=st.floats(0.0, 1.0))
BASICS = ("happiness", "sadness", "surprise", "fear", "anger", "disgust", "contempt")


def shown(weights: np.ndarray, sure: float | np.ndarray = 0.8, seen: np.ndarray | None = None):
    return expressions(action_units(weights, np.full(arkit.COUNT, sure) if np.isscalar(sure) else sure, seen))


@given(WEIGHTS, SHARES, arrays(bool, arkit.COUNT))
def test_probabilities_are_probabilities_whatever_comes_in(w: np.ndarray, sure: np.ndarray, seen: np.ndarray) -> None:
    found = shown(w, sure, seen)
    assert found.probability.shape == (len(NAMES),)
    assert found.probability.min() >= 0.0
    assert found.probability.sum() == pytest.approx(1.0)
    assert found.basic.sum() + found.probability[NAMES.index(OTHER)] == pytest.approx(1.0)
    assert -1.0 <= float(found.valence) <= 1.0
    assert -1.0 <= float(found.arousal) <= 1.0
    assert float(found.valence_deviation) >= 0.2
    assert found.hri[0] in HRI.values()


@given(WEIGHTS)
def test_without_confidence_only_the_priors_are_left(weights: np.ndarray) -> None:
    found, rest = shown(weights, 0.0), shown(np.zeros(arkit.COUNT), 0.0)
    np.testing.assert_allclose(found.probability, rest.probability, atol=1e-9)
    assert found.confidence < 0.5


@given(WEIGHTS, st.integers(0, 9))
def test_what_is_not_seen_changes_nothing(weights: np.ndarray, start: int) -> None:
    seen = np.ones(arkit.COUNT, dtype=bool)
    seen[start::10] = False
    other = np.where(seen, weights, 1.0 - weights)
    np.testing.assert_allclose(
        shown(weights, 0.8, seen).probability.sum(), shown(other, 0.8, seen).probability.sum(), atol=1e-9
    )
    blind = np.zeros(arkit.COUNT, dtype=bool)
    np.testing.assert_allclose(shown(weights, 0.8, blind).probability, shown(other, 0.8, blind).probability)


@given(WEIGHTS)
def test_a_mirrored_face_expresses_the_same(weights: np.ndarray) -> None:
    found, other = shown(weights), shown(weights[list(arkit.MIRROR)])
    np.testing.assert_allclose(found.probability, other.probability, atol=1e-9)


def test_a_resting_face_is_neutral_and_a_still_smile_is_not() -> None:
    assert shown(np.zeros(arkit.COUNT)).name == "neutral"
    assert shown(np.zeros(arkit.COUNT)).confidence > 0.8
    assert shown(POSE_WEIGHTS["smile"]).name == "happiness"


@pytest.mark.parametrize("emotion", BASICS)
def test_prototypes_of_the_guides_are_recognised(emotion: str) -> None:
    first = EMOTION_WEIGHTS[emotion][0]
    found = shown(first * 0.9, 0.9)
    assert found.name == emotion
    valence, arousal = VALENCE_AROUSAL[emotion]
    assert np.sign(found.valence) == np.sign(valence)
    if emotion != "contempt":
        assert np.sign(found.arousal) == np.sign(arousal)


def test_probabilities_soften_as_confidence_falls() -> None:
    for emotion in BASICS:
        weights, at = EMOTION_WEIGHTS[emotion][0], BASIC.index(emotion)
        sure = [float(shown(weights, c).basic[at]) for c in (0.7, 0.4, 0.2, 0.05)]
        assert sure == sorted(sure, reverse=True), emotion


def test_a_compound_leads_where_both_parts_show() -> None:
    found = shown(EMOTION_WEIGHTS["happily_surprised"][1], 0.9)
    assert found.name == "happily surprised"
    order = [BASIC[i] for i in np.argsort(-found.basic)[:2]]
    assert set(order) == {"happiness", "surprise"}


def test_a_side_that_is_not_seen_makes_no_contempt() -> None:
    seen = np.array([not name.endswith("Right") for name in arkit.BLENDSHAPES])
    smile = POSE_WEIGHTS["smile"] * seen
    assert shown(smile).probability[NAMES.index("contempt")] > 0.05, "seen on one side only, it looks like it"
    assert shown(smile, 0.8, seen).name == "happiness"


def test_more_of_the_same_smile_is_more_pleasant() -> None:
    valence = [float(shown(POSE_WEIGHTS["smile"] * a).valence) for a in (0.2, 0.4, 0.6, 0.8, 1.0)]
    assert valence == sorted(valence)


def test_many_faces_as_each() -> None:
    weights = np.stack([POSE_WEIGHTS[name] for name in ("smile", "fear", "anger", "pucker")])
    together = expressions(action_units(weights, np.full(arkit.COUNT, 0.7)))
    for i, row in enumerate(weights):
        one = shown(row, 0.7)
        np.testing.assert_allclose(together.probability[i], one.probability, atol=1e-12)
        np.testing.assert_allclose(together.valence[i], one.valence, atol=1e-12)


def test_the_tables_are_whole() -> None:
    assert len(NAMES) == 24
    assert {p.name for p in PROTOTYPES} == set(NAMES)
    assert set(VALENCE_AROUSAL) == {*BASIC, OTHER}
    assert all(0.0 < share < 1.0 for p in PROTOTYPES for share in p.units.values())
