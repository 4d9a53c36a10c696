"""Faces per second, from a counter that is read now and then."""

from __future__ import annotations

WINDOW_S = 1.0


class RateMeter:
    """Mean rate over the last full window of at least a second; None until there was one."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._mark: tuple[int, float] | None = None
        self._rate_hz: float | None = None

    def update(self, count: int, now_s: float) -> float | None:
        """Rate in Hz, given the total count at monotonic time `now_s`."""
        if self._mark is None:
            self._mark = (count, now_s)
        elapsed = now_s - self._mark[1]
        if elapsed >= self._window_s:
            # A long pause of the reader (no viewer) must not average over it.
            self._rate_hz = (count - self._mark[0]) / elapsed if elapsed < 3.0 * self._window_s else None
            self._mark = (count, now_s)
        return self._rate_hz
