"""What streams are made of: a face as the estimator gave it, and what a mapping made of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, rotation
from face_streams.mapping import FaceMapping, WeightMap
from face_streams.one_euro import OneEuroFilter
from face_streams.regions import INDICES, region_of

Floats = NDArray[np.floating]
TRACKED = ("tracking", "degraded")
"""States in which the weights follow the wearer."""
LARGEST_WEIGHT = 2.0
"""ARKit's pass 1 slightly; beyond this no estimator's does."""


@dataclass(frozen=True)
class RawFace:
    """A face as it came.

    Attributes:
        time_s: Unix time of the sample.
        sequence: number of the sample.
        state: calibrating, tracking, degraded, stale, or lost where none comes any more.
        weights: (52,).
        confidence: (52,) 0 to 1.
        observable: (52,) bool, which of them IMUs can see.
        head: (4,) quaternion x, y, z, w that turns `face_head` into an earth frame; None where nobody knows it.
        model: name and version of the model.
    """

    time_s: float
    sequence: int
    state: str
    weights: Floats
    confidence: Floats
    observable: NDArray[np.bool_]
    head: Floats | None = None
    model: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether its numbers are such as a face has: streams pass nothing on that would hurt a reader."""
        # What is no number is neither above nor below anything.
        weights = self.weights.min() >= -LARGEST_WEIGHT and self.weights.max() <= LARGEST_WEIGHT
        confidence = self.confidence.min() >= 0.0 and self.confidence.max() <= 1.0
        head = self.head is None or 0.5 < math.hypot(*self.head.tolist()) < 2.0
        return bool(weights and confidence and head)


@dataclass(frozen=True)
class StreamFace:
    """A face as it is sent.

    Attributes:
        raw: as it came.
        weights: (52,) mapped.
        extra: values of the mapping's extra shapes.
        head: (4,) as `RawFace.head`; None where it is not known or not to be sent.
    """

    raw: RawFace
    weights: Floats
    extra: Floats = field(default_factory=lambda: np.zeros(0))
    head: Floats | None = None

    @property
    def is_tracked(self) -> bool:
        """Whether the weights follow the wearer."""
        return self.raw.state in TRACKED


class FacePipeline:
    """Makes what is sent of what came, by one mapping; each sample once, in order.

    Args:
        mapping: as its file says.
    """

    def __init__(self, mapping: FaceMapping) -> None:
        self.map = WeightMap(mapping)
        self._head, self._mirror = mapping.head, mapping.mirror
        self._filter = OneEuroFilter([mapping.smoothing.get(region_of(name)) for name in arkit.BLENDSHAPES])
        kept = np.full(arkit.COUNT, mapping.hidden.others == "keep")
        kept[list(INDICES["gaze"])] = mapping.hidden.gaze == "keep"
        kept[list(INDICES["tongue"])] = mapping.hidden.tongue == "keep"
        self._kept = kept

    def __call__(self, raw: RawFace) -> StreamFace:
        """What is sent of a face."""
        shown = raw.weights * (raw.observable | self._kept)
        if raw.state not in TRACKED:
            self._filter.reset()
        weights = self.map.weights(self._filter(shown, raw.time_s))
        return StreamFace(raw, weights, self.map.extra(weights), self._turned(raw.head))

    def _turned(self, head: Floats | None) -> Floats | None:
        if head is None or not self._head.send:
            return None
        if self._mirror:
            head = head * np.array([-1.0, 1.0, -1.0, 1.0])  # roll and yaw the other way round
        if self._head.gain != 1.0:
            head = rotation.from_vector(self._head.gain * rotation.to_vector(rotation.normalise(head)))
        return head
