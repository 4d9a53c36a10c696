from __future__ import annotations

import numpy as np
import pytest

from face_affect.action_units import action_units
from face_affect.events import EventKind, FacialEvent
from face_affect.expressions import expressions
from face_affect.pipeline import RESTING_MOST, AffectStream
from face_affect.words import explain
from face_model import arkit
from face_model.observability import OBSERVABLE
from imu_sim.performance.action_units import weights_of
from imu_sim.performance.poses import POSE_WEIGHTS

SURE = np.full(arkit.COUNT, 0.8)
SEEN = np.isin(np.arange(arkit.COUNT), OBSERVABLE)


def words(weights: np.ndarray, sure: np.ndarray = SURE, events: tuple[FacialEvent, ...] = ()):
    units = action_units(weights, sure, SEEN)
    return explain(units, expressions(units), events)


@pytest.mark.parametrize("rate_hz", [5.0, 20.0, 60.0])
def test_smoothing_is_in_time_not_in_frames(rate_hz: float) -> None:
    stream = AffectStream(smoothing_s=0.5)
    stream.show(-1 / rate_hz, np.zeros(arkit.COUNT), SURE)
    for i in range(round(0.5 * rate_hz) + 1):
        shown = stream.show(i / rate_hz, POSE_WEIGHTS["smile"], SURE)
    later = stream.show(0.5 + 5.0, POSE_WEIGHTS["smile"], SURE)
    assert 0.4 < shown.expressions.probability[1] < later.expressions.probability[1] + 1e-9


def test_a_clock_that_goes_back_begins_anew() -> None:
    stream = AffectStream(smoothing_s=10.0)
    stream.show(100.0, np.zeros(arkit.COUNT), SURE)
    assert stream.show(1.0, POSE_WEIGHTS["smile"], SURE).expressions.name == "happiness"


def test_a_face_that_rests_with_tense_lips_comes_to_be_neutral() -> None:
    tense = weights_of({"mouthPress": 0.2, "browDown": 0.2})
    stream = AffectStream(smoothing_s=0.0)
    before = stream.show(0.0, tense, SURE).expressions
    for second in range(1, 1200):
        shown = stream.show(float(second), tense, SURE)
    assert shown.expressions.probability[0] > before.probability[0]
    assert shown.expressions.name == "neutral"
    assert shown.units.intensity[24] == pytest.approx(0.2 / 0.9), "units are told as they are"
    broad = stream.show(1200.0, np.maximum(tense, POSE_WEIGHTS["smile"]), SURE)
    assert broad.expressions.name == "happiness"
    assert (shown.units.intensity - shown.resting.intensity).max() <= RESTING_MOST + 1e-9


def test_words_of_a_smile_name_what_was_seen() -> None:
    said = words(POSE_WEIGHTS["smile"])
    assert said.observations[0].startswith("strong lip corner puller (AU 12, 0.79)")
    assert said.not_seen == ("upper lids",)
    assert "prototype of happiness" in said.interpretation
    assert "likely an expression of happiness" in said.conclusion
    assert said.text.startswith("Seen: strong lip corner puller")


def test_words_are_no_surer_than_the_numbers() -> None:
    assert "likely" not in words(POSE_WEIGHTS["smile"], np.full(arkit.COUNT, 0.3)).conclusion
    blind = words(POSE_WEIGHTS["smile"], np.full(arkit.COUNT, 0.1))
    assert blind.conclusion == "Nothing can be said: no sensor tells enough."
    assert not blind.observations
    assert not blind.interpretation


def test_words_tell_the_side_and_what_the_other_side_may_be() -> None:
    one = POSE_WEIGHTS["contempt_left"]
    assert "on the left only" in words(one).observations[0]
    sure = np.where([name.endswith("Right") for name in arkit.BLENDSHAPES], 0.05, SURE)
    assert "the other side is not seen" in words(one, sure).observations[0]


def test_words_tell_of_brief_events() -> None:
    event = FacialEvent(EventKind.MICRO_EXPRESSION, 1.0, 1.1, 1.25, (4, 7), (0, 0), (0.3, 0.2), 2.0, 0.75)
    blink = FacialEvent(EventKind.BLINK, 1.0, 1.1, 1.25, (45,), (0,), (0.3,), 2.0, 0.75)
    said = words(np.zeros(arkit.COUNT), events=(event, blink))
    assert said.observations == (
        "a brief movement of 250 ms: brow lowerer (AU 4) and lid tightener (AU 7), confidence 0.75",
    )


@pytest.mark.parametrize("pose", sorted(POSE_WEIGHTS))
def test_every_pose_has_words(pose: str) -> None:
    said = words(POSE_WEIGHTS[pose])
    assert said.conclusion.endswith(".")
    assert "feel" not in said.text
