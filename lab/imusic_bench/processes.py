"""What the kernel tells of a process in `/proc` (man 5 proc): processor time, memory, threads, open files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from imusic_cli.errors import CommandError

PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(frozen=True)
class Usage:
    """One look at a process.

    Attributes:
        cpu_s: processor time since it started, in user and system mode, all threads, s.
        rss_kb: resident memory, kB; pages shared with others count in full.
        pss_kb: resident memory where each shared page counts in parts; None where the kernel does not say.
        threads: number of threads.
        files: number of open file descriptors.
    """

    cpu_s: float
    rss_kb: int
    pss_kb: int | None
    threads: int
    files: int


def look_at(pid: int, proc: Path = PROC) -> Usage:
    """Read what a process uses now.

    Raises:
        CommandError: there is no such process.
    """
    folder = proc / str(pid)
    try:
        cpu_s, rss_kb, threads = parse_stat((folder / "stat").read_text(encoding="utf-8", errors="replace"))
        files = len(os.listdir(folder / "fd"))  # noqa: PTH208 - counted only
        memory = _memory(folder)
    except (FileNotFoundError, ProcessLookupError) as error:
        raise CommandError(f"expected process {pid} to run on, found that it ended while it was measured") from error
    return Usage(cpu_s, memory.get("Rss", rss_kb), memory.get("Pss"), threads, files)


def parse_stat(line: str) -> tuple[float, int, int]:
    """Processor time in s, resident memory in kB and number of threads, from `/proc/PID/stat`.

    Raises:
        CommandError: it is not such a line.
    """
    # The second field is the program's name in brackets, which may itself hold brackets and blanks.
    fields = line[line.rfind(")") + 1 :].split()
    try:
        user, system, threads, pages = (int(fields[i]) for i in (11, 12, 17, 21))
    except (IndexError, ValueError) as error:
        raise CommandError(f"expected the fields of /proc/PID/stat (man 5 proc), found {line!r}") from error
    return (user + system) / _TICKS_PER_S, pages * _PAGE_KB, threads


def parse_memory(text: str) -> dict[str, int]:
    """kB by name, from the lines `Name:  123 kB` of `/proc/PID/smaps_rollup`."""
    words = (line.split() for line in text.splitlines())
    return {word[0][:-1]: int(word[1]) for word in words if len(word) == 3 and word[2] == "kB" and word[1].isdecimal()}


def _memory(folder: Path) -> dict[str, int]:
    """Exact figures; empty where they are forbidden or the kernel is older than 4.14."""
    try:
        return parse_memory((folder / "smaps_rollup").read_text(encoding="ascii", errors="replace"))
    except (PermissionError, FileNotFoundError):
        return {}
