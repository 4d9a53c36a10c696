"""Pacing on absolute deadlines, with an account of what was late."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Cadence:
    """Deadline `k` is `start_s + k * period_s`: lateness of one tick never delays the next ones.

    Times are on whatever monotonic clock the caller reads; this object reads none, so that tests need no sleep.

    Attributes:
        start_s: deadline of the first tick.
        period_s: time between ticks.
        ticks: ticks done since `restart`.
        done: ticks done in all.
        overruns: ticks done later than the deadline of the next.
        worst_late_s: largest lateness, s.
    """

    start_s: float
    period_s: float
    ticks: int = 0
    done: int = 0
    overruns: int = 0
    worst_late_s: float = 0.0

    @property
    def deadline_s(self) -> float:
        """When the next tick is due."""
        return self.start_s + self.ticks * self.period_s

    def tick(self, now_s: float) -> None:
        """Account for the next tick, done at `now_s`."""
        late_s = now_s - self.deadline_s
        self.worst_late_s = max(self.worst_late_s, late_s)
        if late_s > self.period_s:
            self.overruns += 1
        self.ticks += 1
        self.done += 1

    def restart(self, start_s: float, period_s: float) -> None:
        """Begin anew at `start_s`; the account goes on."""
        self.start_s, self.period_s, self.ticks = start_s, period_s, 0
