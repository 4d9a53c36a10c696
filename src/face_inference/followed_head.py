"""The head of a tracker's face: its orientation at each sample, also where headings begin anew."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.features import FeatureExtractor


class FollowedHead:
    """Follows the sensor on the skull.

    Attributes:
        orientation: (4,) as `FeatureExtractor.head_orientation` gives it; as it was where the sensor is missing.
        new_front: whether the next sample has another heading than the one before, though the head did not turn.
    """

    def __init__(self) -> None:
        self.orientation: NDArray[Any] = np.array([0.0, 0.0, 0.0, 1.0])
        self.new_front = False
        self._skull_rate: NDArray[np.floating] | None = None

    def follow(
        self,
        extractor: FeatureExtractor,
        skull: NDArray[np.floating],
        rate: NDArray[np.floating],
        valid: bool,
    ) -> None:
        """A sample of the sensor on the skull: orientation (4,) and angular velocity (3,) rad/s."""
        self._skull_rate = None
        if valid and math.isfinite(float(np.dot(skull, skull))):
            if self.new_front:
                extractor.keep_front(self.orientation, skull)
                self.new_front = False
            self.orientation = extractor.head_orientation(skull)
            self._skull_rate = rate.copy()

    def rate(self, extractor: FeatureExtractor) -> NDArray[np.float64] | None:
        """(3,) rad/s, angular velocity in `face_head` axes at the newest sample; None: it had none."""
        if self._skull_rate is None or not np.isfinite(self._skull_rate).all():
            return None
        return extractor.head_rate(self._skull_rate)
