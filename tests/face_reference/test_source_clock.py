"""A source's clock on this machine's: offset, drift, jitter, a clock that was set, midnight."""

from __future__ import annotations

import math

import numpy as np
import pytest

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
