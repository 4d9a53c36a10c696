"""Starts the processes of a graph, passes on what they print, and ends them together."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import IO

from imusic_cli.errors import CommandError
from imusic_ros.children import end_with_parent
from imusic_ros.graph import Companions, Process

END_PATIENCE_S = 1.5
"""Nodes end in well under a second; whatever is left after this is killed, so that Ctrl-C takes less than 2 s."""

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
"""Before a process is started again: doubled each time, from the first to the longest. One that is resumed is started
again at once the first time, as the face stands still meanwhile."""
SETTLED_S = 60.0
"""One that ran for this long begins with the first pause again."""
MOST_STARTS = 6
"""After so many deaths in a row something about it is broken: it is missed for good, or ends the graph if it is
essential."""

OnLine = Callable[[str, str], None]
"""Called with a process's name and one line it printed, from a thread of that process."""


@dataclass
class _Revival:
    """What is known of a process that may die: when it was started, how often it died, when it is started again."""

    started_s: float
    deaths: int = 0
    again_s: float | None = None


class Supervisor:
    """The running processes of one graph; use as a context manager.

    Args:
        processes: of the graph.
        namespace: of its nodes.
        on_line: see `OnLine`.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        processes: Sequence[Process | Companions],
        namespace: str = "",
        on_line: OnLine | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._processes = processes
        self._namespace = namespace
        self._on_line = on_line or _print_line
        self._children: dict[str, subprocess.Popen[str]] = {}
        self._readers: list[threading.Thread] = []
        self._clock = clock
        self._revivals: dict[str, _Revival] = {}

    def __enter__(self) -> Supervisor:
        try:
            for process in self._processes:
                self._start(process)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def pids(self) -> dict[str, int]:
        """Process ids by process name."""
        return {name: child.pid for name, child in self._children.items()}

    def dead(self) -> set[str]:
        """Names of all nodes whose processes do not run now."""
        return {node for p in self._processes if self._children[p.name].poll() is not None for node in p.nodes}

    def ended(self, up: Collection[str] = ()) -> dict[str, int]:
        """Exit status of every essential process that has ended by itself and is not started again; see `revive`."""
        found = {}
        started = (process for process in self._processes if process.essential and process.name in self._children)
        for process in started:
            status = self._children[process.name].poll()
            given_up = self._revivals[process.name].again_s == math.inf
            if status is not None and (given_up or not _resumes(process, status, up)):
                found[process.name] = status
        return found

    def revive(self, up: Collection[str] = ()) -> list[str]:
        """Start those again that died, each after its pause; what there is to say of it.

        Args:
            up: processes that were up once: of the essential ones only these are resumed, and only where they crashed.
        """
        said = []
        for process in self._processes:
            status = self._children[process.name].poll()
            if status is None or (process.essential and not _resumes(process, status, up)):
                continue
            revival, now_s = self._revivals[process.name], self._clock()
            if revival.again_s is None:
                if now_s - revival.started_s >= SETTLED_S:
                    revival.deaths = 0
                revival.deaths += 1
                pause_s = min(FIRST_PAUSE_S * 2 ** (revival.deaths - 1), LONGEST_PAUSE_S)
                revival.again_s = now_s + (0.0 if process.resumed and revival.deaths == 1 else pause_s)
                said.append(_said(process, status, revival, now_s))
                if revival.deaths >= MOST_STARTS:
                    revival.again_s = math.inf
            elif now_s >= revival.again_s:
                try:
                    self._start(process)
                except CommandError as error:
                    revival.again_s = math.inf
                    said.append(f"{error}; the rest goes on without it")
        return said

    def end(self) -> dict[str, int]:
        """End every process, wait, kill what does not end; exit status by process name.

        By SIGTERM, which they take as they take SIGINT: one that is just being started has not yet said how it takes
        either, and of SIGINT Python makes a traceback then.
        """
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        deadline_s = time.monotonic() + END_PATIENCE_S
        for child in self._children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(deadline_s - time.monotonic(), 0.0))
            if child.poll() is None:
                child.kill()
                child.wait()
        for reader in self._readers:
            reader.join(timeout=0.5)
        return {name: child.returncode for name, child in self._children.items()}

    def _start(self, process: Process | Companions) -> None:
        command = process.command(self._namespace)
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                # A Ctrl-C goes to us alone, so that everything ends in order.
                start_new_session=True,
                preexec_fn=end_with_parent,
                env={**os.environ, "RCUTILS_COLORIZED_OUTPUT": "0", "PYTHONUNBUFFERED": "1"},
            )
        except OSError as error:
            raise CommandError(
                f"cannot start {process.name}: expected the program {command[0]}, found: {error.strerror}; "
                "run `make setup`, or build the workspace again"
            ) from error
        self._children[process.name] = child
        revival = self._revivals.setdefault(process.name, _Revival(0.0))
        revival.started_s, revival.again_s = self._clock(), None
        assert child.stdout is not None
        reader = threading.Thread(target=self._read, args=(process.name, child.stdout), daemon=True)
        reader.start()
        self._readers.append(reader)

    def _read(self, name: str, lines: IO[str]) -> None:
        for line in lines:
            self._on_line(name, line.rstrip("\n"))


def _resumes(process: Process | Companions, status: int, up: Collection[str]) -> bool:
    return process.resumed and process.name in up and status != 0


def _said(process: Process | Companions, status: int, revival: _Revival, now_s: float) -> str:
    ended = f"{process.name} ended (exit status {status})"
    begin = f"{ended}; the rest goes on"
    if revival.deaths >= MOST_STARTS and process.essential:
        return f"{ended} {revival.deaths} times in a row"
    if revival.deaths >= MOST_STARTS:
        return f"{begin} without it, as it ended {revival.deaths} times in a row"
    assert revival.again_s is not None
    pause_s = revival.again_s - now_s
    return f"{begin}, it is started again {f'in {pause_s:.0f} s' if pause_s else 'at once'}"


def _print_line(_name: str, line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
