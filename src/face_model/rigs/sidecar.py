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
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from face_model import arkit
from face_model.errors import RigFileError
from face_model.rig import LANDMARKS
from face_model.rigs.orientation import UNITS

KEYS = ("name", "unit", "axes", "names", "landmarks", "lips", "parts")


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
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if not isinstance(content, Mapping) or set(content) - set(KEYS):
            raise ValueError(f"expected a mapping of {', '.join(KEYS)}, found {content!r}"[:300])
        return _sidecar(content)
    except (OSError, yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RigFileError(f"{path}: {error}") from error


def _sidecar(content: Mapping[str, Any]) -> Sidecar:
    names = {str(k): str(v) for k, v in content.get("names", {}).items()}
    wrong = [v for v in names.values() if v not in arkit.INDEX]
    wrong += [str(k) for k in content.get("landmarks", {}) if k not in LANDMARKS]
    if wrong:
        raise ValueError(f"expected ARKit names, and landmarks among {', '.join(LANDMARKS)}, found {', '.join(wrong)}")
    unit = content.get("unit")
    metres = None if unit is None else UNITS[unit] if unit in UNITS else float(unit)
    if metres is not None and not 0.0 < metres < np.inf:
        raise ValueError(f"expected a unit among {', '.join(UNITS)} or metres per unit, found {unit!r}")
    return Sidecar(
        name=str(content.get("name", "")),
        metres_per_unit=metres,
        axes=_axes(content["axes"]) if "axes" in content else None,
        names=names,
        landmarks={k: _place(v) for k, v in content.get("landmarks", {}).items()},
        lips=[int(v) for v in content.get("lips", [])],
        parts={str(k): [str(n) for n in v] for k, v in content.get("parts", {}).items()},
    )


def _axes(entry: Mapping[str, str]) -> NDArray[np.float64]:
    forward, up = (_axis(str(entry[key])) for key in ("forward", "up"))
    if forward @ up:
        raise ValueError(f"expected forward and up along different axes, found {dict(entry)}")
    return np.stack([forward, np.cross(up, forward), up])


def _axis(text: str) -> NDArray[np.float64]:
    sign, letter = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if letter not in ("x", "y", "z"):
        raise ValueError(f"expected an axis x, y, z, -x, -y or -z, found {text!r}")
    return np.asarray(sign * np.eye(3)["xyz".index(letter)])


def _place(value: Any) -> int | tuple[float, ...]:
    if isinstance(value, int):
        return value
    place = tuple(float(v) for v in value)
    if len(place) != 3 or not np.isfinite(place).all():
        raise ValueError(f"expected a vertex or [x, y, z], found {value!r}")
    return place
