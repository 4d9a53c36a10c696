"""The sensor boards on the face: what they are, how they are, where they lie."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model.layout import SensorLayout

PoseSource = Callable[[NDArray[np.floating]], tuple[NDArray[np.floating], NDArray[np.floating]]]
"""Weights (T, 52) -> positions (T, S, 3) m and quaternions (T, S, 4) of all units in layout order, in `face_head`."""


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
        poses: moves the units, as `face_model.skin.SkinPatches.board_poses` does.
        statuses: one per unit; valid if not given.
    """

    def __init__(self, layout: SensorLayout, poses: PoseSource, statuses: Sequence[SensorStatus] | None = None) -> None:
        self.layout = layout
        self._poses = poses
        self._statuses = np.array(statuses or [SensorStatus.VALID] * len(layout.sensors), dtype=np.uint8)

    @property
    def statuses(self) -> NDArray[np.uint8]:
        """(S,) `SensorStatus` of each unit."""
        return self._statuses

    def with_troubles(self, missing: Collection[str], faulty: Collection[str]) -> Boards:
        """The same boards, those of these names missing or faulty, all others valid."""
        trouble = dict.fromkeys(faulty, SensorStatus.FAULTY) | dict.fromkeys(missing, SensorStatus.MISSING)
        statuses = [trouble.get(sensor.name, SensorStatus.VALID) for sensor in self.layout.sensors]
        return Boards(self.layout, self._poses, statuses)

    def infos(self) -> list[BoardInfo]:
        """One entry per unit."""
        return [
            BoardInfo(s.name, s.muscle, s.side, s.reference, SensorStatus(int(status)))
            for s, status in zip(self.layout.sensors, self._statuses, strict=True)
        ]

    def poses(self, weights: NDArray[np.floating]) -> NDArray[np.float32]:
        """Position and quaternion of every unit at `weights` (52,): (S, 7) in `face_head`."""
        positions, quaternions = self._poses(np.asarray(weights, np.float32)[None])
        return np.concatenate([positions[0], quaternions[0]], axis=1).astype(np.float32)
