"""SIGINT and SIGTERM as a wish to end, at any moment of a process's life."""

from __future__ import annotations

import signal
import socket
from types import FrameType


class StoppedError(BaseException):
    """The process was asked to end while it was still starting.

    Like KeyboardInterrupt no Exception, so that no library that is being imported takes it for its own trouble.
    """


class StopSignal:
    """Takes over SIGINT and SIGTERM until closed.

    While starting, a signal raises `StoppedError` wherever the main thread is; afterwards it sets `asked` and makes
    `fileno` readable, so that a wait ends at once and nothing is torn.

    Attributes:
        asked: whether a signal arrived.
        starting: set to False once the process serves.
    """

    def __init__(self) -> None:
        self.asked = False
        self.starting = True
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}

    @property
    def fileno(self) -> int:
        """Readable once a signal arrived."""
        return self._reader.fileno()

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        first, self.asked = not self.asked, True
        # Only once: a second signal must not interrupt the cleaning up after the first.
        if self.starting and first:
            raise StoppedError

    def close(self) -> None:
        """Give the signals back."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()
