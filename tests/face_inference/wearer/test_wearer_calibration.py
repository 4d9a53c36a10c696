"""The routine through the tracker, sample by sample, to a wearer in use and a profile on disk."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from face_evaluation.states import wearer_from_routine
from face_evaluation.takes import layout_of, recorded_neutral, samples_of
from face_inference.errors import InferenceError, ProfileError
from face_inference.tracker import FaceTracker
from face_inference.wearer import wearer_calibration as module
from face_inference.wearer.profile_folder import ProfileFolder
from face_inference.wearer.wearer_calibration import SLACK_S, WearerCalibration, kept_wearer
from face_model import routine


@pytest.fixture
def description(description, routine_recording):
    """At the rate of the recording."""
    return replace(description, rate_hz=routine_recording.rate_hz)


@pytest.fixture
def tracker(description, estimate_engine, routine_recording):
    tracker = FaceTracker(description, estimate_engine)
    tracker.set_layout(layout_of(routine_recording))
    tracker.neutral = recorded_neutral(routine_recording, description.mounts)
    return tracker


@pytest.fixture
def folder(tmp_path):
    return ProfileFolder(tmp_path)


def play(tracker, recording, calibration=None, stop_s=None):
    """Samples into the tracker, as a node would; the last estimate."""
    estimate = None
    for sample in samples_of(recording):
        if stop_s is not None and sample.hub_time_s >= stop_s:
            break
        estimate = tracker.update(sample, now_s=sample.hub_time_s)
        if calibration is not None:
            calibration.poll(sample.hub_time_s)
    return estimate


def finish(tracker, recording, calibration):
    """The frame after the routine's end, then until learning ended."""
    last = list(samples_of(recording))[-1]
    tracker.update(replace(last, sequence=last.sequence + 1, hub_time_s=routine.DURATION_S), routine.DURATION_S)
    while calibration.poll(routine.DURATION_S) is None:
        threading.Event().wait(0.01)
    return calibration.outcome


def test_a_routine_makes_a_wearer_and_a_profile(tracker, description, routine_recording, prior, folder, wearer):
    calibration = WearerCalibration(tracker, description, "ann", folder, 0.0)
    assert tracker.wearer.source == "population"
    play(tracker, routine_recording, calibration)
    assert calibration.collecting
    outcome = finish(tracker, routine_recording, calibration)
    assert outcome.success, outcome.message
    assert outcome.seen == tuple(p.name for p in routine.ROUTINE)
    assert outcome.not_seen == ()
    assert tracker.wearer.source == "prompts"
    exercised = routine.nominal_weights().max(axis=0) > 0.3

    def error(jacobian):
        return np.abs(jacobian - wearer.jacobian)[:, exercised].mean()

    assert error(tracker.wearer.mean) < 0.8 * error(prior.mean)
    # What was learned live is what the same recording teaches, but for the frames that the capture thins out.
    offline = wearer_from_routine(description.mounts, prior, routine_recording)
    assert np.abs(tracker.wearer.mean - offline.mean).max() < 0.005
    # And the next session starts with it.
    again = kept_wearer("ann", description, folder)[0].jacobian
    np.testing.assert_allclose(again.mean, tracker.wearer.mean, atol=1e-6)
    assert "22 of 22" in folder.load("ann").label.quality


def test_the_estimates_follow_who_is_known_and_a_new_neutral_keeps_it(
    tracker, description, estimate_engine, routine_recording
):
    personal = wearer_from_routine(description.mounts, description.prior, routine_recording)
    middle_s = sum(routine.schedule()[2].hold_s) / 2
    before = play(tracker, routine_recording, stop_s=middle_s).weights
    tracker.wearer = personal
    state = tracker.saved_state()
    tracker.neutral = recorded_neutral(routine_recording, description.mounts)
    np.testing.assert_array_equal(tracker.wearer.mean, personal.mean)
    rest = FaceTracker(description, estimate_engine)
    rest.restore_state(state)
    assert rest.wearer.source == personal.source
    np.testing.assert_array_equal(rest.wearer.mean, personal.mean)
    np.testing.assert_array_equal(rest.wearer.uncertainty, personal.uncertainty)
    rest.set_layout(layout_of(routine_recording))
    fresh = FaceTracker(description, estimate_engine)
    fresh.set_layout(layout_of(routine_recording))
    fresh.neutral = recorded_neutral(routine_recording, description.mounts)
    fresh.wearer = personal
    after = play(fresh, routine_recording, stop_s=middle_s).weights
    truth = routine_recording.weights[round(25 * middle_s)]
    assert np.abs(after - truth).mean() < np.abs(before - truth).mean()


def test_what_the_wearer_is_asked_for_follows_the_samples(tracker, description, routine_recording, folder):
    calibration = WearerCalibration(tracker, description, "", folder, 0.0)
    cue = routine.schedule()[3]
    play(tracker, routine_recording, calibration, stop_s=cue.start_s + 0.5)
    assert calibration.moment.text == cue.prompt.text
    assert calibration.moment.hold


def test_without_a_name_nothing_is_kept(tracker, description, routine_recording, folder):
    calibration = WearerCalibration(tracker, description, "", folder, 0.0)
    play(tracker, routine_recording, calibration)
    assert finish(tracker, routine_recording, calibration).success
    assert tracker.wearer.source == "prompts"
    assert folder.names() == []


def test_a_profile_that_cannot_be_written_changes_nothing(tracker, description, routine_recording, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ProfileError, match="expected to write"):  # before a minute is spent on it
        WearerCalibration(tracker, description, "ann", ProfileFolder(tmp_path / "file"), 0.0)
    calibration = WearerCalibration(tracker, description, "ann", ProfileFolder(tmp_path / "there"), 0.0)
    assert not list((tmp_path / "there").iterdir())
    (tmp_path / "there").rmdir()
    (tmp_path / "there").write_text("in the way")
    play(tracker, routine_recording, calibration)
    outcome = finish(tracker, routine_recording, calibration)
    assert not outcome.success
    assert "expected to write" in outcome.message
    assert tracker.wearer.source == "population"


def test_a_wearer_who_does_nothing_stays_unknown(tracker, description, routine_recording, folder):
    calibration = WearerCalibration(tracker, description, "ann", folder, 0.0)
    rest = next(iter(samples_of(routine_recording)))
    for i in range(round(25 * routine.DURATION_S) + 2):
        tracker.update(replace(rest, sequence=i, hub_time_s=i / 25), i / 25)
    while calibration.poll(0.0) is None:
        threading.Event().wait(0.01)
    assert not calibration.outcome.success
    assert "follow the prompts" in calibration.outcome.message
    assert tracker.wearer.source == "population"
    assert folder.names() == []


def test_a_new_neutral_or_silence_or_an_abort_ends_it(tracker, description, routine_recording, folder):
    samples = list(samples_of(routine_recording))

    def started(first):
        calibration = WearerCalibration(tracker, description, "ann", folder, 0.0)
        for sample in samples[first : first + 10]:
            tracker.update(sample, sample.hub_time_s)
        return calibration

    anew = started(0)
    tracker.neutral = recorded_neutral(routine_recording, description.mounts)
    assert "neutral" in anew.poll(1.0).message
    silent = started(10)
    assert silent.poll(routine.DURATION_S) is None
    assert "no samples" in silent.poll(routine.DURATION_S + SLACK_S + 0.1).message
    aborted = started(20)
    aborted.abort("the node was deactivated")
    assert aborted.poll(1.0).message == "the node was deactivated"
    assert not any(c.outcome.success for c in (anew, silent, aborted))
    assert tracker.wearer.source == "population"


def test_a_restarted_hub_ends_it_and_keeps_the_wearer(tracker, description, routine_recording, folder):
    tracker.wearer = wearer_from_routine(description.mounts, description.prior, routine_recording)
    calibration = WearerCalibration(tracker, description, "ann", folder, 0.0)
    play(tracker, routine_recording, calibration, stop_s=5.0)
    tracker.update(next(iter(samples_of(routine_recording))), 5.1)  # sequence and clock start over
    assert "hub" in calibration.poll(5.1).message
    assert tracker.wearer.source == "prompts"


def test_aborting_while_it_learns_changes_nothing(tracker, description, routine_recording, folder, monkeypatch):
    gate = threading.Event()
    learn = module.learn

    def slowly(*arguments):
        gate.wait(120.0)
        return learn(*arguments)

    monkeypatch.setattr(module, "learn", slowly)
    calibration = WearerCalibration(tracker, description, "ann", folder, 0.0)
    play(tracker, routine_recording, calibration)
    last = list(samples_of(routine_recording))[-1]
    tracker.update(replace(last, sequence=last.sequence + 1, hub_time_s=routine.DURATION_S), routine.DURATION_S)
    assert calibration.poll(routine.DURATION_S) is None
    assert not calibration.collecting
    calibration.abort("the node was deactivated")
    gate.set()
    assert calibration.poll(routine.DURATION_S).message == "the node was deactivated"
    assert tracker.wearer.source == "population"
    assert folder.names() == []


def test_it_does_not_start_without_a_neutral_or_with_a_bad_name(description, estimate_engine, tracker, folder):
    with pytest.raises(InferenceError, match="neutral"):
        WearerCalibration(FaceTracker(description, estimate_engine), description, "ann", folder, 0.0)
    with pytest.raises(ProfileError, match="expected a name"):
        WearerCalibration(tracker, description, "../ann", folder, 0.0)


def test_profiles_are_looked_up_for_the_model(tracker, description, routine_recording, folder):
    with pytest.raises(ProfileError):
        kept_wearer("ann", description, folder)
    calibration = WearerCalibration(tracker, description, "ann", folder, 0.0)
    play(tracker, routine_recording, calibration)
    finish(tracker, routine_recording, calibration)
    other = replace(description.prior, weights_mean=description.prior.weights_mean + 0.1)
    anew = kept_wearer("ann", replace(description, prior=other), folder)[0].jacobian
    assert anew.source == "prompts"
    folder.save(replace(folder.load("ann"), routine=None))
    with pytest.raises(ProfileError):
        kept_wearer("ann", replace(description, prior=other), folder)
