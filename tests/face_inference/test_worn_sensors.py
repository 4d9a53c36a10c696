"""What a tracker makes of it is tested with the tracker: here, what the parts of it tell each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face_evaluation.takes import recorded_neutral, samples_of
from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.errors import InferenceError
from face_inference.face_estimate import TrackerCounters
from face_inference.neutral_calibration import CalibrationParams
from face_inference.sample_intake import Measured
from face_inference.wearer.prior import WearerJacobian
from face_inference.worn_sensors import WornSensors
from face_model import rotation

LONG = 25.0


class Told:
    """Counts how often the past was over."""

    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def worn(description, told):
    return WornSensors(description, CalibrationParams(duration_s=1.0), TrackerCounters(), told)


@pytest.fixture
def recording(recorded):
    return recorded(seed=5, seconds=4.0)


def measured(sample):
    return Measured(sample.orientation, sample.angular_velocity, sample.specific_force, sample.valid)


def run(worn, samples):
    """Features of the last one."""
    for sample in samples:
        worn.follow_motion(sample.hub_time_s, measured(sample))
        worn.calibrate(sample.hub_time_s, measured(sample))
        features = worn.features(sample.hub_time_s, measured(sample), LONG)
    return features


def aligned(neutral, turn_rad):
    """Boards that turned about the vertical, but for the skull's."""
    about = np.zeros((len(neutral.mount), 3))
    about[1:, 2] = turn_rad
    mount = rotation.multiply(rotation.from_vector(about), neutral.mount)
    count = len(mount)
    return SensorAlignment(mount, np.ones(count, bool), np.full(count, 0.03), np.full(count, 0.05))


def test_there_are_features_as_soon_as_a_neutral_was_learned(worn, told, recording):
    samples = list(samples_of(recording))
    assert run(worn, samples[:50]) is None
    with pytest.raises(InferenceError, match="expected a neutral before the routine"):
        worn.begin_routine()
    assert told.count == 0
    assert run(worn, samples[50:120]) is not None
    assert worn.neutral is not None
    assert told.count == 1, "of the network, once"


def test_a_neutral_that_is_asked_for_is_told_once_when_it_ends(worn, recording):
    samples = list(samples_of(recording))
    run(worn, samples[:120])
    asked = worn.begin_calibration(0.5)
    ended = [worn.calibrate(s.hub_time_s, measured(s)) for s in samples[120:200]]
    assert asked.complete
    assert ended.count(True) == 1


def test_what_is_known_of_the_wearer_turns_with_the_mountings_once(worn, description, recording):
    neutral = recorded_neutral(recording, description.mounts)
    anybody = description.prior.unknown_wearer
    worn.use_neutral(neutral)
    worn.use_wearer(WearerJacobian(anybody.mean, anybody.uncertainty, "prompts"), None, None)
    alignment = aligned(neutral, 0.3)
    turned = neutral.mounted(alignment.mount, 0, alignment.turn_deviation_rad)
    assert worn.turn_of(turned)[1:] == pytest.approx(0.3)
    before = worn.knowledge.known.mean.copy()
    worn.align(alignment, turned)
    after = worn.knowledge.known.mean
    assert np.abs(after - before).max() > 0.001
    worn.align(alignment, turned)
    np.testing.assert_allclose(worn.knowledge.known.mean, after, atol=1e-12)
    worn.forget_alignment()
    np.testing.assert_allclose(worn.knowledge.known.mean, before, atol=1e-6)


def test_a_profiles_mountings_are_used_where_gravity_says_they_hold(worn, description, recording):
    neutral = recorded_neutral(recording, description.mounts)
    anybody = description.prior.unknown_wearer
    worn.use_neutral(neutral)
    worn.use_wearer(anybody, None, aligned(neutral, 0.2))
    assert worn.alignment is not None
    worn.forget_alignment()
    there = aligned(neutral, 0.2)
    tilted = rotation.multiply(rotation.from_vector(np.array([0.5, 0.0, 0.0])), there.mount[1:])
    moved = replace(there, mount=np.concatenate([there.mount[:1], tilted]))
    worn.use_wearer(anybody, None, moved)
    assert worn.alignment is None


@pytest.mark.parametrize(("off_s", "kept"), [(None, True), (10.0, True), (301.0, False)])
def test_after_a_restart_the_neutral_stays_unless_the_sensors_were_off_for_long(worn, told, recording, off_s, kept):
    run(worn, list(samples_of(recording))[:120])
    before = told.count
    worn.come_back(off_s)
    assert (worn.neutral is not None) is kept
    assert told.count == before + 1
