"""The sensors on the face: what they are, how they are, where they lie."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model.imu_sample import STATUS_FAULT, STATUS_MISSING
from face_model.layout import Sensor, SensorLayout
from face_model.rig import FaceRig
from face_model.skin import skin_patches

PoseSource = Callable[[NDArray[np.floating]], tuple[NDArray[np.floating], NDArray[np.floating]]]
"""Weights (T, 52) -> positions (T, S, 3) m and quaternions (T, S, 4) of all shown sensors, in `face_head`."""


class SensorStatus(enum.IntEnum):
    """How a sensor is, as far as the viewer knows."""

    VALID = 0
    FAULTY = 1
    MISSING = 2

    @classmethod
    def of(cls, bits: int) -> SensorStatus:
        """From the `STATUS_` bits of imusic/ImuFrame and imusic/SensorStates."""
        if bits & STATUS_MISSING:
            return cls.MISSING
        return cls.FAULTY if bits & STATUS_FAULT else cls.VALID


@dataclass(frozen=True)
class ShownSensor:
    """What the page says of one sensor."""

    name: str
    muscle: str
    side: str
    reference: bool
    status: SensorStatus


class ShownSensors:
    """Poses and states of the sensors of a layout that are drawn.

    Args:
        layout: the sensors that are drawn.
        poses: moves them, as `face_model.skin.SkinPatches.board_poses` does.
        statuses: one for each; valid if not given.
    """

    def __init__(self, layout: SensorLayout, poses: PoseSource, statuses: Sequence[SensorStatus] | None = None) -> None:
        self.layout = layout
        self._poses = poses
        self._statuses = np.array(statuses or [SensorStatus.VALID] * len(layout.sensors), dtype=np.uint8)

    @property
    def statuses(self) -> NDArray[np.uint8]:
        """(S,) `SensorStatus` of each sensor."""
        return self._statuses

    def with_statuses(self, statuses: Sequence[SensorStatus]) -> ShownSensors:
        """The same sensors in other states."""
        return ShownSensors(self.layout, self._poses, statuses)

    def infos(self) -> list[ShownSensor]:
        """One entry for each sensor."""
        return [
            ShownSensor(s.name, s.muscle, s.side, s.reference, SensorStatus(int(status)))
            for s, status in zip(self.layout.sensors, self._statuses, strict=True)
        ]

    def poses(self, weights: NDArray[np.floating]) -> NDArray[np.float32]:
        """Position and quaternion of every sensor at `weights` (52,): (S, 7) in `face_head`."""
        positions, quaternions = self._poses(np.asarray(weights, np.float32)[None])
        return np.concatenate([positions[0], quaternions[0]], axis=1).astype(np.float32)


def on_rig(rig: FaceRig, name: str, sensors: Sequence[Sensor], statuses: Sequence[SensorStatus]) -> ShownSensors:
    """Sensors glued to a face.

    Raises:
        FaceModelError: the face has no skin at the place of one of them.
        ValueError: the sensors make no layout, for instance because there is not exactly one reference.
    """
    references = [sensor.name for sensor in sensors if sensor.reference]
    if len(references) != 1:
        raise ValueError(f"expected exactly one reference sensor, found {', '.join(references) or 'none'}")
    layout = SensorLayout(name, tuple(sensors))
    return ShownSensors(layout, skin_patches(rig, layout).board_poses, statuses)
