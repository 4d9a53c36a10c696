from __future__ import annotations

import numpy as np
import pytest

from face_inference.channels import Channels
from face_model import arkit, routine
from face_training.prior_fit import fit_prior, jacobians_in, joined, labelled
from face_training.states import STATES
from face_training.training_subjects import drawn_response, learned_ticks, shift_response, subjects_of
from face_training.training_take import Take

CHANNELS = Channels(6, 0)
COUNT = 3 * CHANNELS.skin_count
RATE_HZ = 50.0
ALL = np.ones(COUNT, dtype=bool)


def take_of(weights, jacobian, wearer, source):
    features = np.zeros((len(weights), CHANNELS.size), dtype=np.float32)
    features[:, CHANNELS.skin_block("rotation")] = weights @ jacobian.T
    features[:, CHANNELS.valid] = 1.0
    features[:, CHANNELS.gravity] = [0.0, 0.0, 1.0]
    return Take(wearer, f"{source}@{wearer}", source, wearer, CHANNELS, features, weights.astype(np.float32))


@pytest.fixture(scope="module")
def takes(prior):
    """Two wearers of the population who perform; one also does the routine, slowly and in time."""
    rng = np.random.default_rng(2)
    time_s = np.arange(0.0, routine.DURATION_S, 1.0 / RATE_HZ)
    asked = np.zeros((len(time_s), arkit.COUNT))
    for cue, pose in zip(routine.schedule(), routine.nominal_weights(), strict=True):
        rise = np.clip((time_s - cue.start_s - 0.4) / 0.3, 0.0, 1.0) - np.clip((time_s - cue.relax_s) / 0.4, 0.0, 1.0)
        asked += np.clip(rise, 0.0, 1.0)[:, None] * 0.75 * pose
    wave = 0.4 - 0.4 * np.cos(rng.uniform(0.5, 3.0, arkit.COUNT) * np.arange(0.0, 80.0, 1.0 / RATE_HZ)[:, None])
    ann, bob = drawn_response(prior, rng), drawn_response(prior, rng)
    performed = [("ann", wave, ann, "generated"), ("ann", asked, ann, "routine"), ("bob", wave, bob, "generated")]
    return [take_of(weights, jacobian, name, source) for name, weights, jacobian, source in performed]


def test_a_wearer_is_followed_by_those_made_of_it(prior, takes, tmp_path):
    told = []
    found = subjects_of(takes, prior, RATE_HZ, tmp_path, made_up=2, progress=lambda share, line: told.append(share))
    assert told[-1] == 1.0
    assert {name: len(wearers) for name, wearers in found.items()} == {"ann": 3, "bob": 3}
    real, *others = found["ann"]
    assert real.shift is None
    assert set(real.estimates) == set(STATES)
    assert all(len(wearer.estimates) == 2 for wearer in others), "the neutral, and one state by turns"
    assert set(found["bob"][0].estimates) == {"neutral", "worn", "phone"}, "no routine was done"
    assert found["bob"][0].estimate("routine") is found["bob"][0].estimates["neutral"]
    assert np.abs(others[0].shift - others[1].shift).max() > 0.01


def test_what_is_learned_of_a_wearer_is_of_that_wearer(prior, takes, tmp_path):
    found = subjects_of(takes, prior, RATE_HZ, tmp_path)["ann"][0]
    take = takes[0]
    rows = slice(learned_ticks(take), None)
    observed, weights = take.features[rows][:, CHANNELS.skin_block("rotation")], take.weights[rows]
    errors = {
        state: np.abs(found.estimate(state).weights(observed, ALL)[0] - weights).mean()
        for state in ("neutral", "routine", "phone")
    }
    assert errors["phone"] < errors["routine"] < errors["neutral"]


def test_a_made_up_wearer_is_learned_from_its_own_motion(prior, takes, tmp_path):
    made = subjects_of(takes, prior, RATE_HZ, tmp_path, made_up=8)["ann"][1:]
    knowing = [wearer for wearer in made if "phone" in wearer.estimates]
    assert knowing
    for wearer in knowing:
        features, weights = takes[0].features.copy(), takes[0].weights
        shift_response(CHANNELS, features, weights, wearer.shift, RATE_HZ)
        observed = features[:, CHANNELS.skin_block("rotation")]
        errors = {s: np.abs(e.weights(observed, ALL)[0] - weights).mean() for s, e in wearer.estimates.items()}
        assert errors["phone"] < errors["neutral"]


def test_wear_is_learned_from_the_first_part_of_a_performance_only(takes):
    assert learned_ticks(takes[0]) == int(0.6 * len(takes[0].features))
    assert learned_ticks(takes[1]) == 0, "a routine"


def test_wearers_are_learned_once_and_again_for_others(prior, takes, tmp_path):
    first = subjects_of(takes, prior, RATE_HZ, tmp_path, made_up=1)
    told = []
    again = subjects_of(takes, prior, RATE_HZ, tmp_path, made_up=1, progress=lambda share, line: told.append(share))
    assert not told
    np.testing.assert_array_equal(first["ann"][1].shift, again["ann"][1].shift)
    subjects_of(takes, prior, RATE_HZ, tmp_path, made_up=2)
    assert len(list(tmp_path.glob("wearers_*"))) == 1, "what is stale is removed"


def test_a_population_of_recorded_wearers_knows_their_responses(prior, takes):
    drawn = list(jacobians_in(takes, RATE_HZ))
    assert len(drawn) == 2
    found = fit_prior(drawn, takes, RATE_HZ)
    np.testing.assert_allclose(found.mean, np.mean(drawn, axis=0), atol=1e-5)
    rows = joined([labelled(take, 10) for take in takes])
    assert len(rows.observation) == sum(len(take.features[::10]) for take in takes)
