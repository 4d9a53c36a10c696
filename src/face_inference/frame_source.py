"""Which frames belong to the source that is followed, when two publish on one topic, and how late they come."""

from __future__ import annotations

from dataclasses import dataclass

SAME_OFFSET_S = 0.5
"""Stamp less hub time is one number for one hub between two of its boots, but for skew and for what a driver learns of
the clocks in its first seconds; two hubs began at different times."""

RELEASE_S = 0.5
"""Silence of the source that is followed after which another one is taken: a hub that rebooted, or another driver."""

COMPARABLE_S = 30.0
"""No queue holds so much: what is older, or as far ahead, is stamped by another clock, as a bag replayed without its
clock is."""

LATE_S = 0.1
"""Age from which a frame counts as late."""

PATIENCE_S = 0.15
"""Frames that come late for longer than this are not caught up with: the newest that waits is taken. A stall of 0.2 s
needs a tenth of it."""


@dataclass
class FrameSource:
    """Follows one source of frames.

    Attributes:
        foreign: frames of other sources, that were dropped.
    """

    foreign: int = 0
    _offset_s: float | None = None
    _hub_time_s: float = 0.0
    _taken_s: float = 0.0
    _late_since_s: float | None = None

    def takes(self, stamp_s: float, hub_time_s: float, now_s: float) -> bool:
        """Whether a frame is of the source that is followed, or may be followed from now on.

        Args:
            stamp_s: of the frame, on any clock.
            hub_time_s: of the frame.
            now_s: monotonic.
        """
        if not self.is_followed(stamp_s, hub_time_s) and not self.silent(now_s):
            self.foreign += 1
            return False
        self._offset_s, self._hub_time_s, self._taken_s = stamp_s - hub_time_s, hub_time_s, now_s
        return True

    def is_followed(self, stamp_s: float, hub_time_s: float) -> bool:
        """Whether a frame is of the source that is followed: by its offset, or because it goes on where that was.

        The second holds where stamps are of a `/clock` that pauses or runs at another rate than the hub.
        """
        known_s = self._offset_s
        if known_s is None:
            return False
        goes_on = abs(hub_time_s - self._hub_time_s) <= SAME_OFFSET_S
        return goes_on or abs(stamp_s - hub_time_s - known_s) <= SAME_OFFSET_S

    def silent(self, now_s: float) -> bool:
        """Whether another source may be followed; `now_s` is monotonic."""
        return self._offset_s is None or now_s - self._taken_s >= RELEASE_S

    def behind(self, age_s: float, now_s: float) -> bool:
        """Whether frames of this age have come for so long that the next ones are to be skipped; `now_s` monotonic."""
        if not late(age_s):
            self._late_since_s = None
            return False
        if self._late_since_s is None:
            self._late_since_s = now_s
        return now_s - self._late_since_s > PATIENCE_S


def late(age_s: float) -> bool:
    """Whether this age is one that this computer, or the way to it, can be blamed for."""
    return LATE_S < age_s < COMPARABLE_S


def comparable(age_s: float) -> bool:
    """Whether stamp and clock are of one kind, so that the age says something."""
    return -COMPARABLE_S < age_s < COMPARABLE_S
