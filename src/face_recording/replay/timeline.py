"""Which moment of a recording it is now. No ROS, no thread: somebody else waits and publishes."""

from __future__ import annotations

import math
from collections.abc import Callable

from face_recording.replay.errors import ReplayError

SLOWEST, FASTEST = 0.1, 20.0
AS_FAST_AS_POSSIBLE = 0.0
"""A rate that stands for no waiting at all."""


class Timeline:
    """Time of a recording, which runs at a rate, stands still, and goes where it is told.

    Where the player does not keep up, `held_up` lets the timeline stand: what was late does not come in a rush after.

    Args:
        begin_ns: first moment of what is played.
        end_ns: last moment.
        rate: seconds of the recording in a second; `AS_FAST_AS_POSSIBLE` or `SLOWEST` to `FASTEST`.
        loop: begin again at the end.
        held: stand at the beginning until `go`.
        clock: monotonic seconds.

    Attributes:
        begin_ns: see above.
        end_ns: see above.
        loop: see above.
        lap: how often it has begun: rises with every jump.

    Raises:
        ReplayError: no such rate, or nothing lies between the two moments.
    """

    def __init__(
        self,
        begin_ns: int,
        end_ns: int,
        *,
        rate: float = 1.0,
        loop: bool = False,
        held: bool = False,
        clock: Callable[[], float],
    ) -> None:
        if end_ns < begin_ns:
            raise ReplayError(
                f"expected a part of the recording, found an end {1e-9 * (begin_ns - end_ns):g} s before its "
                "beginning; choose another --start or --duration"
            )
        self.begin_ns, self.end_ns, self.loop, self.lap = begin_ns, end_ns, loop, 0
        self._clock = clock
        self._rate = checked_rate(rate)
        self._at_ns, self._since_s = begin_ns, clock()
        self._paused, self._held = False, held

    @property
    def rate(self) -> float:
        """Seconds of the recording in a second; `AS_FAST_AS_POSSIBLE` without waiting."""
        return self._rate

    @property
    def paused(self) -> bool:
        """Whether time stands still because somebody asked for it."""
        return self._paused

    def now_ns(self) -> int:
        """The present moment of the recording; without waiting that of the message that was played last."""
        if self._paused or self._held or self._rate == AS_FAST_AS_POSSIBLE:
            return self._at_ns
        passed_ns = round(1e9 * self._rate * max(0.0, self._clock() - self._since_s))
        return min(self._at_ns + passed_ns, self.end_ns)

    def wait_s(self, moment_ns: int) -> float:
        """How long until a moment, s: 0 if it has come, infinity while time stands still."""
        if self._paused:
            return 0.0 if moment_ns < self._at_ns else math.inf
        if self._rate == AS_FAST_AS_POSSIBLE:
            return 0.0
        return max(0.0, 1e-9 * (moment_ns - self.now_ns()) / self._rate)

    def reached(self, moment_ns: int) -> None:
        """A message of this moment was played: without waiting it is the time."""
        if self._rate == AS_FAST_AS_POSSIBLE and not self._paused:
            self._at_ns = min(max(self._at_ns, moment_ns), self.end_ns)

    def held_up(self, moment_ns: int) -> None:
        """Be at a moment that has passed, because what belongs there is played only now."""
        if moment_ns < self.now_ns():
            self._set(moment_ns)

    def pause(self) -> None:
        """Stand still."""
        self._at_ns, self._paused = self.now_ns(), True

    def go(self) -> None:
        """Run from now on, if it was held."""
        if self._held:
            self._held, self._since_s = False, self._clock()

    def resume(self) -> None:
        """Go on."""
        if self._paused:
            self._paused, self._since_s = False, self._clock()

    def seek(self, moment_ns: int) -> int:
        """Jump; returns the moment that it is now, within the part that is played."""
        self._set(min(max(moment_ns, self.begin_ns), self.end_ns))
        self.lap += 1
        return self._at_ns

    def set_rate(self, rate: float) -> None:
        """Run at another rate from now on.

        Raises:
            ReplayError: no such rate.
        """
        rate = checked_rate(rate)
        self._set(self.now_ns())
        self._rate = rate

    def _set(self, moment_ns: int) -> None:
        self._at_ns, self._since_s = moment_ns, self._clock()


def checked_rate(rate: float) -> float:
    """A rate as it was given.

    Raises:
        ReplayError: it is out of bounds, or no number.
    """
    if rate != AS_FAST_AS_POSSIBLE and not SLOWEST <= rate <= FASTEST:
        raise ReplayError(
            f"expected a rate of {SLOWEST:g} to {FASTEST:g}, or {AS_FAST_AS_POSSIBLE:g} for as fast as possible, "
            f"found {rate:g}; choose another"
        )
    return rate
