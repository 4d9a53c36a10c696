"""The face of a name or a file: what every tool that shows a face understands."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from face_model.rig import FaceRig
from face_model.rigs.load import load_face
from face_model.share import expanded
from face_model.stored_rig import load_stored_rig

HEAD = "head"
"""Name of the face that comes with the package."""

HEAD_FILE = Path(__file__).with_name("head.npz")
"""Written by `python -m imu_sim.head` in the laboratory; a test holds the two to each other."""


def load_rig(name_or_path: str | Path = HEAD) -> FaceRig:
    """A face with blendshapes.

    Args:
        name_or_path: `head`, or a rig: a .glb, .vrm, .gltf or .npz file, or a folder of .obj files.

    Raises:
        FaceModelError: no such face, or a file that is no rig (see `face_model.rigs.load.load_face`).
    """
    if str(name_or_path) == HEAD:
        return _head()
    return load_face(expanded(name_or_path).resolve()).rig


@lru_cache(maxsize=1)
def _head() -> FaceRig:
    return load_stored_rig(HEAD_FILE)
