"""Whatever comes from outside is used or refused with one line: messages of any content end nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_inference.errors import LayoutMismatchError
from face_inference.face_estimate import InputLayout
from face_inference.sensor_match import SensorMatch
from face_inference.tracker import FaceTracker
from face_model.imu_sample import STATUS_USABLE, ImuSample

any_float = st.floats(width=32) | st.sampled_from([float("nan"), float("inf"), 1e30, 3.4e38, 0.0, -0.0, 1e-40])
names = st.lists(st.text(max_size=8) | st.sampled_from(["skull", "chin", "brow_left"]), max_size=12)


@given(rate=any_float, incoming=names, layout_id=st.integers(0, 2**32 - 1))
def test_any_layout_is_used_or_refused_and_faces_go_on(description, rate, incoming, layout_id):
    engine = SimpleNamespace(faces=1, reset=lambda face: None)
    tracker = FaceTracker(description, engine)
    good = InputLayout(1, description.mounts.names, 100.0)
    tracker.set_layout(good)
    told = ""
    try:
        tracker.set_layout(InputLayout(layout_id, tuple(incoming), rate))
    except LayoutMismatchError as error:
        told = str(error)
    assert "\n" not in told
    assert len(told) < 2000
    assert not told or tracker.layout == good


@pytest.mark.parametrize("rate", [float("inf"), 1e30, 0.0, float("nan"), -100.0, 1e-30])
def test_a_rate_that_no_hub_has_is_refused(description, rate):
    with pytest.raises(LayoutMismatchError, match="1 to 10000 Hz"):
        SensorMatch(description).follow(InputLayout(1, description.mounts.names, rate))


def test_a_name_that_stands_twice_is_refused(description):
    with pytest.raises(LayoutMismatchError, match="'chin' more than once"):
        SensorMatch(description).follow(InputLayout(1, (*description.mounts.names, "chin"), 100.0))


def test_endless_layouts_are_refused(description):
    names = (*description.mounts.names, *(str(i) for i in range(1000)))
    with pytest.raises(LayoutMismatchError, match="at most 255"):
        SensorMatch(description).follow(InputLayout(1, names, 100.0))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_frames_of_any_content_give_finite_faces(description, recorded, estimate_engine, data):
    tracker = FaceTracker(description, estimate_engine)
    recording, sensors = recorded(seed=1, seconds=3.0), len(description.mounts.names)
    sent, time_s = 0, 0.0
    for _ in range(data.draw(st.integers(1, 3))):
        for _ in range(data.draw(st.sampled_from([1, 230]))):  # with a neutral, or without
            sample = ImuSample(
                0,
                sent,
                time_s,
                np.full(sensors, STATUS_USABLE, np.uint8),
                recording.orientation[sent % 240],
                recording.angular_velocity[sent % 240],
                recording.specific_force[sent % 240],
            )
            tracker.update(sample, 0.0)
            sent, time_s = sent + 1, time_s + 0.01
        # Some values of a good sample replaced: most spoil one sensor, some all.
        whole = [a[sent % 240] for a in (recording.orientation, recording.angular_velocity, recording.specific_force)]
        values = np.concatenate([a.ravel() for a in whole])
        rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
        odd_values = np.array(data.draw(st.lists(any_float, min_size=1, max_size=3)), np.float32)
        spoilt = rng.random(values.size) < data.draw(st.sampled_from([0.03, 0.5, 1.0]))
        values = np.where(spoilt, rng.choice(odd_values, values.size), values)
        status = rng.integers(0, 256, sensors) if data.draw(st.booleans()) else np.full(sensors, STATUS_USABLE)
        number = data.draw(st.integers(0, 2**32 - 1) | st.just(sent))
        hub_time_us = data.draw(st.integers(0, 2**64 - 1) | st.just(round(1e6 * time_s)))
        odd = ImuSample(
            data.draw(st.integers(0, 1)),
            number,
            1e-6 * hub_time_us,
            status.astype(np.uint8),
            values[: 4 * sensors].reshape(sensors, 4),
            values[4 * sensors : 7 * sensors].reshape(sensors, 3),
            values[7 * sensors :].reshape(sensors, 3),
        )
        with np.errstate(over="ignore"):  # of squares in single precision, which are looked at
            estimate = tracker.update(odd, 0.0)
        if estimate is not None:
            assert np.isfinite(estimate.weights).all()
            assert np.isfinite(estimate.confidence).all()
            assert np.isfinite(estimate.head_orientation).all()
