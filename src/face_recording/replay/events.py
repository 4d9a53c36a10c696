"""What happens in a replay, one thing after the other, in the order in which it is handed on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol


class Level(Enum):
    """What of a recording is played.

    Attributes:
        WEIGHTS: what was published, faces among it.
        FRAMES: the samples; inference computes the faces again.
        BYTES: what came from the hub; driver and inference compute everything again.
    """

    WEIGHTS = "weights"
    FRAMES = "frames"
    BYTES = "bytes"


class EventKind(Enum):
    """What an event asks for.

    Attributes:
        PUBLISH: publish a message as it was recorded.
        FRAME: publish a sample, of which a face is expected.
        TAKE_OVER: let inference go on from a snapshot.
        RECORDED: nothing but a comparison: a face as it was recorded.
    """

    PUBLISH = auto()
    FRAME = auto()
    TAKE_OVER = auto()
    RECORDED = auto()


@dataclass(frozen=True)
class Event:
    """One thing to do.

    Attributes:
        time_ns: when, on the recorder's clock.
        kind: what.
        topic: relative to the wearer's namespace, or absolute.
        message: serialized, as `bytes`, or a ROS message.
        sequence: of a frame; else -1.
        exact: of a frame, whether inference has had all samples before it since a snapshot, so that its face can be as
            recorded; of a recorded face, whether it was computed after the first snapshot was made.
        silent: before the place where playing begins: done at once, without waiting for its time.
    """

    time_ns: int
    kind: EventKind
    topic: str
    message: Any
    sequence: int = -1
    exact: bool = True
    silent: bool = False


class EventSource(Protocol):
    """Where events come from."""

    def events(self, at_ns: int, end_ns: int) -> Iterator[Event]:
        """Everything that is played from a place on up to an end, by time; begun anew after each jump."""
        ...
