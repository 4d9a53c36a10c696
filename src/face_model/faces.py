"""Faces by name or by file: what every tool that takes a face understands."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from face_model.errors import FaceModelError
from face_model.family import FaceFamily
from face_model.head import build_head
from face_model.rig import FaceRig
from face_model.warp import WarpedFamily

HEAD = "head"
"""Name of the face that comes with the package."""


def load_family(name_or_path: str | Path = HEAD) -> FaceFamily:
    """People with one kind of face.

    Args:
        name_or_path: `head`.

    Raises:
        FaceModelError: no such face.
    """
    return _family(str(name_or_path))


def load_rig(name_or_path: str | Path = HEAD) -> FaceRig:
    """The typical face of a family; arguments and errors as of `load_family`."""
    return load_family(name_or_path).typical()


@lru_cache(maxsize=4)
def _family(name: str) -> FaceFamily:
    if name == HEAD:
        return WarpedFamily(build_head())
    raise FaceModelError(f"expected the face {HEAD!r}, found {name!r}")
