"""Axes, units and origin of a face of unknown make, told from what its shapes move.

Brows lie above the jaw, left shapes to the left of right ones, and a face bulges forward at its midline. That holds
whatever axes a tool writes; sizes come from the distance between the eyes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.errors import RigGeometryError
from face_model.rigs.raw import RawFace

Floats = NDArray[np.float64]

EYE_DISTANCE_M: Final = 0.063
"""Mean distance between adult pupils; N. A. Dodgson, "Variation and extrema of human interpupillary distance", 2004."""
EYE_DISTANCE_RANGE_M: Final = (0.045, 0.085)
"""Dodgson's 45 mm (children) to 80 mm, and a margin, as the centre of what a blink moves is not quite the pupil."""
UNITS: Final = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
SNAP_RAD: Final = np.deg2rad(25.0)
"""Axes found within this angle of the file's own axes are meant to be those; a guess."""
UPPER: Final = ("browDown", "browInnerUp", "browOuterUp", "eyeBlink", "eyeWide", "eyeSquint")
LOWER: Final = ("jawOpen", "mouthLowerDown", "mouthShrugLower", "mouthRollLower", "mouthSmile", "mouthFrown")


@dataclass(frozen=True)
class Pose:
    """How a file's coordinates become `face_head`: `(points @ axes.T) * metres_per_unit - origin_m`.

    Attributes:
        axes: (3, 3) rows are forward, left and up in the file's axes.
        metres_per_unit: of the file's coordinates.
        origin_m: (3,) midway between the ears, in turned and scaled coordinates.
        eyes_m: (2, 3) the left and the right eye, in `face_head`.
        text: in words, for the report.
        mirrored: shapes named left move the wearer's right side.
    """

    axes: Floats
    metres_per_unit: float
    origin_m: Floats
    eyes_m: Floats
    text: Sequence[str]
    mirrored: bool = False

    def vectors(self, values: NDArray[np.floating]) -> Floats:
        """Directions and displacements (..., 3), to m in `face_head` axes."""
        return np.asarray(values @ self.axes.T) * self.metres_per_unit

    def points(self, values: NDArray[np.floating]) -> Floats:
        """Positions (..., 3), to m in `face_head`."""
        return self.vectors(values) - self.origin_m


def find_pose(
    raw: RawFace,
    *,
    axes: Floats | None = None,
    metres_per_unit: float | None = None,
    pupils: Floats | None = None,
) -> Pose:
    """Tell axes, units and origin.

    Args:
        raw: the face.
        axes: where known, rows forward, left and up in the file's axes.
        metres_per_unit: where known.
        pupils: (2, 3) in the file's coordinates, where known; else they are where the blinks move the lids.

    Raises:
        RigGeometryError: too few shapes to tell.
    """
    motion = {name: np.linalg.norm(shape, axis=1) for name, shape in raw.shapes.items() if shape.any()}
    text = []
    mirrored = False
    if axes is None:
        axes, mirrored = _axes(raw.vertices, motion)
        axes, snapped = _snapped(axes)
        text.append(_axes_text(axes) if snapped else "axes: turned against the file's own, straightened")
    eyes = _eyes(raw.vertices, motion) if pupils is None else pupils
    if metres_per_unit is None:
        metres_per_unit, line = _unit(float(np.linalg.norm(eyes[0] - eyes[1])))
        text.append(line)
    eyes = eyes @ axes.T * metres_per_unit
    eyes = eyes[np.argsort(-eyes[:, 1])]  # whatever the sides are called
    origin, line = _origin(raw.vertices @ axes.T * metres_per_unit, eyes.mean(axis=0))
    return Pose(axes, metres_per_unit, origin, eyes - origin, [*text, line], mirrored)


def centre(vertices: Floats, motion: Mapping[str, Floats], names: Iterable[str]) -> Floats:
    """Middle of what some shapes move, weighted by how far, (3,)."""
    total = np.sum([motion[name] / motion[name].max() for name in names], axis=0)
    return np.asarray(total @ vertices / total.sum())


def _eyes(vertices: Floats, motion: Mapping[str, Floats]) -> Floats:
    """(2, 3) middle of what each blink moves."""
    missing = [name for name in ("eyeBlinkLeft", "eyeBlinkRight") if name not in motion]
    if missing:
        raise RigGeometryError(
            f"expected eyeBlinkLeft and eyeBlinkRight, which tell where the eyes are and how large the face is, found "
            f"no {' and no '.join(missing)}; write pupil_left and pupil_right under `landmarks` into a sidecar file"
        )
    return np.stack([centre(vertices, motion, [f"eyeBlink{side}"]) for side in ("Left", "Right")])


def _axes(vertices: Floats, motion: Mapping[str, Floats]) -> tuple[Floats, bool]:
    """Forward, left, up as rows, and whether the names of the sides contradict them."""
    regions = [[name for name in motion if name.startswith(stems)] for stems in (UPPER, LOWER)]
    # jawLeft and mouthLeft move the middle of the face.
    sides = [name for name in motion if name.endswith("Left") and name not in ("jawLeft", "mouthLeft")]
    pairs = [(name, arkit.mirrored(name)) for name in sides if arkit.mirrored(name) in motion]
    if not regions[0] or not regions[1] or not pairs:
        raise RigGeometryError(
            f"expected shapes of the brows or eyes, of the mouth or jaw, and of both sides, to tell which way the face "
            f"looks, found only {', '.join(motion)}; say so under `axes` in a sidecar file"
        )
    apart = [centre(vertices, motion, [a]) - centre(vertices, motion, [b]) for a, b in pairs]
    across = _unit_vector(np.sum(apart, axis=0))
    up = centre(vertices, motion, regions[0]) - centre(vertices, motion, regions[1])
    up = _unit_vector(up - across * (up @ across))
    ahead = np.cross(across, up)
    # A face bulges forward at its midline, whatever its sides are called.
    moving = np.sum([moved / moved.max() for moved in motion.values()], axis=0) > 0.5
    face = vertices[moving]
    lateral = np.abs((face - centre(vertices, motion, [n for pair in pairs for n in pair])) @ across)
    order = np.argsort(lateral)
    third = max(len(order) // 3, 1)
    bulge = float((face[order[:third]] @ ahead).mean() - (face[order[-third:]] @ ahead).mean())
    if bulge < 0.0:
        return np.stack([-ahead, -across, up]), True
    return np.stack([ahead, across, up]), False


def _snapped(axes: Floats) -> tuple[Floats, bool]:
    """The nearest axes of the file, if they are near."""
    nearest = np.zeros((3, 3))
    columns = np.argmax(np.abs(axes), axis=1)
    nearest[np.arange(3), columns] = np.sign(axes[np.arange(3), columns])
    if len(set(columns)) < 3:
        return axes, False
    angle = float(np.arccos(np.clip((np.trace(nearest @ axes.T) - 1.0) / 2.0, -1.0, 1.0)))
    return (nearest, True) if angle < SNAP_RAD else (axes, False)


def _axes_text(axes: Floats) -> str:
    words = [("-" if row.sum() < 0 else "") + "xyz"[int(np.argmax(np.abs(row)))] for row in axes]
    return f"axes of the file: {words[0]} forward, {words[1]} to the wearer's left, {words[2]} up"


def _unit(distance: float) -> tuple[float, str]:
    low, high = EYE_DISTANCE_RANGE_M
    for name, metres in UNITS.items():
        if low < distance * metres < high:
            return metres, f"unit: {name} (eyes {1000.0 * distance * metres:.1f} mm apart)"
    metres = EYE_DISTANCE_M / distance
    return (
        metres,
        f"unit: unknown (eyes {distance:.4g} apart), scaled so that they are {1000 * EYE_DISTANCE_M:.0f} mm apart",
    )


def _origin(turned: Floats, eyes: Floats) -> tuple[Floats, str]:
    """Midway between the ears, and how it was found; `turned` in m, any origin."""
    beside = turned - eyes
    band = turned[(np.abs(beside[:, 2]) < 0.055) & (np.abs(beside[:, 1]) < 0.11) & (beside[:, 0] > -0.15)]
    width = float(np.abs(band[:, 1] - eyes[1]).max(initial=0.0))
    ears = band[np.abs(band[:, 1] - eyes[1]) > 0.94 * width]
    back = float(eyes[0] - ears[:, 0].mean()) if len(ears) else 0.0
    if width > 0.06 and 0.055 < back < 0.125:
        origin = np.array([ears[:, 0].mean() + EAR_TO_CANAL_M[0], eyes[1], ears[:, 2].mean() + EAR_TO_CANAL_M[1]])
        return origin, f"origin: between the ears found {1000 * (eyes[0] - origin[0]):.0f} mm behind the eyes"
    origin = eyes - [EYES_FROM_EARS_M[0], 0.0, EYES_FROM_EARS_M[1]]
    return origin, "origin: estimated from the eyes, as no ears were found"


EAR_TO_CANAL_M: Final = (0.012, -0.015)
"""Forward and up from the outermost part of the ear, which is its upper rim, to the ear canal; a guess."""
EYES_FROM_EARS_M: Final = (0.088, 0.022)
"""Eyes ahead of and above the ear canals; a guess near the generated head's proportions."""


def _unit_vector(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-30))
