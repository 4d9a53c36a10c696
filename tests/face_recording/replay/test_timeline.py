"""Time of a recording on a virtual clock."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_recording.replay.errors import ReplayError
from face_recording.replay.timeline import AS_FAST_AS_POSSIBLE, Timeline

S = 1_000_000_000
BEGIN = 1_700_000_000 * S


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def made(clock: Clock, rate: float = 1.0, loop: bool = False) -> Timeline:
    return Timeline(BEGIN, BEGIN + 60 * S, rate=rate, loop=loop, clock=clock)


@pytest.mark.parametrize("rate", [0.1, 1.0, 20.0])
def test_time_runs_at_its_rate_and_ends(clock: Clock, rate: float) -> None:
    timeline = made(clock, rate)
    assert timeline.now_ns() == BEGIN
    assert timeline.wait_s(BEGIN + 10 * S) == pytest.approx(10.0 / rate)
    clock.now_s += 1.0
    assert timeline.now_ns() == BEGIN + round(rate * S)
    clock.now_s += 1000.0
    assert timeline.now_ns() == BEGIN + 60 * S
    assert timeline.wait_s(BEGIN + 60 * S) == 0.0


def test_a_pause_stands_still_and_goes_on(clock: Clock) -> None:
    timeline = made(clock)
    clock.now_s += 2.0
    timeline.pause()
    clock.now_s += 100.0
    assert timeline.paused
    assert timeline.now_ns() == BEGIN + 2 * S
    assert timeline.wait_s(BEGIN + 2 * S + 1) == math.inf
    timeline.resume()
    timeline.resume()
    clock.now_s += 1.0
    assert timeline.now_ns() == BEGIN + 3 * S


def test_who_is_held_stands_until_it_goes(clock: Clock) -> None:
    timeline = Timeline(BEGIN, BEGIN + 60 * S, rate=20.0, held=True, clock=clock)
    clock.now_s += 100.0
    assert timeline.now_ns() == BEGIN
    timeline.seek(BEGIN + S)
    clock.now_s += 1.0
    timeline.go()
    timeline.go()
    assert timeline.now_ns() == BEGIN + S
    clock.now_s += 0.1
    assert timeline.now_ns() == BEGIN + 3 * S


def test_a_jump_goes_where_it_is_told_and_no_further(clock: Clock) -> None:
    timeline = made(clock)
    assert timeline.seek(BEGIN + 30 * S) == BEGIN + 30 * S
    assert timeline.seek(BEGIN - 5 * S) == BEGIN
    assert timeline.seek(BEGIN + 500 * S) == BEGIN + 60 * S
    assert timeline.lap == 3
    timeline.pause()
    timeline.seek(BEGIN + 10 * S)
    clock.now_s += 5.0
    assert timeline.now_ns() == BEGIN + 10 * S


def test_another_rate_holds_from_now_on(clock: Clock) -> None:
    timeline = made(clock)
    clock.now_s += 1.0
    timeline.set_rate(4.0)
    clock.now_s += 1.0
    assert timeline.now_ns() == BEGIN + 5 * S


@pytest.mark.parametrize("rate", [-1.0, 0.05, 21.0, math.inf, math.nan])
def test_other_rates_are_refused(clock: Clock, rate: float) -> None:
    with pytest.raises(ReplayError, match=r"expected a rate of 0\.1 to 20"):
        made(clock, rate)
    timeline = made(clock)
    with pytest.raises(ReplayError):
        timeline.set_rate(rate)
    assert timeline.rate == 1.0


def test_an_end_before_the_beginning_is_refused(clock: Clock) -> None:
    with pytest.raises(ReplayError, match="2 s before"):
        Timeline(BEGIN, BEGIN - 2 * S, clock=clock)


def test_as_fast_as_possible_it_is_what_was_played(clock: Clock) -> None:
    timeline = made(clock, AS_FAST_AS_POSSIBLE)
    clock.now_s += 9.0
    assert timeline.now_ns() == BEGIN
    assert timeline.wait_s(BEGIN + 59 * S) == 0.0
    timeline.reached(BEGIN + 7 * S)
    timeline.reached(BEGIN + 6 * S)
    assert timeline.now_ns() == BEGIN + 7 * S
    timeline.pause()
    assert timeline.wait_s(BEGIN + 8 * S) == math.inf
    timeline.set_rate(1.0)
    timeline.resume()
    clock.now_s += 1.0
    assert timeline.now_ns() == BEGIN + 8 * S


def test_who_is_held_up_does_not_rush_afterwards(clock: Clock) -> None:
    timeline = made(clock, 20.0)
    clock.now_s += 1.0
    timeline.held_up(BEGIN + 5 * S)
    assert timeline.now_ns() == BEGIN + 5 * S
    assert timeline.wait_s(BEGIN + 6 * S) == pytest.approx(0.05)
    timeline.held_up(BEGIN + 30 * S)
    assert timeline.now_ns() == BEGIN + 5 * S


@given(st.lists(st.tuples(st.sampled_from("prtsw"), st.floats(0.0, 30.0)), max_size=40))
def test_time_never_goes_back_but_by_a_jump(steps: list[tuple[str, float]]) -> None:
    clock = Clock()
    timeline = made(clock)
    before_ns, lap = timeline.now_ns(), timeline.lap
    for step, amount in steps:
        if step == "p":
            timeline.pause()
        elif step == "r":
            timeline.resume()
        elif step == "t":
            timeline.set_rate(max(0.1, min(20.0, amount)))
        elif step == "s":
            timeline.seek(BEGIN + round(amount * S))
        else:
            clock.now_s += amount
        now_ns = timeline.now_ns()
        assert BEGIN <= now_ns <= BEGIN + 60 * S
        assert timeline.lap > lap or now_ns >= before_ns
        before_ns, lap = now_ns, timeline.lap
