"""What the tracker does with what is known of the wearer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face_evaluation.takes import layout_of, recorded_neutral, samples_of
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.features import FeatureExtractor, State
from face_inference.network_inputs import InputAssembler
from face_inference.tracker import FaceTracker
from face_inference.wearer.linear_estimate import LinearEstimate
from face_inference.wearer.prior import WearerJacobian


@pytest.fixture
def personal(prior):
    """Somebody whose skin moves more than most people's, and of whom much is known."""
    anybody = prior.unknown_wearer
    return WearerJacobian(1.5 * anybody.mean, 0.1 * anybody.uncertainty, "prompts")


@pytest.fixture
def recording(recorded):
    return recorded(seed=5, seconds=4.0)


def ready(tracker, recording):
    tracker.set_layout(layout_of(recording))
    tracker.neutral = recorded_neutral(recording, tracker.mounts)
    return tracker


def run(tracker, recording, start=0, stop=None):
    samples = list(samples_of(recording))[start:stop]
    estimates = [tracker.update(s, now_s=s.hub_time_s) for s in samples]
    return np.stack([e.weights for e in estimates]), np.stack([e.confidence for e in estimates])


def inputs_for(description, wearer, recording):
    """(T, I) as they are made of a whole take."""
    extractor = FeatureExtractor(description.mounts, rate_hz=recording.rate_hz)
    extractor.state = State(recorded_neutral(recording, description.mounts))
    features = extractor.batch(
        recording.orientation, recording.angular_velocity, recording.specific_force, recording.valid
    )
    return InputAssembler(extractor.channels, LinearEstimate(description.prior, wearer)).batch(features)


@pytest.mark.parametrize("known", [False, True])
def test_the_network_is_fed_the_reading_for_who_is_known(description, estimate_engine, personal, recording, known):
    recording.valid[200:300, 4] = False
    tracker = ready(FaceTracker(description, estimate_engine), recording)
    assert tracker.wearer.source == "population"
    if known:
        tracker.wearer = personal
    estimate, deviation = run(tracker, recording)
    expected = inputs_for(description, personal if known else description.prior.unknown_wearer, recording)
    np.testing.assert_allclose(estimate, expected[:, -104:-52], atol=1e-5)
    np.testing.assert_allclose(deviation, expected[:, -52:], atol=1e-6)
    assert (deviation[250] > deviation[150]).all(), "a sensor less leaves more doubt"


def test_who_is_known_better_is_read_with_less_doubt(description, estimate_engine, personal, recording):
    tracker = ready(FaceTracker(description, estimate_engine), recording)
    _, before = run(tracker, recording, stop=50)
    tracker.wearer = personal
    _, after = run(tracker, recording, 50, 60)
    assert (after[0] < before[-1]).all(), "from the next sample on"


def test_another_wearer_starts_the_network_anew_and_keeps_the_neutral(trained, recording):
    """Else the first seconds would go on from what the network made of another estimate."""
    model = trained["model"]
    prior = model.description.prior
    other = WearerJacobian(2.0 * prior.unknown_wearer.mean, prior.unknown_wearer.uncertainty, "phone")
    changed = ready(FaceTracker(model.description, OnnxRuntimeEngine(model)), recording)
    run(changed, recording, 0, 300)
    neutral = changed.neutral
    changed.wearer = other
    assert changed.neutral is neutral
    fresh = FaceTracker(model.description, OnnxRuntimeEngine(model))
    fresh.set_layout(layout_of(recording))
    known = {n: a for n, a in changed.saved_state().items() if n.startswith(("features.", "reading.", "wear."))}
    unlearned = {n: a for n, a in fresh.saved_state().items() if not n.startswith(("automatic.", "reading.", "wear."))}
    fresh.restore_state(unlearned | known)
    np.testing.assert_array_equal(run(changed, recording, 300)[0], run(fresh, recording, 300)[0])


def test_a_restored_tracker_goes_on_with_the_same_wearer(trained, personal, recording):
    model = trained["model"]

    def tracker():
        tracker = ready(FaceTracker(model.description, OnnxRuntimeEngine(model)), recording)
        tracker.wearer = personal
        return tracker

    whole = run(tracker(), recording)[0]
    first = tracker()
    head = run(first, recording, 0, 260)[0]
    second = FaceTracker(model.description, OnnxRuntimeEngine(model))
    second.restore_state(first.saved_state())
    np.testing.assert_array_equal(second.wearer.mean, personal.mean)
    np.testing.assert_array_equal(np.concatenate([head, run(second, recording, 260)[0]]), whole)


def test_only_somebody_else_replaces_the_wearer(description, estimate_engine, personal, recording):
    tracker = ready(FaceTracker(description, estimate_engine), recording)
    tracker.wearer = personal
    run(tracker, recording, 0, 100)
    tracker.neutral = recorded_neutral(recording, description.mounts)
    run(tracker, recording, 0, 10)  # sequence and clock start over: the hub was restarted
    assert tracker.counters.returns == 1
    tracker.set_layout(replace(layout_of(recording), layout_id=2))
    assert tracker.wearer is personal
    expected = inputs_for(description, personal, recording)[:10]
    ready(tracker, recording)
    np.testing.assert_allclose(run(tracker, recording, 0, 10)[0], expected[:, -104:-52], atol=1e-5)
