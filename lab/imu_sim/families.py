"""Families of faces by name or by file: whose people are simulated."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from face_model.faces import HEAD
from face_model.rig import FaceRig
from face_model.rigs.load import load_face
from face_model.rigs.sidecar import sidecar_path
from imu_sim.head import HeadFamily, ManyKinds
from imu_sim.warped_family import WarpedFamily

_HEADS = re.compile(rf"{HEAD}(:(?P<first>[1-9]\d{{0,5}})(-(?P<last>[1-9]\d{{0,5}}))?)?")
"""Heads that are generated: they need no file."""


class FaceFamily(Protocol):
    """Rigs of one topology: the typical one, and random people around it."""

    @property
    def name(self) -> str:
        """Of the family, as it stands in recipes and evaluations ("head", or the file it came from)."""

    def typical(self) -> FaceRig:
        """The face that newcomers see."""

    def subject(self, seed: int) -> FaceRig:
        """A random person: how the face is built, and how each shape moves its skin; the same seed, the same person."""


def load_family(name_or_path: str | Path = HEAD) -> FaceFamily:
    """People with one kind of face; loaded once, then kept until the file changes.

    Args:
        name_or_path: `head`; `head:3` for one of other kinds of heads (see `imu_sim.head.kinds`), `head:1-40` for
            people of many; or a rig: a .glb, .vrm, .gltf or .npz file, or a folder of .obj files.

    Raises:
        FaceModelError: no such face, or a file that is no rig (see `face_model.rigs.load.load_face`).
    """
    made = _HEADS.fullmatch(str(name_or_path))
    if made:
        first, last = made["first"], made["last"]
        return ManyKinds(int(first), int(last)) if last else HeadFamily(int(first or 0))
    path = Path(name_or_path).expanduser().resolve()
    return _from_file(path, _last_change(path))


@lru_cache(maxsize=4)
def _from_file(path: Path, _changed_ns: int) -> FaceFamily:
    face = load_face(path)
    return WarpedFamily(face.rig, face.identity)


def is_generated(name_or_path: str | Path) -> bool:
    """Whether it names a family that is code, not a file."""
    return _HEADS.fullmatch(str(name_or_path)) is not None


def _last_change(path: Path) -> int:
    """Newest modification among the files of a rig, ns; 0 where there is none."""
    files = [path, sidecar_path(path), *(path.iterdir() if path.is_dir() else ())]
    return max((file.stat().st_mtime_ns for file in files if file.exists()), default=0)
