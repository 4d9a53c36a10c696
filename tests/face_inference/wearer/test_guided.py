"""Rows from the guided routine: what is measured, what is dropped, and that they teach the Jacobian."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_inference.errors import WearerError
from face_inference.wearer.adapt import adapt
from face_inference.wearer.guided import AMOUNT, check_followed, guided_rows
from face_inference.wearer.observations import Observations
from face_model import routine

NAMES = [prompt.name for prompt in routine.ROUTINE]


def kept(observations: Observations, rows: np.ndarray) -> Observations:
    return Observations(observations.time_s[rows], observations.values[rows], observations.valid[rows])


def test_each_prompt_gives_the_turn_from_rest_to_the_held_pose(wearer):
    guided = guided_rows(wearer.observations)
    assert guided.seen == tuple(NAMES)
    assert guided.not_seen == ()
    expected = AMOUNT * routine.nominal_weights()
    np.testing.assert_allclose(guided.rows.weights, expected)
    # The wearer of the fixture goes to 0.75 of the nominal weights.
    np.testing.assert_allclose(guided.rows.observation, expected @ wearer.jacobian.T, atol=0.002)
    assert guided.rows.valid.all()


def test_slow_drift_cancels(prior, make_wearer):
    still, drifting = (guided_rows(make_wearer(prior, drift=d).observations) for d in (0.0, 0.005))
    # 0.3 rad over the minute; what is left is the drift between a pose and the middle of the rests around it. The last
    # pose has a rest on one side only.
    np.testing.assert_allclose(drifting.rows.observation[:-1], still.rows.observation[:-1], atol=0.002)
    np.testing.assert_allclose(drifting.rows.observation[-1], still.rows.observation[-1], atol=0.008)


def test_labels_say_how_unsure_they_are(wearer):
    rows = guided_rows(wearer.observations).rows
    asked, unasked = rows.weights > 0.0, rows.weights == 0.0
    assert (rows.spread[asked] > rows.spread[unasked].max()).all()
    assert rows.spread[unasked].min() > 0.03


def test_adapting_to_them_brings_the_response_closer_to_the_wearers(prior, make_wearer):
    for seed in range(3):
        wearer = make_wearer(prior, seed=seed)
        found = adapt(prior, guided_rows(wearer.observations).rows, "prompts")
        exercised = routine.nominal_weights().max(axis=0) > 0.3
        before = np.abs(prior.mean - wearer.jacobian)[:, exercised].mean()
        after = np.abs(found.mean - wearer.jacobian)[:, exercised].mean()
        assert after < 0.8 * before


def test_a_prompt_that_was_not_followed_is_left_out_and_named(wearer):
    values = wearer.observations.values.copy()
    time_s = wearer.observations.time_s
    cues = {cue.prompt.name: cue for cue in routine.schedule()}
    for name in ("jaw_left", "smile"):
        values[(time_s > cues[name].start_s) & (time_s < cues[name].start_s + routine.PROMPT_S)] = 0.0
    guided = guided_rows(replace(wearer.observations, values=values))
    assert guided.not_seen == ("smile", "jaw_left")
    assert len(guided.rows.weights) == len(NAMES) - 2
    assert "not seen: smile, jaw_left" in guided.summary


def test_a_wearer_who_comes_late_is_measured_in_the_pose_and_not_at_rest(wearer):
    values = wearer.observations.values.copy()
    cue = routine.schedule()[4]
    time_s = wearer.observations.time_s
    # Still at rest for the first half of the hold window, which is steadier than any pose.
    middle_s = 0.5 * sum(cue.hold_s)
    values[(time_s >= cue.start_s) & (time_s < middle_s - 0.02)] = 0.0
    guided = guided_rows(replace(wearer.observations, values=values))
    expected = guided.rows.weights[4] @ wearer.jacobian.T
    np.testing.assert_allclose(guided.rows.observation[4], expected, atol=0.002)


def test_somebody_who_does_nothing_is_told(wearer):
    values = np.random.default_rng(0).normal(0.0, 0.001, wearer.observations.values.shape).astype(np.float32)
    with pytest.raises(WearerError, match="follow the prompts"):
        guided_rows(replace(wearer.observations, values=values))


def test_nothing_recorded_is_told():
    empty = Observations(np.zeros(0), np.zeros((0, 15), np.float32), np.zeros((0, 15), bool))
    with pytest.raises(WearerError, match="follow the prompts"):
        guided_rows(empty)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**31), share=st.floats(0.0, 0.4))
def test_lost_frames_hardly_matter(prior, seed, share, make_wearer):
    whole = make_wearer(prior)
    rows = np.random.default_rng(seed).random(len(whole.observations.time_s)) >= share
    found, expected = guided_rows(kept(whole.observations, rows)), guided_rows(whole.observations)
    common = [expected.seen.index(name) for name in found.seen]
    assert len(common) >= len(NAMES) - 2
    np.testing.assert_allclose(found.rows.observation, expected.rows.observation[common], atol=0.01)


def test_a_missing_sensor_is_marked_and_the_others_are_used(wearer):
    valid = wearer.observations.valid.copy()
    valid[:, 3:6] = False
    guided = guided_rows(replace(wearer.observations, valid=valid))
    assert not guided.rows.valid[:, 3:6].any()
    assert guided.rows.valid[:, 6:].all()
    assert (guided.rows.observation[:, 3:6] == 0.0).all()


def test_a_sensor_that_fails_during_one_pose_misses_in_that_row_only(wearer):
    valid = wearer.observations.valid.copy()
    time_s, cue = wearer.observations.time_s, routine.schedule()[2]
    valid[(time_s > cue.hold_s[0] - 0.01) & (time_s < cue.hold_s[1] + 0.01), :3] = False
    rows = guided_rows(replace(wearer.observations, valid=valid)).rows
    assert not rows.valid[2, :3].any()
    assert rows.valid[[1, 3]].all()


def test_following_the_prompts_is_told_from_doing_them_at_other_times(prior, make_wearer):
    for seed in range(3):
        observations = make_wearer(prior, seed=seed).observations
        check_followed(observations, prior)
        for shift_s in (-13.0, -2.6, 2.6, 21.0):
            shifted = replace(observations, values=np.roll(observations.values, round(50 * shift_s), axis=0))
            with pytest.raises(WearerError, match="follow the prompts"):
                check_followed(shifted, prior)
