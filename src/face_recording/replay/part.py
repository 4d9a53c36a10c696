"""Which part of a recording is played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from face_recording.bag_reader import BYTES, FACES, FRAMES, Bag
from face_recording.replay.errors import ReplayError

S: Final = 1_000_000_000


@dataclass(frozen=True)
class Part:
    """Moments on the recorder's clock.

    Attributes:
        origin_ns: of the first face: what people call 0 s. What lies before it is there to compute faces from.
        begin_ns: first moment of what is played.
        end_ns: last moment.
    """

    origin_ns: int
    begin_ns: int
    end_ns: int


def first_face_ns(bag: Bag, namespace: str) -> int:
    """When the recorder got a wearer's first face; without faces the first sample, or the first message of all.

    Raises:
        BagError: the recording is damaged.
    """
    topics = bag.of_wearer(namespace)
    for relative in (FACES, FRAMES, BYTES):
        if relative in topics:
            first = next(iter(bag.messages([topics[relative].name])), None)
            if first is not None:
                return int(first.time_ns)
    return bag.begin_ns


def played_part(bag: Bag, namespace: str, start_s: float, duration_s: float, *, option: str = "start") -> Part:
    """What is played of a recording.

    Args:
        bag: that is played.
        namespace: of the wearer.
        start_s: where to begin, s after the first face.
        duration_s: how much, s; 0: to the end.
        option: what people call the start.

    Raises:
        ReplayError: it begins after the end.
        BagError: the recording is damaged.
    """
    origin_ns = first_face_ns(bag, namespace)
    begin_ns = origin_ns + round(S * start_s)
    if begin_ns > bag.end_ns:
        raise ReplayError(
            f"{option}: expected a place in the {(bag.end_ns - origin_ns) / S:.1f} s of {bag.path.name}, found "
            f"{start_s:g} s; choose an earlier one"
        )
    end_ns = min(bag.end_ns, begin_ns + round(S * duration_s)) if duration_s else bag.end_ns
    return Part(origin_ns, begin_ns, end_ns)
