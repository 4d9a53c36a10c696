"""Triangles, points and colours for RViz and Foxglove, free of ROS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model.face_state import FaceState
from face_model.rig import FaceRig, activations
from face_viz.shown_sensors import SensorStatus

STATUS_COLORS: Final = {
    SensorStatus.VALID: (0.10, 0.80, 0.55),
    SensorStatus.FAULTY: (1.00, 0.55, 0.10),
    SensorStatus.MISSING: (0.55, 0.57, 0.60),
}
"""rgb, 0 to 1."""

STATE_TEXTS: Final[Mapping[FaceState | None, str]] = {
    FaceState.CALIBRATING: "calibrating: relax your face",
    FaceState.TRACKING: "tracking",
    FaceState.DEGRADED: "degraded: sensors missing",
    FaceState.STALE: "stale: no sensor data",
    None: "no input",
}
TEXT_LENGTH: Final = max(map(len, STATE_TEXTS.values()))

POINT_STEP: Final = 16
"""Bytes of one point of the cloud: x, y, z, rgb as float32 each."""


class MarkerGeometry:
    """The rig's vertices at given weights, computed in place by one matrix product.

    The arrays a method returns are overwritten by its next call.
    """

    def __init__(self, rig: FaceRig) -> None:
        self._pairs = rig.pairs
        self._flat = np.ascontiguousarray(rig.displacements.reshape(len(rig.displacements), -1), dtype=np.float32)
        self._neutral = rig.neutral.reshape(-1).astype(np.float32)
        self._moved = np.empty_like(self._neutral)
        self._corners = np.ascontiguousarray(rig.triangles.reshape(-1))
        self._points = np.empty((self._corners.size, 3), np.float64)
        self._cloud = self._empty_cloud(rig)
        self._skin = rig.parts["skin"]
        self.colors = self._corner_colors(rig)
        """(3 T, 4) float32 rgba of each triangle corner, 0 to 1; never changes."""

    def vertices(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """(52,) -> (V, 3) m, `face_head`."""
        np.dot(activations(weights, self._pairs), self._flat, out=self._moved)
        self._moved += self._neutral
        return self._moved.reshape(-1, 3)

    def corners(self, vertices: NDArray[np.float32]) -> NDArray[np.float64]:
        """(V, 3) -> (3 T, 3): the points of a TRIANGLE_LIST."""
        self._points[...] = vertices[self._corners]
        return self._points

    def cloud(self, vertices: NDArray[np.float32]) -> NDArray[np.float32]:
        """(V, 3) -> (N, 4): x, y, z, rgb of the skin's vertices, `POINT_STEP` bytes each."""
        self._cloud[:, :3] = vertices[self._skin]
        return self._cloud

    @staticmethod
    def _corner_colors(rig: FaceRig) -> NDArray[np.float32]:
        rgba = np.ones((len(rig.colors), 4), np.float32)
        rgba[:, :3] = rig.colors / np.float32(255.0)
        return np.ascontiguousarray(rgba[rig.triangles.reshape(-1)])

    @staticmethod
    def _empty_cloud(rig: FaceRig) -> NDArray[np.float32]:
        colors = rig.colors[rig.parts["skin"]].astype(np.uint32)
        packed = (colors[:, 0] << 16) | (colors[:, 1] << 8) | colors[:, 2]
        cloud = np.zeros((len(colors), POINT_STEP // 4), np.float32)
        # The rgb field of PCL and RViz: 0x00RRGGBB seen as a float32.
        cloud[:, 3] = packed.astype(np.uint32).view(np.float32)
        return cloud


def status_colors(statuses: NDArray[np.integer]) -> NDArray[np.float32]:
    """(S,) `SensorStatus` -> (S, 4) float32 rgba."""
    return np.array([(*STATUS_COLORS[SensorStatus(int(s))], 1.0) for s in statuses], np.float32).reshape(-1, 4)


def state_text(state: FaceState | None) -> bytes:
    """Text of a state, always of the same length; None: nothing is heard."""
    return STATE_TEXTS[state].ljust(TEXT_LENGTH).encode("ascii")
