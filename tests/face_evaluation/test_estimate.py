from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_evaluation import Estimator, estimate_take, rest_pose, score_recording
from face_inference.channels import Channels
from face_inference.engines.protocol import EngineOutput, EngineState
from face_inference.network_inputs import input_size
from face_inference.tracker import FaceTracker


class LeakyEngine:
    """A network of one leaky sum: what it gives depends on all it was given since its reset."""

    description = "leaky"
    faces = 1

    def __init__(self, size):
        self.matrix = np.random.default_rng(5).normal(0.0, 0.1, (52, size)).astype(np.float32)
        self.inputs = np.zeros((1, size), np.float32)
        self.sum = np.zeros(52, np.float32)

    def step(self, active=None):
        self.sum = 0.9 * self.sum + self.matrix @ np.tanh(self.inputs[0])
        return EngineOutput(self.sum[None], np.abs(np.tanh(self.sum))[None])

    def reset(self, face=0):
        self.sum = np.zeros(52, np.float32)

    def save_state(self, face=0):
        return EngineState(0, (self.sum.copy(),))

    def restore_state(self, state, face=0):
        self.sum = state.rings[0].copy()

    def close(self):
        pass


@pytest.fixture
def engine(mounts):
    return LeakyEngine(input_size(Channels.of(mounts)))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lost=st.lists(st.integers(0, 499), unique=True, max_size=20),
    dead=st.sampled_from([None, 2, 5]),
    rate_hz=st.sampled_from([100.0, 60.0]),
    gap=st.sampled_from([0, 40]),
)
def test_a_take_at_once_is_what_the_live_tracker_gives(description, engine, recorded, lost, dead, rate_hz, gap):
    recording = recorded(seconds=500 / rate_hz, rate_hz=rate_hz)
    valid = recording.valid.copy()
    valid[lost] = False
    valid[300 : 300 + gap] = False
    if dead is not None:
        valid[250:, dead] = False
    recording = replace(recording, valid=valid)
    streamed = estimate_take(FaceTracker(description, engine), recording)
    at_once = Estimator(description, engine)(recording)
    # Lost frames shift the blocks in which headings are followed, by tenths of a millirad.
    tolerance = 0.02 if lost else 1e-4
    np.testing.assert_allclose(at_once[0], streamed[0], atol=tolerance)
    np.testing.assert_allclose(at_once[1], streamed[1], atol=tolerance)


def test_a_second_take_knows_nothing_of_the_first(description, engine, recorded):
    estimate = Estimator(description, engine)
    first = estimate(recorded(seed=1, seconds=5.0))
    estimate(recorded(seed=2, seconds=5.0))
    np.testing.assert_array_equal(estimate(recorded(seed=1, seconds=5.0))[0], first[0])


def test_a_take_is_scored_while_the_face_moves_and_beside_the_rest_pose(description, engine, recorded):
    take = recorded(seed=3, seconds=6.0, person="dora")
    result = score_recording(take, *Estimator(description, engine)(take), geometry="analytic")
    rest = rest_pose(take, geometry="analytic")
    assert (result.person, result.geometry) == (rest.person, rest.geometry) == ("dora", "analytic")
    assert 3.0 < result.score.seconds < 4.0
    assert rest.score.mae == pytest.approx(result.score.rest_mae)


@pytest.mark.parametrize("rate_hz", [100.0, 60.0])
def test_what_is_known_of_the_wearer_counts_at_once_and_streamed(description, engine, recorded, rate_hz):
    take = recorded(seconds=4.0, rate_hz=rate_hz)
    known = replace(description.prior.unknown_wearer, mean=2.0 * description.prior.mean, source="prompts")
    estimate = Estimator(description, engine)
    assert not np.allclose(estimate(take, known)[0], estimate(take)[0])
    np.testing.assert_array_equal(estimate(take, description.prior.unknown_wearer)[0], estimate(take)[0])
