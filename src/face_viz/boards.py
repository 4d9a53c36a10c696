"""The sensor boards on the face: what they are, how they are, where they lie."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model.layout import SensorLayout

PoseSource = Callable[[NDArray[np.floating]], tuple[NDArray[np.floating], NDArray[np.floating]]]
"""Weights (T, 52) -> positions (T, P, 3) m and quaternions (T, P, 4) of the units on the skin, in `face_head`."""


class SensorStatus(enum.IntEnum):
    """How a unit is, as far as the viewer knows."""

    VALID = 0
    FAULTY = 1
    MISSING = 2


@dataclass(frozen=True)
class BoardInfo:
    """What the page says of one unit."""

    name: str
    muscle: str
    side: str
    reference: bool
    status: SensorStatus


class Boards:
    """Poses and states of all units of a layout, in layout order.

    Args:
        layout: the units.
        skin_poses: moves the units of `layout.skin_indices`, in that order.
        statuses: one per unit; valid if not given.
    """

    def __init__(
        self, layout: SensorLayout, skin_poses: PoseSource, statuses: Sequence[SensorStatus] | None = None
    ) -> None:
        self.layout = layout
        self._skin = list(layout.skin_indices)
        self._skin_poses = skin_poses
        self._statuses = np.array(statuses or [SensorStatus.VALID] * len(layout.sensors), dtype=np.uint8)
        self._fixed = np.zeros((len(layout.sensors), 7), np.float32)
        for i, sensor in enumerate(layout.sensors):
            if sensor.skull is not None:
                self._fixed[i] = (*sensor.skull.position_m, *sensor.skull.orientation)

    @property
    def statuses(self) -> NDArray[np.uint8]:
        """(S,) `SensorStatus` of each unit."""
        return self._statuses

    def set_statuses(self, statuses: Sequence[SensorStatus]) -> None:
        """Replace all statuses."""
        self._statuses = np.array(statuses, dtype=np.uint8)

    def infos(self) -> list[BoardInfo]:
        """One entry per unit."""
        return [
            BoardInfo(s.name, s.muscle, s.side, s.reference, SensorStatus(int(status)))
            for s, status in zip(self.layout.sensors, self._statuses, strict=True)
        ]

    def poses(self, weights: NDArray[np.floating]) -> NDArray[np.float32]:
        """Position and quaternion of every unit at `weights` (52,): (S, 7) in `face_head`."""
        poses = self._fixed.copy()
        if self._skin:
            positions, quaternions = self._skin_poses(np.asarray(weights, np.float32)[None])
            poses[self._skin, :3] = positions[0]
            poses[self._skin, 3:] = quaternions[0]
        return poses
