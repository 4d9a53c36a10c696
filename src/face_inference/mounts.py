"""Where a model expects its sensors: names, the reference unit, and nominal poses on a relaxed face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import ModelFolderError
from face_model import arkit
from face_model.layout import SensorLayout
from face_model.rig import FaceRig
from face_model.skin import skin_patches

FloatArray = NDArray[np.float64]

_FARTHEST_M = 1.0
"""No sensor of a face is farther from the middle between the ears."""


@dataclass(frozen=True)
class NominalMounts:
    """Nominal poses of `S` sensors in `face_head`.

    Attributes:
        names: `S` sensor names; the order of every (S, ...) array the model sees.
        reference: index of the unit on the skull.
        orientation: (S, 4) unit quaternions x, y, z, w, sensor axes to `face_head` axes.
        position_m: (S, 3) in `face_head`.
    """

    names: tuple[str, ...]
    reference: int
    orientation: FloatArray
    position_m: FloatArray

    def __post_init__(self) -> None:
        count = len(self.names)
        if len(set(self.names)) != count or not 0 <= self.reference < count or count < 2:
            raise ModelFolderError(
                f"expected at least two sensors with different names, one of them the reference, "
                f"found {self.names} with reference {self.reference}"
            )
        if self.orientation.shape != (count, 4) or self.position_m.shape != (count, 3):
            raise ModelFolderError(
                f"expected mounts of shape {(count, 4)} and {(count, 3)}, "
                f"found {self.orientation.shape} and {self.position_m.shape}"
            )
        if not (np.isfinite(self.orientation).all() and (np.abs(self.position_m) <= _FARTHEST_M).all()):
            raise ModelFolderError(
                f"expected mounts within {_FARTHEST_M} m of the head's middle, found {self.position_m.tolist()} and "
                f"{self.orientation.tolist()}; copy the model again"
            )
        norms = np.linalg.norm(self.orientation, axis=1)
        if not np.all(np.abs(norms - 1.0) < 1e-3):
            raise ModelFolderError(f"expected unit quaternions as mounts, found norms {norms.round(3).tolist()}")

    @property
    def skin(self) -> tuple[int, ...]:
        """Indices of all sensors but the reference."""
        return tuple(i for i in range(len(self.names)) if i != self.reference)

    def mirror_permutation(self) -> tuple[int, ...]:
        """Index of each sensor's partner on the other side of the face; a sensor without partner is its own."""
        index = {name: i for i, name in enumerate(self.names)}
        return tuple(index.get(_other_side(name), i) for i, name in enumerate(self.names))

    def to_config(self) -> list[dict[str, Any]]:
        """As plain values for a YAML file."""
        return [
            {
                "name": name,
                "reference": i == self.reference,
                "position_m": [round(float(v), 6) for v in self.position_m[i]],
                "orientation": [round(float(v), 8) for v in self.orientation[i]],
            }
            for i, name in enumerate(self.names)
        ]

    @classmethod
    def on_rig(cls, rig: FaceRig, layout: SensorLayout) -> NominalMounts:
        """Mounts of a layout whose sensors sit exactly where it wants them, on a relaxed face.

        Raises:
            FaceModelError: a place where this face has no skin.
        """
        position_m, orientation = skin_patches(rig, layout).board_poses(np.zeros((1, arkit.COUNT)))
        return cls(layout.names, layout.reference_index, orientation[0], position_m[0])

    @classmethod
    def from_config(cls, entries: Sequence[Mapping[str, Any]]) -> NominalMounts:
        """Read what `to_config` wrote.

        Raises:
            ModelFolderError: an entry lacks a field, or there is not exactly one reference.
        """
        try:
            names = tuple(str(entry["name"]) for entry in entries)
            references = [i for i, entry in enumerate(entries) if entry["reference"]]
            orientation = np.array([[float(v) for v in entry["orientation"]] for entry in entries])
            position_m = np.array([[float(v) for v in entry["position_m"]] for entry in entries])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(
                f"expected name, reference, position_m and orientation for every sensor, found {error!r}"
            ) from error
        if len(references) != 1:
            raise ModelFolderError(f"expected exactly one reference sensor, found {len(references)}")
        return cls(names, references[0], orientation, position_m)


def _other_side(name: str) -> str:
    if name.endswith("_left"):
        return name.removesuffix("_left") + "_right"
    if name.endswith("_right"):
        return name.removesuffix("_right") + "_left"
    return name
