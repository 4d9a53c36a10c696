"""A source's clock on this machine's: offset, drift, jitter, a clock that was set, midnight."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_reference.source_clock import SourceClock


@pytest.mark.parametrize("drift", [-100e-6, 0.0, 100e-6])
def test_pictures_are_mapped_to_when_they_were_taken(drift: float) -> None:
    rng = np.random.default_rng(1)
    clock = SourceClock()
    off = []
    for k in range(6000):
        taken = 1000.0 + k / 30.0
        source = 50_000.0 + (taken - 1000.0) * (1.0 + drift)
        arrival = taken + 0.003 + rng.exponential(0.01)
        mapped = clock.taken_s(source, arrival)
        assert mapped <= arrival
        off.append(mapped - taken - 0.003)
    late = np.abs(off[3000:])
    assert late.max() < 0.004
    assert clock.drift_ppm == pytest.approx(-1e6 * drift, abs=15.0)
    assert clock.restarts == 0


def test_a_clock_that_is_set_and_midnight_begin_anew() -> None:
    clock = SourceClock()
    for k in range(300):
        clock.taken_s(86_395.0 + k / 60.0, 10.0 + k / 60.0)
    mapped = [clock.taken_s(k / 60.0, 15.0 + k / 60.0) for k in range(60)]
    np.testing.assert_allclose(mapped, 15.0 + np.arange(60) / 60.0, atol=1e-6)
    assert clock.restarts == 1
    for k in range(3):  # one picture held up for 3 s is no new clock
        clock.taken_s(1.0 + k / 60.0, 16.0 + k / 60.0 + (3.0 if k == 1 else 0.0))
    assert clock.restarts == 1


def test_a_source_without_a_clock_is_as_it_arrives() -> None:
    assert SourceClock().taken_s(math.nan, 5.0) == 5.0


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 1 << 32),
    st.floats(0.05, 12.0),
    st.floats(0.0, 3.0),
    st.sampled_from(["ahead", "around", "any", "frozen", "beside"]),
    st.floats(-100e-6, 100e-6),
)
def test_a_flood_of_wrong_timecodes_moves_no_stamp(
    seed: int, rate: float, spread_s: float, kind: str, drift: float
) -> None:
    """Half a minute of a phone, for ten seconds of it with packets of somebody else, on a made-up clock."""
    rng, fps, delay_s = np.random.default_rng(seed), 60.0, 0.003
    taken = np.arange(0.0, 30.0, 1.0 / fps)
    own = 50_000.0 + taken * (1.0 + drift)
    late = np.minimum(rng.exponential(0.004, len(taken)), 0.015)  # less than a picture: they come in order
    arrivals = 1000.0 + taken + delay_s + late
    flood = np.sort(rng.uniform(1010.0, 1020.0, round(10.0 * rate * fps)))
    at = 50_000.0 + (flood - 1000.0)
    wrong = {
        "ahead": at + rng.uniform(0.0, spread_s, len(at)),
        "around": at + rng.uniform(-spread_s, spread_s, len(at)),
        "any": rng.uniform(0.0, 86_400.0, len(at)),
        "frozen": np.full(len(at), 50_000.0 + 10.0 * spread_s),
        "beside": at + spread_s - 1.5,
    }[kind]
    packets = sorted(
        [*zip(arrivals, own, taken, strict=True), *zip(flood, wrong, np.full(len(flood), np.nan), strict=True)]
    )
    clock, off = SourceClock(), []
    for arrival, source, picture in packets:
        mapped = clock.taken_s(source, arrival)
        assert mapped <= arrival
        if not math.isnan(picture):
            off.append((picture, mapped - 1000.0 - picture - delay_s))
    moments, error = np.array(off).T
    assert np.abs(error).max() < 0.035
    after = np.abs(error[moments > 21.0])
    assert after.max() < 0.02  # one picture and what the line cannot know


def test_a_clock_that_steps_by_less_than_a_second_is_followed_at_once() -> None:
    clock = SourceClock()
    for k in range(300):
        clock.taken_s(100.0 + k / 60.0, 10.0 + k / 60.0)
    mapped = [clock.taken_s(105.4 + k / 60.0, 15.0 + k / 60.0) for k in range(60)]
    np.testing.assert_allclose(mapped, 15.0 + np.arange(60) / 60.0, atol=1e-6)
    assert clock.restarts == 0


def test_what_was_held_up_and_comes_at_once_is_no_new_clock() -> None:
    clock = SourceClock()
    for k in range(600):
        clock.taken_s(100.0 + k / 60.0, 10.0 + k / 60.0)
    burst = [clock.taken_s(110.0 + k / 60.0, 11.5 + 10.0 + 1e-4 * k) for k in range(90)]
    np.testing.assert_allclose(burst, 20.0 + np.arange(90) / 60.0, atol=1e-3)
    assert clock.restarts == 0
