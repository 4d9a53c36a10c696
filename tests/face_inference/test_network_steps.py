from __future__ import annotations

import numpy as np
import pytest

from face_inference.channels import Channels
from face_inference.engines.protocol import EngineOutput
from face_inference.face_estimate import TrackerCounters
from face_inference.network_steps import NetworkSteps
from face_inference.wearer.knowledge import WearerKnowledge
from face_model.saved_arrays import SavedArrays


@pytest.fixture
def counters():
    return TrackerCounters()


@pytest.fixture
def steps(description, estimate_engine, counters):
    return NetworkSteps(estimate_engine, 0, description, description.rate_hz, counters)


@pytest.fixture
def knowledge(description):
    return WearerKnowledge(description.prior, Channels.of(description.mounts), description.rate_hz)


def ticks(steps, knowledge):
    count = 0
    while steps.fill(knowledge):
        count += 1
    return count


def features(description, value=0.0):
    made = np.full(Channels.of(description.mounts).size, value, dtype=np.float32)
    made[Channels.of(description.mounts).valid] = 1.0
    return made


def test_a_sample_has_the_ticks_of_those_lost_before_it(steps, knowledge, description):
    steps.push(0.0, features(description), 1)
    assert steps.due
    assert ticks(steps, knowledge) == 1
    steps.push(0.04, features(description, 0.1), 4)
    assert ticks(steps, knowledge) == 4
    assert not steps.due


def test_at_half_the_rate_each_second_tick_is_between_two_samples(steps, knowledge, description):
    steps.follow_rate(description.rate_hz / 2.0)
    counts = []
    for i in range(4):
        steps.push(0.02 * i, features(description), 1)
        counts.append(ticks(steps, knowledge))
    assert counts == [1, 2, 2, 2]


def test_less_trust_is_less_confidence(steps):
    output = EngineOutput(np.full((1, 52), 0.5, np.float32), np.full((1, 52), 0.8, np.float32))
    weights, whole = steps.result(output, 1.0)
    np.testing.assert_array_equal(weights, output.weights[0])
    assert not np.shares_memory(weights, output.weights)
    np.testing.assert_allclose(steps.result(output, 0.5)[1], 0.5 * whole)


@pytest.mark.parametrize("where", ["weights", "confidence"])
def test_what_is_no_number_has_no_result_and_resets_the_network(steps, counters, where):
    arrays = {"weights": np.full((1, 52), 0.5, np.float32), "confidence": np.full((1, 52), 0.8, np.float32)}
    arrays[where][0, 7] = np.nan
    assert steps.result(EngineOutput(**arrays), 1.0) is None
    assert (counters.not_finite, counters.resets) == (1, 1)


def test_others_go_on_from_a_saved_state(steps, knowledge, description):
    steps.push(0.0, features(description), 1)
    ticks(steps, knowledge)
    other, state = steps.restored(SavedArrays(steps.saved_state(), "test"), description.rate_hz, 0.0)
    other.load(state)
    for each in (steps, other):
        each.push(0.03, features(description, 0.1), 3)
        assert ticks(each, knowledge) == 3
