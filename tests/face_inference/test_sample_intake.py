"""How samples are followed and masked is tested with `Continuity` and `SampleCheck`: here, what is told of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face_evaluation.takes import layout_of, samples_of
from face_inference.continuity import Coming
from face_inference.face_estimate import TrackerCounters
from face_inference.sample_intake import ORDINARY, Arrival, SampleIntake
from face_model.errors import SnapshotError
from face_model.imu_sample import STATUS_ORIENTATION_HOST
from face_model.saved_arrays import SavedArrays

MAX_GAP_S = 0.25


@pytest.fixture
def counters():
    return TrackerCounters()


@pytest.fixture
def recording(recorded):
    return recorded(seed=5, seconds=4.0)


@pytest.fixture
def intake(description, counters, recording):
    intake = SampleIntake(description, MAX_GAP_S, counters)
    intake.use_layout(layout_of(recording))
    return intake


def test_ordinary_samples_break_nothing(intake, counters, recording):
    samples = list(samples_of(recording))
    assert all(intake.follow(sample) is ORDINARY for sample in samples)
    assert (intake.breaks, list(intake.missed), counters.lost) == (0, [], 0)
    assert intake.newest_sequence == samples[-1].sequence


def test_losses_gaps_and_restarts_are_told_apart(intake, counters, recording):
    samples = list(samples_of(recording))
    intake.follow(samples[0])
    assert intake.follow(samples[4]) == Arrival(Coming.NEXT, 4)
    assert intake.follow(samples[60]) == Arrival(Coming.GAP)
    assert intake.follow(replace(samples[60], sequence=0, hub_time_s=-0.7)) == Arrival(Coming.RESTART)
    assert counters.lost == 3 + 55, "nobody knows how many were lost before the restart"
    assert intake.breaks == 3
    assert list(intake.missed) == [(1, 3), (5, 59), (61, 4060)], "the last of them: whatever was sent before the boot"


def test_what_comes_late_or_is_of_another_layout_is_refused(intake, counters, recording):
    samples = list(samples_of(recording))
    intake.follow(samples[10])
    assert intake.follow(samples[9]) is None
    assert intake.follow(replace(samples[11], layout_id=samples[11].layout_id + 1)) is None
    assert (counters.refused, counters.samples) == (2, 0)


@pytest.mark.parametrize("by_host", [False, True])
def test_numbers_anew_of_whoever_fuses_mean_other_headings(intake, recording, by_host):
    bit = np.uint8(STATUS_ORIENTATION_HOST if by_host else 0)
    samples = [replace(s, status=s.status | bit) for s in samples_of(recording)]
    for sample in samples[:200]:
        intake.follow(sample)
    assert intake.follow(replace(samples[200], sequence=0)) == Arrival(Coming.GAP, fused_anew=by_host)


def test_what_contradicts_itself_is_masked_and_counted(intake, counters, recording):
    first, second = list(samples_of(recording))[:2]
    leaping = second.orientation.copy()
    leaping[2] = leaping[2][[1, 0, 3, 2]]
    for sample in (first, replace(second, orientation=leaping)):
        intake.follow(sample)
        measured = intake.measured(sample)
    assert np.flatnonzero(~measured.valid).tolist() == [2]
    assert (counters.samples, counters.masked) == (2, 1)


def test_another_one_goes_on_from_a_saved_state(intake, recording):
    samples = list(samples_of(recording))
    for sample in samples[:50]:
        intake.follow(sample)
        intake.measured(sample)
    arrays = intake.saved_state()
    intake.follow(samples[50])
    other = intake.restored(SavedArrays(arrays, "test"), MAX_GAP_S)
    assert (other.layout, other.newest_sequence) == (layout_of(recording), samples[49].sequence)
    assert other.follow(samples[50]) is ORDINARY
    with pytest.raises(SnapshotError, match="a layout that can be used"):
        intake.restored(SavedArrays(arrays | {"layout.rate_hz": np.array(0.0)}, "test"), MAX_GAP_S)
