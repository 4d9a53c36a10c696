"""When the messages of one topic were measured, on this host's clock.

A stamp is the word of another driver, perhaps of another machine. Its distance from the ROS clock at arrival has a
least value over some seconds, which is the clocks' difference and the shortest way; what is above it was late.

- Least distance near 0: the clocks agree and the stamp is taken as it is, however late its message came.
- Else the clock is off (another machine, a bag that is played later): stamps are shifted by the least distance, so
  that the message that came soonest counts as just measured. Topics that are off alike share one shift, or the shortest
  ways of each would be told as differences between their sensors.
- No stamp, or always the same: the time of arrival is all there is.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

AHEAD_S: Final = 0.005
"""Stamps may be this much ahead of the clock: two machines kept in step by NTP in a house differ by less."""

BEHIND_S: Final = 0.1
"""And this much behind: from there on a face counts as stale, and no driver that works takes so long each time."""

ALIKE_S: Final = 0.05
"""Topics whose clocks are off within this of one another have one clock."""

BUCKET_S: Final = 2.0
BUCKETS: Final = 8
"""The least distance is that of the last 16 s: at 50 ppm a clock moves by under 1 ms."""

STEP_S: Final = 0.5
"""A stamp that goes back by more begins anew: the clock was set, or a bag is played again."""

SAME_STAMPS: Final = 3
"""So many equal stamps in a row are no stamps."""

DIFFERENCES: Final = 32
"""Between stamps, to tell the rate of a topic."""


class Kind(Enum):
    """How the stamps of a topic are taken."""

    TRUSTED = auto()
    SHIFTED = auto()
    ARRIVAL = auto()


@dataclass
class TopicClock:
    """Follows one topic.

    Attributes:
        messages: taken.
        lost: by the gaps between stamps, where their distances are regular.
        steps: times that it began anew.
        kind: see there; of the newest message.
        least_s: distance between ROS clock and stamp of the soonest of the last seconds, s.
    """

    messages: int = 0
    lost: int = 0
    steps: int = 0
    kind: Kind = Kind.TRUSTED
    least_s: float = math.nan
    _newest_ns: int = 0
    _newest_s: float = -math.inf
    _same: int = 0
    _buckets: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=BUCKETS))
    _differences: deque[float] = field(default_factory=lambda: deque(maxlen=DIFFERENCES))

    @property
    def period_s(self) -> float:
        """Usual time between two measurements; NaN before it is known."""
        if len(self._differences) < 4:
            return math.nan
        return sorted(self._differences)[len(self._differences) // 2]

    def add(self, stamp_ns: int, arrival_s: float, ros_ns: int) -> bool:
        """Take in a message's stamp; whether the topic began anew with it."""
        self.messages += 1
        began = False
        if stamp_ns == 0 or stamp_ns == self._newest_ns:
            self._same += 1
        else:
            self._same = 0
            if stamp_ns < self._newest_ns - STEP_S * 1e9:
                began = self.messages > 1
                self.steps += began
                self.begin_anew()
        by_arrival = stamp_ns == 0 or self._same >= SAME_STAMPS
        self._follow(arrival_s - self._newest_s if by_arrival else 1e-9 * (stamp_ns - self._newest_ns), by_arrival)
        self._newest_ns, self._newest_s = max(stamp_ns, self._newest_ns), arrival_s
        if by_arrival:
            self.kind = Kind.ARRIVAL
            return began
        distance_s = 1e-9 * (ros_ns - stamp_ns)
        buckets = self._buckets
        if not buckets or arrival_s >= buckets[-1][0] + BUCKET_S:
            if len(buckets) > 1 and buckets[-1][1] > min(least for _, least in buckets) + ALIKE_S:
                # All of two seconds came later than before: the clock was set back, as far as anybody can tell.
                newest = buckets[-1]
                buckets.clear()
                buckets.append(newest)
            buckets.append((arrival_s, distance_s))
        elif distance_s < buckets[-1][1]:
            buckets[-1] = buckets[-1][0], distance_s
        self.least_s = min(least for _, least in buckets)
        self.kind = Kind.TRUSTED if -AHEAD_S <= self.least_s <= BEHIND_S else Kind.SHIFTED
        return began

    def begin_anew(self) -> None:
        """Nothing that was learned of the clock holds any more."""
        self._buckets.clear()
        self._differences.clear()
        self._newest_ns, self._newest_s = 0, -math.inf

    def saved(self) -> dict[str, Any]:
        """As plain values, for `from_saved`."""
        lists = {"_buckets": list(self._buckets), "_differences": list(self._differences), "kind": self.kind.name}
        return vars(self) | lists

    @classmethod
    def from_saved(cls, values: dict[str, Any]) -> TopicClock:
        """Of `saved`; raises `TypeError`, `ValueError` or `KeyError` where it is none."""
        clock = cls(**values)
        clock.kind = Kind[values["kind"]]
        clock._buckets = deque(((float(a), float(b)) for a, b in values["_buckets"]), maxlen=BUCKETS)
        clock._differences = deque((float(v) for v in values["_differences"]), maxlen=DIFFERENCES)
        for name in ("messages", "lost", "steps", "_newest_ns", "_same"):
            setattr(clock, name, int(values[name]))
        for name in ("least_s", "_newest_s"):
            setattr(clock, name, float(values[name]))
        return clock

    def _follow(self, difference_s: float, by_arrival: bool) -> None:
        if not 0.0 < difference_s < 10.0:
            return
        period_s = self.period_s
        if not by_arrival and difference_s > 1.5 * period_s:  # false where none is known
            self.lost += round(difference_s / period_s) - 1
        else:
            self._differences.append(difference_s)
            if not by_arrival and len(self._differences) == 4 and difference_s < period_s / 1.5:
                self._differences.clear()


def shifts(clocks: Iterable[TopicClock]) -> dict[int, float]:
    """Shift of each topic that is off, s, by its place in `clocks`."""
    off = {i: clock.least_s for i, clock in enumerate(clocks) if clock.kind is Kind.SHIFTED}
    found: dict[int, float] = {}
    for i in sorted(off, key=off.__getitem__):
        leader = next((least_s for least_s in found.values() if off[i] - least_s <= ALIKE_S), None)
        found[i] = off[i] if leader is None else leader
    return found


def taken_s(clock: TopicClock, shift_s: float | None, stamp_ns: int, arrival_s: float, ros_ns: int) -> float:
    """When a message was measured, on the host's monotonic clock, never after its arrival."""
    if clock.kind is Kind.ARRIVAL:
        return arrival_s
    late_s = 1e-9 * (ros_ns - stamp_ns) - (shift_s or 0.0)
    return arrival_s - max(0.0, late_s)
