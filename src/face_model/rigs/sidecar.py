"""What a person says of a rig file in a YAML file beside it, where the reader cannot tell or is wrong.

Beside `alice.glb` it is `alice.face.yaml`; in a folder of OBJ files, `face.yaml`. Every key may be left out:

    name: Alice
    unit: cm                             # m, cm, mm, in, or metres per unit
    axes: {forward: z, up: y}            # of the file; -x, -y, -z too
    names: {Smile_L: mouthSmileLeft}     # names in the file that are not recognised
    landmarks: {chin: [0, 4.1, 9.8]}     # a place in the file's coordinates (the nearest vertex is taken), or a vertex
    lips: [17, 18, 19]                   # vertices of the lips' visible surface
    parts: {skin: [Face], teeth: [Denture]}  # meshes or materials of the file; as in `face_model.rigs.regions.NAMED`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.errors import RigFileError
from face_model.rig import LANDMARKS
from face_model.rigs.orientation import UNITS
from face_model.settings import SettingsKind

Axis = Literal["x", "y", "z", "-x", "-y", "-z"]


@dataclass(frozen=True)
class AxesEntry:
    """Axes of the file."""

    forward: Axis
    up: Axis

    def __post_init__(self) -> None:
        if self.forward[-1] == self.up[-1]:
            raise ValueError(f"expected forward and up along different axes, found {self.forward} and {self.up}")


@dataclass(frozen=True)
class SidecarFile:
    """The file as it is written; see the head of this module."""

    name: str = ""
    unit: str | float | None = None
    axes: AxesEntry | None = None
    names: dict[str, str] = field(default_factory=dict)
    landmarks: dict[str, int | tuple[float, float, float]] = field(default_factory=dict)
    lips: tuple[int, ...] = ()
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wrong = [name for name in self.names.values() if name not in arkit.INDEX]
        wrong += [name for name in self.landmarks if name not in LANDMARKS]
        if wrong:
            raise ValueError(
                f"expected ARKit names, and landmarks among {', '.join(LANDMARKS)}, found {', '.join(wrong)}"
            )
        if self.unit not in UNITS if isinstance(self.unit, str) else self.unit is not None and self.unit <= 0.0:
            raise ValueError(f"expected a unit among {', '.join(UNITS)} or metres per unit, found {self.unit!r}")


@dataclass(frozen=True)
class Sidecar:
    """What is known of a rig file; attributes are None or empty where nothing is.

    Attributes:
        name: of the face.
        metres_per_unit: of the file's coordinates.
        axes: (3, 3) rows forward, left and up in the file's axes.
        names: name in the file to ARKit name.
        landmarks: name to vertex, or to a place (x, y, z) in the file's coordinates.
        lips: vertices.
        parts: part to names of meshes or materials.
    """

    name: str = ""
    metres_per_unit: float | None = None
    axes: NDArray[np.float64] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    landmarks: Mapping[str, int | tuple[float, ...]] = field(default_factory=dict)
    lips: Sequence[int] = ()
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)


def sidecar_path(rig: Path) -> Path:
    """Where the sidecar of a rig file or folder is, if there is one."""
    return rig / "face.yaml" if rig.is_dir() else rig.with_name(f"{rig.stem}.face.yaml")


def read_sidecar(rig: Path) -> Sidecar:
    """Read the sidecar of a rig file or folder; an empty one where there is none.

    Raises:
        RigFileError: it is not as described above.
    """
    path = sidecar_path(rig)
    if not path.is_file():
        return Sidecar()
    file = _SIDECARS.load(path)
    return Sidecar(
        name=file.name,
        metres_per_unit=UNITS[file.unit] if isinstance(file.unit, str) else file.unit,
        axes=None if file.axes is None else _axes(file.axes),
        names=file.names,
        landmarks=file.landmarks,
        lips=list(file.lips),
        parts={part: list(names) for part, names in file.parts.items()},
    )


_SIDECARS = SettingsKind("description of a rig", SidecarFile, RigFileError)


def _axes(axes: AxesEntry) -> NDArray[np.float64]:
    forward, up = _axis(axes.forward), _axis(axes.up)
    return np.stack([forward, np.cross(up, forward), up])


def _axis(name: Axis) -> NDArray[np.float64]:
    return np.asarray((-1.0 if name.startswith("-") else 1.0) * np.eye(3)["xyz".index(name[-1])])
