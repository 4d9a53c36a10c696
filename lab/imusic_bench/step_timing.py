"""Timing several things in one run, so that whatever else the machine does hits all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Step = Callable[[], object]
Clock = Callable[[], float]
Key = TypeVar("Key", bound=Hashable)

BLOCK_S = 0.05
"""Long enough that what the one before left in the caches does not count, short beside a disturbance."""

_WARM_UP_STEPS = 3


class Times(NamedTuple):
    """Of the same N steps."""

    wall_s: NDArray[np.float64]
    """(N,) s; when others want the processor, waiting for it is in it."""
    cpu_s: NDArray[np.float64]
    """(N,) s of processor time, all threads of this process."""


@dataclass(frozen=True)
class Percentiles:
    """Of the time of a step, ms.

    Attributes:
        p50_ms, p99_ms, p999_ms: wall time; p99.9 is nearly the slowest where there are less than a thousand steps.
        cpu_ms: median of the processor time.
        steps: how many were timed.
    """

    p50_ms: float
    p99_ms: float
    p999_ms: float
    cpu_ms: float
    steps: int

    @classmethod
    def of(cls, times: Times) -> Percentiles:
        """Of at least one step."""
        p50, p99, p999 = (1000.0 * float(each) for each in np.percentile(times.wall_s, (50.0, 99.0, 99.9)))
        return cls(p50, p99, p999, 1000.0 * float(np.median(times.cpu_s)), len(times.wall_s))


def time_steps(
    steps: Mapping[Key, Step],
    seconds: float,
    block_s: float = BLOCK_S,
    clock: Clock = time.perf_counter,
    cpu_clock: Clock = time.process_time,
) -> dict[Key, Times]:
    """Call each step again and again, in turns of `block_s`, until each had `seconds`.

    The turn is always that of whoever had the least time so far, so that slow and fast ones get the same. Steps follow
    each other without a pause: in a node, where others use the caches between two samples, one takes a little longer.

    Args:
        steps: at least one, by name.
        seconds: of each, > 0.
        block_s: length of a turn; at least one step is done in it.
        clock: wall time, s.
        cpu_clock: processor time, s.
    """
    for step in steps.values():
        for _ in range(_WARM_UP_STEPS):
            step()
    kept: dict[Key, list[tuple[float, float]]] = {name: [] for name in steps}
    spent_s = dict.fromkeys(steps, 0.0)
    while min(spent_s.values()) < seconds:
        name = min(spent_s, key=spent_s.__getitem__)
        step, turn_s = steps[name], 0.0
        while turn_s < block_s:
            cpu_began_s, began_s = cpu_clock(), clock()
            step()
            took_s, cpu_took_s = clock() - began_s, cpu_clock() - cpu_began_s
            kept[name].append((took_s, cpu_took_s))
            turn_s += took_s
        spent_s[name] += turn_s
    return {name: Times(*np.array(pairs).T) for name, pairs in kept.items()}
