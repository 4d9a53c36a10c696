"""One face to be drawn, free of ROS."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, observability
from face_model.face_state import FaceState

STILL_S = 0.5
"""Without a new face for this long the viewer says so, whatever the last face claimed."""

LARGEST = 10.0
"""Of a weight, a confidence or a part of the orientation: ten times what any face has; more is no face."""


@dataclass(frozen=True)
class ReferenceFrame:
    """What the page needs of one `imusic/FaceReference`: a face that something else measured.

    Attributes:
        weights: (52,) float32 in `arkit.BLENDSHAPES` order.
        seen: (52,) bool, which of them the source measures.
        face_seen: whether there was a face.
        source: kind and name of the source.
    """

    weights: NDArray[np.float32]
    seen: NDArray[np.bool_]
    face_seen: bool
    source: str


def _identity() -> NDArray[np.float32]:
    return np.array([0.0, 0.0, 0.0, 1.0], dtype=np.float32)


@dataclass(frozen=True)
class FaceFrame:
    """What a viewer needs of one `imusic/FaceBlendshapes`.

    Attributes:
        weights: (52,) float32 in `arkit.BLENDSHAPES` order.
        confidence: (52,) float32, 0 to 1.
        state: what the weights are worth as a whole; None before the first face.
        head_orientation: (4,) float32, quaternion x, y, z, w, `face_head` to an earth frame; heading arbitrary.
        age_s: from the newest IMU sample to these weights.
        sequence: number of the sample.
        model: name and version of the model.
        observable: indices of the shapes that the sensors can tell; the others follow from these, or from nothing.
    """

    weights: NDArray[np.float32]
    confidence: NDArray[np.float32]
    state: FaceState | None = FaceState.TRACKING
    head_orientation: NDArray[np.float32] = field(default_factory=_identity)
    age_s: float = 0.0
    sequence: int = 0
    model: str = ""
    observable: tuple[int, ...] = observability.OBSERVABLE


def drawable(frame: FaceFrame) -> bool:
    """Whether shapes agree and no number is impossible or huge: what comes over a network need not be."""
    return (
        frame.weights.shape == (arkit.COUNT,)
        and frame.confidence.shape == (arkit.COUNT,)
        and frame.head_orientation.shape == (4,)
        and all(_bounded(values) for values in (frame.weights, frame.confidence, frame.head_orientation))
    )


def _bounded(values: NDArray[np.float32]) -> bool:
    return bool((np.abs(values) <= LARGEST).all())  # of NaN that is false


NEUTRAL = FaceFrame(
    weights=np.zeros(arkit.COUNT, np.float32),
    confidence=np.zeros(arkit.COUNT, np.float32),
    state=None,
)
"""Shown before the first face arrives."""
