"""A socket beside a simulated hub's line, through which other processes tell it what shall go wrong."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

from imu_sim.errors import SimulatorConfigError

ANSWER_S = 5.0
"""A hub answers within this, also on a machine that is busy."""
_LONGEST_LINE = 4096
_MOST_CALLERS = 16


class ControlSocket:
    """A Unix stream socket: a line of text in, its answer out, ended by an empty line; many lines by one caller.

    Args:
        path: of the socket, readable and writable by this user only; what an ended hub left there is replaced.
        obey: makes the answer to a line; may have several lines.

    Raises:
        SimulatorConfigError: the socket cannot be made, or a hub that runs has it.
    """

    def __init__(self, path: Path, obey: Callable[[str], str]) -> None:
        self.path = path
        self._obey = obey
        self._callers: dict[socket.socket, bytes] = {}
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_stale(path)
            before = os.umask(0o177)
            try:
                self._listening.bind(str(path))
            finally:
                os.umask(before)
            self._listening.listen(_MOST_CALLERS)
        except OSError as error:
            self._listening.close()
            raise SimulatorConfigError(
                f"expected to make a socket at {path}, found: {error}; give another --control"
            ) from error
        self._listening.setblocking(False)

    @property
    def filenos(self) -> list[int]:
        """Readable where somebody has something to say."""
        return [self._listening.fileno(), *(caller.fileno() for caller in self._callers)]

    def hear(self) -> None:
        """Take what callers said and answer; never blocks."""
        with contextlib.suppress(BlockingIOError):
            while True:
                caller, _ = self._listening.accept()
                if len(self._callers) >= _MOST_CALLERS:
                    caller.close()
                    continue
                caller.setblocking(False)
                self._callers[caller] = b""
        for caller in list(self._callers):
            self._hear(caller)

    def _hear(self, caller: socket.socket) -> None:
        try:
            said = caller.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            self._forget(caller)
            return
        *lines, rest = (self._callers[caller] + said).split(b"\n")
        self._callers[caller] = rest
        if len(rest) > _LONGEST_LINE:
            self._forget(caller)
            return
        answers = "".join(f"{self._obey(line.decode(errors='replace'))}\n\n" for line in lines)
        try:
            caller.sendall(answers.encode())
        except OSError:  # gone, or it never reads
            self._forget(caller)

    def _forget(self, caller: socket.socket) -> None:
        del self._callers[caller]
        caller.close()

    def close(self) -> None:
        """Hang up and remove the socket."""
        for caller in list(self._callers):
            self._forget(caller)
        self._listening.close()
        self.path.unlink(missing_ok=True)


def tell(path: Path, line: str, patience_s: float = ANSWER_S) -> str:
    """Say a line to the hub whose socket this is; its answer.

    Raises:
        SimulatorConfigError: nobody is there, no answer comes, or the answer is an error.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line_to:
        line_to.settimeout(patience_s)
        answer = b""
        try:
            line_to.connect(str(path))
            line_to.sendall(f"{' '.join(line.split())}\n".encode())
            while not answer.endswith(b"\n\n"):
                said = line_to.recv(65536)
                if not said:
                    break
                answer += said
        except OSError as error:
            raise SimulatorConfigError(
                f"expected a simulated hub at {path}, found: {error}; start one with `imusic simulate`, which prints "
                "where it can be told, and give that with --at"
            ) from error
    text = answer.decode(errors="replace").strip()
    if text.startswith("error: "):
        raise SimulatorConfigError(text.removeprefix("error: "))
    return text


def reached(path: Path) -> bool:
    """Whether a simulated hub listens on this socket, and this user may tell it something."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(ANSWER_S)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on.

    Raises:
        OSError: somebody listens, or it is no socket.
    """
    if not path.exists():
        return
    if not path.is_socket():
        raise OSError(errno.EEXIST, "a file that is no socket is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(ANSWER_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(errno.EADDRINUSE, "another simulated hub that runs has it")
