"""What is drawn, and that what is halted goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imusic_bench.disturbances import BUSY, KILL, QUIET_S, STOP, VIEWER, Disturbance, act, disturbed, halted, schedule


@given(seconds=st.floats(1.0, 2000.0), seed=st.integers(0, 2**31))
def test_one_after_another_with_quiet_between_and_the_end_left_alone(seconds: float, seed: int) -> None:
    found = schedule(seconds, seed)
    assert found == schedule(seconds, seed)
    for before, now in pairwise(found):
        assert QUIET_S[0] <= now.at_s - before.end_s <= QUIET_S[1]
    if found:
        assert found[0].at_s >= QUIET_S[0]
        assert found[-1].end_s + 10.0 <= seconds


def test_every_kind_comes_in_an_hour() -> None:
    found = schedule(3600.0, 1)
    assert {each.kind for each in found} == {BUSY, STOP, KILL}
    assert len({(each.kind, each.target) for each in found}) == 6


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def waits(pid: int, state: str) -> bool:
    return any(state_of(pid) == state for _ in range(10**6))


@pytest.fixture
def child() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"])


def test_what_is_halted_goes_on_afterwards(child: subprocess.Popen[bytes]) -> None:
    try:
        with halted(child.pid):
            assert waits(child.pid, "T")
        assert waits(child.pid, "S")
    finally:
        child.kill()
        child.wait()


def test_what_is_killed_is_dead(child: subprocess.Popen[bytes]) -> None:
    with disturbed(Disturbance(KILL, VIEWER, 0.0, 0.0), lambda name: child.pid if name == VIEWER else 0):
        assert child.wait(30.0) == -signal.SIGKILL


def test_they_come_in_order_and_end_when_asked() -> None:
    told: list[Disturbance] = []
    planned = [Disturbance(BUSY, "", 0.01 * i, 0.0, 1) for i in range(4)]
    act(planned, lambda _: 0, lambda: len(told) >= 3, lambda each, began_s, ended_s: told.append(each))
    assert told == planned[: len(told)]
    assert len(told) >= 3


def test_a_process_that_is_dead_is_passed_over(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    told: list[Disturbance] = []
    planned = [
        Disturbance(STOP, VIEWER, 0.0, 0.0),
        Disturbance(KILL, VIEWER, 0.0, 0.0),
        Disturbance(BUSY, "", 0.0, 0.0, 1),
    ]
    act(planned, lambda _: child.pid, lambda: False, lambda each, began_s, ended_s: told.append(each))
    assert told == planned[2:]
