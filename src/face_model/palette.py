"""sRGB colours of a plain face, 0 to 255: what the package's own head wears, and rigs that come without colours."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

SKIN: Final = np.array([226.0, 180.0, 154.0])
BLUSH: Final = np.array([219.0, 146.0, 128.0])
LIP: Final = np.array([188.0, 98.0, 94.0])
LIP_DARK: Final = np.array([120.0, 52.0, 52.0])
HAIR: Final = np.array([66.0, 46.0, 36.0])
HAIR_LIGHT: Final = np.array([104.0, 74.0, 54.0])
BROW: Final = np.array([84.0, 58.0, 44.0])
LASH: Final = np.array([52.0, 34.0, 28.0])
LID: Final = np.array([206.0, 152.0, 130.0])
CARUNCLE: Final = np.array([222.0, 168.0, 156.0])
SCLERA: Final = np.array([243.0, 240.0, 236.0])
SCLERA_EDGE: Final = np.array([216.0, 196.0, 190.0])
IRIS_EDGE: Final = np.array([26.0, 40.0, 48.0])
IRIS: Final = np.array([56.0, 86.0, 98.0])
IRIS_INNER: Final = np.array([84.0, 104.0, 98.0])
PUPIL: Final = np.array([14.0, 13.0, 14.0])
TOOTH: Final = np.array([240.0, 234.0, 220.0])
TOOTH_GAP: Final = np.array([186.0, 168.0, 150.0])
GUM: Final = np.array([190.0, 104.0, 104.0])
TONGUE: Final = np.array([206.0, 112.0, 112.0])
MOUTH_FRONT: Final = np.array([120.0, 48.0, 48.0])
MOUTH_DEEP: Final = np.array([26.0, 8.0, 10.0])
NOSTRIL: Final = np.array([96.0, 48.0, 42.0])


def mix(a: NDArray[np.floating], b: NDArray[np.floating], share: NDArray[np.floating]) -> NDArray[np.float64]:
    """From `a` at share 0 to `b` at 1, (..., 3)."""
    mixed: NDArray[np.float64] = a + (b - a) * np.clip(share, 0.0, 1.0)[..., None]
    return mixed
