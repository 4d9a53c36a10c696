"""From construction millimetres to a `FaceRig` in metres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.faces import HEAD
from face_model.rig import Corrective, FaceRig
from imu_sim.head import proportions as prop
from imu_sim.head.anatomy import TYPICAL, Anatomy, random_anatomy
from imu_sim.head.form import form_of, mean_mesh
from imu_sim.head.half import Region
from imu_sim.head.identity import MEAN, Identity, random_identity
from imu_sim.head.kinds import random_kind
from imu_sim.head.mesh import HeadMesh
from imu_sim.head.shapes import Shapes, build_shapes

TO_FACE_HEAD_MM: Final = np.array([0.0, 0.0, prop.PUPIL_HEIGHT_MM])
"""From the pupil line to the line between the ears."""


@lru_cache(maxsize=4)
def build_head(identity: Identity = MEAN, anatomy: Anatomy = TYPICAL) -> FaceRig:
    """Generate a head: the same bits every time on one machine; the mean, typical one without arguments.

    Parts: skin, brows, ears, sockets, mouth, teeth_upper, teeth_lower, tongue, eye_left, eye_right. Topology, colours
    and landmarks are the same for every head. The mean head is mirror symmetric, and so are left and right shapes of
    a typical anatomy. The first head takes about two seconds, later ones a fraction of one.
    """
    return assemble("imusic head", identity, anatomy)


def assemble(name: str, identity: Identity, anatomy: Anatomy) -> FaceRig:
    """`build_head` under another name and without keeping the result."""
    frame = _frame()
    shapes = build_shapes(form_of(identity), anatomy, identity.eye_open)
    neutral = ((shapes.points + TO_FACE_HEAD_MM) * prop.MM).astype(np.float32)
    deltas = (shapes.deltas * prop.MM).astype(np.float32)
    for array in (neutral, deltas):
        array.setflags(write=False)
    return FaceRig(
        name=name,
        neutral=neutral,
        triangles=frame.triangles,
        deltas=deltas,
        colors=frame.colors,
        parts=frame.parts,
        landmarks=frame.landmarks,
        lip_vertices=frame.lip_vertices,
        correctives=_correctives(shapes),
    )


def _correctives(shapes: Shapes) -> tuple[Corrective, ...]:
    made = []
    for (first, second), moved in shapes.correctives.items():
        delta = (moved * prop.MM).astype(np.float32)
        delta.setflags(write=False)
        made.append(Corrective((arkit.INDEX[first], arkit.INDEX[second]), delta))
    return tuple(made)


@dataclass(frozen=True)
class _Frame:
    """What every head shares; the attributes are those of `FaceRig`."""

    triangles: NDArray[np.int32]
    colors: NDArray[np.uint8]
    parts: Mapping[str, slice]
    landmarks: Mapping[str, int]
    lip_vertices: NDArray[np.int32]


@lru_cache(maxsize=1)
def _frame() -> _Frame:
    mesh = mean_mesh()
    triangles = mesh.triangles.astype(np.int32)
    colors = np.clip(np.rint(mesh.color), 0.0, 255.0).astype(np.uint8)
    lips = np.flatnonzero((mesh.region == Region.LIP) & (mesh.s <= 1.0)).astype(np.int32)
    for array in (triangles, colors, lips):
        array.setflags(write=False)
    return _Frame(triangles, colors, MappingProxyType(dict(mesh.parts)), MappingProxyType(_landmarks(mesh)), lips)


def _landmarks(mesh: HeadMesh) -> dict[str, int]:
    lips = np.flatnonzero((mesh.region == Region.LIP) & (mesh.s == 0.0))
    skin = np.arange(mesh.parts["skin"].start, mesh.parts["skin"].stop)
    midline = skin[(mesh.side[skin] == 0) & (mesh.points[skin, 0] > 40.0)]
    chin = midline[np.argmin(np.abs(mesh.points[midline, 2] + 100.0))]
    middle = lips[mesh.side[lips] == 0]
    height = np.sin(mesh.phi[middle])
    return {
        "pupil_left": mesh.parts["eye_left"].start,
        "pupil_right": mesh.parts["eye_right"].start,
        "mouth_corner_left": int(lips[np.argmax(mesh.points[lips, 1])]),
        "mouth_corner_right": int(lips[np.argmin(mesh.points[lips, 1])]),
        "lip_upper": int(middle[np.argmax(height)]),
        "lip_lower": int(middle[np.argmin(height)]),
        "nose_tip": int(midline[np.argmax(mesh.points[midline, 0])]),
        "chin": int(chin),
    }


_KINDS: Final = 0xF47E
_STREAM: Final = 0x4EAD
"""Keep these draws apart from others with the same seed."""


@dataclass(frozen=True)
class HeadFamily:
    """People around the mean head (`imu_sim.families.FaceFamily`): how they are built, and how their faces move.

    Attributes:
        kind: 0 for our own kind of face; any other number is the seed of another (see `imu_sim.head.kinds`), whose
            people differ as much among each other as ours.
    """

    kind: int = 0

    @property
    def name(self) -> str:
        """`head`, or `head:3` for kind 3."""
        return f"{HEAD}:{self.kind}" if self.kind else HEAD

    def typical(self) -> FaceRig:
        """The mean head with the typical anatomy of its kind."""
        if not self.kind:
            return build_head()
        kind = random_kind(self.kind)
        return kind.applied(assemble(self.name, MEAN, kind.centre.typical))

    def subject(self, seed: int) -> FaceRig:
        """A random person; the same seed, the same person."""
        form, motion = np.random.default_rng([seed, _STREAM]).spawn(2)
        if not self.kind:
            return assemble(f"{self.name} {seed}", random_identity(form), random_anatomy(motion))
        kind = random_kind(self.kind)
        return kind.applied(assemble(f"{self.name} {seed}", random_identity(form), random_anatomy(motion, kind.centre)))


@dataclass(frozen=True)
class ManyKinds:
    """People of many kinds of heads, `first` to `last`: each belongs to one of them."""

    first: int
    last: int

    @property
    def name(self) -> str:
        """Such as `head:1-40`."""
        return f"{HEAD}:{self.first}-{self.last}"

    def typical(self) -> FaceRig:
        """Our own: there is nothing typical about many kinds."""
        return build_head()

    def subject(self, seed: int) -> FaceRig:
        """A random person; the same seed, the same person."""
        kind = int(np.random.default_rng([seed, _KINDS]).integers(self.first, self.last + 1))
        return HeadFamily(kind).subject(seed)
