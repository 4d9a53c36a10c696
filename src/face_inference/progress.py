"""Telling how far a long build is, without a line for every step of it."""

from __future__ import annotations

_STEP = 0.1
_PERIOD_S = 2.0


class ProgressLines:
    """A line each 10 % or each 2 s, whichever comes first."""

    def __init__(self) -> None:
        self._told: tuple[float, float] | None = None

    def line(self, share: float, what: str, now_s: float) -> str | None:
        """What to say at `share` (0 to 1) of `what`, at a time of a monotonic clock; mostly nothing."""
        if self._told is not None:
            told_share, told_s = self._told
            if abs(share - told_share) < _STEP and now_s - told_s < _PERIOD_S:
                return None
        self._told = share, now_s
        return f"{what}: {100.0 * share:.0f} %"
