"""Regions of the face: what moves alike is smoothed alike."""

from __future__ import annotations

from typing import Final

from face_model import arkit

_BEGINNINGS: Final = (
    ("gaze", ("eyeLook",)),
    ("eyes", ("eye",)),
    ("brows", ("brow",)),
    ("cheeks", ("cheek", "nose")),
    ("jaw", ("jaw",)),
    ("mouth", ("mouth",)),
    ("tongue", ("tongue",)),
)

REGIONS: Final = tuple(region for region, _ in _BEGINNINGS)


def region_of(name: str) -> str:
    """Region of a blendshape."""
    return next(region for region, beginnings in _BEGINNINGS if name.startswith(beginnings))


INDICES: Final = {
    region: tuple(i for i, name in enumerate(arkit.BLENDSHAPES) if region_of(name) == region) for region in REGIONS
}
"""Indices of the weights of each region; every weight is in one."""
