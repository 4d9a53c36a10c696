"""One recording: takes messages from any thread and writes them in a thread of its own, until it is stopped.

What it is given waits in memory for `TURN_S` at most, and what is written stands in the file after `FLUSH_S`: a process
that is killed loses less than a second. The disk is watched: how long it will last is told, and before it is full
the recording ends by itself, whole.
"""

from __future__ import annotations

import math
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from face_model.errors import OutputError
from face_recording.bag_metadata import BagTopic
from face_recording.recorded_topics import FACE, numbers_samples
from face_recording.sequence_gaps import SequenceGaps

TURN_S = 0.1
"""How often the thread writes what it was given."""
FLUSH_S = 0.4
"""After this long a chunk ends, and its bytes go to the disk."""
RATE_OVER_S = 30.0
"""The disk's time is computed from the bytes of so long."""
MOST_WAITING_BYTES = 512 << 20
"""Of messages in memory while the disk does not answer: minutes of four faces. What comes then is counted as lost."""


class Bag(Protocol):
    """What a recording writes to; `bag_writer.BagWriter` is one."""

    @property
    def size(self) -> int:
        """Of all files."""

    def write(self, topic: BagTopic, time_ns: int, data: bytes) -> None:
        """Write one message."""

    def flush(self, sync: bool = True) -> None:
        """Write everything onto the disk."""

    def free_reserve(self) -> None:
        """Give back the disk's reserve."""

    def close(self) -> None:
        """Finish; may be called again after an error."""

    def abandon(self) -> None:
        """Close without finishing."""


@dataclass(frozen=True)
class Figures:
    """What is known of a recording.

    Attributes:
        duration_s: since it began.
        messages: written.
        bytes: of its files.
        lost: messages that are known to be missing.
        disk_left_s: until the disk's reserve is reached, at the present rate; infinity if unknown.
        disk_free_bytes: above the reserve.
        flush_longest_s: that the disk took for a flush.
        waiting_bytes: most that ever waited in memory.
    """

    duration_s: float = 0.0
    messages: int = 0
    bytes: int = 0
    lost: int = 0
    disk_left_s: float = math.inf
    disk_free_bytes: int = 0
    flush_longest_s: float = 0.0
    waiting_bytes: int = 0


@dataclass
class TopicCount:
    """Messages of one topic.

    Attributes:
        topic: that they are of.
        gaps: what is missing by their numbers.
        messages: that came.
        bytes: of these.
        last_s: when the last one came, monotonic s.
        dropped: of those that came, not written, since the disk did not answer.
    """

    topic: BagTopic
    gaps: SequenceGaps
    messages: int = 0
    bytes: int = 0
    last_s: float = -math.inf
    dropped: int = 0


@dataclass
class _Clock:
    """Times of messages: the wall clock when the recording began, and a clock that never steps from there on."""

    wall: Callable[[], int]
    monotonic: Callable[[], float]
    began_ns: int = field(init=False)
    began_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_ns, self.began_s = self.wall(), self.monotonic()

    def ns(self, at_s: float) -> int:
        return self.began_ns + round(1e9 * (at_s - self.began_s))


class Recording:
    """A recording that goes on.

    Args:
        bag: to write to; it belongs to the recording's thread until that has ended.
        folder: whose disk is watched.
        reserve_bytes: of the disk that are left free: the recording ends there.
        free_bytes: of the disk of a path.
        wall: nanoseconds since 1970.
        monotonic: seconds that never go back.

    Attributes:
        problem: why it ended by itself; empty while it goes on, or where it was stopped.
        topics: by name, what came.
    """

    def __init__(
        self,
        bag: Bag,
        folder: Path,
        reserve_bytes: int,
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.problem = ""
        self.topics: dict[str, TopicCount] = {}
        self._bag, self._folder, self._reserve, self._free_bytes = bag, folder, reserve_bytes, free_bytes
        self._monotonic = monotonic
        self._clock = _Clock(wall, monotonic)
        self._queue: deque[tuple[BagTopic, float, bytes]] = deque()
        self._put_bytes = self._taken_bytes = 0  # each counted by one thread
        self._most_waiting = 0
        self._written = 0
        self._flushed_s = self._looked_s = self._clock.began_s
        self._flush_longest_s = 0.0
        self._sizes: deque[tuple[float, int]] = deque([(self._clock.began_s, 0)])
        self._free = self._left_s = math.inf
        self._stopping = threading.Event()
        self._figures = Figures()
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it takes messages still."""
        return self._thread.is_alive() and not self._stopping.is_set()

    def put(self, topic: BagTopic, data: bytes) -> None:
        """Take one message, as serialized; quick, and for one thread."""
        now_s = self._monotonic()
        count = self.topics.get(topic.name)
        if count is None:
            count = self.topics[topic.name] = TopicCount(topic, SequenceGaps(topic.type))
        count.messages += 1
        count.bytes += len(data)
        count.last_s = now_s
        count.gaps.see(data)
        if self._put_bytes - self._taken_bytes > MOST_WAITING_BYTES or not self.is_running:
            count.dropped += 1
            return
        self._put_bytes += len(data)
        self._queue.append((topic, now_s, data))

    def figures(self) -> Figures:
        """What is known of it."""
        latest = self._figures
        lost = sum(lost_by_topic(list(self.topics.values())).values())
        running = self.is_running
        lost += 0 if running or self._thread.is_alive() else len(self._queue)
        duration_s = self._monotonic() - self._clock.began_s if running else latest.duration_s
        return Figures(
            duration_s,
            self._written,
            latest.bytes,
            lost,
            latest.disk_left_s,
            latest.disk_free_bytes,
            self._flush_longest_s,
            self._most_waiting,
        )

    def stop(self, patience_s: float = 30.0) -> None:
        """Write what waits and finish; returns when that is done, or after `patience_s`."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(patience_s)

    # In the thread.

    def _run(self) -> None:
        try:
            while not self._stopping.wait(TURN_S) and not self.problem:
                self._turn()
            self._write_waiting()
            self._bag.close()
        except (OSError, OutputError) as error:
            self._end_after(error)
        finally:
            self._stopping.set()
            self._note()

    def _turn(self) -> None:
        self._write_waiting()
        now_s = self._monotonic()
        if now_s - self._flushed_s >= FLUSH_S:
            self._bag.flush()
            after_s = self._monotonic()
            self._flush_longest_s = max(self._flush_longest_s, after_s - now_s)
            self._flushed_s = now_s
        if now_s - self._looked_s >= 1.0:
            self._looked_s = now_s
            self._look_at_disk(now_s)
        self._note()

    def _write_waiting(self) -> None:
        self._most_waiting = max(self._most_waiting, self._put_bytes - self._taken_bytes)
        while self._queue:
            topic, at_s, data = self._queue[0]
            self._bag.write(topic, self._clock.ns(at_s), data)
            self._queue.popleft()  # now that it is written
            self._taken_bytes += len(data)
            self._written += 1

    def _look_at_disk(self, now_s: float) -> None:
        self._free = self._free_bytes(self._folder) - self._reserve
        self._sizes.append((now_s, self._bag.size))
        while len(self._sizes) > 2 and now_s - self._sizes[0][0] > RATE_OVER_S:
            self._sizes.popleft()
        (then_s, then), (_, now) = self._sizes[0], self._sizes[-1]
        rate = (now - then) / max(now_s - then_s, 1e-3)
        self._left_s = max(self._free, 0) / rate if rate > 0.0 else math.inf
        if self._free <= 0:
            self.problem = (
                f"the disk of {self._folder.parent} has only {self._reserve >> 20} MB left, which are kept free: the "
                "recording ended there and is whole; make room, or lower disk_reserve_mb"
            )

    def _end_after(self, error: OSError | OutputError) -> None:
        """End where writing failed: with the reserve given back the rest is written, or mended later."""
        reason = error.strerror if isinstance(error, OSError) else str(error)
        self.problem = f"expected to write {self._folder}, found: {reason}; make room, or record to another disk"
        try:
            self._bag.free_reserve()
            self._bag.flush()
            self._write_waiting()
            self._bag.close()
            self.problem += "; what was recorded until then is whole"
        except (OSError, OutputError):
            self._bag.abandon()
            self.problem += (
                "; what was recorded until then is mended when there is room (`imusic takes check last --mend`)"
            )

    def _note(self) -> None:
        free = int(self._free) if math.isfinite(self._free) else 0
        self._figures = Figures(
            self._monotonic() - self._clock.began_s,
            bytes=self._bag.size,
            disk_left_s=self._left_s,
            disk_free_bytes=free,
        )


def lost_by_topic(topics: Iterable[TopicCount]) -> dict[str, int]:
    """Messages that were published and are missing, of topics that miss some.

    Faces have the numbers of their samples: where one is left out, inference had no time for it, see `without_face`.
    """
    lost = {c.topic.name: c.dropped + (c.gaps.missing if c.topic.type != FACE else 0) for c in topics}
    return {name: count for name, count in lost.items() if count}


def without_face(topics: Iterable[TopicCount]) -> int:
    """Samples that gave no face."""
    return sum(count.gaps.missing for count in topics if numbers_samples(count.topic.name, count.topic.type))
