"""What processes of this machine use, and one that keeps a core busy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from imusic_cli.errors import CommandError
from imusic_ros.children import end_with_parent


@dataclass(frozen=True)
class Usage:
    """One look at a process.

    Attributes:
        cpu_s: processor time since it started, in user and system mode, all threads, s.
        rss_kb: resident memory, kB; pages shared with others count in full.
        pss_kb: resident memory where each shared page counts in parts; None where the system does not say.
        threads: number of threads.
        files: number of open file descriptors.
    """

    cpu_s: float
    rss_kb: int
    pss_kb: int | None
    threads: int
    files: int


def look_at(pid: int) -> Usage:
    """Read what a process uses now.

    Raises:
        CommandError: there is no such process.
    """
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            cpu, memory = process.cpu_times(), process.memory_info()
            threads, files = process.num_threads(), process.num_fds()
        pss_kb = _pss_kb(process)
    except psutil.NoSuchProcess as error:
        raise CommandError(f"expected process {pid} to run on, found that it ended while it was measured") from error
    return Usage(cpu.user + cpu.system, memory.rss // 1024, pss_kb, threads, files)


def _pss_kb(process: psutil.Process) -> int | None:
    """Only Linux says, and only of one's own processes."""
    try:
        pss: int | None = getattr(process.memory_full_info(), "pss", None)
    except psutil.AccessDenied:
        return None
    return None if pss is None else pss // 1024


@contextmanager
def busy_core() -> Iterator[int]:
    """A process of normal priority that never waits, so that one core is taken for as long as the block runs.

    It is bound to no core: the kernel places it beside the nodes as it would any other program.

    Yields:
        Its process id.
    """
    # -I -S: nothing of the environment is imported, so that it spins at once.
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "while True: pass"], stdin=subprocess.DEVNULL, preexec_fn=end_with_parent
    ) as child:
        try:
            yield child.pid
        finally:
            child.kill()
