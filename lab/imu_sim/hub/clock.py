"""The hub's own clock: it started at another time than the host's and runs a little faster or slower."""

from __future__ import annotations

from collections.abc import Callable


class HubClock:
    """Hub time in us as a function of an injected host clock.

    Args:
        clock: monotonic host time, s.
        offset_s: how long the hub had been running when the simulator started, s.
        skew_ppm: how much faster it runs, parts per million; 20 is usual for a microcontroller's crystal.
    """

    def __init__(self, clock: Callable[[], float], offset_s: float = 12.0, skew_ppm: float = 20.0) -> None:
        self._clock = clock
        self._skew_ppm = skew_ppm
        self._rate = 1.0 + skew_ppm * 1e-6
        self._zero_s = clock() - offset_s / self._rate

    @property
    def skew_ppm(self) -> float:
        """How much faster it runs, parts per million."""
        return self._skew_ppm

    @property
    def now_s(self) -> float:
        """Host time, s."""
        return self._clock()

    @property
    def hub_us(self) -> int:
        """Hub time, us."""
        return self.us_at(self._clock())

    def us_at(self, host_s: float) -> int:
        """Hub time in us at a host time in s."""
        return int((host_s - self._zero_s) * self._rate * 1e6)

    def host_duration_s(self, hub_duration_s: float) -> float:
        """How long a duration on the hub's clock takes on the host's, s."""
        return hub_duration_s / self._rate

    def set_skew(self, skew_ppm: float) -> None:
        """Run so much faster than the host's clock from now on; what was counted stays counted."""
        now_s = self._clock()
        counted_s = (now_s - self._zero_s) * self._rate
        self._skew_ppm, self._rate = skew_ppm, 1.0 + skew_ppm * 1e-6
        self._zero_s = now_s - counted_s / self._rate

    def step(self, seconds: float) -> None:
        """Be set ahead by so much, or back; not before 0."""
        self._zero_s = min(self._clock(), self._zero_s - seconds / self._rate)

    def restart(self) -> None:
        """Start from zero, as at a reboot."""
        self._zero_s = self._clock()
