"""The motion that a simulated hub's units are on: what they measure, when it began, and which moment a sample shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from imu_sim.imu_stream import Frames
from imu_sim.motion import Floats


class UnitStream(Protocol):
    """What the units measure, e.g. an `ImuStream`."""

    def next(self, frames: int) -> Frames:
        """The next `frames` samples of all units."""
        ...

    def weights(self, times_s: Floats) -> Floats:
        """True weights (T, 52) at motion times (T,), s."""
        ...

    def head(self, time_s: float) -> Floats:
        """The head's quaternion (4,), `face_head` to earth, at a motion time, s."""
        ...


StreamFactory = Callable[[float, float], UnitStream]
"""Makes a stream for a rate in Hz that starts at a motion time in s."""


@dataclass
class FaceClock:
    """When the motion of a face began.

    Attributes:
        shared: whether several hubs are on it, so that the first START of any begins it, and no other.
        began_s: host time; None: it has not begun.
    """

    shared: bool
    began_s: float | None = None


@dataclass(frozen=True)
class Segment:
    """Samples from sequence `first` on have motion time `start_s + (sequence - first) / rate_hz`."""

    first: int
    start_s: float
    rate_hz: int


class MotionTimes:
    """Of the stream since the last START: the rate may change on its way."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []

    @property
    def began(self) -> bool:
        """Whether there was a START."""
        return bool(self._segments)

    def begin(self, start_s: float, rate_hz: int) -> None:
        """Sequence 0 is at this motion time."""
        self._segments = [Segment(0, start_s, rate_hz)]

    def go_on(self, sequence: int, rate_hz: int) -> float:
        """From this sequence on at another rate; its motion time, s."""
        start_s = self.at(sequence)
        self._segments.append(Segment(sequence, start_s, rate_hz))
        return start_s

    def at(self, sequence: int) -> float:
        """Motion time of a sample, s.

        Raises:
            LookupError: nothing began yet, or `sequence` is negative.
        """
        segment = next((s for s in reversed(self._segments) if s.first <= sequence), None)
        if segment is None:
            raise LookupError(f"expected a sequence of a started stream, found {sequence}; send START first")
        return segment.start_s + (sequence - segment.first) / segment.rate_hz
