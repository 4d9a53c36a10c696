"""Faces in files, written by the tests themselves."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from face_model import arkit
from face_model.frames import to_graphics
from face_model.rig import FaceRig
from face_model.rigs.export import write_glb
from imu_sim.head import build_head

SHARED = Path(os.environ.get("IMUSIC_SHARED", Path(__file__).resolve().parents[4] / "shared"))


@pytest.fixture(scope="session")
def head() -> FaceRig:
    """The generated head without correctives, which no file format holds."""
    return replace(build_head(), correctives=())


@pytest.fixture(scope="session")
def glb(head: FaceRig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated head as GLB."""
    path = tmp_path_factory.mktemp("glb") / "head.glb"
    write_glb(head, path)
    return path


@pytest.fixture(scope="session")
def ict() -> Path:
    """ICT-FaceKit, packed."""
    path = SHARED / "data" / "face_ict" / "ict_face.npz"
    if not path.is_file():
        pytest.skip("no ICT-FaceKit: ../shared/data/face_ict/ict_face.npz is not beside the checkout")
    return path


class ObjFolder:
    """Writes the generated head as a folder of OBJ files.

    Args:
        folder: to write into.
        rig: the face.
        shapes: which to write.
        turn: (3, 3) from graphics axes to the file's.
        scale: units per metre.
    """

    def __init__(self, folder: Path, rig: FaceRig, turn: NDArray[np.float64] | None = None, scale: float = 1.0) -> None:
        self.folder, self.rig = folder, rig
        self.turn = np.eye(3) if turn is None else turn
        self.scale = scale

    def write(self, shapes: list[str], names: dict[str, str] | None = None, clockwise: bool = False) -> Path:
        """Write neutral.obj and the shapes, under other names where given."""
        self.folder.mkdir(parents=True, exist_ok=True)
        faces = self.rig.triangles[:, ::-1] if clockwise else self.rig.triangles
        lines = [f"f {a} {b} {c}" for a, b, c in faces + 1]
        self.file("neutral", self.rig.neutral, lines)
        for shape in shapes:
            moved = self.rig.neutral + self.rig.deltas[arkit.INDEX[shape]]
            self.file((names or {}).get(shape, shape), moved, [])
        return self.folder

    def file(self, name: str, points: NDArray[np.floating], faces: list[str]) -> None:
        """Write one mesh."""
        points = to_graphics(points) @ self.turn.T * self.scale
        vertices = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in points]
        (self.folder / f"{name}.obj").write_text("\n".join(["# test", *vertices, *faces]) + "\n")


SOME = [
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "jawOpen",
    "mouthSmileLeft",
    "mouthSmileRight",
    "browDownLeft",
    "browDownRight",
    "mouthFrownLeft",
    "mouthFrownRight",
]
"""Enough shapes to tell axes, size and landmarks."""


@pytest.fixture
def obj_folder(tmp_path: Path, head: FaceRig) -> ObjFolder:
    """A writer of OBJ folders."""
    return ObjFolder(tmp_path / "obj", head)
