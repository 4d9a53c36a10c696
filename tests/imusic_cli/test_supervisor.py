"""Processes start together, end together, and leave nothing behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from imusic_cli.errors import CommandError
from imusic_cli.supervisor import Supervisor
from imusic_ros.graph import Process


class Script(Process):
    """A process that runs Python code."""

    def command(self, namespace: str = "") -> list[str]:
        return [sys.executable, "-c", self.executable]


def script(name: str, code: str) -> Script:
    return Script(name, code, Path(), False, {})


POLITE = (
    "import signal, sys; signal.signal(signal.SIGINT, lambda *_: sys.exit(0)); print('up', flush=True); signal.pause()"
)
DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print('up', flush=True); signal.pause()"


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
