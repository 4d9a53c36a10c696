"""A whole `FaceRig` in one `.npz` file, correctives included, which glTF and OBJ cannot hold."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_model import arkit
from face_model.errors import RigFileError
from face_model.npz import DAMAGE, read_arrays, write_arrays
from face_model.outputs import write_whole
from face_model.rig import Corrective, FaceRig

_FORMAT = "imusic rig 1"


@dataclass(frozen=True)
class _Label:
    """What of a rig is no array, as JSON."""

    format: str
    name: str
    parts: dict[str, tuple[int, int]]
    landmarks: dict[str, int]
    pairs: list[tuple[int, int]]


def save_rig(rig: FaceRig, path: Path) -> None:
    """Write a rig so that `load_stored_rig` gives the same one back, bit for bit.

    Raises:
        OutputError: the disk is full or the folder cannot be written.
    """
    label = {
        "format": _FORMAT,
        "name": rig.name,
        "parts": {name: [part.start, part.stop] for name, part in rig.parts.items()},
        "landmarks": dict(rig.landmarks),
        "pairs": [list(pair) for pair in rig.pairs],
    }
    arrays = {
        "label": np.array(json.dumps(label)),
        "neutral": rig.neutral,
        "triangles": rig.triangles,
        "displacements": rig.displacements,
        "colors": rig.colors,
        "lip_vertices": rig.lip_vertices,
    }
    write_whole(path, lambda part: write_arrays(part, arrays))


def is_stored_rig(path: Path) -> bool:
    """Whether `save_rig` wrote the file, by the names of its arrays; other .npz files are rigs that people bring."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "label.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def load_stored_rig(path: Path) -> FaceRig:
    """Read what `save_rig` wrote; the arrays cannot be written to.

    Raises:
        RigFileError: there is no such file, or it is damaged or of another format.
    """
    try:
        arrays = read_arrays(path)
        label = _Label(**json.loads(str(arrays.pop("label"))))
        if label.format != _FORMAT:
            raise RigFileError(f"{path}: expected a file of format {_FORMAT!r}, found {label.format!r}")
        for array in arrays.values():
            array.setflags(write=False)
        displacements = arrays["displacements"]
        return FaceRig(
            name=label.name,
            neutral=arrays["neutral"],
            triangles=arrays["triangles"],
            deltas=displacements[: arkit.COUNT],
            colors=arrays["colors"],
            parts={name: slice(*ends) for name, ends in label.parts.items()},
            landmarks=label.landmarks,
            lip_vertices=arrays["lip_vertices"],
            correctives=tuple(
                Corrective((pair[0], pair[1]), delta)
                for pair, delta in zip(label.pairs, displacements[arkit.COUNT :], strict=True)
            ),
        )
    except RigFileError:
        raise
    except DAMAGE as error:
        raise RigFileError(f"expected a rig that `save_rig` wrote in {path}, found: {error}") from error
