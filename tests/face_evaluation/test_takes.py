from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from face_evaluation import estimate_take
from face_evaluation.takes import lost_frames, recorded_features, recorded_neutral, samples_of
from face_inference.channels import Channels
from face_inference.features import FeatureExtractor, State
from face_inference.mounts import NominalMounts
from face_inference.ticks import TickResampler
from face_inference.tracker import FaceTracker
from imu_sim.recording import Recording


def with_lost(recording: Recording, lost: list[int]) -> Recording:
    valid = recording.valid.copy()
    valid[lost] = False
    return replace(recording, valid=valid)


@settings(max_examples=20, deadline=None)
@given(lost=st.lists(st.integers(310, 340), unique=True), dead=st.sampled_from([None, 2, 5]))
def test_lost_frames_are_bridged_as_the_live_tracker_bridges_them(mounts, recorded, lost, dead):
    recording = with_lost(recorded(seconds=5.0), lost)
    if dead is not None:
        recording.valid[325:, dead] = False
    extractor = FeatureExtractor(mounts)
    extractor.state = State(recorded_neutral(recording, mounts))
    ticks, resampler, sequence = [], TickResampler(Channels.of(mounts), 100.0, 100.0), 0
    for sample in samples_of(recording):
        features = extractor.step(sample.orientation, sample.angular_velocity, sample.specific_force, sample.valid)
        ticks += resampler.push(sample.hub_time_s, features, sample.sequence - sequence or 1)
        sequence = sample.sequence
    np.testing.assert_allclose(recorded_features(recording, mounts), ticks, atol=1e-5)


def test_frames_lost_at_either_end_stay_without_sensors(mounts: NominalMounts, recorded):
    recording = with_lost(recorded(seconds=5.0), [0, 1, 498, 499])
    features = recorded_features(recording, mounts)
    assert not features[[0, 1, 498, 499]].any()
    assert features[[2, 497]].any(axis=1).all()
    assert lost_frames(recording).sum() == 4
    assert [s.sequence for s in samples_of(recording)] == list(range(2, 498))


def test_while_a_frame_is_lost_the_last_estimate_stands(trained, recorded):
    from face_inference.engines.onnx_runtime import OnnxRuntimeEngine

    recording = with_lost(recorded(seconds=5.0), [350, 351, 352])
    model = trained["model"]
    weights, confidence = estimate_take(FaceTracker(model.description, OnnxRuntimeEngine(model)), recording)
    np.testing.assert_array_equal(weights[350:353], np.repeat(weights[349:350], 3, axis=0))
    np.testing.assert_array_equal(confidence[350:353], np.repeat(confidence[349:350], 3, axis=0))
    assert not np.array_equal(weights[353], weights[349])
