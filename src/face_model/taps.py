"""Taps of a fingertip on a unit, in its specific force: moments that sensors feel to a sample.

A tap is a peak that lasts a few hundredths of a second, far beyond what any expression does there.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

APART_S = 0.15
"""Taps closer than this are one, and its ringing."""
NEAR_S = 0.1
"""A tap has come and gone within this."""
ABOUT_S = 0.5
"""What the unit feels about a tap is the median over this."""
_LEAST_FORCE = 6.0
"""m/s2 beyond what the unit feels about then; speech and chewing stay below 3 at the chin (synthetic), a tap of a
fingertip gives tens (a guess)."""
_TIMES_USUAL = 12.0
"""How far a tap stands out from the median change of force."""
_ALONE = 0.4
"""Of a tap's height may remain 0.1 s before and after it: a shaken head lasts longer."""
_ROWS = 4096


class FeltTap(NamedTuple):
    """One tap: row of the sample at which it peaks, height in m/s2, and height over the usual change of force."""

    row: int
    height: float
    clearness: float


def find_taps(time_s: NDArray[np.floating], specific_force: NDArray[np.floating]) -> list[FeltTap]:
    """Taps in the specific force (T, 3) of one unit, m/s2, at times (T,), s."""
    if len(time_s) < 8:
        return []
    rate_hz = 1.0 / float(np.median(np.diff(time_s)))
    about = max(3, round(ABOUT_S * rate_hz) | 1)
    usual = running_median(np.asarray(specific_force, dtype=np.float64), about)
    change = np.linalg.norm(specific_force - usual, axis=1)
    quiet = float(np.median(change))
    bar = max(_LEAST_FORCE, _TIMES_USUAL * quiet)
    near = max(2, round(NEAR_S * rate_hz))
    taps = []
    for index in peaks(change, bar, time_s):
        before, after = change[max(0, index - 2 * near) : max(0, index - near)], change[index + near : index + 2 * near]
        rest = max(float(before.max(initial=0.0)), float(after.max(initial=0.0)))
        if rest <= _ALONE * change[index]:
            taps.append(FeltTap(index, float(change[index]), float(change[index]) / max(quiet, 0.05)))
    return taps


def peaks(height: FloatArray, bar: float, time_s: NDArray[np.floating]) -> list[int]:
    """Highest point of each stretch over the bar; stretches closer than `APART_S` are one."""
    over = np.flatnonzero(height > bar)
    if not len(over):
        return []
    cuts = [0, *(k + 1 for k, (a, b) in enumerate(pairwise(over)) if time_s[b] - time_s[a] > APART_S), len(over)]
    return [int(over[a:b][np.argmax(height[over[a:b]])]) for a, b in pairwise(cuts)]


def running_median(values: FloatArray, length: int) -> FloatArray:
    """(T, D) median over `length` neighbours, odd; ends are held."""
    half = length // 2
    padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
    median = np.empty_like(values)
    for start in range(0, len(values), _ROWS):  # all windows at once would need fifty times the take's memory
        rows = slice(start, min(start + _ROWS, len(values)))
        windows = np.lib.stride_tricks.sliding_window_view(padded[rows.start : rows.stop + length - 1], length, axis=0)
        median[rows] = np.partition(windows, half, axis=-1)[..., half]
    return median
