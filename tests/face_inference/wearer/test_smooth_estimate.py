"""From the old gain to the new: as many ticks whatever path the inputs take, and also from a saved state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face_inference.channels import Channels
from face_inference.network_inputs import InputAssembler
from face_inference.wearer.linear_estimate import LinearEstimate
from face_inference.wearer.prior import WearerJacobian
from face_inference.wearer.smooth_estimate import SmoothEstimate
from face_model.saved_arrays import SavedArrays

TICKS = 20


@pytest.fixture
def channels(prior):
    return Channels(prior.observations // 3 + 1, 0)


def known(prior, factor):
    unknown = prior.unknown_wearer
    return WearerJacobian(factor * unknown.mean, unknown.uncertainty, "prompts", noise=factor * prior.noise)


def features(channels, count, seed=0):
    made = np.random.default_rng(seed).normal(0.0, 0.1, (count, channels.size)).astype(np.float32)
    made[:, channels.valid] = 1.0
    made[count // 2 :, channels.valid.stop - 1] = 0.0
    return made


def inputs_of(prior, channels, wearer, made):
    return InputAssembler(channels, LinearEstimate(prior, wearer)).batch(made)


def test_without_a_change_it_is_the_linear_estimate(prior, channels):
    made, wearer = features(channels, 40), known(prior, 1.4)
    smooth = InputAssembler(channels, SmoothEstimate(prior, wearer, TICKS))
    np.testing.assert_array_equal(smooth.batch(made), inputs_of(prior, channels, wearer, made))


def test_it_goes_from_the_old_to_the_new_and_ends_there(prior, channels):
    made = np.repeat(features(channels, 1), 60, axis=0)
    made[:, channels.valid] = 1.0
    smooth = SmoothEstimate(prior, known(prior, 1.0), TICKS)
    assembler = InputAssembler(channels, smooth)
    before = assembler.step(made[0]).copy()
    smooth.change_to(known(prior, 1.4))
    steps = np.stack([before, *(assembler.step(row).copy() for row in made[1:])])
    np.testing.assert_allclose(steps[TICKS:], inputs_of(prior, channels, known(prior, 1.4), made[TICKS:]), atol=1e-6)
    assert not smooth.changing
    moved = np.abs(np.diff(steps[:, -104:], axis=0)).max(axis=1)
    assert (moved[:TICKS] > 0.0).all()
    whole = np.abs(steps[-1, -104:] - steps[0, -104:]).max()
    assert moved.max() < 1.2 * whole / TICKS


@pytest.mark.parametrize("cut", [0, 7, 30])
def test_many_ticks_at_once_are_the_same_as_one_by_one(prior, channels, cut):
    made = features(channels, 50)
    paths = []
    for _ in range(2):
        smooth = SmoothEstimate(prior, known(prior, 1.0), TICKS)
        smooth.change_to(known(prior, 1.4))
        paths.append(InputAssembler(channels, smooth))
    one_by_one = np.stack([paths[0].step(row).copy() for row in made])
    at_once = np.concatenate([paths[1].batch(made[:cut]), paths[1].batch(made[cut:])])
    np.testing.assert_allclose(at_once, one_by_one, atol=1e-6)


def test_a_change_during_a_change_waits_for_its_end(prior, channels):
    made = np.repeat(features(channels, 1), 3 * TICKS, axis=0)
    made[:, channels.valid] = 1.0
    smooth = SmoothEstimate(prior, known(prior, 1.0), TICKS)
    assembler = InputAssembler(channels, smooth)
    smooth.change_to(known(prior, 1.4))
    steps = [assembler.step(row).copy() for row in made[:10]]
    smooth.change_to(known(prior, 9.0))
    smooth.change_to(known(prior, 0.8))
    steps += [assembler.step(row).copy() for row in made[10:]]
    np.testing.assert_allclose(steps[TICKS - 1], inputs_of(prior, channels, known(prior, 1.4), made[:1])[0], atol=1e-6)
    np.testing.assert_allclose(
        steps[2 * TICKS - 1], inputs_of(prior, channels, known(prior, 0.8), made[:1])[0], atol=1e-6
    )


@pytest.mark.parametrize("at", [0, 3, 15, 19, 25, 45])
def test_a_saved_change_goes_on_bit_for_bit(prior, channels, at):
    made = features(channels, 3 * TICKS)
    smooth = SmoothEstimate(prior, known(prior, 1.0), TICKS)
    assembler = InputAssembler(channels, smooth)
    smooth.change_to(known(prior, 1.4))
    for tick, row in enumerate(made[:at]):
        if tick == 10:
            smooth.change_to(known(prior, 0.8))
        assembler.step(row)
    again = SmoothEstimate.from_saved(SavedArrays(smooth.saved_state()), prior, TICKS)
    assert again.changing == smooth.changing
    np.testing.assert_array_equal(again.wearer.mean, smooth.wearer.mean)
    other = InputAssembler(channels, again)
    for row in made[at:]:
        np.testing.assert_array_equal(other.step(row), assembler.step(row))


def test_a_wearer_without_a_noise_of_their_own_is_saved_as_such(prior):
    wearer = replace(known(prior, 1.1), noise=None)
    again = SmoothEstimate.from_saved(SavedArrays(SmoothEstimate(prior, wearer, TICKS).saved_state()), prior, TICKS)
    assert again.wearer.noise is None
