"""The thread that reads a source and hands its frames on, with their times on this machine's clock."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from face_reference.errors import SourceError
from face_reference.frame import ReferenceFrame
from face_reference.source import ReferenceSource
from face_reference.source_clock import SourceClock
from face_reference.watch import Watch

_POLL_S = 0.1
_JOIN_S = 5.0
"""A webcam's process is given 2 s to end."""
_AGAIN_S = 2.0
"""Between tries to open a source whose port is taken, or whose file is not there."""


class ReaderThread:
    """Opens, reads and closes a source until it is stopped; an object is used once.

    Args:
        source: read by the thread.
        on_frame: called in the thread with each frame and when its picture was taken, s on the monotonic clock.
    """

    def __init__(self, source: ReferenceSource, on_frame: Callable[[ReferenceFrame, float], None]) -> None:
        self.watch = Watch()
        self.clock = SourceClock()
        self.problem = ""
        self._source = source
        self._on_frame = on_frame
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reference", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it runs; an error in the program may have ended it."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start."""
        self._thread.start()

    def stop(self) -> None:
        """Close the source and end the thread.

        Raises:
            TimeoutError: the thread does not end.
        """
        self._stop.set()
        if self._thread.ident is None:
            return
        self._thread.join(_JOIN_S)
        if self._thread.is_alive():
            raise TimeoutError(f"expected the reference's thread to end within {_JOIN_S:g} s, found it running")

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and not self._opened():
                self._stop.wait(_AGAIN_S)
            while not self._stop.is_set():
                for frame in self._source.read(_POLL_S):
                    self._take(frame)
        finally:
            self._source.close()

    def _opened(self) -> bool:
        try:
            self._source.open()
        except SourceError as error:
            self.problem = str(error)
            return False
        self.problem = ""
        return True

    def _take(self, frame: ReferenceFrame) -> None:
        if frame.source != self.watch.source:
            self.clock = SourceClock()  # another phone has another clock
        if math.isfinite(frame.taken_s):
            taken_s = min(frame.taken_s, frame.arrival_s)
        else:
            taken_s = self.clock.taken_s(frame.source_time_s, frame.arrival_s)
        self.watch.add(frame, taken_s)
        self._on_frame(frame, taken_s)
