"""Processes start together, end together, and leave nothing behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from imusic_cli.errors import CommandError
from imusic_cli.supervisor import MOST_STARTS, Supervisor
from imusic_ros.graph import Process


class Script(Process):
    """A process that runs Python code."""

    def command(self, namespace: str = "") -> list[str]:
        return [sys.executable, "-c", self.executable]


def script(name: str, code: str, essential: bool = True, resumed: bool = False) -> Script:
    return Script(name, code, Path(), False, {}, essential, resumed=resumed)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


POLITE = (
    "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); print('up', flush=True); signal.pause()"
)
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"


def wait_until_up(lines: list[tuple[str, str]], count: int) -> None:
    import time

    end_s = time.monotonic() + 120.0
    while len(lines) < count and time.monotonic() < end_s:
        time.sleep(0.01)
    assert len(lines) == count


def test_all_are_interrupted_and_their_lines_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imusic_cli.supervisor.END_PATIENCE_S", 60.0)  # on a busy machine they take their time
    lines: list[tuple[str, str]] = []
    with Supervisor(
        [script("a", POLITE), script("b", POLITE)], on_line=lambda n, t: lines.append((n, t))
    ) as supervisor:
        wait_until_up(lines, 2)
        assert supervisor.ended() == {}
        assert supervisor.end() == {"a": 0, "b": 0}
    assert sorted(lines) == [("a", "up"), ("b", "up")]


def test_whoever_does_not_end_is_killed() -> None:
    lines: list[tuple[str, str]] = []
    with Supervisor([script("deaf", DEAF)], on_line=lambda n, t: lines.append((n, t))) as supervisor:
        wait_until_up(lines, 1)
        assert supervisor.end() == {"deaf": -9}


def test_a_process_that_ends_by_itself_is_reported_with_its_status() -> None:
    with Supervisor([script("short", "raise SystemExit(3)")]) as supervisor:
        supervisor._children["short"].wait(120)
        assert supervisor.ended() == {"short": 3}


def test_a_missing_program_ends_those_already_started() -> None:
    missing = Process("gone", "no_such_program", Path(), False, {})
    supervisor = Supervisor([script("a", POLITE), missing])
    with pytest.raises(CommandError, match="no_such_program"):
        supervisor.__enter__()
    assert supervisor.ended()


def die(supervisor: Supervisor, name: str) -> int:
    """Kill a process; its id."""
    child = supervisor._children[name]
    child.kill()
    child.wait(120)
    return child.pid


def test_a_viewer_that_dies_is_started_again_after_a_pause_and_the_rest_goes_on() -> None:
    clock = Clock()
    with Supervisor([script("a", POLITE), script("viewer", POLITE, False)], clock=clock) as supervisor:
        pid = die(supervisor, "viewer")
        assert supervisor.revive() == ["viewer ended (exit status -9); the rest goes on, it is started again in 1 s"]
        assert supervisor.revive() == []
        assert supervisor.ended() == {}
        assert supervisor.pids()["viewer"] == pid
        clock.now_s += 1.0
        assert supervisor.revive() == []
        assert supervisor.pids()["viewer"] != pid
        die(supervisor, "viewer")
        assert "again in 2 s" in supervisor.revive()[0]


def test_a_viewer_that_keeps_dying_is_missed_and_one_that_ran_long_is_not() -> None:
    clock = Clock()
    with Supervisor([script("viewer", POLITE, False)], clock=clock) as supervisor:
        clock.now_s += 1000.0
        said = []
        for _ in range(MOST_STARTS):
            pid = die(supervisor, "viewer")
            said += supervisor.revive()
            clock.now_s += 31.0
            supervisor.revive()
        assert (
            said[-1]
            == f"viewer ended (exit status -9); the rest goes on without it, as it ended {MOST_STARTS} times in a row"
        )
        assert supervisor.pids()["viewer"] == pid
        assert supervisor.ended() == {}


def test_what_is_resumed_is_started_again_at_once_when_it_crashes_after_it_was_up() -> None:
    clock = Clock()
    with Supervisor([script("inference", POLITE, resumed=True)], clock=clock) as supervisor:
        pid = die(supervisor, "inference")
        assert supervisor.ended() == {"inference": -9}  # it was never up: something about it is wrong
        assert supervisor.revive() == []
        assert supervisor.ended(up={"inference"}) == {}
        said = "inference ended (exit status -9); the rest goes on, it is started again at once"
        assert supervisor.revive({"inference"}) == [said]
        assert supervisor.revive({"inference"}) == []
        assert supervisor.pids()["inference"] != pid


def test_the_graph_ends_with_what_is_resumed_and_keeps_dying() -> None:
    clock = Clock()
    with Supervisor([script("inference", POLITE, resumed=True)], clock=clock) as supervisor:
        for _ in range(MOST_STARTS):
            assert supervisor.ended({"inference"}) == {}
            die(supervisor, "inference")
            said = supervisor.revive({"inference"})
            clock.now_s += 31.0
            supervisor.revive({"inference"})
        assert said == [f"inference ended (exit status -9) {MOST_STARTS} times in a row"]
        assert supervisor.ended({"inference"}) == {"inference": -9}


def test_what_is_resumed_and_ends_in_order_ends_the_graph() -> None:
    with Supervisor([script("driver", "print('done')", resumed=True)]) as supervisor:
        supervisor._children["driver"].wait(120)
        assert supervisor.ended({"driver"}) == {"driver": 0}
        assert supervisor.revive({"driver"}) == []
