"""How a source does: its rate, when it was last heard, when the face was last there, what is missing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from face_reference.frame import ReferenceFrame

SILENT_S = 1.0
"""Longer without a picture is worth a word."""
_RATE_OVER = 180
_MOST_MISSING = 1000


@dataclass(frozen=True)
class Report:
    """What there is to say: level 0 (well), 1 (warn), 2 (error), a line, and numbers."""

    level: int
    message: str
    values: dict[str, object]


class Watch:
    """Fed with every frame.

    Attributes:
        source: that the newest frame came from; empty before the first.
    """

    def __init__(self) -> None:
        self.source = ""
        self.pictures = self.faces = self.missing = 0
        self._heard_s: float | None = None
        self._face_s: float | None = None
        self._number: int | None = None
        self._latency_s = 0.0
        self._seen = 0
        self._arrivals: deque[float] = deque(maxlen=_RATE_OVER)

    def add(self, frame: ReferenceFrame, taken_s: float) -> None:
        """Count a frame whose picture was taken at `taken_s` on the monotonic clock."""
        if frame.source != self.source:
            self._number = None
            self.source = frame.source
        if frame.face_seen:
            # A count of another rate than the camera's (30 pictures on a clock of 60) says nothing of what is missing.
            if self._number is not None and 1 < frame.number - self._number < _MOST_MISSING:
                self.missing += frame.number - self._number - 1
            self._number = frame.number
            self.faces += 1
            self._face_s = frame.arrival_s
            self._seen = int(frame.seen.sum())
        self.pictures += 1
        self._heard_s = frame.arrival_s
        self._arrivals.append(frame.arrival_s)
        self._latency_s += 0.05 * (frame.arrival_s - taken_s - self._latency_s)

    @property
    def rate_hz(self) -> float:
        """Pictures per second over the newest ones."""
        if len(self._arrivals) < 2 or self._arrivals[-1] <= self._arrivals[0]:
            return 0.0
        return (len(self._arrivals) - 1) / (self._arrivals[-1] - self._arrivals[0])

    def report(self, now_s: float, description: str, problem: str) -> Report:
        """How it does at `now_s` on the monotonic clock."""
        values: dict[str, object] = {
            "source": self.source or description,
            "listening": description,
            "pictures": self.pictures,
            "faces": self.faces,
            "rate_hz": self.rate_hz,
            "numbers_missing": self.missing,
            "way_ms": 1e3 * self._latency_s,
            "weights_seen": self._seen,
        }
        if problem:
            return Report(2, problem, values | {"rate_hz": 0.0})
        if self._heard_s is None:
            return Report(1, f"nothing came yet: {description}", values)
        silent_s = now_s - self._heard_s
        if silent_s > SILENT_S:
            said = f"no pictures for {silent_s:.0f} s from {self.source}; is the app in front, and the phone awake?"
            return Report(1, said, values | {"rate_hz": 0.0})
        if self._face_s is None or now_s - self._face_s > SILENT_S:
            since = "yet" if self._face_s is None else f"for {now_s - self._face_s:.0f} s"
            return Report(1, f"{self.source} sees no face {since}; bring it into view", values)
        return Report(0, f"{self.source}, {self.rate_hz:.0f} pictures a second", values)
