"""The first moments of a node's process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from imusic_ros.program import THREAD_COUNTS, end_at_once_on_signals, hand_back, limit_threads


def test_numpy_gets_one_thread_unless_somebody_wants_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in THREAD_COUNTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    limit_threads()
    assert {name: os.environ[name] for name in THREAD_COUNTS} == {
        "OMP_NUM_THREADS": "3",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_imports_ends_a_process_with_the_status_it_asked_for(number: signal.Signals) -> None:
    script = (
        "import os, signal; from imusic_ros.program import end_at_once_on_signals as end; end(130); "
        f"os.kill(os.getpid(), {int(number)}); print('still there')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_who_handled_signals_before_does_again() -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    hand_back(end_at_once_on_signals())
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
