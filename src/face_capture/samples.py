"""Samples of a hub, one after the other: of a live one by a thread that reads in time, of a recording as asked."""

from __future__ import annotations

import queue
from collections import deque
from typing import Protocol

from face_model.imu_sample import ImuSample
from imu_driver.hub import ConnectionState, Hub
from imu_driver.hub_thread import HubThread

WAITING = 500
"""Most samples that wait for a slow caller: 5 s at 100 Hz. Then the oldest are dropped."""


class Samples(Protocol):
    """The samples of one hub.

    Attributes:
        dropped: samples that the caller came too late for.
    """

    dropped: int

    @property
    def ended(self) -> bool:
        """Whether no sample will ever follow."""
        ...

    @property
    def waiting(self) -> int:
        """How many are here already."""
        ...

    def take(self, timeout_s: float) -> ImuSample | None:
        """The next one; None if none comes within `timeout_s`, or it has ended."""
        ...

    def close(self) -> None:
        """Close the hub; may be called twice."""
        ...


class LiveSamples:
    """Samples that a thread takes from the hub, which is stepped and kept alive whatever the caller does meanwhile."""

    def __init__(self, hub: Hub) -> None:
        self.dropped = 0
        self._queue: queue.Queue[ImuSample] = queue.Queue(WAITING)
        self._thread = HubThread(hub, self._put)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the thread has ended, as an error in the program may have made it."""
        return not self._thread.alive and self._queue.empty()

    @property
    def waiting(self) -> int:
        """How many are here already."""
        return self._queue.qsize()

    def take(self, timeout_s: float) -> ImuSample | None:
        """The next one; None if none comes within `timeout_s`."""
        try:
            return self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Stop the hub and end the thread; raises `TimeoutError` if it does not end."""
        self._thread.stop()

    def _put(self, sample: ImuSample) -> None:
        if self._queue.full():
            try:
                self._queue.get_nowait()
                self.dropped += 1
            except queue.Empty:  # the caller took it meanwhile
                pass
        self._queue.put(sample)


class RecordedSamples:
    """Samples of a recording, which has as much time as the caller needs."""

    def __init__(self, hub: Hub) -> None:
        self.dropped = 0
        self._hub = hub
        self._read: deque[ImuSample] = deque()

    @property
    def ended(self) -> bool:
        """Whether the recording was read to its end."""
        return not self._read and self._hub.state is ConnectionState.ENDED

    @property
    def waiting(self) -> int:
        """How many are here already."""
        return len(self._read)

    def take(self, timeout_s: float) -> ImuSample | None:
        """The next one, read as fast as the file gives it; None at its end."""
        while not self._read and self._hub.state is not ConnectionState.ENDED:
            self._read.extend(self._hub.step())
        return self._read.popleft() if self._read else None

    def close(self) -> None:
        """Close the file."""
        self._hub.close()
