"""Recorded routines teach the same as live ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face_evaluation.states import recorded_observations, wearer_from_phone, wearer_from_routine
from face_inference.errors import LayoutMismatchError
from face_model import routine

EXERCISED = routine.nominal_weights().max(axis=0) > 0.3


def error(jacobian, wearer):
    return np.abs(jacobian - wearer.jacobian)[:, EXERCISED].mean()


def test_observations_are_the_skins_turns(routine_recording, mounts, wearer):
    found = recorded_observations(routine_recording, mounts)
    expected = routine_recording.weights @ wearer.jacobian.T
    assert found.time_s[-1] == pytest.approx(routine.DURATION_S - 0.04)
    # Rotation vectors do not add up exactly, and the neutral is level only by gravity.
    assert np.abs(found.values - expected).mean() < 0.01
    assert found.valid.all()


def test_a_routine_teaches_and_a_phone_teaches_more(routine_recording, mounts, prior, wearer):
    prompts = wearer_from_routine(mounts, prior, routine_recording)
    time_s = np.arange(len(routine_recording.weights)) / routine_recording.rate_hz - 1.7
    phone = wearer_from_phone(mounts, prior, routine_recording, time_s, routine_recording.weights)
    assert (prompts.source, phone.source) == ("prompts", "phone")
    assert error(phone.mean, wearer) < error(prompts.mean, wearer) < error(prior.mean, wearer)
    assert np.trace(phone.uncertainty) < np.trace(prompts.uncertainty) < np.trace(prior.unknown_wearer.uncertainty)


def test_a_take_without_the_reference_is_refused(routine_recording, mounts, prior):
    renamed = replace(routine_recording, sensor_names=("other", *routine_recording.sensor_names[1:]))
    with pytest.raises(LayoutMismatchError):
        wearer_from_routine(mounts, prior, renamed)
