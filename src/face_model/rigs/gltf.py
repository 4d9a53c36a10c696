"""glTF 2.0 and GLB faces with morph targets: meshes posed as the file shows them, joined into one.

Specification: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html, sections 3.5 (transformations), 3.7.2 (meshes,
morph targets) and 3.7.3 (skins). Names of morph targets: see `gltf_names`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_model import rotation
from face_model.errors import RigFileError
from face_model.rigs.accessors import DAMAGE, Attributes, Document
from face_model.rigs.gltf_color import vertex_colors
from face_model.rigs.gltf_names import target_names
from face_model.rigs.names import match_all, still_notes
from face_model.rigs.raw import RawFace

TRIANGLES, STRIP, FAN = 4, 5, 6
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Piece:
    """One primitive in the scene's axes."""

    name: str
    vertices: Floats
    triangles: NDArray[np.int64]
    colors: Floats
    targets: Mapping[str, Floats]
    unnamed: int


MOST_MOVED = 30_000_000
"""Vertices times morph targets of a file, over all meshes: ten times a detailed avatar, 700 MB."""


class _Budget:
    """Counts what is held in memory, so that a small file that refers to one accessor a thousand times is refused."""

    def __init__(self, path: Path) -> None:
        self._path, self._left = path, MOST_MOVED

    def take(self, amount: int) -> None:
        """Count `amount` vertices more."""
        self._left -= amount
        if self._left < 0:
            raise RigFileError(
                f"{self._path}: expected at most {MOST_MOVED} moved vertices in all morph targets, found more; "
                "export the face alone"
            )


def read_gltf(path: Path, names: Mapping[str, str] | None = None) -> RawFace:
    """Read every mesh of the file's scene.

    Args:
        path: a .gltf or .glb file.
        names: names of morph targets to ARKit names, where they cannot be guessed.

    Raises:
        RigFileError: damaged, or without ARKit shapes.
        RigFeatureError: compressed.
    """
    document, budget = Document(path), _Budget(path)
    try:
        pieces = [piece for node, matrix in _nodes(document) for piece in _pieces(document, node, matrix, budget)]
    except RigFileError:
        raise
    except DAMAGE as error:
        raise RigFileError(f"{path}: expected meshes as in glTF 2.0, found: {error}") from error
    if not pieces:
        raise RigFileError(f"{path}: expected triangle meshes in the scene, found none")
    unnamed = sum(piece.unnamed for piece in pieces)
    if unnamed and not any(piece.targets for piece in pieces):
        raise RigFileError(
            f"{path}: expected names of the {unnamed} morph targets in mesh.extras.targetNames, found none; "
            "export with shape key names"
        )
    for piece in pieces:
        if piece.unnamed:
            document.note(f"{piece.name or 'a mesh'}: {piece.unnamed} morph targets without a name, left out")
    return _joined(path, pieces, names, document.notes)


def _nodes(document: Document) -> Iterator[tuple[Any, Floats]]:
    """Nodes that hold a mesh, with their (4, 4) transformation to the scene."""
    content = document.content
    worlds = _worlds(content)
    for i, node in enumerate(content.nodes):
        if node.mesh is not None and i in worlds:
            yield node, _skinned(document, node, worlds) if node.skin is not None else worlds[i]


def _worlds(content: Any) -> dict[int, Floats]:
    """Transformation of every node that the scene reaches."""
    children = {child for node in content.nodes for child in node.children or []}
    roots = [i for i in range(len(content.nodes)) if i not in children]
    if content.scenes:
        roots = content.scenes[content.scene or 0].nodes or roots
    worlds: dict[int, Floats] = {}
    pending = [(root, np.eye(4)) for root in roots]
    while pending:
        i, parent = pending.pop()
        if i in worlds:
            raise RigFileError(f"expected nodes to form a tree, found node {i} twice")
        worlds[i] = parent @ _local(content.nodes[i])
        pending += [(child, worlds[i]) for child in content.nodes[i].children or []]
    return worlds


def _local(node: Any) -> Floats:
    if node.matrix:
        return np.array(node.matrix, dtype=np.float64).reshape(4, 4).T
    matrix = np.eye(4)
    turn = rotation.to_matrix(np.array(node.rotation or [0.0, 0.0, 0.0, 1.0], dtype=np.float64))
    matrix[:3, :3] = turn * np.array(node.scale or [1.0, 1.0, 1.0])
    matrix[:3, 3] = node.translation or [0.0, 0.0, 0.0]
    return matrix


def _skinned(document: Document, node: Any, worlds: Mapping[int, Floats]) -> Floats:
    """(J, 4, 4): where each joint takes its vertices in the pose of the file; the node's own place does not count."""
    skin = document.content.skins[node.skin]
    joints = np.stack([worlds[joint] for joint in skin.joints])
    if skin.inverseBindMatrices is None:
        return joints
    return np.asarray(joints @ document.array(skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1))


def _pieces(document: Document, node: Any, matrix: Floats, budget: _Budget) -> Iterator[_Piece]:
    mesh = document.content.meshes[node.mesh]
    for primitive in mesh.primitives:
        if primitive.mode not in (None, TRIANGLES, STRIP, FAN):
            continue
        attributes = Attributes(document, primitive)
        points = attributes["POSITION"]
        count = len(points)
        budget.take(count)
        posed = matrix if matrix.ndim == 2 else _posed(document, node, attributes, matrix)
        linear = posed[..., :3, :3]
        corners = attributes.corners(count)
        triangles = _triangles(corners, primitive.mode)
        if np.linalg.det(linear.reshape(-1, 3, 3)[0]) < 0.0:  # mirrored by its transformation
            triangles = triangles[:, ::-1]
        yield _Piece(
            name=_name(document, node, mesh, primitive),
            vertices=_apply(linear, points) + posed[..., :3, 3],
            triangles=triangles,
            colors=vertex_colors(document, primitive, attributes, count),
            targets={
                name: _apply(linear, moved) for name, moved in _targets(document, node.mesh, primitive, count, budget)
            },
            unnamed=target_names(document.content, node.mesh, primitive, len(primitive.targets or [])).count(None),
        )


def _posed(document: Document, node: Any, attributes: Attributes, joints: Floats) -> Floats:
    """(V, 4, 4): where the joints (J, 4, 4) take each vertex."""
    share, joint = attributes["WEIGHTS_0"], attributes["JOINTS_0"]
    total = share.sum(axis=1)
    loose = ~(total > 0.0)
    if loose.any():
        # As viewers do: such a vertex follows the first joint that it names.
        share = np.where(loose[:, None], np.eye(share.shape[1])[0], share)
        total = np.where(loose, 1.0, total)
        document.note(f"{node.name or 'a mesh'}: {int(loose.sum())} vertices without joint weights follow one joint")
    posed = np.einsum("vj,vjab->vab", share, joints[joint])
    return np.asarray(posed / total[:, None, None])


def _apply(linear: Floats, vectors: Floats) -> Floats:
    """One (3, 3), or one per vertex (V, 3, 3), to (V, 3)."""
    return np.asarray(np.einsum("...ab,...b->...a", linear, vectors))


def _triangles(corners: NDArray[np.int64], mode: int | None) -> NDArray[np.int64]:
    if mode in (None, TRIANGLES):
        return corners[: len(corners) // 3 * 3].reshape(-1, 3)
    if mode == FAN:
        return np.stack([np.full(len(corners) - 2, corners[0]), corners[1:-1], corners[2:]], axis=1)
    strip = np.stack([corners[:-2], corners[1:-1], corners[2:]], axis=1)
    strip[1::2] = strip[1::2, ::-1]
    return strip


def _targets(
    document: Document, mesh: int, primitive: Any, count: int, budget: _Budget
) -> Iterator[tuple[str, Floats]]:
    """Name and displacements (count, 3) of each morph target that has a name and moves positions."""
    targets = primitive.targets or []
    for label, target in zip(target_names(document.content, mesh, primitive, len(targets)), targets, strict=True):
        accessor = target.get("POSITION") if isinstance(target, dict) else target.POSITION
        if accessor is None or label is None:
            continue
        budget.take(count)
        moved = document.array(accessor)
        if len(moved) != count:
            raise RigFileError(f"{document.path}: {label}: expected {count} vertices, found {len(moved)}")
        yield label, moved


def _name(document: Document, node: Any, mesh: Any, primitive: Any) -> str:
    material = None if primitive.material is None else document.content.materials[primitive.material].name
    return "/".join(str(part) for part in (node.name or mesh.name, material) if part)


def _joined(path: Path, pieces: list[_Piece], names: Mapping[str, str] | None, notes: list[str]) -> RawFace:
    starts = np.cumsum([0, *(len(piece.vertices) for piece in pieces)])
    groups: dict[str, slice] = {}
    for i, piece in enumerate(pieces):
        name = piece.name or "mesh"
        groups[name if name not in groups else f"{name}.{i}"] = slice(int(starts[i]), int(starts[i + 1]))
    found = dict.fromkeys(name for piece in pieces for name in piece.targets)
    still = {n for n in found if not any(n in piece.targets and piece.targets[n].any() for piece in pieces)}
    matches = match_all((name for name in found if name not in still), names)
    shapes = {}
    for shape, parts in matches.shapes.items():
        shapes[shape] = np.zeros((starts[-1], 3), np.float32)
        for i, piece in enumerate(pieces):
            for part in parts:
                if part in piece.targets:
                    shapes[shape][starts[i] : starts[i + 1]] += piece.targets[part].astype(np.float32)
    return RawFace(
        source=path.name,
        vertices=np.concatenate([piece.vertices for piece in pieces]),
        triangles=np.concatenate([piece.triangles + start for piece, start in zip(pieces, starts, strict=False)]),
        shapes=shapes,
        groups=groups,
        colors=np.concatenate([piece.colors for piece in pieces]),
        unknown_shapes=matches.unknown,
        notes=(*notes, *matches.notes, *still_notes(still, names)),
    )
