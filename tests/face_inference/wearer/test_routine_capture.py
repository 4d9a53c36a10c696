"""The routine while frames stream in: what is said when, and what is kept."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_inference.channels import Channels
from face_inference.wearer.routine_capture import KEPT_HZ, RoutineCapture, moment_at
from face_model import routine

CHANNELS = Channels(6, 0)


def features(value: float, missing: int | None = None) -> np.ndarray:
    row = np.zeros(CHANNELS.size, dtype=np.float32)
    row[CHANNELS.skin_block("rotation")] = value
    row[CHANNELS.valid] = 1.0
    if missing is not None:
        row[CHANNELS.valid.start + missing] = 0.0
    return row


def test_every_prompt_is_said_in_order_between_a_rest_and_another():
    moments = [moment_at(t) for t in np.arange(0.0, routine.DURATION_S, 0.02)]
    assert moments[0].text == routine.REST_TEXT
    assert moments[0].index == -1
    told = [m.name for before, m in pairwise(moments) if m.hold and not before.hold]
    assert told == [prompt.name for prompt in routine.ROUTINE]
    assert {m.text for m in moments if not m.hold} == {routine.REST_TEXT, routine.RELAX_TEXT}
    assert not moments[-1].hold


@given(st.floats(0.0, routine.DURATION_S))
def test_the_time_left_ends_with_something_else_being_said(time_s):
    now = moment_at(time_s)
    assert now.routine_left_s == pytest.approx(routine.DURATION_S - time_s)
    assert 0.0 <= now.phase_left_s <= now.routine_left_s + 1e-6
    then = moment_at(time_s + now.phase_left_s + 1e-6)
    assert (then.index, then.hold) != (now.index, now.hold) or then.routine_left_s == 0.0


@pytest.mark.parametrize("rate_hz", [30.0, 50.0, 60.0, 100.0, 400.0])
def test_it_ends_by_hub_time_and_keeps_a_bounded_number_of_frames(rate_hz):
    capture = RoutineCapture(CHANNELS)
    start_s = 123.4
    for i in range(int((routine.DURATION_S + 5.0) * rate_hz)):
        capture.add(start_s + i / rate_hz, features(i / rate_hz))
        if capture.complete:
            break
    assert i / rate_hz == pytest.approx(routine.DURATION_S, abs=1.5 / rate_hz)
    result = capture.result
    expected = routine.DURATION_S * min(rate_hz, KEPT_HZ)
    assert len(result.time_s) == pytest.approx(expected, rel=0.01)
    # A frame keeps its own time and values.
    np.testing.assert_allclose(result.values[:, 0], result.time_s, atol=1e-4)
    assert result.time_s[0] == 0.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.0005, 0.03))
def test_any_jitter_of_the_times_leaves_room_for_all_frames(seed, step_s):
    steps = np.random.default_rng(seed).uniform(1e-6, 2.0 * step_s, int(routine.DURATION_S / step_s) + 1000)
    capture, row = RoutineCapture(CHANNELS), features(1.0)
    for time_s in np.cumsum(steps).tolist():
        capture.add(time_s, row)
        if capture.complete:
            break
    assert 0 < len(capture.result.time_s) <= routine.DURATION_S * KEPT_HZ + 1.5
    assert (capture.result.values == 1.0).all()


def test_lost_frames_leave_a_gap_and_missing_sensors_are_marked():
    capture = RoutineCapture(CHANNELS)
    times = [t for t in np.arange(0.0, routine.DURATION_S + 0.1, 0.02) if not 10.0 < t < 12.0]
    for t in times:
        capture.add(t, features(1.0, missing=2))
    found = capture.result
    assert np.diff(found.time_s).max() == pytest.approx(2.0, abs=0.05)
    assert found.valid[0].tolist() == [True] * 3 + [False] * 3 + [True] * 9


def test_aborting_ends_it_and_what_is_complete_stays():
    capture = RoutineCapture(CHANNELS)
    capture.add(0.0, features(0.0))
    capture.abort("the hub was restarted")
    assert capture.complete
    assert capture.result is None
    capture.add(routine.DURATION_S + 1.0, features(0.0))
    assert capture.result is None
    capture.abort("later")
    assert capture.problem == "the hub was restarted"
