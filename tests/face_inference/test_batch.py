"""Several people on one engine: each gets what they would get alone, however their samples are grouped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_evaluation.takes import layout_of, recorded_neutral, samples_of
from face_inference.batch import FaceBatch
from face_inference.channels import Channels
from face_inference.engines.fallback import EngineWithFallback
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.engines.protocol import EngineOutput, EngineState
from face_inference.errors import EngineError
from face_inference.network_inputs import input_size
from face_inference.neutral_calibration import CalibrationParams
from face_inference.tracker import FaceTracker
from face_inference.tracker_params import TrackerParams
from face_model.face_state import FaceState

PARAMS = TrackerParams(calibration=CalibrationParams(duration_s=0.5))
PEOPLE = 3
RATES_HZ = (100.0, 60.0, 200.0)
FAULTS = ("none", "not_a_number", "short_gap", "long_gap", "other_layout", "wrong_shape", "restart", "late")


class LowPassEngine:
    """Publishes a low-pass of each face's first features; `poisoned` faces give no numbers, and it fails on demand."""

    description = "low-pass"

    def __init__(self, mounts, faces):
        self.faces = faces
        self.inputs = np.zeros((faces, input_size(Channels.of(mounts))), dtype=np.float32)
        self.state = np.zeros((faces, 52), dtype=np.float32)
        self.resets = [0] * faces
        self.poisoned: set[int] = set()
        self.steps_left = 10**9
        self.steps = 0

    def step(self, active=None):
        if self.steps_left == 0:
            raise EngineError("the device is gone")
        self.steps_left -= 1
        self.steps += 1
        rows = np.ones(self.faces, dtype=bool) if active is None else active
        self.state[rows] += 0.05 * (self.inputs[rows, :52] - self.state[rows])
        weights = np.where(rows[:, None], self.state, np.nan)
        weights[list(self.poisoned)] = np.nan
        return EngineOutput(weights.astype(np.float32), np.full((self.faces, 52), 0.8, dtype=np.float32))

    def reset(self, face=0):
        if self.steps_left == 0:
            raise EngineError("the device is gone")
        self.state[face] = 0.0
        self.resets[face] += 1

    def save_state(self, face=0):
        return EngineState(0, (self.state[face].copy(),))

    def restore_state(self, state, face=0):
        self.state[face] = state.rings[0]

    def close(self):
        pass


@pytest.fixture(scope="module")
def takes(recorded):
    """One for each person, each at another rate."""
    return [
        recorded(seed=7 + i, seconds=1.6, still_s=0.3, rate_hz=rate_hz, person=f"person_{i}")
        for i, rate_hz in enumerate(RATES_HZ)
    ]


def ready(tracker, take):
    tracker.set_layout(layout_of(take))
    tracker.neutral = recorded_neutral(take, tracker.mounts, 0.2)
    return tracker


def batch_of(description, engine, takes):
    return FaceBatch(
        engine, [ready(FaceTracker(description, engine, PARAMS, face), take) for face, take in enumerate(takes)]
    )


def samples_with(take, fault, count=60):
    """The moving part of a take, with something wrong in the middle."""
    samples = list(samples_of(take))[-count:]
    middle = count // 2
    if fault == "not_a_number":
        for i in range(middle, middle + 5):
            broken = samples[i].orientation.copy()
            broken[2] = np.nan
            samples[i] = replace(samples[i], orientation=broken, specific_force=samples[i].specific_force * np.inf)
    elif fault == "short_gap":
        del samples[middle : middle + 7]
    elif fault == "long_gap":
        samples[middle:] = [
            replace(s, sequence=s.sequence + 200, hub_time_s=s.hub_time_s + 2.0) for s in samples[middle:]
        ]
    elif fault == "other_layout":
        samples[middle] = replace(samples[middle], layout_id=12345)
    elif fault == "wrong_shape":
        samples[middle] = replace(samples[middle], status=samples[middle].status[:2])
    elif fault == "restart":
        samples[middle:] = list(samples_of(take))[: count - middle]
    elif fault == "late":
        samples[middle], samples[middle + 1] = samples[middle + 1], samples[middle]
    return samples


def alone(description, engine, take, samples):
    tracker = ready(FaceTracker(description, engine, PARAMS), take)
    return [tracker.update(sample, 0.0) for sample in samples], tracker.counters


def together(batch, streams, groups):
    """Feed the streams in batches; `groups`: who comes in each batch, then everybody until all is fed."""
    left = [list(stream)[::-1] for stream in streams]
    found = [[] for _ in streams]
    while any(left):
        group = next(groups, range(len(streams)))
        samples = [(who, left[who].pop()) for who in group if left[who]]
        for who, estimate in batch.update(samples, 0.0):
            found[who].append(estimate)
    return found


def check_same(found, expected, **tolerance):
    expected = [e for e in expected if e is not None]
    assert [e.sequence for e in found] == [e.sequence for e in expected]
    assert [e.state for e in found] == [e.state for e in expected]
    for name in ("weights", "confidence", "head_orientation"):
        np.testing.assert_allclose(
            [getattr(e, name) for e in found], [getattr(e, name) for e in expected], **tolerance, err_msg=name
        )


groupings = st.lists(st.lists(st.integers(0, PEOPLE - 1), max_size=6), max_size=60)
faults = st.tuples(*[st.sampled_from(FAULTS)] * PEOPLE)


@given(groups=groupings, faults=faults)
@settings(max_examples=25, deadline=None)
def test_any_grouping_and_anybodys_faults_leave_everybody_with_what_they_get_alone(description, takes, groups, faults):
    streams = [samples_with(take, fault) for take, fault in zip(takes, faults, strict=True)]
    batch = batch_of(description, LowPassEngine(description.mounts, PEOPLE), takes)
    found = together(batch, streams, iter(groups))
    for who, (take, stream) in enumerate(zip(takes, streams, strict=True)):
        expected, counters = alone(description, LowPassEngine(description.mounts, 1), take, stream)
        check_same(found[who], expected, atol=0.0, rtol=0.0)
        assert batch.trackers[who].counters == counters


@given(groups=groupings, faults=faults)
@settings(max_examples=5, deadline=None)
def test_the_same_with_a_real_engine(trained, takes, groups, faults):
    model = trained["model"]
    streams = [samples_with(take, fault, 40) for take, fault in zip(takes, faults, strict=True)]
    batch = batch_of(model.description, OnnxRuntimeEngine(model, PEOPLE), takes)
    found = together(batch, streams, iter(groups))
    for who, (take, stream) in enumerate(zip(takes, streams, strict=True)):
        expected, _ = alone(model.description, OnnxRuntimeEngine(model), take, stream)
        check_same(found[who], expected, atol=1e-5, rtol=0.0)


def test_samples_that_come_together_cost_one_step(description, recorded):
    takes = [recorded(seed=i, seconds=1.0, still_s=0.2) for i in range(PEOPLE)]
    engine = LowPassEngine(description.mounts, PEOPLE)
    batch = batch_of(description, engine, takes)
    for rows in zip(*map(samples_of, takes), strict=True):
        assert [face for face, _ in batch.update(enumerate(rows), 0.0)] == [0, 1, 2]
    assert engine.steps == 100
    lost = [list(samples_of(take))[-1] for take in takes]
    lost = [replace(s, sequence=s.sequence + 1 + who, hub_time_s=s.hub_time_s + 0.05) for who, s in enumerate(lost)]
    batch.update(enumerate(lost), 0.0)
    assert engine.steps == 103, "as many rounds as the face that lost most needs"


def test_output_that_is_not_a_number_starts_that_face_anew_and_no_other(description, recorded):
    takes = [recorded(seed=i, seconds=1.0, still_s=0.2) for i in range(PEOPLE)]
    engine = LowPassEngine(description.mounts, PEOPLE)
    batch = batch_of(description, engine, takes)
    streams = [list(samples_of(take)) for take in takes]
    expected = []
    for take, stream in zip(takes, streams, strict=True):
        expected.append(alone(description, LowPassEngine(description.mounts, 1), take, stream)[0])
    resets = list(engine.resets)
    for i, rows in enumerate(zip(*streams, strict=True)):
        engine.poisoned = {1} if i == 50 else set()
        results = dict(batch.update(enumerate(rows), 0.0))
        for who in (0, 2):
            np.testing.assert_array_equal(results[who].weights, expected[who][i].weights)
        if i == 50:
            assert results[1].state == FaceState.DEGRADED
            np.testing.assert_array_equal(results[1].weights, expected[1][49].weights)
    assert [now - then for now, then in zip(engine.resets, resets, strict=True)] == [0, 1, 0]
    assert [tracker.counters.not_finite for tracker in batch.trackers] == [0, 1, 0]


@pytest.mark.parametrize("fails_in", ["step", "reset"])
def test_an_engine_that_fails_costs_everybody_the_past_and_nobody_the_capture(description, recorded, fails_in):
    takes = [recorded(seed=i, seconds=1.0, still_s=0.2) for i in range(PEOPLE)]
    first = LowPassEngine(description.mounts, PEOPLE)
    said = []
    engine = EngineWithFallback(first, LowPassEngine(description.mounts, PEOPLE), said.append)
    batch = batch_of(description, engine, takes)
    solo = [LowPassEngine(description.mounts, 1) for _ in takes]
    trackers = [ready(FaceTracker(description, e, PARAMS), take) for e, take in zip(solo, takes, strict=True)]
    for i, rows in enumerate(zip(*map(samples_of, takes), strict=True)):
        if i == 60:
            first.steps_left = 0
            for e in solo:
                e.reset()
            if fails_in == "reset":
                batch.trackers[1].wearer = batch.trackers[1].wearer
                assert len(said) == 1, "the fallback took over before the next step"
                trackers[1].wearer = trackers[1].wearer
        results = dict(batch.update(enumerate(rows), 0.0))
        for who, row in enumerate(rows):
            np.testing.assert_array_equal(results[who].weights, trackers[who].update(row, 0.0).weights)
            assert results[who].state == FaceState.TRACKING
    assert len(said) == 1


def test_without_a_fallback_a_failure_is_raised_and_the_next_batch_can_go_on(description, recorded):
    takes = [recorded(seed=i, seconds=1.0, still_s=0.2) for i in range(PEOPLE)]
    engine = LowPassEngine(description.mounts, PEOPLE)
    batch = batch_of(description, engine, takes)
    rows = list(zip(*map(samples_of, takes), strict=True))
    batch.update(enumerate(rows[0]), 0.0)
    engine.steps_left = 0
    with pytest.raises(EngineError, match="gone"):
        batch.update(enumerate(rows[1]), 0.0)
    engine.steps_left = 100
    assert len(batch.update(enumerate(rows[2]), 0.0)) == PEOPLE


def test_one_person_of_several_can_be_updated_alone(description, takes):
    engine = LowPassEngine(description.mounts, PEOPLE)
    batch = batch_of(description, engine, takes)
    stream = samples_with(takes[1], "none")
    found = [batch.trackers[1].update(sample, 0.0) for sample in stream]
    expected, _ = alone(description, LowPassEngine(description.mounts, 1), takes[1], stream)
    check_same(found, expected, atol=0.0, rtol=0.0)
    assert not engine.state[[0, 2]].any()


def test_a_saved_face_goes_on_in_another_row(description, takes):
    engine = LowPassEngine(description.mounts, PEOPLE)
    batch = batch_of(description, engine, [takes[0]] * PEOPLE)
    stream = samples_with(takes[0], "short_gap")
    expected, _ = alone(description, LowPassEngine(description.mounts, 1), takes[0], stream)
    found = [batch.trackers[0].update(sample, 0.0) for sample in stream[:30]]
    batch.trackers[2].restore_state(batch.trackers[0].saved_state())
    found += [batch.trackers[2].update(sample, 0.0) for sample in stream[30:]]
    check_same(found, expected, atol=0.0, rtol=0.0)


def test_trackers_must_stand_in_the_order_of_their_rows(description):
    engine = LowPassEngine(description.mounts, 2)
    trackers = [FaceTracker(description, engine, PARAMS, face) for face in (1, 0)]
    with pytest.raises(ValueError, match="faces 0 to 1 in this order, found 1, 0"):
        FaceBatch(engine, trackers)
