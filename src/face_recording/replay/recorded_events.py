"""Events of a bag: what was published, or the samples with the snapshots that belong between them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from face_recording.bag_reader import (
    BYTES,
    DRIVER_SNAPSHOT,
    FACE_SNAPSHOT,
    FACES,
    FRAMES,
    HEAD,
    LAYOUT,
    PROMPT,
    STATES,
    Bag,
)
from face_recording.recorded_topics import FROM_FACES
from face_recording.replay.events import Event, EventKind, Level
from face_recording.replay.sequences import between, comes_after
from face_recording.replay.snapshot_index import Entry, SnapshotIndex, stamp_of

LATCHED: Final = (LAYOUT, STATES, PROMPT, "/tf_static")
"""Topics whose last message holds until the next."""
SHARED: Final = ("/tf", "/tf_static")
"""Played at every level, though they belong to no wearer alone."""

DERIVED: Final = frozenset(name for names in FROM_FACES.values() for name in names)
"""Computed from faces by nodes that may run beside a replay."""

_NEVER: Final = (BYTES, DRIVER_SNAPSHOT, FACE_SNAPSHOT)
SLACK_NS: Final = 1_000_000_000
"""By how much the recorder may have got messages of two topics in another order than they were published in."""
LEARNING_NS: Final = 30_000_000_000
"""Where a bag has no snapshots, so much of its beginning is played to inference first: it learns the neutral there."""

Runs = Sequence[Sequence[int]]
"""First and last number of samples."""
Missed = Callable[[bytes], Runs]
"""What of a snapshot's data says which samples inference did not take."""


@dataclass(frozen=True)
class ComputedFrame:
    """A sample that was not recorded as such.

    Attributes:
        time_ns: when it was published, on the recorder's clock.
        sequence: its number.
        stamp_ns: when it was taken.
        message: `imusic/ImuFrame`.
    """

    time_ns: int
    sequence: int
    stamp_ns: int
    message: Any


ComputedFrames = Callable[[int, int], Iterator[ComputedFrame]]
"""Samples from a time on and before another, ns, in order."""


def played_topics(bag: Bag, namespace: str, level: Level, computed: Collection[str] = ()) -> dict[str, str]:
    """Topics that are published as they were recorded: their name in the bag and the one they are played under.

    The second is relative to the wearer's namespace, so that it can be another one than was recorded. What was computed
    from faces is played beside recorded faces only: beside faces that are computed again it may be wrong.

    Args:
        bag: that is played.
        namespace: of the wearer in it.
        level: what is played.
        computed: names in `FROM_FACES` whose nodes run beside the player.
    """
    left_out = {*_NEVER, *(topic for name in computed for topic in FROM_FACES[name])}
    if level is not Level.WEIGHTS:
        left_out |= {FACES, HEAD, *DERIVED}
    if level is Level.BYTES:
        left_out.add(FRAMES)
    played = {t.name: relative for relative, t in bag.of_wearer(namespace).items() if relative not in left_out}
    return played | {name: name for name in SHARED if name in bag.topics}


class PublishedEvents:
    """Everything as it was published; see `EventSource`.

    Args:
        bag: that is played.
        namespace: of the wearer.
        computed: see `played_topics`.
    """

    def __init__(self, bag: Bag, namespace: str, computed: Collection[str] = ()) -> None:
        self._bag = bag
        self._names = played_topics(bag, namespace, Level.WEIGHTS, computed)

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
        frames: gives the samples from a time on; None: those that were recorded.

    Attributes:
        has_snapshots: whether the bag has any; otherwise inference learns its neutral from the beginning.
        lacking: samples that were missing between those that were played, though inference had them.
    """

    def __init__(
        self, bag: Bag, namespace: str, *, compare: bool, missed: Missed, frames: ComputedFrames | None = None
    ) -> None:
        self._bag, self._compare, self._missed, self._frames = bag, compare, missed, frames
        self._names = played_topics(bag, namespace, Level.FRAMES if frames is None else Level.BYTES)
        topics = bag.of_wearer(namespace)
        self._faces = topics[FACES].name if FACES in topics else ""
        recorded = topics[FRAMES].name if FRAMES in topics else ""
        self._snapshots = SnapshotIndex(bag, topics[FACE_SNAPSHOT].name if FACE_SNAPSHOT in topics else "", recorded)
        self.has_snapshots = bool(self._snapshots.entries)
        self.lacking = 0
        self._learned = False

    def events(self, at_ns: int, end_ns: int) -> Iterator[Event]:
        """See `EventSource`."""
        bag = self._bag
        snapshot = self._snapshots.before(at_ns)
        if snapshot is None and not self._learned:
            self._learned = True
            if at_ns > bag.begin_ns:
                yield from latched_events(bag, self._names, bag.begin_ns)
                yield from self._played(None, bag.begin_ns, min(at_ns, bag.begin_ns + LEARNING_NS) - 1, at_ns)
        yield from latched_events(bag, self._names, at_ns)
        begin_ns = at_ns
        if snapshot is not None:
            begin_ns = snapshot.stamp_ns - SLACK_NS
            data = self._snapshots.data(snapshot)
            yield Event(min(snapshot.stamp_ns, at_ns), EventKind.TAKE_OVER, FACE_SNAPSHOT, data, silent=True)
        yield from self._played(snapshot, begin_ns, end_ns, at_ns)

    def _played(self, snapshot: Entry | None, begin_ns: int, end_ns: int, at_ns: int) -> Iterator[Event]:
        bag, names = self._bag, self._names
        places = _Places(self._snapshots, snapshot, begin_ns, self._missed)
        topics = {*names, self._faces} if self._compare and self._faces else set(names)
        before: int | None = snapshot.after if snapshot is not None else None
        exact = snapshot is not None
        for message in self._messages(topics, begin_ns, end_ns + 1):
            silent = message.time_ns < at_ns
            if isinstance(message, ComputedFrame):
                sequence, stamp_ns, frame = message.sequence, message.stamp_ns, message.message
            elif message.topic == self._faces:
                if not silent:  # only what people see is compared
                    face = bag.decoded(message)
                    can_be_equal = places.follows_a_snapshot(int(face.sequence), stamp_of(face))
                    yield Event(message.time_ns, EventKind.RECORDED, FACES, face, exact=can_be_equal)
                continue
            elif names[message.topic] == FRAMES:
                decoded = bag.decoded(message)
                sequence, stamp_ns, frame = int(decoded.sequence), stamp_of(decoded), message.data
            else:
                if not silent:
                    yield Event(message.time_ns, EventKind.PUBLISH, names[message.topic], message.data)
                continue
            if places.is_before(sequence, stamp_ns):
                continue
            for taken in places.due(sequence, stamp_ns):
                before, exact = taken.after, True
                data = self._snapshots.data(taken)
                yield Event(message.time_ns, EventKind.TAKE_OVER, FACE_SNAPSHOT, data, silent=silent)
            if places.was_missed(sequence):
                continue
            if before is not None and comes_after(sequence, before):
                lacking = sum(not places.was_missed(lost) for lost in between(before, sequence))
                self.lacking += lacking
                exact = exact and not lacking
            before = sequence
            yield Event(message.time_ns, EventKind.FRAME, FRAMES, frame, sequence, exact, silent)

    def _messages(self, topics: set[str], begin_ns: int, stop_ns: int) -> Iterator[Any]:
        recorded = self._bag.messages(topics, begin_ns, stop_ns)
        if self._frames is None:
            return recorded
        return heapq.merge(self._frames(begin_ns, stop_ns), recorded, key=lambda message: message.time_ns)


class _Places:
    """Where between the samples the snapshots belong, and which samples are left out."""

    def __init__(self, index: SnapshotIndex, first: Entry | None, begin_ns: int, missed: Missed) -> None:
        self._index, self._missed, self._first = index, missed, first
        # To the end of the bag: the first after the end of what is played tells what was missed up to there.
        self._coming = index.after(first) if first is not None else index.since(begin_ns - SLACK_NS)
        self._before = first
        self._next: Entry | None = None
        self._runs: Runs = ()
        self._advance()

    def is_before(self, sequence: int, stamp_ns: int) -> bool:
        """Whether a sample is in the first snapshot already."""
        if self._before is None or not self._before.holds(sequence, stamp_ns):
            self._before = None
            return False
        return True

    def due(self, sequence: int, stamp_ns: int) -> Iterator[Entry]:
        """Snapshots that belong before this sample."""
        while self._next is not None and not self._next.holds(sequence, stamp_ns):
            taken = self._first = self._next
            self._advance()
            yield taken

    def follows_a_snapshot(self, sequence: int, stamp_ns: int) -> bool:
        """Whether a face can come out as recorded: not where it was computed before the first snapshot was made."""
        return self._first is not None or self._next is None or not self._next.holds(sequence, stamp_ns)

    def was_missed(self, sequence: int) -> bool:
        """Whether inference did not take this sample when it was recorded."""
        return any(first <= sequence <= last for first, last in self._runs)

    def _advance(self) -> None:
        self._next = next(self._coming, None)
        if self._next is None:
            self._runs = ()
        else:
            self._runs = self._missed(self._index.payload(self._next))


def latched_events(bag: Bag, names: dict[str, str], at_ns: int, only: Collection[str] = LATCHED) -> Iterator[Event]:
    """What held at a place; where nothing did yet, the first that came: it was published before the bag began."""
    for name, relative in names.items():
        if relative in only:
            message: Any = bag.newest(name, at_ns) or next(bag.messages([name]), None)
            if message is not None:
                yield Event(at_ns, EventKind.PUBLISH, relative, message.data, silent=True)
