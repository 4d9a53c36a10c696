"""Colours as screens have them, and as light adds up (IEC 61966-2-1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def linear(srgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """sRGB 0 to 1 to linear 0 to 1, as glTF's vertex colours are; of any shape."""
    return np.asarray(np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4))
