"""What a process uses, and the process that keeps a core busy, which is never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from imusic_bench.processes import busy_core, look_at
from imusic_cli.errors import CommandError

STARTED = """
import signal
from imusic_bench.processes import busy_core
with busy_core() as pid:
    print(pid, flush=True)
    signal.pause()
"""

# A process of its own: in this one the allocator may hand out memory that it already has.
TAKES_ON_DEMAND = """
import os, time
print(flush=True)
input()
kept = bytearray(30_000_000)
kept[::1024] = b"x" * len(kept[::1024])
file = open(os.devnull)
while time.process_time() < 0.2: pass
print(flush=True)
input()
"""


def wait_until(condition: object, what: str) -> None:
    end_s = time.monotonic() + 60.0
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end_s, what
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Ended; a zombie that nobody has waited for yet counts as ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_what_a_process_takes_is_seen() -> None:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", TAKES_ON_DEMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        before = look_at(child.pid)
        child.stdin.write("\n")
        child.stdin.flush()
        child.stdout.readline()
        after = look_at(child.pid)
        child.kill()
    assert before.threads >= 1
    assert before.pss_kb is None or 1000 < before.pss_kb <= before.rss_kb * 1.1
    assert after.rss_kb - before.rss_kb > 20_000
    assert after.files == before.files + 1
    assert after.cpu_s >= before.cpu_s + 0.1


def test_memory_goes_without_shares_where_they_are_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_process: psutil.Process) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "memory_full_info", refused)
    assert look_at(os.getpid()).pss_kb is None


def test_a_process_that_is_gone_is_an_error() -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", ""]) as child:
        pass
    with pytest.raises(CommandError, match=f"process {child.pid} to run on"):
        look_at(child.pid)


def test_a_busy_core_is_used_and_ends_with_the_block() -> None:
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
