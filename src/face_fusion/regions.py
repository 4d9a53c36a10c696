"""Regions of the face that something can cover apart: a hand or a mask the mouth, hair the brows, glasses the eyes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit

REGIONS: Final[tuple[str, ...]] = ("eyes", "mouth", "brows")

_BEGINNINGS: Final = {"eye": 0, "brow": 2, "nose": 1}


def _region(name: str) -> int:
    """Cheeks and nose move with the mouth and are covered with it, but for the squint of the cheek's top."""
    if name.startswith("cheekSquint"):
        return 0
    return next((number for start, number in _BEGINNINGS.items() if name.startswith(start)), 1)


REGION: Final[NDArray[np.intp]] = np.array([_region(name) for name in arkit.BLENDSHAPES], dtype=np.intp)
"""(52,) index into `REGIONS` of each shape."""

MEMBERS: Final[NDArray[np.float64]] = (np.arange(len(REGIONS))[:, None] == REGION).astype(np.float64)
"""(3, 52) one where a shape is of a region."""
