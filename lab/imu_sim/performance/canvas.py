"""Where contributions to a face come together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from imu_sim.motion import Floats

RATE_HZ = 60.0
"""Rate of performed motion: the frame rate of recorded ARKit takes."""


class Canvas:
    """Weights over time, painted one contribution after the other, in any order.

    Contributions join like the probability of any of several causes, 1 - (1 - a)(1 - b): small ones add, the sum never
    passes 1, and there is no kink. Each touches only its own samples and shapes, so that a minute with a hundred events
    costs little more than a minute with one.

    Attributes:
        times: (T,) s, at `RATE_HZ`.
    """

    def __init__(self, times: Floats) -> None:
        self.times = times
        self._free = np.ones((len(times), arkit.COUNT))

    def window(self, start_s: float, end_s: float) -> slice:
        """Samples between two times; empty where they lie outside."""
        first, last = np.searchsorted(self.times, [start_s, end_s])
        return slice(int(first), int(last))

    def add(self, window: slice, shapes: NDArray[np.int64], weights: Floats) -> None:
        """Paint `weights` (samples of the window, number of `shapes`), clipped to 0..1."""
        self._free[window, shapes] *= 1.0 - np.clip(weights, 0.0, 1.0)

    def add_pose(self, window: slice, course: Floats, pose: Floats) -> None:
        """Paint a `pose` (52,) that follows a `course` (samples of the window,) from 0 to 1."""
        shapes = np.flatnonzero(pose)
        self.add(window, shapes, course[:, None] * pose[shapes])

    @property
    def weights(self) -> Floats:
        """What has been painted, (T, 52)."""
        return 1.0 - self._free
