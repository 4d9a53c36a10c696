"""The process that keeps a core busy is never left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imusic_bench.busy import busy_core
from imusic_bench.processes import look_at

STARTED = """
import signal
from imusic_bench.busy import busy_core
with busy_core() as pid:
    print(pid, flush=True)
    signal.pause()
"""


def wait_until(condition: object, what: str) -> None:
    end_s = time.monotonic() + 20.0
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end_s, what
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Ended; a zombie that nobody has waited for yet counts as ended."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_it_uses_a_processor_and_ends_with_the_block() -> None:
    with busy_core() as pid:
        wait_until(lambda: look_at(pid).cpu_s > 0.05, "it never ran")
    assert gone(pid)


def test_it_ends_with_the_block_that_fails() -> None:
    with pytest.raises(ZeroDivisionError), busy_core() as pid:
        raise ZeroDivisionError
    assert gone(pid)


def test_it_ends_when_we_are_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTED], stdout=subprocess.PIPE, text=True) as us:
        assert us.stdout is not None
        pid = int(us.stdout.readline())
        us.send_signal(signal.SIGKILL)
    wait_until(lambda: gone(pid), f"process {pid} was left behind")
