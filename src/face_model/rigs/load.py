"""From a rig file to a `FaceRig`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.errors import RigFileError
from face_model.rig import FaceRig
from face_model.rigs.gltf import read_gltf
from face_model.rigs.landmarks import Face, Found, find_landmarks
from face_model.rigs.obj import read_obj_folder
from face_model.rigs.orientation import Pose, find_pose
from face_model.rigs.packed import read_npz
from face_model.rigs.paint import painted
from face_model.rigs.raw import RawFace
from face_model.rigs.regions import TRANSPARENT, kinds, weld
from face_model.rigs.sidecar import Sidecar, read_sidecar

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

HEAD_RADIUS_M: Final = 0.26
BELOW_EYES_M: Final = 0.22
"""What is farther from the eyes than a head and a neck reach is left out: bodies and clothes."""


@dataclass(frozen=True)
class LoadedFace:
    """A rig from a file.

    Attributes:
        rig: the face.
        identity: (K, V, 3) principal components of identity, one standard deviation each, m; K may be 0.
        pose: how the file's coordinates were understood.
        absent: ARKit shapes that the file does not have, zero in the rig.
        unknown: shapes of the file that are none of the 52.
        notes: what the reader had to decide.
    """

    rig: FaceRig
    identity: NDArray[np.float32]
    pose: Pose
    absent: Sequence[str]
    unknown: Sequence[str]
    notes: Sequence[str]


def load_face(path: Path) -> LoadedFace:
    """Read a .glb, .vrm, .gltf or .npz file or a folder of .obj files, with its sidecar.

    Raises:
        RigFileError: there is no such file, or it is no rig.
        RigFeatureError: it needs something that is not read.
        RigGeometryError: axes, size or landmarks cannot be told; a sidecar can say them.
    """
    sidecar = read_sidecar(path)
    raw = _read(path, sidecar)
    given = _given(raw, sidecar)
    sides = [given[name] for name in ("pupil_left", "pupil_right") if name in given]
    pupils = raw.vertices[sides] if len(sides) == 2 else None
    pose = find_pose(raw, axes=sidecar.axes, metres_per_unit=sidecar.metres_per_unit, pupils=pupils)
    surface = _Surface.of(raw, pose)
    notes = list(raw.notes)
    if surface.inside_out:
        surface = replace(surface, triangles=surface.triangles[:, ::-1])
        notes.append("triangles ran clockwise seen from outside and were turned round")
    kind = surface.kinds(sidecar.parts, pose.eyes_m)
    found = find_landmarks(
        Face(surface.vertices, surface.normals, kind, surface.motion[arkit.INDEX["jawOpen"]], pose.eyes_m),
        {name: int(surface.point[vertex]) for name, vertex in given.items()},
        surface.point[list(sidecar.lips)] if sidecar.lips else None,
    )
    order, cropped = _order(surface, kind, found, pose.eyes_m.mean(axis=0))
    if cropped:
        notes.append(f"{cropped} vertices were left out: away from the head, of no triangle, or seen through")
    rig = _rig(sidecar.name or path.stem or raw.source, surface, kind, found, order)
    absent = [name for name in arkit.BLENDSHAPES if not rig.deltas[arkit.INDEX[name]].any()]
    identity = (
        pose.vectors(raw.identity[:, surface.first[order]]) if len(raw.identity) else np.zeros((0, len(order), 3))
    )
    return LoadedFace(rig, identity.astype(np.float32), pose, absent, raw.unknown_shapes, notes)


def _read(path: Path, sidecar: Sidecar) -> RawFace:
    if path.is_dir():
        return read_obj_folder(path, sidecar.names)
    readers = {".glb": read_gltf, ".vrm": read_gltf, ".gltf": read_gltf, ".npz": read_npz}
    if not path.is_file() or path.suffix.lower() not in readers:
        found = "no file" if not path.is_file() else f"a file {path.suffix or 'without ending'}"
        raise RigFileError(
            f"expected a .glb, .vrm, .gltf or .npz file or a folder of .obj files at {path}, found {found}"
        )
    return readers[path.suffix.lower()](path, sidecar.names)


@dataclass(frozen=True)
class _Surface:
    """The mesh in `face_head`, every point stored once.

    Attributes:
        vertices: (V, 3) m.
        triangles: (T, 3).
        deltas: (52, V, 3) m.
        colors: (V, 3) sRGB, NaN where unknown.
        groups: name in the file to vertices.
        first: (V,) vertex in the file.
        point: (W,) vertex here of each vertex in the file.
    """

    vertices: Floats
    triangles: Indices
    deltas: NDArray[np.float32]
    colors: Floats
    groups: Mapping[str, Indices]
    first: Indices
    point: Indices

    @classmethod
    def of(cls, raw: RawFace, pose: Pose) -> _Surface:
        """Posed and welded; triangles of which corners coincide are left out."""
        vertices = pose.points(raw.vertices)
        names = list(raw.shapes)
        shapes = np.stack([pose.vectors(raw.shapes[name]) for name in names])
        point = weld(vertices, shapes)
        _, first = np.unique(point, return_index=True)
        triangles = point[raw.triangles]
        a, b, c = triangles.T
        triangles = triangles[(a != b) & (b != c) & (c != a)]
        deltas = np.zeros((arkit.COUNT, len(first), 3), np.float32)
        deltas[[arkit.INDEX[name] for name in names]] = shapes[:, first]
        groups = {name: np.unique(point[members]) for name, members in raw.groups.items()}
        return cls(vertices[first], triangles, deltas, raw.colors[first], groups, first, point)

    @cached_property
    def motion(self) -> Floats:
        """(52, V) how far each shape moves each vertex, m."""
        return np.asarray(np.linalg.norm(self.deltas, axis=2), dtype=np.float64)

    @cached_property
    def normals(self) -> Floats:
        """(V, 3) unit normals."""
        a, b, c = (self.vertices[self.triangles[:, k]] for k in range(3))
        face = np.cross(b - a, c - a)
        corner = self.triangles.T.ravel()
        sums = [np.bincount(corner, np.tile(face[:, k], 3), len(self.vertices)) for k in range(3)]
        normals = np.stack(sums, axis=1)
        return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30))

    @property
    def inside_out(self) -> bool:
        """Whether the skin that moves looks backwards."""
        return bool(self.normals[:, 0] @ self.motion.sum(axis=0) < 0.0)

    def kinds(self, parts: Mapping[str, Sequence[str]], eyes: Floats) -> NDArray[np.str_]:
        """What each vertex is part of, (V,); `parts` says it of some groups of the file."""
        kind = kinds(self.vertices, self.triangles, self.motion.max(axis=0), self.groups, eyes)
        for part, names in parts.items():
            for name in names:
                if name not in self.groups:
                    raise RigFileError(f"parts: expected one of {', '.join(self.groups)}, found {name}")
                kind[self.groups[name]] = part
        return kind


def _given(raw: RawFace, sidecar: Sidecar) -> dict[str, int]:
    """Landmarks of the sidecar as vertices of the file."""
    count = len(raw.vertices)
    given = {
        name: place
        if isinstance(place, int)
        else int(np.argmin(np.linalg.norm(raw.vertices - np.array(place), axis=1)))
        for name, place in sidecar.landmarks.items()
    }
    wrong = [vertex for vertex in (*given.values(), *sidecar.lips) if not 0 <= vertex < count]
    if wrong:
        raise RigFileError(f"sidecar of {raw.source}: expected vertices 0 to {count - 1}, found {wrong[0]}")
    return given


def _order(surface: _Surface, kind: NDArray[np.str_], found: Found, eyes: Floats) -> tuple[Indices, int]:
    """Vertices of the head, part by part, skin first; and how many others there are."""
    away = surface.vertices - eyes
    head = (np.linalg.norm(away + np.array([0.08, 0.0, 0.0]), axis=1) < HEAD_RADIUS_M) & (away[:, 2] > -BELOW_EYES_M)
    head &= ~np.isin(kind, TRANSPARENT)
    keep = np.zeros(len(head), dtype=bool)
    keep[surface.triangles[head[surface.triangles].all(axis=1)]] = True
    keep[[*found.landmarks.values(), *found.lips]] = True
    parts = ["skin", *sorted(set(kind.tolist()) - {"skin"})]
    order = np.concatenate([np.flatnonzero(keep & (kind == part)) for part in parts])
    return order, int(len(keep) - keep.sum())


def _rig(name: str, surface: _Surface, kind: NDArray[np.str_], found: Found, order: Indices) -> FaceRig:
    place = np.full(len(surface.vertices), -1)
    place[order] = np.arange(len(order))
    triangles = place[surface.triangles]
    ordered = kind[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    parts = {str(ordered[a]): slice(int(a), int(b)) for a, b in zip(starts, [*starts[1:], len(order)], strict=True)}
    vertices = surface.vertices[order]
    landmarks = {landmark: int(place[vertex]) for landmark, vertex in found.landmarks.items()}
    lips = np.unique(place[found.lips])
    pupils = vertices[[landmarks["pupil_left"], landmarks["pupil_right"]]]
    return FaceRig(
        name=name,
        neutral=vertices.astype(np.float32),
        triangles=triangles[(triangles >= 0).all(axis=1)].astype(np.int32),
        deltas=surface.deltas[:, order],
        colors=painted(surface.colors[order], vertices, ordered, pupils, lips),
        parts=parts,
        landmarks=landmarks,
        lip_vertices=lips.astype(np.int32),
    )
