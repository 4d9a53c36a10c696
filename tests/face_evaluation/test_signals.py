"""What an estimator is told."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from face_evaluation import sources
from face_evaluation.motions import natural_motion
from face_evaluation.signals import Signals
from face_evaluation.sources import RoutineOnly, Simulated, first, seen_by_phone
from face_evaluation.states import STATES, WEARER_STATES, Knowledge, MissingTakeError, calibration_of
from face_evaluation.takes import recorded_features
from face_inference.errors import LayoutMismatchError
from imu_sim.generator import generate


@pytest.fixture(scope="module")
def loaded():
    return Simulated(generate(3, 8.0), "head", 900_001, 100.0).load()


def test_signals_hold_no_truth_and_give_the_same_features(loaded, face_12_description):
    signals = Signals.of(loaded.recording, "skull")
    assert not {"weights", "head_orientation", "person", "seen"} & {field.name for field in fields(signals)}
    assert signals.seconds == pytest.approx(8.0, abs=0.02)
    assert np.abs(loaded.recording.weights[signals.neutral]).mean() < 0.05
    mounts = face_12_description.mounts
    expected = recorded_features(loaded.recording, mounts)
    np.testing.assert_array_equal(recorded_features(signals, mounts), expected)
    with pytest.raises(LayoutMismatchError, match="nose"):
        Signals.of(loaded.recording, "nose")


def test_what_lies_beside_a_take_is_simulated_once_and_grows(loaded, monkeypatch):
    monkeypatch.setattr(sources, "WEAR_S", 6.0)
    beside = loaded.beside
    assert beside.routine() is beside.routine()
    short, longer, longest = beside.wear(4.0), beside.wear(6.0), beside.wear(9.0)
    assert [round(take.duration_s) for take in (*short, *longest)] == [4, 6, 3]
    np.testing.assert_array_equal(short[0].orientation, longer[0].orientation[:400])
    assert longest[0] is longer[0]
    calibration = calibration_of("mine", Knowledge(routine=True, wear_s=4.0, labelled_s=8.0), beside, "skull")
    assert calibration.routine is not None
    assert len(calibration.routine.cues) > 20
    assert [take.take for take in calibration.wear] == [short[0].take]
    assert calibration.labelled is not None
    assert calibration.labelled.same_clock
    assert calibration.labelled.weights.shape == (len(calibration.labelled.take.valid), 52)


def test_a_phone_is_late_and_has_a_clock_of_its_own(loaded):
    view = seen_by_phone(loaded.recording, 5)
    assert not view.same_clock
    assert view.weights.shape == (len(view.time_s), 52)
    assert 0.9 * 60 * 7.8 < len(view.time_s) < 60 * 7.8
    assert (np.diff(view.time_s) > 0.0).all()
    again = seen_by_phone(loaded.recording, 5)
    np.testing.assert_array_equal(view.weights, again.weights)
    assert abs(view.time_s[0] - seen_by_phone(loaded.recording, 6).time_s[0]) > 0.001


@pytest.mark.parametrize("state", WEARER_STATES[1:])
def test_states_ask_for_takes(loaded, state):
    take = first(loaded.recording, 2.0)
    with pytest.raises(MissingTakeError, match=state):
        calibration_of(state, STATES[state], RoutineOnly(), "skull")
    if state == "routine":
        assert calibration_of(state, STATES[state], RoutineOnly(lambda: take), "skull").routine is not None


def test_natural_motion_is_as_long_as_asked_and_has_no_jumps():
    motion = natural_motion(20.0, 4)
    assert motion.duration_s == pytest.approx(20.0 + 6.0, abs=0.1)
    assert np.abs(np.diff(motion.weights, axis=0)).max() < 0.7
    assert np.abs(np.diff(motion.head_position, axis=0)).max() < 0.02
    assert motion.weights[600:].max() > 0.3
