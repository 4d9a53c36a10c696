"""A hub that was restarted has new headings, and the neutral goes on being of use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face_evaluation.takes import layout_of, recorded_neutral, samples_of
from face_inference.features import FeatureExtractor, State
from face_inference.tracker import FaceTracker
from face_model import rotation
from face_model.face_state import FaceState
from face_model.imu_sample import STATUS_ORIENTATION_HOST, STATUS_VALID

RESTARTED_AT = 420


def about_vertical(angles_rad):
    zeros = np.zeros_like(angles_rad)
    return rotation.from_vector(np.stack([zeros, zeros, angles_rad], axis=-1))


def restarted(samples, at=RESTARTED_AT, seed=3, turned_rad=None):
    """The same movements, but from sample `at` on by a hub that booted anew, with other headings."""
    turn = (
        np.random.default_rng(seed).uniform(-np.pi, np.pi, len(samples[0].status)) if turned_rad is None else turned_rad
    )
    quaternion = about_vertical(turn)
    for i, s in enumerate(samples):
        if i < at:
            yield s
        else:
            orientation = rotation.multiply(quaternion, s.orientation).astype(np.float32)
            yield replace(s, orientation=orientation, sequence=i - at, hub_time_s=s.hub_time_s - samples[at].hub_time_s)


@pytest.fixture
def take(recorded):
    return recorded(seed=5, seconds=8.0, face=0.15)


@pytest.fixture
def tracker(description, estimate_engine, take):
    tracker = FaceTracker(description, estimate_engine)
    tracker.set_layout(layout_of(take))
    tracker.neutral = recorded_neutral(take, tracker.mounts)
    return tracker


def run(tracker, samples):
    return [tracker.update(s, now_s=0.01 * i) for i, s in enumerate(samples)]


def test_a_restarted_hub_is_used_from_its_first_sample_on(tracker, take):
    faces = run(tracker, restarted(list(samples_of(take))))
    assert {face.state for face in faces} == {FaceState.TRACKING}
    assert tracker.counters.returns == 1
    assert np.all(faces[RESTARTED_AT].confidence > 0.0)


def test_headings_are_found_again_while_face_and_head_move(description, take):
    samples = list(samples_of(take))
    whole, again = FeatureExtractor(description.mounts), FeatureExtractor(description.mounts)
    neutral = recorded_neutral(take, description.mounts)
    whole.state = again.state = State(neutral)
    off = []
    for i, (s, other) in enumerate(zip(samples, restarted(samples), strict=True)):
        if i == RESTARTED_AT:
            again.headings_began_anew(np.ones(len(other.status), np.bool_))
        rows = [
            e.step(x.orientation, x.angular_velocity, x.specific_force, x.valid)
            for e, x in ((whole, s), (again, other))
        ]
        off.append(rows[1] - rows[0])
    assert again.fits
    rotations = np.abs(off)[:, again.channels.skin_block("rotation")]
    assert not rotations[:RESTARTED_AT].any()
    # Unknown headings were off by 1.6 rad on average.
    assert rotations[RESTARTED_AT:].mean() < 0.03
    assert rotations[-100:].mean() < 0.03
    tilts = np.abs(off)[:, again.channels.skin_block("tilt")]
    assert tilts[RESTARTED_AT].max() < 1e-3, "what gravity tells stays as it is"
    assert tilts.max() < 0.03, "but for the mounting's turn, which is told from the heading"


def test_the_head_goes_on_looking_where_it_looked(tracker, take):
    faces = run(tracker, restarted(list(samples_of(take))))
    before, after = (rotation.normalise(faces[i].head_orientation) for i in (RESTARTED_AT - 1, RESTARTED_AT))
    assert abs(float(np.dot(before, after))) > np.cos(0.02)


def test_after_a_long_time_off_the_neutral_is_learned_anew(tracker, take):
    samples = list(restarted(list(samples_of(take))))
    run(tracker, samples[:RESTARTED_AT])
    face = tracker.update(samples[RESTARTED_AT], now_s=0.01 * RESTARTED_AT + 301.0)
    assert face.state == FaceState.CALIBRATING
    assert tracker.neutral is None


def test_a_long_time_off_is_one_in_a_replay_too(description, estimate_engine, tracker, take):
    samples = list(restarted(list(samples_of(take))))
    run(tracker, samples[:RESTARTED_AT])
    again = FaceTracker(description, estimate_engine)
    again.restore_state(tracker.saved_state())
    assert again.worn_s is None, "the clock of another machine"
    again.worn_s = 0.01 * (RESTARTED_AT - 1)
    face = again.update(samples[RESTARTED_AT], now_s=0.01 * RESTARTED_AT + 301.0)
    assert face.state == FaceState.CALIBRATING
    assert again.neutral is None


def test_another_face_under_the_sensors_is_calibrated_anew(tracker, take):
    samples = list(restarted(list(samples_of(take))))
    elsewhere = rotation.normalise(np.random.default_rng(1).normal(size=(len(samples[0].status), 4)))
    for i in range(RESTARTED_AT, len(samples)):
        orientation = rotation.multiply(samples[i].orientation, elsewhere).astype(np.float32)
        samples[i] = replace(samples[i], orientation=orientation)
    faces = run(tracker, samples[: RESTARTED_AT + 5])
    assert faces[-1].state == FaceState.CALIBRATING
    assert tracker.neutral is None


@pytest.mark.parametrize(("turned_rad", "found"), [(1.0, True), (0.1, False)])
def test_a_unit_that_was_away_is_asked_for_its_heading(tracker, take, turned_rad, found):
    samples = list(samples_of(take))
    unit, away, back = 3, 300, 340
    for i in range(away, len(samples)):
        status = samples[i].status.copy()
        status[unit] &= 0 if i < back else 0xFF
        turn = np.zeros(len(status))
        turn[unit] = turned_rad
        orientation = rotation.multiply(about_vertical(turn), samples[i].orientation).astype(np.float32)
        samples[i] = replace(samples[i], status=status, orientation=orientation)
    run(tracker, samples[:341])
    unknown = tracker.heading_deviation_rad > 0.1
    assert np.flatnonzero(unknown).tolist() == ([unit - 1] if found else [])


@pytest.mark.parametrize(("by_host", "returns"), [(STATUS_ORIENTATION_HOST, 1), (0, 0)])
def test_a_driver_that_was_restarted_has_new_headings_only_if_it_fused_them(tracker, take, by_host, returns):
    samples = [replace(s, status=s.status | np.uint8(by_host)) for s in samples_of(take)]
    numbered_anew = [replace(s, sequence=i) for i, s in enumerate(samples[400:430])]
    faces = run(tracker, samples[:300] + numbered_anew)
    assert tracker.counters.returns == returns
    assert faces[-1].state == FaceState.TRACKING


def test_a_state_that_is_saved_while_headings_are_looked_for_goes_on_alike(description, estimate_engine, tracker, take):
    samples = list(restarted(list(samples_of(take))))
    for i, s in enumerate(samples):  # the skull and a cheek come later than the others
        if RESTARTED_AT <= i < RESTARTED_AT + 3:
            status = s.status.copy()
            status[[0, 3]] &= ~np.uint8(STATUS_VALID)
            samples[i] = replace(s, status=status)
    run(tracker, samples[: RESTARTED_AT + 2])
    second = FaceTracker(description, estimate_engine)
    second.restore_state(tracker.saved_state())
    rest = samples[RESTARTED_AT + 2 :]
    for ours, theirs in zip(run(tracker, rest), run(second, rest), strict=True):
        np.testing.assert_array_equal(ours.weights, theirs.weights)
        np.testing.assert_array_equal(ours.head_orientation, theirs.head_orientation)
