"""The messages of one recorded topic: when each came, its stamp, its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_recording.bag_reader import (
    Bag,
)
from face_recording.takes.reading import full_name, stamp_ns


@dataclass(frozen=True)
class RecordedTrack:
    """The messages of one topic, in the order in which they came.

    Attributes:
        came_ns: (N,) when each was recorded, ns.
        stamps_ns: (N,) of their headers, ns.
        numbers: (N,) that whoever publishes counts them by.
        messages: themselves; empty where they are not kept.
    """

    came_ns: NDArray[np.int64]
    stamps_ns: NDArray[np.int64]
    numbers: NDArray[np.int64]
    messages: Sequence[Any]

    def __len__(self) -> int:
        return len(self.came_ns)


def read_track(bag: Bag, place: str, relative: str, number: str, keep: bool = True) -> RecordedTrack:
    """Read one topic; without messages where there are none.

    Args:
        bag: of the take.
        place: namespace of the wearer.
        relative: name of the topic in it.
        number: field of its messages that counts them.
        keep: whether to keep the messages.
    """
    came, stamps, numbers, messages = [], [], [], []
    topic = full_name(place, relative)
    for raw in bag.messages((topic,)) if topic in bag.topics else ():
        message = bag.decoded(raw)
        came.append(raw.time_ns)
        stamps.append(stamp_ns(message.header))
        numbers.append(int(getattr(message, number)))
        if keep:
            messages.append(message)
    return RecordedTrack(np.array(came, np.int64), np.array(stamps, np.int64), np.array(numbers, np.int64), messages)
