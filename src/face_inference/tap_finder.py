"""Taps found while samples stream in."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_model.taps import ABOUT_S, APART_S, NEAR_S, find_taps

_LOOK_S = 0.1
"""How often the newest samples are looked at."""
_KNOWN_S = 2.0 * NEAR_S + 0.05
"""After a tap's peak, until it is known that it has come and gone."""
_KEPT_S = 2.0 * ABOUT_S + _KNOWN_S + _LOOK_S + NEAR_S
_MOST = 20_000


class FoundTap(NamedTuple):
    """What belongs to the sample at which a tap peaks; height in m/s2, and over the usual change of force."""

    time_s: float
    key: Any
    height: float
    clearness: float


class TapFinder:
    """Keeps the newest second and a half of one unit's specific force; call `add` with each sample."""

    def __init__(self) -> None:
        self._rows: deque[tuple[float, NDArray[np.float64], Any]] = deque(maxlen=_MOST)
        self._looked_s = self._last_s = float("-inf")

    def add(self, time_s: float, specific_force: NDArray[np.floating], key: Any) -> list[FoundTap]:
        """One sample at hub time `time_s`: (3,) m/s2. Taps that are certain now, each with the key of its sample."""
        rows = self._rows
        if rows and not 0.0 < time_s - rows[-1][0] < 1.0:
            rows.clear()  # another beginning of the hub's time, or a gap
            self._looked_s = self._last_s = float("-inf")
        if not np.isfinite(specific_force).all():
            return []
        rows.append((time_s, np.array(specific_force, dtype=np.float64), key))
        while time_s - rows[0][0] > _KEPT_S:
            rows.popleft()
        if time_s - self._looked_s < _LOOK_S or time_s - rows[0][0] < ABOUT_S:
            return []
        self._looked_s = time_s
        return self._look(time_s)

    def _look(self, now_s: float) -> list[FoundTap]:
        times = np.array([row[0] for row in self._rows])
        found = []
        for tap in find_taps(times, np.stack([row[1] for row in self._rows])):
            time_s, _, key = self._rows[tap.row]
            # The first samples have nothing before them that tells what is usual.
            if now_s - time_s < _KNOWN_S or time_s - times[0] < NEAR_S or time_s <= self._last_s + APART_S:
                continue
            self._last_s = time_s
            found.append(FoundTap(time_s, key, tap.height, tap.clearness))
        return found
