"""Spikes and saturated sensors are masked, and good motion at any rate never is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_evaluation.takes import layout_of, recorded_neutral, samples_of
from face_inference.sample_check import SampleCheck
from face_inference.tracker import FaceTracker
from face_model import rotation
from face_model.face_state import FaceState
from face_model.imu_sample import STATUS_ACCEL_SATURATED, STATUS_GYRO_SATURATED, STATUS_MISSING


def ready(description, engine, recording):
    tracker = FaceTracker(description, engine)
    tracker.set_layout(layout_of(recording))
    tracker.neutral = recorded_neutral(recording, tracker.mounts)
    return tracker


def turned(sample, sensor, angle_rad, axis=(0.0, 0.6, 0.8)):
    orientation = sample.orientation.copy()
    orientation[sensor] = rotation.multiply(rotation.from_vector(angle_rad * np.array(axis)), orientation[sensor])
    return replace(sample, orientation=orientation)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("sensor", [0, 3])
@given(angle=st.floats(0.2, np.pi), at=st.integers(260, 380))
def test_one_sample_that_leaps_is_masked_and_the_next_is_good(
    description, estimate_engine, recorded, sensor, angle, at
):
    recording = recorded(seed=5, seconds=4.0)
    samples = list(samples_of(recording))
    tracker = ready(description, estimate_engine, recording)
    for sample in samples[250:at]:
        tracker.update(sample, 0.0)
    masked = tracker.counters.masked
    spiked = tracker.update(turned(samples[at], sensor, angle), 0.0)
    assert tracker.counters.masked >= masked + 1
    assert spiked.state == FaceState.DEGRADED
    after = tracker.update(samples[at + 1], 0.0)
    assert after.state == FaceState.TRACKING
    clean = ready(description, estimate_engine, recording)
    for sample in samples[250:at]:
        clean.update(sample, 0.0)
    status = samples[at].status.copy()
    status[sensor] = STATUS_MISSING
    expected = clean.update(replace(samples[at], status=status), 0.0)
    np.testing.assert_array_equal(spiked.weights, expected.weights, "as if the sensor had been missing")
    expected = clean.update(samples[at + 1], 0.0)
    np.testing.assert_array_equal(after.weights, expected.weights)


@pytest.mark.parametrize("bit", [STATUS_GYRO_SATURATED, STATUS_ACCEL_SATURATED])
def test_a_saturated_sensor_is_masked_as_long_as_it_is(description, estimate_engine, recorded, bit):
    recording = recorded(seed=5, seconds=4.0)
    tracker = ready(description, estimate_engine, recording)
    for i, sample in enumerate(samples_of(recording)):
        status = sample.status.copy()
        status[2] |= bit if 100 <= i < 200 else 0
        state = tracker.update(replace(sample, status=status), 0.0).state
        assert state == (FaceState.DEGRADED if 100 <= i < 200 else FaceState.TRACKING)
    assert tracker.counters.masked == 100


def test_a_gyroscope_at_full_scale_that_nobody_flagged_shifts_nothing(description, estimate_engine, recorded):
    recording = recorded(seed=5, seconds=4.0)
    tracker, without = (ready(description, estimate_engine, recording) for _ in range(2))
    for sample in samples_of(recording):
        rates, valid = sample.angular_velocity.copy(), sample.status.copy()
        rates[3], valid[3] = 35.7, 0
        found = tracker.update(replace(sample, angular_velocity=rates), 0.0).weights.copy()
        expected = without.update(replace(sample, status=valid), 0.0).weights
        if sample.sequence > 1:
            np.testing.assert_allclose(found, expected, atol=1e-6)
    assert tracker.counters.masked >= len(recording.valid) - 2


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 100.0, 400.0])
@pytest.mark.parametrize("lost", [0.0, 0.5])
def test_good_motion_is_never_masked(description, estimate_engine, recorded, rate_hz, lost):
    recording = recorded(seed=7, seconds=8.0, rate_hz=rate_hz, head=1.2, face=1.0)
    tracker = ready(description, estimate_engine, recording)
    rng = np.random.default_rng(1)
    for sample in samples_of(recording):
        if rng.random() >= lost:
            tracker.update(sample, 0.0)
    assert tracker.counters.masked == 0


def test_an_orientation_that_stays_elsewhere_is_believed_after_a_while():
    check, good = SampleCheck(1), np.array([[0.0, 0.0, 0.0, 1.0]])
    other, still = np.array([[0.0, 0.0, 1.0, 0.0]]), np.zeros((1, 3))
    status, valid = np.zeros(1, np.uint8), np.ones(1, bool)
    seen = [bool(check.usable(0.01 * i, good if i < 50 else other, still, status, valid)[0]) for i in range(200)]
    assert all(seen[:50])
    assert seen.index(False) == 50
    assert 95 < seen.index(True, 50) < 105
    assert all(seen[105:])
