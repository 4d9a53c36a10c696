"""How each unit is mounted, as a nod and a shake of the head told it; kept from one neutral to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from face_inference.heading_filter import HeadingParams
from face_inference.mounts import NominalMounts
from face_model import rotation
from face_model.saved_arrays import Arrays, SavedArrays

FloatArray = NDArray[np.floating]

_MOST_NORM_ERROR = 1e-3

ONE_MOVED_RAD = float(np.deg2rad(12.0))
"""A unit that gravity finds tilted from its alignment by more than this was glued on anew (a guess: skin at rest comes
back within three degrees, boards glued by hand differ by ten)."""

ALL_MOVED_RAD = float(np.deg2rad(5.0))
"""Median over the units from which on all of them were."""


@dataclass(frozen=True)
class SensorAlignment:
    """What a nod and a shake told of `S` units; replaced as a whole, never changed.

    Attributes:
        mount: (S, 4) unit quaternions, sensor to `face_head`, on a neutral face.
        aligned: (S,) bool, of which units it is known; the others keep their nominal mounting.
        deviation_rad: (S,) standard deviation of what is not known of the mounting's turn about the vertical.
        residual_rad: (S,) how far the unit's angular velocity was from the skull's, RMS over RMS.
    """

    mount: FloatArray
    aligned: NDArray[np.bool_]
    deviation_rad: FloatArray
    residual_rad: FloatArray

    def mounts(self, nominal: NominalMounts) -> NominalMounts:
        """Where the units sit: as aligned, or as the layout wants them."""
        return replace(nominal, orientation=np.where(self.aligned[:, None], self.mount, nominal.orientation))

    @property
    def turn_deviation_rad(self) -> FloatArray:
        """(S,) for `Neutral`: of units that are not aligned, as of all boards that are glued on by hand."""
        return np.where(self.aligned, self.deviation_rad, HeadingParams().mounting_rad)

    def without(self, moved: NDArray[np.bool_]) -> SensorAlignment | None:
        """For units that `moved` (S,) nothing is known any more; None where none is left."""
        left = self.aligned & ~moved
        return replace(self, aligned=left) if left.any() else None

    def moved(self, up: FloatArray, seen: NDArray[np.bool_], reference: int) -> NDArray[np.bool_]:
        """(S,) which units were glued on anew, by gravity at a new neutral.

        Relative to the skull's unit: a head that looks elsewhere tilts all of them alike. If that one was moved, all
        seem to have been, and then all are.

        Args:
            up: (S, 3) unit vectors, the vertical in each unit's axes.
            seen: (S,) whether the unit was there.
            reference: index of the unit on the skull.
        """
        known = self.aligned & seen
        if not known[reference]:
            return self.aligned.copy()
        in_head = rotation.rotate(self.mount, up)
        cosine = np.clip(np.sum(in_head * in_head[reference], axis=-1), -1.0, 1.0)
        tilted = np.arccos(cosine)
        others = [float(tilt) for unit, tilt in enumerate(tilted) if known[unit] and unit != reference]
        if others and median(others) > ALL_MOVED_RAD:
            return self.aligned.copy()
        moved: NDArray[np.bool_] = known & (tilted > ONE_MOVED_RAD)
        return moved

    def saved_state(self) -> Arrays:
        """As arrays, for `from_saved`."""
        return {
            "mount": np.asarray(self.mount, dtype=np.float64),
            "aligned": self.aligned,
            "deviation_rad": np.asarray(self.deviation_rad, dtype=np.float64),
            "residual_rad": np.asarray(self.residual_rad, dtype=np.float64),
        }

    @classmethod
    def from_saved(cls, saved: SavedArrays, sensors: int) -> SensorAlignment:
        """Of `sensors` units, from `saved_state`.

        Raises:
            SnapshotError: it is damaged, or of other sensors.
        """
        alignment = cls(
            saved.array("mount", (sensors, 4)),
            saved.array("aligned", (sensors,), "b1"),
            saved.array("deviation_rad", (sensors,), most=10.0),
            saved.array("residual_rad", (sensors,), most=1e3),
        )
        saved.end()
        if (np.abs(np.square(alignment.mount).sum(axis=1) - 1.0) > _MOST_NORM_ERROR).any():
            raise saved.refuse("unit quaternions as mount", "others")
        return alignment


def told(names: Sequence[str]) -> str:
    """Names of sensors as people read them: "left zygomaticus and mentalis"."""
    plain = [in_words(name) for name in names]
    return plain[0] if len(plain) == 1 else f"{', '.join(plain[:-1])} and {plain[-1]}" if plain else ""


def in_words(name: str) -> str:
    """`zygomaticus_left` as "left zygomaticus"."""
    for side in ("left", "right"):
        if name.endswith(f"_{side}"):
            return f"{side} {name.removesuffix(f'_{side}').replace('_', ' ')}"
    return name.replace("_", " ")
