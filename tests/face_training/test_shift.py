from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_evaluation.takes import recorded_features
from face_inference.channels import Channels
from face_training.training_subjects import shift_response

RATE_HZ = 100.0


@pytest.fixture
def take(mounts, recorded):
    recording = recorded(seed=4, seconds=6.0, head=0.4)
    return Channels.of(mounts), recorded_features(recording, mounts), recording.weights


def a_shift(channels, seed=0, size=0.01):
    return np.random.default_rng(seed).normal(0.0, size, (3 * channels.skin_count, 52)).astype(np.float32)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_there_and_back_changes_nothing(mounts, recorded, seed):
    recording, channels = recorded(seed=4, seconds=4.0), Channels.of(mounts)
    features = recorded_features(recording, mounts)
    changed = features.copy()
    shift_response(channels, changed, recording.weights, a_shift(channels, seed), RATE_HZ)
    assert np.abs(changed - features).max() > 1e-3
    shift_response(channels, changed, recording.weights, -a_shift(channels, seed), RATE_HZ)
    np.testing.assert_allclose(changed, features, atol=1e-4)


def test_the_rotation_is_that_of_the_other_response(take):
    channels, features, weights = take
    shift, changed = a_shift(channels), features.copy()
    shift_response(channels, changed, weights, shift, RATE_HZ)
    block = channels.skin_block("rotation")
    np.testing.assert_allclose(changed[:, block] - features[:, block], weights @ shift.T, atol=1e-5)


def test_tilt_turns_about_horizontal_axes_only_and_the_rate_is_the_turns_derivative(take):
    channels, features, weights = take
    shift, changed = a_shift(channels), features.copy()
    shift_response(channels, changed, weights, shift, RATE_HZ)
    moved = (changed - features)[:, channels.skin_block("tilt")].reshape(len(features), -1, 3)
    assert np.abs(np.einsum("tki,ti->tk", moved, features[:, channels.gravity])).max() < 1e-5
    turn = weights.astype(np.float64) @ shift.T
    rate = (changed - features)[:, channels.skin_block("rate")]
    # The trapezoid rule brings the derivative back to the turn.
    again = np.cumsum(0.5 * (rate[1:] + rate[:-1]), axis=0) / RATE_HZ
    np.testing.assert_allclose(again, turn[1:] - turn[:1], atol=2e-3)


def test_a_missing_sensor_stays_zero_and_the_rest_untouched(take):
    channels, features, weights = take
    features = features * (channels.sensor_of != 2)
    changed = features.copy()
    shift_response(channels, changed, weights, a_shift(channels), RATE_HZ)
    assert not changed[:, channels.sensor_of == 2].any()
    for same in (channels.skin_block("force"), channels.gravity, channels.head_rate, channels.valid):
        np.testing.assert_array_equal(changed[:, same], features[:, same])
