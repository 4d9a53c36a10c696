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
        self._rate = 1.0 + skew_ppm * 1e-6
        self._zero_s = clock() - offset_s / self._rate

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

    def restart(self) -> None:
        """Start from zero, as at a reboot."""
        self._zero_s = self._clock()
