"""Which snapshots a bag has, in the order of the samples that they go on from.

Whoever subscribes late gets the last ten at once, in any order: when the recorder got one says little. Its stamp, and
the number of the newest sample in it, say where it belongs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any, Final

from face_recording.bag_reader import Bag, BagError
from face_recording.replay.sequences import comes_after

SAME_HUB_NS: Final = 2_000_000_000
"""Stamps so close are of one run of a hub, where numbers tell the order, or of two with a boot between."""


@dataclass(frozen=True)
class Entry:
    """One snapshot.

    Attributes:
        stamp_ns: of the newest sample in it.
        after: its number.
        time_ns: when the recorder got it.
    """

    stamp_ns: int
    after: int
    time_ns: int

    def holds(self, sequence: int, stamp_ns: int, seen: Container[tuple[int, int]]) -> bool:
        """Whether a sample is in it.

        Where number and stamp tell different orders a hub booted, whose numbers begin anew, or a clock was set. Then
        the order of the recording counts, in which the snapshot's own newest sample tells where it belongs.

        Args:
            sequence: of the sample.
            stamp_ns: of the sample.
            seen: number and stamp of the samples that came before this one in the recording, lately.
        """
        if abs(stamp_ns - self.stamp_ns) > SAME_HUB_NS:
            return stamp_ns <= self.stamp_ns
        by_number = not comes_after(sequence, self.after)
        if by_number is (stamp_ns <= self.stamp_ns):
            return by_number
        return (self.after, self.stamp_ns) not in seen


class SnapshotIndex:
    """Reads a bag's snapshots once.

    Args:
        bag: that has them.
        topic: full name; empty: there are none.
        inputs: full name of the topic that snapshots go on with; empty: it was not recorded.
        number: field of its messages that `after` counts.

    Attributes:
        entries: in order of the samples. Of those that were made before the bag began (a late subscriber gets the last
            ten) only those count that the first recorded input goes on from.
    """

    def __init__(self, bag: Bag, topic: str, inputs: str = "", number: str = "sequence") -> None:
        self._bag, self._topic = bag, topic
        found: dict[tuple[int, int], Entry] = {}
        for message in bag.messages([topic]) if topic else ():
            decoded = bag.decoded(message)
            stamp_ns = stamp_of(decoded)
            entry = Entry(stamp_ns, int(decoded.after), message.time_ns)
            found[entry.stamp_ns, entry.after] = entry  # of two after one sample the later one holds
        entries = sorted(found.values(), key=lambda entry: (entry.stamp_ns, entry.time_ns))
        first = next((bag.decoded(message) for message in bag.messages([inputs])), None) if inputs else None
        if first is not None:
            stamp_ns, begins = stamp_of(first), int(getattr(first, number))
            fresh = [e for e in entries if e.stamp_ns >= stamp_ns or not comes_after(begins, e.after + 1)]
            entries = fresh or entries[-1:]
        self.entries = entries

    def before(self, at_ns: int) -> Entry | None:
        """The newest one whose samples all came before a time."""
        index = bisect_right(self.entries, at_ns, key=lambda entry: entry.stamp_ns)
        return self.entries[index - 1] if index else None

    def after(self, entry: Entry) -> Iterator[Entry]:
        """Those that follow one."""
        return iter(self.entries[self.entries.index(entry) + 1 :])

    def since(self, at_ns: int) -> Iterator[Entry]:
        """Those from a time on."""
        return (entry for entry in self.entries if entry.stamp_ns >= at_ns)

    def data(self, entry: Entry) -> bytes:
        """The message, serialized; raises `BagError`."""
        return self.found(entry)[0]

    def payload(self, entry: Entry) -> bytes:
        """What the node wrote into it; raises `BagError`."""
        return bytes(self.found(entry)[1].data)

    def found(self, entry: Entry) -> tuple[bytes, Any]:
        """The message, serialized and as an object; raises `BagError`."""
        for message in self._bag.messages([self._topic], entry.time_ns, entry.time_ns + 1):
            decoded = self._bag.decoded(message)
            if (stamp_of(decoded), int(decoded.after)) == (entry.stamp_ns, entry.after):
                return message.data, decoded
        raise BagError(f"expected a snapshot at {entry.time_ns} ns in {self._bag.path}, found none; record it again")


def stamp_of(message: Any) -> int:
    """Stamp of a message that was read without ROS, ns."""
    return int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)
