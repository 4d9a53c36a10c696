"""How far weights stand out for a moment: at each of five widths, their mean over it less the mean before and after."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.observability import OBSERVABLE

GRID_S: Final = 0.01
"""Step of the grid that weights are interpolated to, s."""
WIDTHS_S: Final = (0.04, 0.07, 0.12, 0.2, 0.3)
"""Widths at half height of the bumps that are looked for, s: an event of 40 to 500 ms is about half as wide."""

HALF: Final = 53
"""Grid steps on either side of the middle of a bump."""

SHAPES: Final = tuple(i for i in OBSERVABLE if not arkit.BLENDSHAPES[i].startswith("eyeBlink"))
"""Indices of the weights that micro-expressions are looked for in."""

Floats = NDArray[np.float64]


def bump_windows() -> Floats:
    """(widths, 2 * 53 + 1): weights in time whose product with the stream is how far it stands out at each width."""
    windows = np.zeros((len(WIDTHS_S), 2 * HALF + 1))
    for row, width_s in zip(windows, WIDTHS_S, strict=True):
        n = max(1, round(width_s / GRID_S))
        gap, first = max(1, n // 4), HALF - n // 2
        row[first : first + n] = 1.0 / n
        row[first - gap - n : first - gap] = -0.5 / n
        row[first + n + gap : first + n + gap + n] = -0.5 / n
    return windows


WINDOWS: Final = bump_windows()
LENGTH: Final = 2 * HALF + 1
"""Grid steps of a window."""
