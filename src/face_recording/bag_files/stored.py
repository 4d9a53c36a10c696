"""What every kind of bag file is to the reader, and how several are read as one."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

MOST_CHUNK_BYTES = 1 << 28
"""Of one chunk, unpacked, and of one message. Recorders write chunks of 1 to 4 MiB; the largest message here, a profile
in a snapshot, has a few."""


class BagMessage(NamedTuple):
    """One message as it was recorded.

    Attributes:
        topic: full name.
        time_ns: when the recorder got it, on the recorder's ROS clock.
        data: serialized, CDR.
    """

    topic: str
    time_ns: int
    data: bytes


@dataclass(frozen=True)
class StoredTopic:
    """One topic of one file.

    Attributes:
        name: full name.
        kind: message type, such as `imusic/msg/ImuFrame`.
        count: messages; -1 where the file does not tell without being read.
        definition: of the message type in the format of `ros2 interface show`; empty if the file has none.
        encoding: of `definition`: `ros2msg`, `ros2idl` or empty.
    """

    name: str
    kind: str
    count: int
    definition: str
    encoding: str


class StoredFile(Protocol):
    """An open file of a bag.

    Attributes:
        path: of the file.
        topics: by name.
        begin_ns: time of the first message; `end_ns` of the last. Both 0 where there is none.
        end_ns: see `begin_ns`.
        cut: why the file ends early; empty if it is whole.
    """

    path: Path
    topics: dict[str, StoredTopic]
    begin_ns: int
    end_ns: int
    cut: str

    def messages(self, topics: Collection[str], start_ns: int, stop_ns: int) -> Iterator[BagMessage]:
        """Messages of these topics from `start_ns` on and before `stop_ns`, by time; raises `BagError`."""
        ...

    def newest(self, topic: str, at_ns: int) -> BagMessage | None:
        """The last message of a topic at or before a time; raises `BagError`."""
        ...

    def close(self) -> None:
        """Close; may be called twice."""
        ...


Source = tuple[int, Callable[[], Iterator[BagMessage]]]
"""Time of the first message that may come, and how to begin."""


def merged(sources: Iterable[Source]) -> Iterator[BagMessage]:
    """Messages of several sources by time, each opened when its first may be due; those of one time as they stand."""
    waiting = sorted(enumerate(sources), key=lambda entry: (entry[1][0], entry[0]), reverse=True)
    ready: list[tuple[int, int, BagMessage, Iterator[BagMessage]]] = []
    while waiting or ready:
        while waiting and (not ready or waiting[-1][1][0] <= ready[0][0]):
            index, (_, begin) = waiting.pop()
            messages = begin()
            first = next(messages, None)
            if first is not None:
                heapq.heappush(ready, (first.time_ns, index, first, messages))
        if not ready:
            continue
        _, index, message, messages = ready[0]
        yield message
        after = next(messages, None)
        if after is None:
            heapq.heappop(ready)
        else:
            heapq.heapreplace(ready, (after.time_ns, index, after, messages))
