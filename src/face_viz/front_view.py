"""Takes the arbitrary heading out of a head orientation, so that a person who looks ahead is seen from the front."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

RECENTRE_S = 20.0
"""Time constant with which the front follows the wearer's mean heading. A guess: longer than a glance, short enough
that the heading drift of a gyroscope (PHYSICS: degrees per minute) never turns the face away from the viewer."""


class FrontView:
    """Keeps pitch, roll and quick turns of the head; forgets the heading slowly.

    Heading zero, where the wearer looked while the neutral was learned, is the front at first.
    """

    def __init__(self, recentre_s: float = RECENTRE_S) -> None:
        self._recentre_s = recentre_s
        self._front_rad: float | None = 0.0
        self._last_s: float | None = None

    def reset(self) -> None:
        """Call the next heading the front."""
        self._front_rad = None

    def turn(self, orientation: NDArray[np.floating], now_s: float) -> NDArray[np.float32]:
        """Orientation relative to the front: quaternion (4,) x, y, z, w in and out.

        An all-zero quaternion, as an unset ROS message field holds, counts as identity.

        Args:
            orientation: `face_head` to earth, z up.
            now_s: monotonic time.
        """
        x, y, z, w = (float(v) for v in orientation)
        norm = math.sqrt(x * x + y * y + z * z + w * w)
        if norm < 1e-6:
            return np.array([0.0, 0.0, 0.0, 1.0], dtype=np.float32)
        x, y, z, w = x / norm, y / norm, z / norm, w / norm
        # Heading of the face's forward axis (x), seen from above.
        heading = math.atan2(2.0 * (x * y + w * z), 1.0 - 2.0 * (y * y + z * z))
        front = self._follow(heading, now_s)
        s, c = math.sin(-0.5 * front), math.cos(-0.5 * front)
        # Rotation about z by -front, then the orientation.
        return np.array([c * x - s * y, c * y + s * x, c * z + s * w, c * w - s * z], dtype=np.float32)

    def _follow(self, heading: float, now_s: float) -> float:
        if self._front_rad is None:
            self._front_rad = heading
        if self._last_s is None:
            self._last_s = now_s
        share = 1.0 - math.exp(-max(now_s - self._last_s, 0.0) / self._recentre_s)
        self._last_s = now_s
        off = math.remainder(heading - self._front_rad, math.tau)
        self._front_rad = math.remainder(self._front_rad + share * off, math.tau)
        return self._front_rad
