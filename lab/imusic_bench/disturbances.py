"""What a soak does to a running graph: a schedule of disturbances, drawn from a seed, and how each is done."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np

from imusic_bench.processes import busy_core

BUSY, STOP, KILL = "busy", "stop", "kill"
HUB, DRIVER, INFERENCE, VIEWER = "imu_sim", "imu_driver", "face_inference", "face_viz"


@dataclass(frozen=True)
class Disturbance:
    """One thing that happens.

    Attributes:
        kind: busy, processes that never wait; stop, a process that is halted (SIGSTOP) and let go; kill (SIGKILL).
        target: name of the process that is halted or killed; empty for busy.
        at_s: when it begins, s since the soak began.
        for_s: how long it lasts, s; 0 for kill.
        count: processes that are busy.
    """

    kind: str
    target: str
    at_s: float
    for_s: float
    count: int = 0

    @property
    def end_s(self) -> float:
        """When it is over, s since the soak began."""
        return self.at_s + self.for_s

    def __str__(self) -> str:
        what = f"{self.count} busy" if self.kind == BUSY else f"{self.kind} {self.target}"
        return f"{what} at {self.at_s:.1f} s for {self.for_s:.1f} s"


KINDS = (
    (BUSY, "", (5.0, 25.0)),
    (STOP, HUB, (0.3, 2.0)),
    (STOP, DRIVER, (0.3, 5.0)),
    (STOP, INFERENCE, (0.3, 5.0)),
    (STOP, VIEWER, (0.3, 5.0)),
    (KILL, VIEWER, (0.0, 0.0)),
)
"""Kind, target, shortest and longest, s."""

QUIET_S = (5.0, 12.0)
"""Between two of them, s."""


def schedule(seconds: float, seed: int) -> list[Disturbance]:
    """Disturbances one after another until `seconds` are over; the last ends at least 10 s before."""
    rng = np.random.default_rng(seed)
    found: list[Disturbance] = []
    at_s = float(rng.uniform(*QUIET_S))
    while True:
        kind, target, (least_s, most_s) = KINDS[int(rng.integers(len(KINDS)))]
        each = Disturbance(kind, target, at_s, float(rng.uniform(least_s, most_s)), int(rng.integers(1, 5)))
        if each.end_s + 10.0 > seconds:
            return found
        found.append(each)
        at_s = each.end_s + float(rng.uniform(*QUIET_S))


@contextmanager
def halted(pid: int) -> Iterator[None]:
    """A process that does not run for as long as the block does."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def disturbed(each: Disturbance, pid_of: Callable[[str], int]) -> Iterator[None]:
    """The disturbance, for as long as the block runs.

    Args:
        each: which.
        pid_of: process id of a process of the graph as it is now.
    """
    with ExitStack() as stack:
        if each.kind == BUSY:
            for _ in range(each.count):
                stack.enter_context(busy_core())
        elif each.kind == STOP:
            stack.enter_context(halted(pid_of(each.target)))
        else:
            os.kill(pid_of(each.target), signal.SIGKILL)
        yield


def act(
    disturbances: Sequence[Disturbance],
    pid_of: Callable[[str], int],
    stop: Callable[[], bool],
    done: Callable[[Disturbance, float, float], None],
) -> None:
    """Do one after another in time, from now on, until `stop`; what concerns a process that is dead is passed over.

    Args:
        disturbances: in the order of time.
        pid_of: process id by name.
        stop: asked several times a second.
        done: told of each that was done, when it began and when it was over, s on the monotonic clock.
    """
    start_s = time.monotonic()
    for each in disturbances:
        if not _wait(start_s + each.at_s, stop):
            return
        began_s = time.monotonic()
        try:
            with disturbed(each, pid_of):
                _wait(start_s + each.end_s, stop)
        except ProcessLookupError:
            continue  # a viewer that was killed before, and is not back yet
        done(each, began_s, time.monotonic())


def _wait(until_s: float, stop: Callable[[], bool]) -> bool:
    while (left_s := until_s - time.monotonic()) > 0.0:
        if stop():
            return False
        time.sleep(min(0.1, left_s))
    return True
