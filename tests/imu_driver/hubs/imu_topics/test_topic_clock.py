"""Stamps of other drivers, on other clocks."""

from __future__ import annotations

import numpy as np
import pytest

from imu_driver.hubs.imu_topics.topic_clock import Kind, TopicClock, shifts, taken_s

DAY_S = 86400.0


def played(
    clock: TopicClock,
    offset_s: float,
    *,
    begin_s: float = 1000.0,
    seconds: float = 5.0,
    rate_hz: float = 100.0,
    delay_s: float = 0.001,
    jitter_s: float = 0.003,
    seed: int = 1,
) -> tuple[np.ndarray, list[tuple[int, float, int]]]:
    """Feed stamps that are `offset_s` ahead; times of measuring, and what was told of each."""
    rng = np.random.default_rng(seed)
    times = begin_s + np.arange(round(seconds * rate_hz)) / rate_hz
    told = []
    for time_s in times:
        arrival_s = time_s + delay_s + rng.exponential(jitter_s)
        stamp_ns, ros_ns = round(1e9 * (time_s + DAY_S + offset_s)), round(1e9 * (arrival_s + DAY_S))
        clock.add(stamp_ns, arrival_s, ros_ns)
        told.append((stamp_ns, arrival_s, ros_ns))
    return times, told


def test_stamps_of_the_same_clock_are_taken_as_they_are() -> None:
    clock = TopicClock()
    times, told = played(clock, 0.0)
    assert clock.kind is Kind.TRUSTED
    found = [taken_s(clock, None, *one) for one in told]
    np.testing.assert_allclose(found, times, atol=1e-6)
    assert clock.period_s == pytest.approx(0.01, rel=1e-3)
    assert clock.lost == 0


@pytest.mark.parametrize("offset_s", [-5.0, 3.0, -3600.0])
def test_a_clock_that_is_off_is_shifted_to_the_soonest_arrival(offset_s: float) -> None:
    clock = TopicClock()
    times, told = played(clock, offset_s)
    assert clock.kind is Kind.SHIFTED
    shift_s = shifts([clock])[0]
    found = np.array([taken_s(clock, shift_s, *one) for one in told])
    assert np.ptp(found - times) < 1e-6
    assert 0.0 < (found - times)[0] < 0.002


def test_topics_that_are_off_alike_share_one_shift_and_others_have_their_own() -> None:
    near, alike, other, well = TopicClock(), TopicClock(), TopicClock(), TopicClock()
    played(near, -7.0, delay_s=0.001, seed=1)
    played(alike, -7.0, delay_s=0.012, seed=2)
    played(other, 2.0, seed=3)
    played(well, 0.0, seed=4)
    found = shifts([near, alike, other, well])
    assert found[0] == found[1] == near.least_s
    assert found[2] == other.least_s
    assert 3 not in found


def test_no_stamps_or_the_same_ones_leave_the_arrival() -> None:
    clock = TopicClock()
    for i in range(10):
        clock.add(0, 5.0 + i, round(1e9 * (5.0 + i)))
    assert clock.kind is Kind.ARRIVAL
    assert taken_s(clock, None, 0, 12.0, 0) == 12.0
    clock = TopicClock()
    for i in range(10):
        clock.add(77_000_000_000, 77.0 + i / 100.0, round(1e9 * (77.0 + i / 100.0)))
    assert clock.kind is Kind.ARRIVAL
    assert clock.period_s == pytest.approx(0.01, abs=1e-3)


def test_a_bag_that_begins_again_begins_anew() -> None:
    clock = TopicClock()
    played(clock, -100.0, begin_s=1000.0)
    assert clock.steps == 0
    times, told = played(clock, -105.0, begin_s=1005.0)
    assert clock.steps == 1
    found = np.array([taken_s(clock, clock.least_s, *one) for one in told])
    assert np.abs(found - times).max() < 0.002


def test_losses_are_gaps_between_stamps() -> None:
    clock = TopicClock()
    played(clock, 0.0, seconds=1.0)
    played(clock, 0.0, begin_s=1001.05, seconds=1.0)
    assert clock.lost == 5


def test_a_clock_set_back_by_less_than_a_step_is_believed_after_some_seconds() -> None:
    clock = TopicClock()
    played(clock, 0.0, seconds=4.0)
    played(clock, -0.3, begin_s=1004.4, seconds=6.0)
    assert clock.kind is Kind.SHIFTED
    assert clock.least_s == pytest.approx(0.3, abs=0.005)
