"""What a source said lately: weights at increasing times, looked up between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_model import arkit

Floats = NDArray[np.float64]

_ROWS = 512
"""Over a second at 400 samples a second; faster ones are remembered for less."""


class Track:
    """The last rows, oldest first, without moving them at every new one."""

    def __init__(self) -> None:
        self._time_s = np.zeros(2 * _ROWS)
        self._weights = np.zeros((2 * _ROWS, arkit.COUNT))
        self._end = self._begin = 0

    def __len__(self) -> int:
        return self._end - self._begin

    def clear(self) -> None:
        """Forget all."""
        self._begin = self._end = 0

    def add(self, time_s: float, weights: NDArray[np.floating]) -> None:
        """Append a row later than all before."""
        if self._end == len(self._time_s):
            kept = slice(self._end - _ROWS, self._end)
            self._time_s[:_ROWS], self._weights[:_ROWS] = self._time_s[kept], self._weights[kept]
            self._begin, self._end = 0, _ROWS
        self._time_s[self._end] = time_s
        self._weights[self._end] = weights
        self._end += 1
        self._begin = max(self._begin, self._end - _ROWS)

    @property
    def newest_s(self) -> float:
        """Time of the last row; minus infinity if there is none."""
        return float(self._time_s[self._end - 1]) if len(self) else -np.inf

    @property
    def oldest_s(self) -> float:
        """Time of the first row that is kept; infinity if there is none."""
        return float(self._time_s[self._begin]) if len(self) else np.inf

    @property
    def newest(self) -> Floats:
        """(52,) the last row; to be called where there is one."""
        newest: Floats = self._weights[self._end - 1]
        return newest

    def at(self, time_s: float) -> Floats:
        """(52,) weights at a time, between neighbours; before the first and after the last row those."""
        row: Floats = self.at_times(np.array([time_s]))[0]
        return row

    def at_times(self, times_s: Floats) -> Floats:
        """(N, 52) at times (N,)."""
        known_s = self._time_s[self._begin : self._end]
        rows = self._weights[self._begin : self._end]
        if len(known_s) == 1:
            return np.repeat(rows, len(times_s), axis=0)
        after = np.clip(np.searchsorted(known_s, times_s), 1, len(known_s) - 1)
        before_s = known_s[after - 1]
        share = np.clip((times_s - before_s) / (known_s[after] - before_s), 0.0, 1.0)[:, None]
        low = rows[after - 1]
        return np.asarray(low + share * (rows[after] - low), dtype=np.float64)
