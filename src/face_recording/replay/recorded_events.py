"""Events of a bag: what was published, or the samples with the snapshots that belong between them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

from face_recording.bag_reader import (
    BYTES,
    DRIVER_SNAPSHOT,
    FACE_SNAPSHOT,
    FACES,
    FRAMES,
    LAYOUT,
    PROMPT,
    STATES,
    Bag,
    BagMessage,
)
from face_recording.replay.events import Event, EventKind, Level
from face_recording.replay.sequences import comes_after

LATCHED: Final = (LAYOUT, STATES, PROMPT, "/tf_static")
"""Topics whose last message holds until the next."""
SHARED: Final = ("/tf", "/tf_static")
"""Played at every level, though they belong to no wearer alone."""

_NEVER: Final = (BYTES, DRIVER_SNAPSHOT, FACE_SNAPSHOT)
SLACK_NS: Final = 1_000_000_000
"""By how much the recorder may have got messages of two topics in another order than they were published in."""
LEARNING_NS: Final = 30_000_000_000
"""Where a bag has no snapshots, so much of its beginning is played to inference first: it learns the neutral there."""

Runs = Sequence[Sequence[int]]
"""First and last number of samples."""
Missed = Callable[[bytes], Runs]
"""What of a snapshot's data says which samples inference did not take."""


def played_topics(bag: Bag, namespace: str, level: Level) -> dict[str, str]:
    """Topics that are published as they were recorded: their name in the bag and the one they are played under.

    The second is relative to the wearer's namespace, so that it can be another one than was recorded.
    """
    left_out = set(_NEVER)
    if level is not Level.WEIGHTS:
        left_out.add(FACES)
    if level is Level.BYTES:
        left_out |= {FRAMES, LAYOUT, STATES}
    played = {t.name: relative for relative, t in bag.of_wearer(namespace).items() if relative not in left_out}
    return played | {name: name for name in SHARED if name in bag.topics}


class PublishedEvents:
    """Everything as it was published; see `EventSource`."""

    def __init__(self, bag: Bag, namespace: str) -> None:
        self._bag = bag
        self._names = played_topics(bag, namespace, Level.WEIGHTS)

    def events(self, at_ns: int, end_ns: int) -> Iterator[Event]:
        """See `EventSource`."""
        yield from latched_events(self._bag, self._names, at_ns)
        for message in self._bag.messages(self._names, at_ns, end_ns + 1):
            yield Event(message.time_ns, EventKind.PUBLISH, self._names[message.topic], message.data)


class FrameEvents:
    """Samples, snapshots at their places, and the faces to compare with; see `EventSource`.

    Args:
        bag: that is played.
        namespace: of the wearer.
        compare: also give the recorded faces.
        missed: tells of a snapshot's data which samples before it inference did not take, and a replay leaves out.

    Attributes:
        has_snapshots: whether the bag has any; otherwise inference learns its neutral from the beginning.
    """

    def __init__(self, bag: Bag, namespace: str, *, compare: bool, missed: Missed) -> None:
        self._bag, self._compare, self._missed = bag, compare, missed
        self._names = played_topics(bag, namespace, Level.FRAMES)
        topics = bag.of_wearer(namespace)
        self._faces = topics[FACES].name if FACES in topics else ""
        self._snapshots = topics[FACE_SNAPSHOT].name if FACE_SNAPSHOT in topics else ""
        self.has_snapshots = bool(self._snapshots) and topics[FACE_SNAPSHOT].count != 0
        self._learned = False

    def events(self, at_ns: int, end_ns: int) -> Iterator[Event]:
        """See `EventSource`."""
        bag = self._bag
        snapshot = bag.newest(self._snapshots, at_ns) if self._snapshots else None
        begin_ns = at_ns
        if snapshot is not None:
            begin_ns = snapshot.time_ns - SLACK_NS
        elif not self._learned:
            self._learned = True
            if at_ns > bag.begin_ns:
                yield from self._played(None, bag.begin_ns, min(at_ns, bag.begin_ns + LEARNING_NS) - 1, at_ns)
        yield from latched_events(bag, self._names, at_ns)
        if snapshot is not None:
            yield Event(min(snapshot.time_ns, at_ns), EventKind.TAKE_OVER, FACE_SNAPSHOT, snapshot.data, silent=True)
        yield from self._played(snapshot, begin_ns, end_ns, at_ns)

    def _played(self, snapshot: BagMessage | None, begin_ns: int, end_ns: int, at_ns: int) -> Iterator[Event]:
        bag, names = self._bag, self._names
        places = _Places(bag, self._snapshots, snapshot, end_ns, self._missed)
        topics = {*names, self._faces} if self._compare and self._faces else set(names)
        if begin_ns < bag.begin_ns + LEARNING_NS and snapshot is None and begin_ns < at_ns:
            yield from latched_events(bag, names, begin_ns)
        for message in bag.messages(topics, begin_ns, end_ns + 1):
            silent = message.time_ns < at_ns
            if message.topic == self._faces:
                yield Event(message.time_ns, EventKind.RECORDED, FACES, message, silent=silent)
            elif names[message.topic] == FRAMES:
                sequence = int(bag.decoded(message).sequence)
                if places.is_before(sequence, message.time_ns):
                    continue
                for taken in places.due(sequence, message.time_ns):
                    yield Event(message.time_ns, EventKind.TAKE_OVER, FACE_SNAPSHOT, taken.data, silent=silent)
                if not places.was_missed(sequence):
                    yield Event(message.time_ns, EventKind.FRAME, FRAMES, message.data, sequence, silent)
            elif not silent:
                yield Event(message.time_ns, EventKind.PUBLISH, names[message.topic], message.data)


class _Places:
    """Where between the samples the snapshots belong, and which samples are left out."""

    def __init__(self, bag: Bag, topic: str, first: BagMessage | None, end_ns: int, missed: Missed) -> None:
        self._bag, self._missed = bag, missed
        self._first = first
        self._after = int(bag.decoded(first).after) if first is not None else 0
        self._before = first is not None
        begin_ns = first.time_ns + 1 if first is not None else end_ns + 1
        # One further than the end: it tells what was missed up to there.
        self._coming = bag.messages([topic], begin_ns) if first is not None else iter(())
        self._next: BagMessage | None = None
        self._next_after = 0
        self._runs: Runs = ()
        self._advance()

    def is_before(self, sequence: int, time_ns: int) -> bool:
        """Whether a sample is in the first snapshot already."""
        if not self._before or self._first is None:
            return False
        if time_ns <= self._first.time_ns + SLACK_NS and not comes_after(sequence, self._after):
            return True
        self._before = False
        return False

    def due(self, sequence: int, time_ns: int) -> Iterator[BagMessage]:
        """Snapshots that belong before this sample."""
        while self._next is not None:
            near = time_ns >= self._next.time_ns - SLACK_NS
            late = time_ns > self._next.time_ns + SLACK_NS
            if not (late or (near and comes_after(sequence, self._next_after))):
                return
            taken = self._next
            self._advance()
            yield taken

    def was_missed(self, sequence: int) -> bool:
        """Whether inference did not take this sample when it was recorded."""
        return any(first <= sequence <= last for first, last in self._runs)

    def _advance(self) -> None:
        self._next = next(self._coming, None)
        if self._next is None:
            self._runs = ()
            return
        decoded = self._bag.decoded(self._next)
        self._next_after = int(decoded.after)
        self._runs = self._missed(bytes(decoded.data))


def latched_events(bag: Bag, names: dict[str, str], at_ns: int, only: Collection[str] = LATCHED) -> Iterator[Event]:
    """What held at a place; where nothing did yet, the first that came after, for it was published before the bag began."""
    for name, relative in names.items():
        if relative in only:
            message: Any = bag.newest(name, at_ns) or next(bag.messages([name]), None)
            if message is not None:
                yield Event(at_ns, EventKind.PUBLISH, relative, message.data, silent=True)
