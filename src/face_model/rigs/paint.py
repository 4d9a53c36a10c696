"""Colours for faces that come without: plain, but a face."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import palette

Floats = NDArray[np.float64]

BY_KIND: Final = {
    "skin": palette.SKIN,
    "eye_left": palette.SCLERA,
    "eye_right": palette.SCLERA,
    "teeth": palette.TOOTH,
    "tongue": palette.TONGUE,
    "gums_tongue": palette.TONGUE,
    "mouth": palette.MOUTH_FRONT,
    "sockets": palette.LID,
    "lashes": palette.LASH,
    "brows": palette.BROW,
    "hair": palette.HAIR,
}
OTHER: Final = np.array([150.0, 130.0, 120.0])
LIP_SHARE: Final = 0.6
"""How much lips differ from skin: their edge is known roughly only. A matter of taste."""
IRIS_M: Final = 0.0059
"""Half of the 11.7 mm across an iris; F. Rufer et al., "White-to-white corneal diameter", 2005."""
PUPIL_M: Final = 0.002


def painted(
    colors: Floats, vertices: Floats, kind: NDArray[np.str_], pupils: Floats, lips: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The file's colours, and plain ones where it has none: (V, 3) sRGB 0 to 255.

    Args:
        colors: (V, 3) of the file, NaN where it has none.
        vertices: (V, 3) m.
        kind: (V,) what each vertex is part of.
        pupils: (2, 3) m.
        lips: vertices of the lips.
    """
    plain = np.tile(OTHER, (len(vertices), 1))
    for name, color in BY_KIND.items():
        plain[kind == name] = color
    plain[lips] = palette.mix(plain[lips], palette.LIP, np.full(len(lips), LIP_SHARE))
    eye = np.char.startswith(kind, "eye_")
    away = np.min([np.linalg.norm(vertices - pupil, axis=1) for pupil in pupils], axis=0)
    plain[eye & (away < IRIS_M)] = palette.IRIS
    plain[eye & (away < PUPIL_M)] = palette.PUPIL
    return np.clip(np.rint(np.where(np.isnan(colors), plain, colors)), 0, 255).astype(np.uint8)
