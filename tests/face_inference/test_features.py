from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_evaluation.takes import recorded_features, recorded_neutral
from face_inference.errors import InferenceError
from face_inference.features import FeatureExtractor, State
from face_inference.heading_filter import HeadingParams
from face_inference.mounts import NominalMounts
from face_inference.neutral import solve_neutral
from face_model import rotation


def extractor_for(mounts, recording):
    extractor = FeatureExtractor(mounts)
    extractor.state = State(recorded_neutral(recording, mounts))
    return extractor


def frame(recording, i):
    return recording.orientation[i], recording.angular_velocity[i], recording.specific_force[i], recording.valid[i]


def test_streaming_equals_batch_and_a_restored_run_equals_an_uninterrupted_one(mounts, recorded):
    recording = recorded(seed=1, seconds=5.0)
    recording.valid[200:230, 2] = False
    recording.valid[300:310, 0] = False
    first = extractor_for(mounts, recording)
    batch = first.batch(recording.orientation, recording.angular_velocity, recording.specific_force, recording.valid)
    half = len(batch) // 2
    first = extractor_for(mounts, recording)
    streamed = [first.step(*frame(recording, i)) for i in range(half)]
    second = FeatureExtractor(mounts)
    second.state = first.state
    streamed += [second.step(*frame(recording, i)) for i in range(half, len(batch))]
    np.testing.assert_allclose(np.stack(streamed), batch, atol=1e-5)


@pytest.mark.parametrize("cut", [1, 7, 123, 390])
def test_any_split_of_a_batch_gives_the_same(mounts, recorded, cut):
    recording = recorded(seed=1, seconds=4.0)
    arrays = (recording.orientation, recording.angular_velocity, recording.specific_force, recording.valid)
    whole = extractor_for(mounts, recording).batch(*arrays)
    first = extractor_for(mounts, recording)
    parts = [first.batch(*(x[:cut] for x in arrays))]
    second = FeatureExtractor(mounts)
    second.state = first.state
    parts.append(second.batch(*(x[cut:] for x in arrays)))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_the_place_of_the_reference_in_the_order_does_not_matter(mounts, recorded):
    recording = recorded(seed=1, seconds=5.0)
    recording.valid[200:230, 2] = False
    expected = extractor_for(mounts, recording).batch(
        recording.orientation, recording.angular_velocity, recording.specific_force, recording.valid
    )
    order = [1, 2, 3, 0, 4, 5]
    moved = NominalMounts(tuple(mounts.names[i] for i in order), 3, mounts.orientation[order], mounts.position_m[order])
    neutral = recorded_neutral(recording, mounts)
    extractor = FeatureExtractor(moved)
    extractor.state = State(
        replace(
            neutral,
            mount=neutral.mount[order],
            yaw_rad=neutral.yaw_rad[order],
            calibrated=neutral.calibrated[order],
        )
    )
    frames = [[x[order] for x in frame(recording, i)] for i in range(len(expected))]
    streamed = np.stack([extractor.step(*each) for each in frames])
    extractor.state = State(extractor.state.neutral)
    batch = extractor.batch(*(np.stack(x) for x in zip(*frames, strict=True)))
    valid = extractor.channels.valid
    for found in (streamed, batch):
        # The order of skin sensors is the same in both; only the flags tell where the reference stands.
        np.testing.assert_allclose(found[:, : valid.start], expected[:, : valid.start], atol=1e-5)
        np.testing.assert_array_equal(found[:, valid], expected[:, valid][:, order])


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(1, 5), min_size=1))
def test_a_missing_sensor_changes_nothing_about_the_others(mounts, recorded, missing):
    recording = recorded(seed=6, seconds=4.0)
    extractor = extractor_for(mounts, recording)
    *signals, valid = frame(recording, 350)
    whole = extractor.step(*signals, valid)
    there = ~np.isin(np.arange(6), list(missing))
    part = extractor.step(*signals, there)
    of_others = there[extractor.channels.sensor_of]
    np.testing.assert_array_equal(part[of_others], whole[of_others])
    assert not part[~of_others].any()


def test_features_of_a_frame_outlive_the_next(mounts, recorded):
    recording = recorded(seed=6, seconds=4.0)
    extractor = extractor_for(mounts, recording)
    first = extractor.step(*frame(recording, 300))
    kept = first.copy()
    extractor.step(*frame(recording, 399))
    np.testing.assert_array_equal(first, kept)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-3.1, 3.1), min_size=6, max_size=6))
def test_arbitrary_headings_change_nothing(mounts, recorded, headings):
    recording = recorded(seed=2, seconds=4.0)
    expected = recorded_features(recording, mounts)
    turn = rotation.from_vector(np.outer(headings, [0.0, 0.0, 1.0]))
    turned = rotation.multiply(turn[None], recording.orientation.astype(np.float64)).astype(np.float32)
    object.__setattr__(recording, "orientation", turned)
    np.testing.assert_allclose(recorded_features(recording, mounts), expected, atol=2e-4)


def test_rigid_head_motion_gives_no_relative_motion(mounts, recorded):
    recording = recorded(seed=3, seconds=8.0, face=0.0, head=0.5)
    features = recorded_features(recording, mounts)
    channels = FeatureExtractor(mounts).channels
    assert np.abs(features[:, channels.skin_block("rotation")]).max() < 1e-3
    assert np.abs(features[:, channels.skin_block("tilt")]).max() < 1e-3
    assert np.abs(features[:, channels.skin_block("rate")]).max() < 1e-3
    # What is left of the force is the Euler term, which is not subtracted: alpha times the lever arm.
    alpha = np.gradient(features[:, channels.head_rate], 0.01, axis=0)
    euler = np.linalg.norm(alpha, axis=1).max() * np.linalg.norm(np.ptp(mounts.position_m, axis=0))
    assert np.abs(features[:, channels.skin_block("force")]).max() < 1.1 * euler
    assert np.abs(features[:, channels.head_rate]).max() > 0.2


def test_relative_rotation_is_that_of_the_skin(mounts, recorded):
    recording = recorded(seed=4, seconds=6.0, head=0.4)
    # Skin that turns by radians would be taken for drift and for a turn of the mounting, in part.
    extractor = FeatureExtractor(mounts, heading=HeadingParams(mounting_rad=1e-4, drift_rad_rt_s=1e-4))
    extractor.state = State(recorded_neutral(recording, mounts))
    features = extractor.batch(
        recording.orientation, recording.angular_velocity, recording.specific_force, recording.valid
    )
    channels = extractor.channels
    found = features[:, channels.skin_block("rotation")].reshape(-1, 5, 3)
    gain = np.random.default_rng(99).normal(0.0, 0.08, (6, 52, 3))
    expected = np.einsum("tw,swi->tsi", recording.weights, gain[1:])
    moderate = np.linalg.norm(expected, axis=-1) < 2.5
    np.testing.assert_allclose(found[moderate], expected[moderate], atol=5e-3)


def test_a_tilted_head_moves_no_skin_once_the_turns_of_the_mountings_are_known(mounts, recorded):
    """Boards glued on turned about the vertical: the leak of a tilted head goes as the head moves."""
    recording = recorded(seed=3, seconds=30.0, face=0.0, head=0.5)
    turns = np.array([0.0, 0.2, -0.15, 0.1, -0.25, 0.3])
    about = rotation.from_vector(np.outer(turns, [0.0, 0.0, 1.0]))
    nominal = mounts.orientation
    # The board is turned in the head's axes; what it measures is turned the other way.
    change = rotation.multiply(rotation.conjugate(nominal), rotation.multiply(about, nominal))
    back = rotation.conjugate(change)
    orientation = rotation.multiply(recording.orientation.astype(np.float64), change[None])
    object.__setattr__(recording, "orientation", orientation.astype(np.float32))
    for name in ("angular_velocity", "specific_force"):
        turned = rotation.rotate(back[None], getattr(recording, name).astype(np.float64))
        object.__setattr__(recording, name, turned.astype(np.float32))
    extractor = extractor_for(mounts, recording)
    features = extractor.batch(
        recording.orientation, recording.angular_velocity, recording.specific_force, recording.valid
    )
    channels = extractor.channels
    for block in ("rotation", "tilt"):
        skin = np.abs(features[:, channels.skin_block(block)])
        assert skin[:1500].max() > 0.05
        assert skin[-1000:].max() < 0.01
    # Nothing jumps meanwhile.
    assert np.abs(np.diff(features[:, channels.skin_block("rotation")], axis=0)).max() < 0.02


def test_neutral_finds_a_board_glued_askew(mounts, recorded):
    recording = recorded(seed=5, seconds=6.0, face=0.0, head=0.4)
    error = rotation.from_vector(np.array([0.0, 0.15, 0.1]))  # board 3, in its own frame
    askew = rotation.multiply(recording.orientation[:, 3].astype(np.float64), error)
    recording.orientation[:, 3] = askew.astype(np.float32)
    neutral = recorded_neutral(recording, mounts)
    true_mount = rotation.multiply(mounts.orientation[3], error)
    up = np.array([0.0, 0.0, 1.0])
    found_up = rotation.rotate(rotation.conjugate(neutral.mount[3]), up)
    np.testing.assert_allclose(found_up, rotation.rotate(rotation.conjugate(true_mount), up), atol=1e-4)


def test_neutral_levels_a_reference_glued_askew(mounts, recorded):
    recording = recorded(seed=5, seconds=6.0, face=0.0, head=0.4)
    expected = recorded_features(recording, mounts)
    # About the head's own y axis, as gravity can tell: the board turned by `error` seen from the head.
    in_board = rotation.multiply(
        rotation.conjugate(mounts.orientation[0]),
        rotation.multiply(rotation.from_vector(np.array([0.0, 0.12, 0.0])), mounts.orientation[0]),
    )
    recording.orientation[:, 0] = rotation.multiply(recording.orientation[:, 0].astype(np.float64), in_board)
    for signal in (recording.angular_velocity, recording.specific_force):
        signal[:, 0] = rotation.rotate(rotation.conjugate(in_board), signal[:, 0].astype(np.float64))
    np.testing.assert_allclose(recorded_features(recording, mounts), expected, atol=2e-3)


def test_missing_sensors_are_zeroed_and_masked(mounts, recorded):
    recording = recorded(seed=6, seconds=4.0)
    extractor = extractor_for(mounts, recording)
    q, w, f, valid = (np.array(x) for x in frame(recording, 350))
    valid[3] = False
    features = extractor.step(q, w, f, valid)
    of_sensor = extractor.channels.sensor_of == 3
    assert not features[of_sensor].any()
    assert features[extractor.channels.valid].tolist() == [1, 1, 1, 0, 1, 1]
    assert not extractor.step(q, w, f, valid & (np.arange(6) != 0)).any(), "without the skull nothing is known"


IMPOSSIBLE = [(which, value) for which in (0, 1, 2) for value in (np.nan, np.inf, 1e9)] + [(0, 0.0)]


@pytest.mark.parametrize(("which", "value"), IMPOSSIBLE)
def test_values_that_cannot_be_are_masked(mounts, recorded, which, value):
    recording = recorded(seed=6, seconds=4.0)
    extractor = extractor_for(mounts, recording)
    arrays = [np.array(x) for x in frame(recording, 350)]
    arrays[which][4] = value
    features = extractor.step(*arrays)
    assert np.isfinite(features).all()
    assert features[extractor.channels.valid].tolist() == [1, 1, 1, 1, 0, 1]


def test_features_need_a_neutral(mounts, recorded):
    with pytest.raises(InferenceError, match="calibrate first"):
        FeatureExtractor(mounts).step(*frame(recorded(seconds=1.0), 0))


def test_a_sensor_unseen_in_calibration_stays_masked(mounts, recorded):
    recording = recorded(seed=7, seconds=4.0)
    valid = recording.valid[:200].copy()
    valid[:150, 2] = False
    neutral = solve_neutral(mounts, recording.orientation[:200], recording.angular_velocity[:200], valid)
    assert neutral is not None
    assert neutral.calibrated.tolist() == [True, True, False, True, True, True]
    valid[:, 0] = False
    assert solve_neutral(mounts, recording.orientation[:200], recording.angular_velocity[:200], valid) is None
