"""How one person's head is built: named measures in standard deviations from the mean head."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

LARGEST: Final = 2.2
"""Draws are cut here: beyond, measures that nature ties together would contradict each other."""


@dataclass(frozen=True)
class Identity:
    """Standard deviations from the mean head, 0 for each measure of the mean; meant for -2.2 to 2.2.

    What one deviation is in millimetres, and its source, stands in `identity_fields`. Left and right always mean the
    subject's.
    """

    head_size: float = 0.0
    head_breadth: float = 0.0
    head_depth: float = 0.0
    face_breadth: float = 0.0
    face_length: float = 0.0
    lower_face: float = 0.0
    """Share of nose base and mouth in the face's length: lower for positive values."""
    forehead_slope: float = 0.0
    brow_ridge: float = 0.0
    brow_height: float = 0.0
    pupil_distance: float = 0.0
    eye_size: float = 0.0
    eye_open: float = 0.0
    eye_tilt: float = 0.0
    eye_depth: float = 0.0
    nose_length: float = 0.0
    nose_breadth: float = 0.0
    nose_protrusion: float = 0.0
    nose_bridge: float = 0.0
    nose_tip: float = 0.0
    cheekbone_width: float = 0.0
    cheekbone_prominence: float = 0.0
    cheek_fat: float = 0.0
    philtrum_length: float = 0.0
    mouth_width: float = 0.0
    upper_lip: float = 0.0
    lower_lip: float = 0.0
    jaw_width: float = 0.0
    jaw_angle: float = 0.0
    """The corner of the jaw lies lower for positive values."""
    chin_height: float = 0.0
    chin_protrusion: float = 0.0
    ear_size: float = 0.0
    neck_width: float = 0.0
    nose_skew: float = 0.0
    mouth_skew: float = 0.0
    jaw_skew: float = 0.0
    brow_skew: float = 0.0
    eye_skew: float = 0.0


MEAN: Final = Identity()
NAMES: Final = tuple(measure.name for measure in fields(Identity))

_SHARE_OF_SIZE: Final = {
    "head_breadth": 0.3,
    "face_breadth": 0.4,
    "face_length": 0.4,
    "jaw_width": 0.4,
    "ear_size": 0.3,
}
"""Correlation of a measure with the head's size. Overall size is the first component of facial form (Z. Zhuang et al.,
J. Biomed. Biotechnol. 2010, 248954); the figures here are guesses."""


def values(identity: Identity) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(len(NAMES),) in the order of `NAMES`."""
    return np.array([getattr(identity, name) for name in NAMES])


def random_identity(rng: np.random.Generator) -> Identity:
    """Draw a head: normal in every measure, larger heads with larger faces, cut at `LARGEST`."""
    drawn = dict(zip(NAMES, rng.standard_normal(len(NAMES)), strict=True))
    for name, share in _SHARE_OF_SIZE.items():
        drawn[name] = share * drawn["head_size"] + np.sqrt(1.0 - share**2) * drawn[name]
    return Identity(**{name: float(np.clip(value, -LARGEST, LARGEST)) for name, value in drawn.items()})
