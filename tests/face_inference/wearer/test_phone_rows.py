"""Rows from a phone's weights: the clocks are brought together, or the recording is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_inference.errors import WearerError
from face_inference.wearer.adapt import adapt
from face_inference.wearer.guided import guided_rows
from face_inference.wearer.phone_rows import phone_rows
from face_model import arkit, routine


@pytest.fixture(scope="session")
def phone_of(routine_weights):
    """Times on a clock that is behind by `lag_s`, and the wearer's weights at them, with a camera's noise."""

    def phone(lag_s: float, rate_hz: float = 60.0, rest: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        time_s = np.arange(round((routine.DURATION_S - 1.0) * rate_hz)) / rate_hz
        noise = np.random.default_rng(0).normal(0.0, 0.02, (len(time_s), arkit.COUNT))
        return time_s - lag_s, routine_weights(time_s) + rest + noise

    return phone


@settings(deadline=None, max_examples=20)
@given(lag_s=st.floats(-4.9, 4.9), rate_hz=st.sampled_from([24.0, 30.0, 60.0]))
def test_the_lag_is_found_to_a_fraction_of_a_frame(prior, lag_s, rate_hz, make_wearer, phone_of):
    found = phone_rows(make_wearer(prior).observations, *phone_of(lag_s, rate_hz), prior)
    assert found.alignment.lag_s == pytest.approx(lag_s, abs=0.008)
    assert found.alignment.correlation > 0.5
    assert found.alignment.lead > 1.3


def test_rows_are_the_wearers_weights_and_turns_relative_to_their_means(prior, wearer, phone_of):
    found = phone_rows(wearer.observations, *phone_of(1.0, rest=0.1), prior)
    rows = found.rows
    assert len(rows.weights) == pytest.approx(10 * (routine.DURATION_S - 1.0), abs=2)
    np.testing.assert_allclose(rows.weights.mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(rows.observation, rows.weights @ wearer.jacobian.T, atol=0.03)
    assert np.abs(rows.observation - rows.weights @ wearer.jacobian.T).mean() < 0.005
    assert f"{found.alignment.lag_s:+.2f} s" in found.summary


def test_they_teach_more_than_prompts(prior, make_wearer, phone_of):
    wearer = make_wearer(prior, seed=8)
    exercised = routine.nominal_weights().max(axis=0) > 0.3

    def error(rows, source):
        return np.abs(adapt(prior, rows, source).mean - wearer.jacobian)[:, exercised].mean()

    phone = error(phone_rows(wearer.observations, *phone_of(-2.0), prior).rows, "phone")
    prompts = error(guided_rows(wearer.observations).rows, "prompts")
    assert phone < prompts < np.abs(prior.mean - wearer.jacobian)[:, exercised].mean()


def test_lost_frames_and_a_missing_sensor_are_survived(prior, wearer, phone_of):
    rng = np.random.default_rng(2)
    valid = wearer.observations.valid.copy()
    valid[:, :3] = False
    valid[rng.random(len(valid)) < 0.2] = False
    found = phone_rows(replace(wearer.observations, valid=valid), *phone_of(2.5), prior)
    assert found.alignment.lag_s == pytest.approx(2.5, abs=0.02)
    assert not found.rows.valid[:, :3].any()
    assert found.rows.valid[:, 3:].mean() > 0.95


def test_a_sequence_of_another_face_is_refused(prior, wearer):
    time_s = np.arange(3000) / 60.0
    rng = np.random.default_rng(4)
    knots = rng.uniform(0.0, 1.0, (60, arkit.COUNT))
    weights = np.stack([np.interp(time_s, np.arange(60), column) for column in knots.T], axis=1)
    with pytest.raises(WearerError, match="record both during the same routine"):
        phone_rows(wearer.observations, time_s, weights, prior)


def test_a_face_that_never_moved_is_refused(prior, wearer, phone_of):
    time_s, weights = phone_of(0.0)
    with pytest.raises(WearerError):
        phone_rows(wearer.observations, time_s, np.full_like(weights, 0.1), prior)


def test_a_lag_out_of_reach_is_not_looked_for(prior, wearer, phone_of):
    with pytest.raises(WearerError):
        phone_rows(wearer.observations, *phone_of(12.0), prior)
    found = phone_rows(wearer.observations, *phone_of(12.0), prior, max_lag_s=20.0)
    assert found.alignment.lag_s == pytest.approx(12.0, abs=0.01)


def test_recordings_of_different_times_are_refused(prior, wearer, phone_of):
    time_s, weights = phone_of(0.0)
    with pytest.raises(WearerError, match="overlap"):
        phone_rows(wearer.observations, time_s + 1000.0, weights, prior)


def test_weights_of_another_vocabulary_are_refused(prior, wearer, phone_of):
    time_s, weights = phone_of(0.0)
    with pytest.raises(WearerError, match="52"):
        phone_rows(wearer.observations, time_s, weights[:, :51], prior)


def test_what_the_phone_did_not_see_teaches_nothing(prior, make_wearer, phone_of):
    """A third of the take is frozen, as an app writes it while the face is lost."""
    wearer = make_wearer(prior, seed=8)
    time_s, weights = phone_of(-2.0)
    seen = np.ones(weights.shape, dtype=bool)
    frozen = slice(len(weights) // 3, 2 * len(weights) // 3)
    held = weights.copy()
    held[frozen] = weights[frozen.start]
    seen[frozen] = False
    without = np.delete(np.arange(len(weights)), np.arange(frozen.start, frozen.stop))

    def learned(*arguments, **more):
        return adapt(prior, phone_rows(wearer.observations, *arguments, prior, **more).rows, "phone").mean

    right = learned(time_s, held, phone_seen=seen)
    cut = learned(time_s[without], weights[without])
    assert np.linalg.norm(right - cut) < 0.02 * np.linalg.norm(cut)
    assert np.linalg.norm(learned(time_s, held) - cut) > 0.1 * np.linalg.norm(cut)


def test_a_weight_without_a_column_is_as_uncertain_as_anybodys(prior, wearer, phone_of):
    time_s, weights = phone_of(1.0)
    seen = np.ones(weights.shape, dtype=bool)
    tongue = arkit.INDEX["tongueOut"]
    weights[:, tongue], seen[:, tongue] = 0.0, False
    rows = phone_rows(wearer.observations, time_s, weights, prior, phone_seen=seen).rows
    assert len(rows.weights) > 100
    anybody = float(np.sqrt(prior.weights_covariance[tongue, tongue]))
    np.testing.assert_allclose(rows.spread[:, tongue], anybody, rtol=1e-6)
    assert (rows.spread[:, :tongue] == 0.04).all()


def test_a_face_that_was_never_seen_is_refused(prior, wearer, phone_of):
    time_s, weights = phone_of(0.0)
    with pytest.raises(WearerError, match="saw the face"):
        phone_rows(wearer.observations, time_s, weights, prior, phone_seen=np.zeros(weights.shape, dtype=bool))
