"""Turns and percentiles, on a clock that only the steps move."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imusic_bench.step_timing import Percentiles, Times, time_steps


class Work:
    """Steps that take a stated time on a clock of their own, and write down who was called."""

    def __init__(self, **durations_s: float) -> None:
        self.now_s = 0.0
        self.calls: list[str] = []
        self.durations_s = durations_s

    def clock(self) -> float:
        return self.now_s

    def cpu_clock(self) -> float:
        return 0.5 * self.now_s

    def step(self, name: str) -> None:
        self.calls.append(name)
        self.now_s += self.durations_s[name]

    def timed(self, seconds: float, block_s: float) -> dict[str, Times]:
        steps = {name: (lambda name=name: self.step(name)) for name in self.durations_s}
        return time_steps(steps, seconds, block_s, self.clock, self.cpu_clock)


def test_turns_alternate_in_blocks() -> None:
    work = Work(a=1.0, b=1.0)
    work.timed(seconds=4.0, block_s=2.0)
    assert "".join(work.calls) == "aaabbb" + "aabbaabb"  # warm-up first


def test_slow_and_fast_get_the_same_time() -> None:
    work = Work(slow=8.0, fast=1.0)
    times = work.timed(seconds=16.0, block_s=2.0)
    assert times["slow"].wall_s.tolist() == [8.0, 8.0]
    assert times["fast"].wall_s.tolist() == [1.0] * 16
    assert times["slow"].cpu_s.tolist() == [4.0, 4.0]
    assert "slow" in work.calls[-10:], "the slow one had all its turns at the beginning"


@given(
    durations_s=st.lists(st.sampled_from([0.125, 0.25, 1.0, 3.0]), min_size=1, max_size=4), seconds=st.integers(1, 20)
)
def test_everybody_gets_enough_and_nobody_much_more(durations_s: list[float], seconds: int) -> None:
    work = Work(**{f"w{i}": duration_s for i, duration_s in enumerate(durations_s)})
    times = work.timed(float(seconds), block_s=0.5)
    for each in times.values():
        assert each.wall_s.shape == each.cpu_s.shape
        assert seconds <= each.wall_s.sum() < seconds + 0.5 + max(durations_s)


def test_percentiles_are_of_all_steps() -> None:
    wall_s = np.linspace(0.001, 0.002, 1001)
    found = Percentiles.of(Times(wall_s, np.full(1001, 0.0005)))
    assert found.p50_ms == pytest.approx(1.5)
    assert found.p99_ms == pytest.approx(1.99)
    assert found.p999_ms == pytest.approx(1.999)
    assert (found.cpu_ms, found.steps) == (pytest.approx(0.5), 1001)
