from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_evaluation.held import HELD_POSES, mean_reading, read_held
from face_inference.errors import InferenceError
from face_model import arkit

RATE_HZ = 10.0


def holding(recorded, pose, seconds=320.0, begins_s=5.0):
    recording = recorded(seconds=seconds, rate_hz=RATE_HZ)
    weights = np.zeros_like(recording.weights)
    for name, weight in HELD_POSES[pose].items():
        weights[round(begins_s * RATE_HZ) :, arkit.INDEX[name]] = weight
    return replace(recording, weights=weights)


def test_poses_name_arkit_shapes_on_both_sides():
    for shapes in HELD_POSES.values():
        assert {arkit.mirrored(name) for name in shapes} == set(shapes)


@pytest.mark.parametrize("pose", HELD_POSES)
def test_a_reading_that_is_low_and_decays(recorded, pose):
    recording = holding(recorded, pose)
    since = np.arange(len(recording.weights)) / RATE_HZ - 5.0
    estimate = recording.weights * (0.9 - 0.001 * since)[:, None]
    reading = read_held(pose, recording, estimate)
    assert reading.truth == pytest.approx(next(iter(HELD_POSES[pose].values())), abs=1e-6)
    assert reading.early == pytest.approx(reading.truth * 0.8905, rel=2e-3)
    assert reading.decay == pytest.approx(reading.truth * 0.29, rel=2e-3)
    assert reading.late_bias == pytest.approx(-reading.truth * 0.3995, rel=2e-3)
    assert reading.worst == pytest.approx(-reading.late_bias, rel=1e-3)
    assert not reading.good
    assert len(reading.curve) == 315


def test_one_wrong_side_is_not_good(recorded):
    recording = holding(recorded, "smile")
    estimate = recording.weights.copy()
    estimate[:, arkit.INDEX["mouthSmileLeft"]] *= 0.7
    reading = read_held("smile", recording, estimate)
    assert abs(reading.bias) < 0.15
    assert not reading.good
    assert mean_reading([reading, read_held("smile", recording, recording.weights)]).worst == reading.worst


def test_a_short_hold_has_no_late_reading(recorded):
    recording = holding(recorded, "jaw", seconds=30.0)
    reading = read_held("jaw", recording, recording.weights)
    assert reading.bias == pytest.approx(0.0)
    assert np.isnan(reading.late)
    assert reading.good


@settings(max_examples=10, deadline=None)
@given(offset=st.floats(-0.3, 0.3))
def test_a_constant_offset_is_bias_and_no_decay(recorded, offset):
    recording = holding(recorded, "frown")
    reading = read_held("frown", recording, recording.weights + offset)
    assert reading.bias == pytest.approx(offset, abs=1e-6)
    assert reading.decay == pytest.approx(0.0, abs=1e-9)


def test_a_face_without_the_pose_is_refused(recorded):
    with pytest.raises(InferenceError, match="'smile'"):
        read_held("smile", holding(recorded, "jaw", seconds=10.0), np.zeros((100, 52)))
