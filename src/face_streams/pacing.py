"""How often a stream sends: by the time of the samples, not by their count."""

from __future__ import annotations

import math

_EARLY = 0.1
"""Of a period: stamps tremble, and a face that comes so little early is the one that was meant."""


class Pacing:
    """Lets through at most so many faces a second, evenly.

    Args:
        rate_hz: most faces a second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._period_s = 1.0 / rate_hz
        self._due_s = -math.inf

    def is_due(self, time_s: float) -> bool:
        """Whether the face of this time is to be sent; asked once for each."""
        if abs(time_s - self._due_s) > 1.0:  # the first one, a silence, or time that was set
            self._due_s = time_s
        if time_s < self._due_s - _EARLY * self._period_s:
            return False
        self._due_s = max(self._due_s + self._period_s, time_s - self._period_s)
        return True
