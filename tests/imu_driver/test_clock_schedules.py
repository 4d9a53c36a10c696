"""Any schedule of stalls, jams, bursts, clock steps and skews: a stamp is right to 1 ms, or the sample is not used."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from imu_driver.clock import ClockMapper

RIGHT_S = 0.001
STEP_S = 0.035
"""Smaller steps of the clock may stand until the next ping while the line is jammed: they look like its jitter."""

HOST_S = 5000.0
"""Host time at the beginning."""


@dataclass(frozen=True)
class Hold:
    """Nothing passes from `begin_s` for `length_s`; what came meanwhile passes at the end, in order."""

    begin_s: float
    length_s: float

    def passes(self, t: float) -> float:
        return self.begin_s + self.length_s if self.begin_s <= t < self.begin_s + self.length_s else t


@dataclass(frozen=True)
class Burst:
    """From `begin_s` for `length_s` each packet takes up to `most_s` longer."""

    begin_s: float
    length_s: float
    most_s: float


@dataclass
class Schedule:
    """A hub, its line and the reader, in time since the beginning, s.

    Attributes:
        up: holds on the way from the hub.
        down: holds on the way to it.
        stalls: of the reader, which then neither reads nor pings.
        bursts: of delays on the way from the hub.
        steps: (time, change of the hub's clock, s).
    """

    seed: int = 0
    rate_hz: float = 100.0
    skew_ppm: float = 20.0
    up: list[Hold] = field(default_factory=list)
    down: list[Hold] = field(default_factory=list)
    stalls: list[Hold] = field(default_factory=list)
    bursts: list[Burst] = field(default_factory=list)
    steps: list[tuple[float, float]] = field(default_factory=list)

    def hub_us(self, t: float) -> int:
        steps = sum(change for when, change in self.steps if t >= when)
        return round((10.0 + t * (1.0 + 1e-6 * self.skew_ppm) + steps) * 1e6)

    def run(self, duration_s: float, mapper: ClockMapper | None = None) -> tuple[NDArray[np.float64], ...]:
        """Times, errors of the stamps (s) and whether they were certain, of all samples in order of arrival."""
        mapper = mapper or ClockMapper()
        rng, order = np.random.default_rng(self.seed), count()
        events: list[tuple[float, int, str, float, float]] = []
        newest_s = {"up": 0.0, "down": 0.0}

        def arrives(way: str, t: float, least_s: float, jitter_s: float) -> float:
            extra = sum(
                rng.uniform(0.0, burst.most_s)
                for burst in self.bursts
                if way == "up" and burst.begin_s <= t < burst.begin_s + burst.length_s
            )
            t += least_s + rng.exponential(jitter_s) + extra
            for hold in self.up if way == "up" else self.down:
                t = hold.passes(t)
            newest_s[way] = max(newest_s[way], t)
            return newest_s[way]

        def put(t: float, kind: str, a: float, b: float = 0.0) -> None:
            for stall in self.stalls if kind in ("sample", "pong", "poll") else ():
                t = stall.passes(t)
            heapq.heappush(events, (t, next(order), kind, a, b))

        put(0.0, "poll", 0.0)
        put(0.0, "take", 0.0)
        taken, started, streams_s, pinged_s, pings = 0, False, np.inf, -1.0, 0
        found: list[tuple[float, float, bool]] = []
        while events:
            t, _, kind, a, b = heapq.heappop(events)
            for stall in self.stalls:
                if t == stall.begin_s + stall.length_s:
                    mapper.reader_stood(HOST_S + stall.begin_s, HOST_S + t)
            if t > duration_s:
                break
            if kind == "poll":
                period_s = 0.0 if not started else 0.037 if mapper.wants_pings else 1.0
                if t - pinged_s >= period_s:
                    pinged_s, pings = t, pings + 1
                    put(arrives("down", t, 0.0004, 0.0001), "ping", t)
                if not started and (mapper.settled or pings > 100):
                    started, streams_s = True, arrives("down", t, 0.0004, 0.0001)
                put(t + 0.0049, "poll", 0.0)
            elif kind == "ping":
                put(arrives("up", t, 0.0005, 0.0002), "pong", a, t)
            elif kind == "pong":
                mapper.add_ping(HOST_S + a, self.hub_us(b), HOST_S + t)
            elif kind == "take":
                if t >= streams_s:
                    put(arrives("up", t, 0.0032, 0.0003), "sample", t)
                taken += 1
                put(taken / self.rate_hz, "take", 0.0)
            else:
                stamp = mapper.add_sample(self.hub_us(a), HOST_S + t)
                assert stamp <= HOST_S + t
                found.append((a, stamp - HOST_S - a, mapper.certain))
        times, errors, certain = (np.array(column) for column in zip(*found, strict=True))
        return times, errors, certain.astype(bool)


def worst(errors: NDArray[np.float64], certain: NDArray[np.bool_]) -> float:
    return float(np.abs(errors[certain]).max())


def test_a_free_line_loses_nothing() -> None:
    for seed in range(4):
        _, errors, certain = Schedule(seed).run(40.0)
        assert np.count_nonzero(~certain) <= 4, "one late packet in a thousand asks for a ping"
        assert worst(errors, certain) < RIGHT_S


@pytest.mark.parametrize("length_s", [0.1, 0.9, 1.1, 3.0, 8.0])
def test_a_reader_that_stood_still(length_s: float) -> None:
    _, errors, certain = Schedule(stalls=[Hold(10.0, length_s)]).run(30.0)
    assert worst(errors, certain) < RIGHT_S
    assert np.count_nonzero(~certain) <= 3, "what waited is stamped as of then"


@pytest.mark.parametrize("change_s", [-1.0, -0.02, -0.005, -0.003, 0.003, 0.005, 0.02, 1.0, 3600.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_step_of_the_hubs_clock(seed: int, change_s: float) -> None:
    times, errors, certain = Schedule(seed, steps=[(20.0, change_s)]).run(60.0)
    assert worst(errors, certain) < RIGHT_S
    assert np.count_nonzero(~certain) <= 20
    assert np.count_nonzero(~certain[(times < 19.9) | (times > 20.3)]) <= 3


@pytest.mark.parametrize("length_s", [0.1, 0.5, 1.5])
def test_a_start_in_a_jam(length_s: float) -> None:
    times, errors, certain = Schedule(up=[Hold(0.0, length_s)]).run(20.0)
    assert worst(errors, certain) < RIGHT_S
    assert certain[times > length_s + 0.5].all()


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.data())
def test_any_schedule(data: st.DataObject) -> None:
    def holds(most: int, longest_s: float) -> list[Hold]:
        made = st.builds(Hold, st.floats(0.0, 15.0), st.floats(0.01, longest_s))
        return data.draw(st.lists(made, max_size=most))

    jams = holds(2, 1.5)
    schedule = Schedule(
        seed=data.draw(st.integers(0, 2**16)),
        rate_hz=data.draw(st.sampled_from([50.0, 100.0, 200.0])),
        skew_ppm=data.draw(st.floats(-50.0, 50.0)),
        up=jams,
        down=holds(2, 1.5),
        stalls=holds(2, 8.0),
        bursts=data.draw(
            st.lists(st.builds(Burst, st.floats(1.0, 15.0), st.floats(0.1, 3.0), st.floats(0.001, 0.02)), max_size=2)
        ),
        steps=data.draw(
            st.lists(
                st.tuples(
                    st.floats(1.0, 18.0),
                    st.one_of(st.floats(STEP_S, 2.0), st.floats(-2.0, -STEP_S)),
                ),
                max_size=2,
            )
        ),
    )
    # A clock that is set while the reader stands still shows only afterwards.
    assume(not any(s.begin_s <= when <= s.begin_s + s.length_s for s in schedule.stalls for when, _ in schedule.steps))
    times, errors, certain = schedule.run(20.0)
    wrong = np.flatnonzero(certain & (np.abs(errors) > RIGHT_S))
    assert not len(wrong), list(zip(times[wrong][:5], errors[wrong][:5], strict=True))
