from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imusic_ros.node_time import MOST_CREDIT_S, NodeTime


class Clocks:
    """The computer's clock and /clock, set by hand."""

    def __init__(self, simulated_s: float | None = 100.0) -> None:
        self.own_s, self.simulated_s = 5.0, simulated_s
        self.time = NodeTime(lambda: self.simulated_s, lambda: self.own_s)

    def run(self, seconds: float, rate: float, period_s: float = 0.01) -> float:
        """Let time pass; what `now_s` gained."""
        began_s = self.time.now_s()
        for _ in range(round(seconds / period_s)):
            self.own_s += period_s
            assert self.simulated_s is not None
            self.simulated_s += rate * period_s
            self.time.now_s()
        return self.time.now_s() - began_s


def test_without_a_simulation_it_is_the_computers_clock() -> None:
    clocks = Clocks(None)
    assert clocks.time.now_s() == 5.0
    clocks.own_s = 7.25
    assert clocks.time.now_s() == 7.25


@pytest.mark.parametrize(("rate", "share"), [(0.0, 0.0), (0.1, 0.1), (1.0, 1.0), (10.0, 1.0)])
def test_it_goes_as_the_slower_of_the_two(rate: float, share: float) -> None:
    assert Clocks().run(4.0, rate) == pytest.approx(4.0 * share, abs=1e-6)


def test_after_a_long_pause_it_goes_on_at_the_computers_pace() -> None:
    clocks = Clocks()
    clocks.run(1.0, 1.0)
    assert clocks.run(60.0, 0.0) == pytest.approx(0.0, abs=1e-6)
    assert 1.0 <= clocks.run(1.0, 10.0) <= 1.0 + MOST_CREDIT_S + 1e-6


def test_a_jump_of_the_clock_is_no_time() -> None:
    clocks = Clocks()
    clocks.run(1.0, 1.0)
    before_s = clocks.time.now_s()
    for simulated_s in (0.0, 1e9, 3.0):
        clocks.simulated_s = simulated_s
        assert clocks.time.now_s() - before_s == pytest.approx(0.0, abs=1e-6)
    assert clocks.run(1.0, 1.0) == pytest.approx(1.0, abs=MOST_CREDIT_S)


def test_a_clock_that_comes_seldom_is_followed() -> None:
    clocks = Clocks()
    began_s = clocks.time.now_s()
    for i in range(1, 1001):
        clocks.own_s += 0.005
        if i % 40 == 0:  # five times a second
            clocks.simulated_s += 0.2
        clocks.time.now_s()
    assert clocks.time.now_s() - began_s == pytest.approx(5.0, abs=1e-6)


def test_turning_the_simulation_on_and_off_does_not_turn_it_back() -> None:
    clocks = Clocks(None)
    first_s = clocks.time.now_s()
    clocks.simulated_s = 0.0
    assert clocks.run(2.0, 0.0) == 0.0
    clocks.simulated_s = None
    assert clocks.time.now_s() == first_s
    clocks.own_s += 1.0
    assert clocks.time.now_s() == first_s + 1.0


@given(st.lists(st.tuples(st.floats(0.0, 10.0), st.one_of(st.none(), st.floats(0.0, 1e9))), max_size=50))
def test_it_never_goes_back_nor_ahead_of_the_computers_clock(steps: list[tuple[float, float | None]]) -> None:
    clocks = Clocks()
    last_s = clocks.time.now_s()
    for passed_s, simulated_s in steps:
        clocks.own_s += passed_s
        clocks.simulated_s = simulated_s
        now_s = clocks.time.now_s()
        assert last_s <= now_s <= clocks.own_s
        last_s = now_s
