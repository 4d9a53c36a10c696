"""Programs beside the viewer: what they say, how they end, and that none outlives it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading

import pytest

from face_viz.job import Ended, Job

LONG_S = 120.0


class Heard:
    """What a job said, and how it ended."""

    def __init__(self, *code: str) -> None:
        self.lines: list[tuple[str, bool]] = []
        self.ended: list[Ended] = []
        self.over, self.spoke = threading.Event(), threading.Event()
        self.job = Job([sys.executable, "-c", "\n".join(code)], self.line, self.end)

    def line(self, line: str, error: bool) -> None:
        self.lines.append((line, error))
        self.spoke.set()

    def end(self, ended: Ended) -> None:
        self.ended.append(ended)
        self.over.set()


def test_lines_and_the_exit_status_are_told() -> None:
    heard = Heard("import os, sys", "print('one')", "print('two', file=sys.stderr)", "print(os.nice(0))", "sys.exit(3)")
    assert heard.over.wait(LONG_S)
    assert [line for line, error in heard.lines if not error] == ["one", str(min(os.nice(0) + 10, 19))]
    assert heard.ended == [Ended(3, False, ("two",))]


def test_a_program_that_is_not_there_is_told() -> None:
    over = threading.Event()
    ended: list[Ended] = []
    Job(["/nowhere/imusic"], lambda line, error: None, lambda how: (ended.append(how), over.set()))
    assert over.wait(LONG_S)
    assert ended[0].status == 127
    assert "/nowhere/imusic" in ended[0].said[0]


def test_what_is_cancelled_ends_as_by_ctrl_c() -> None:
    heard = Heard(
        "import time",
        "try:",
        "    print('ready', flush=True)",
        "    time.sleep(1000)",
        "except KeyboardInterrupt:",
        "    print('tidied')",
    )
    assert heard.spoke.wait(LONG_S)
    heard.job.cancel()
    heard.job.cancel()
    assert heard.over.wait(LONG_S)
    assert ("tidied", False) in heard.lines
    assert heard.ended[0].cancelled


def gone(pid: int) -> bool:
    """Whether a process ends."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], LONG_S)[0])
    finally:
        os.close(watched)


STUBBORN = (
    "import os, signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print(os.getpid(), flush=True); "
    "time.sleep(1000)"
)


def test_what_does_not_end_is_killed_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("face_viz.job.CANCEL_S", 1000.0)
    start = f"subprocess.Popen([{sys.executable!r}, '-c', {STUBBORN!r}])"
    heard = Heard(
        "import signal, subprocess, time; signal.signal(signal.SIGINT, signal.SIG_IGN)", start, "time.sleep(1000)"
    )
    assert heard.spoke.wait(LONG_S)
    heard.job.end(0.1)
    assert heard.over.wait(LONG_S)
    assert heard.ended[0].status == -signal.SIGKILL
    assert gone(int(heard.lines[0][0]))


def test_a_job_ends_with_a_viewer_that_is_killed() -> None:
    code = (
        "import sys, threading\n"
        "from face_viz.job import Job\n"
        f"job = Job([sys.executable, '-c', {STUBBORN!r}], lambda line, error: print(line, flush=True), print)\n"
        "threading.Event().wait()\n"
    )
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=paths) as viewer:
        assert viewer.stdout is not None
        pid = int(viewer.stdout.readline())
        viewer.kill()
    assert gone(pid), "it lives on"
