"""Samples on their way through inference: how many, since when, and when that is too long."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from face_recording.replay.errors import ReplayError

MOST: Final = 16
"""Samples under way at once: enough to keep inference busy, and far fewer than its queue holds."""
FORGIVEN_S: Final = 1.0
"""A sample without a face for so long was refused, or its face was lost: it is counted and not waited for."""
SILENT_S: Final = 15.0
"""Without any face for so long, though samples were sent, nothing is to be hoped for."""


class Flight:
    """Counts samples out and faces in; one thread sends, another hears.

    Args:
        clock: monotonic seconds.

    Attributes:
        unanswered: samples of which no face came.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.unanswered = 0
        self._clock = clock
        self._changed = threading.Condition()
        self._under_way: deque[tuple[int, float]] = deque()
        self._heard_s = clock()

    @property
    def under_way(self) -> int:
        """Samples that wait for their faces."""
        return len(self._under_way)

    def sent(self, sequence: int) -> None:
        """A sample was sent."""
        with self._changed:
            if not self._under_way:
                self._heard_s = self._clock()
            self._under_way.append((sequence, self._clock()))

    def answered(self, sequence: int) -> None:
        """A face came: its sample and those before it are done."""
        with self._changed:
            if not any(other == sequence for other, _ in self._under_way):
                return
            self._heard_s = self._clock()
            while (under_way := self._under_way.popleft()[0]) != sequence:
                self.unanswered += under_way != sequence
            self._changed.notify_all()

    def wake(self) -> None:
        """Let who waits look again."""
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, most: int, alive: Callable[[], bool], stopped: Callable[[], bool]) -> None:
        """Wait until no more than so many are under way.

        Args:
            most: see above.
            alive: whether inference is there.
            stopped: whether to give up waiting.

        Raises:
            ReplayError: inference is gone, or says nothing for `SILENT_S`.
        """
        with self._changed:
            while len(self._under_way) > most and not stopped():
                now_s = self._clock()
                if not alive():
                    raise ReplayError(
                        "expected inference to answer, found that it has gone; its reason is in its log: begin again"
                    )
                if now_s - self._heard_s > SILENT_S:
                    raise ReplayError(
                        f"expected a face of each sample, found none for {SILENT_S:g} s; see the diagnostics of "
                        "inference"
                    )
                if now_s - max(self._heard_s, self._under_way[0][1]) > FORGIVEN_S:
                    self._under_way.popleft()
                    self.unanswered += 1
                    continue
                self._changed.wait(0.05)

    def forget(self) -> None:
        """Wait for none of them any more."""
        with self._changed:
            self._under_way.clear()
            self._changed.notify_all()
