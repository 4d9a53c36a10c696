"""One program that runs beside the viewer, in a process of its own: it delays no frame, and ends with the viewer."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Final

from imusic_ros.children import end_with_parent

NICENESS: Final = 10
"""A capture beside it goes first."""
CANCEL_S: Final = 5.0
"""What was asked to end and has not after this long is killed."""
KILLED_S: Final = 1.0
"""The system needs no longer to end what is killed."""
LINES_KEPT: Final = 20
MOST_LINE: Final = 500
"""Characters of a line that are kept for people."""


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        status: exit status; negative: the signal that ended it.
        cancelled: whether it was asked to end.
        said: its last lines on standard error, the oldest first.
    """

    status: int
    cancelled: bool
    said: tuple[str, ...]


class Job:
    """A running program.

    Args:
        command: program and arguments, as the system takes them: no shell reads them.
        on_line: called with each line, and whether it came on standard error; from threads of the job.
        on_end: called once, from the job's thread; nothing of it runs any more then.
    """

    def __init__(
        self, command: Sequence[str], on_line: Callable[[str, bool], None], on_end: Callable[[Ended], None]
    ) -> None:
        self._command, self._on_line, self._on_end = command, on_line, on_end
        self._said: deque[str] = deque(maxlen=LINES_KEPT)
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._cancelled = False
        self._killer: threading.Timer | None = None
        # The kernel ends the child with the thread that started it, so that thread waits for its end.
        self._thread = threading.Thread(target=self._run, name="job", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Of the program, once it has been started."""
        return None if self._child is None else self._child.pid

    def cancel(self) -> None:
        """Ask it to end, as Ctrl-C does; it is killed where it does not. Returns at once."""
        with self._lock:
            if self._cancelled or not self._thread.is_alive():
                return
            self._cancelled = True
            self._signal(signal.SIGINT)
            self._killer = threading.Timer(CANCEL_S, self._kill)
            self._killer.daemon = True
            self._killer.start()

    def end(self, patience_s: float) -> None:
        """End it now: it has this long to do so by itself."""
        self.cancel()
        self._thread.join(patience_s)
        if self._thread.is_alive():
            self._kill()
            self._thread.join(KILLED_S)

    def _kill(self) -> None:
        with self._lock:
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        """To the program and what it has started in its own session; the caller holds the lock."""
        # It is reaped under the lock, so the number is no other's.
        if self._child is not None and self._child.returncode is None:
            os.killpg(self._child.pid, number)

    def _run(self) -> None:
        status = self._live()
        if self._killer is not None:
            self._killer.cancel()
        self._on_end(Ended(status, self._cancelled, tuple(self._said)))

    def _live(self) -> int:
        with self._lock:
            if self._cancelled:
                return -signal.SIGINT
            try:
                child = self._child = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                    start_new_session=True,
                    preexec_fn=_prepare,
                    env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "200"},
                )
            except OSError as error:
                self._said.append(f"expected the program {self._command[0]}, found: {error.strerror}")
                return 127
        assert child.stdout is not None
        assert child.stderr is not None
        other = threading.Thread(target=self._read, args=(child.stderr, True), name="job errors", daemon=True)
        other.start()
        self._read(child.stdout, False)
        other.join()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            return child.wait()

    def _read(self, lines: IO[str], error: bool) -> None:
        with lines:
            for line in lines:
                told = line.strip()
                if error and told:
                    self._said.append(told[:MOST_LINE])
                self._on_line(told, error)


def _prepare() -> None:
    """In the child, before the program: a lower priority, Ctrl-C as usual, and an end with the viewer."""
    end_with_parent()
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
