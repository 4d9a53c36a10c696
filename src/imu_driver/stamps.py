"""Stamps of samples on the host's ROS clock."""

from __future__ import annotations


class Stamps:
    """The time at which each sample was taken, from the ROS clock when it is read.

    On the computer's own clock that is now less the time since the sample was taken, and a step of the clock is
    followed at once. A clock that follows `/clock` stands between two messages while the time since the sample does
    not: there a stamp is never before the one before it, unless the clock itself went back.
    """

    def __init__(self) -> None:
        self._now_ns = self._stamp_ns = 0

    def of(self, now_ns: int, latency_ns: int, simulated: bool) -> int:
        """Stamp of the next sample, ns, never negative.

        Args:
            now_ns: the ROS clock.
            latency_ns: time since the sample was taken, by the computer's clock.
            simulated: whether the ROS clock follows `/clock`.
        """
        stamp_ns = max(0, now_ns - latency_ns)
        if simulated and now_ns >= self._now_ns:
            stamp_ns = max(stamp_ns, self._stamp_ns)
        self._now_ns, self._stamp_ns = now_ns, stamp_ns
        return stamp_ns
