"""glTF 2.0 and GLB faces with morph targets: meshes posed as the file shows them, joined into one.

Specification: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html, sections 3.5 (transformations), 3.7.2 (meshes,
morph targets) and 3.7.3 (skins). Names of morph targets stand in `mesh.extras.targetNames`, as exporters agree.
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
from face_model.rigs.accessors import DAMAGE, Document
from face_model.rigs.gltf_color import vertex_colors
from face_model.rigs.names import match_all
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


def read_gltf(path: Path, names: Mapping[str, str] | None = None) -> RawFace:
    """Read every mesh of the file's scene.

    Args:
        path: a .gltf or .glb file.
        names: names of morph targets to ARKit names, where they cannot be guessed.

    Raises:
        RigFileError: damaged, or without ARKit shapes.
        RigFeatureError: compressed.
    """
    document = Document(path)
    try:
        pieces = [piece for node, matrix in _nodes(document) for piece in _pieces(document, node, matrix)]
    except RigFileError:
        raise
    except DAMAGE as error:
        raise RigFileError(f"{path}: expected meshes as in glTF 2.0, found: {error}") from error
    if not pieces:
        raise RigFileError(f"{path}: expected triangle meshes in the scene, found none")
    return _joined(path, pieces, names)


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


def _pieces(document: Document, node: Any, matrix: Floats) -> Iterator[_Piece]:
    mesh = document.content.meshes[node.mesh]
    for primitive in mesh.primitives:
        if primitive.mode not in (None, TRIANGLES, STRIP, FAN):
            continue
        attributes = primitive.attributes
        points = document.array(attributes.POSITION)
        posed = matrix
        if matrix.ndim == 3:
            share = document.array(attributes.WEIGHTS_0)
            posed = np.einsum("vj,vjab->vab", share, matrix[document.array(attributes.JOINTS_0)])
            posed = posed / share.sum(axis=1)[:, None, None]
        linear = posed[..., :3, :3]
        count = len(points)
        corners = np.arange(count) if primitive.indices is None else document.array(primitive.indices)[:, 0]
        triangles = _triangles(corners, primitive.mode)
        if np.linalg.det(linear.reshape(-1, 3, 3)[0]) < 0.0:  # mirrored by its transformation
            triangles = triangles[:, ::-1]
        yield _Piece(
            name=_name(document, node, mesh, primitive),
            vertices=_apply(linear, points) + posed[..., :3, 3],
            triangles=triangles,
            colors=vertex_colors(document, primitive, count),
            targets={name: _apply(linear, moved) for name, moved in _targets(document, mesh, primitive, count)},
        )


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


def _targets(document: Document, mesh: Any, primitive: Any, count: int) -> Iterator[tuple[str, Floats]]:
    """Name and displacements (count, 3) of each morph target that moves positions."""
    targets = primitive.targets or []
    extras = [e for e in (primitive.extras, mesh.extras) if isinstance(e, dict) and "targetNames" in e]
    if targets and not extras:
        raise RigFileError(
            f"{document.path}: expected names of the {len(targets)} morph targets in mesh.extras.targetNames, "
            f"found none; export with shape key names"
        )
    labels = extras[0]["targetNames"] if extras else []
    if len(labels) < len(targets):
        raise RigFileError(f"{document.path}: expected {len(targets)} names of morph targets, found {len(labels)}")
    for label, target in zip(labels, targets, strict=False):
        accessor = target.get("POSITION") if isinstance(target, dict) else target.POSITION
        if accessor is None:
            continue
        moved = document.array(accessor)
        if len(moved) != count:
            raise RigFileError(f"{document.path}: {label}: expected {count} vertices, found {len(moved)}")
        yield str(label), moved


def _name(document: Document, node: Any, mesh: Any, primitive: Any) -> str:
    material = None if primitive.material is None else document.content.materials[primitive.material].name
    return "/".join(str(part) for part in (node.name or mesh.name, material) if part)


def _joined(path: Path, pieces: list[_Piece], names: Mapping[str, str] | None) -> RawFace:
    starts = np.cumsum([0, *(len(piece.vertices) for piece in pieces)])
    groups: dict[str, slice] = {}
    for i, piece in enumerate(pieces):
        name = piece.name or "mesh"
        groups[name if name not in groups else f"{name}.{i}"] = slice(int(starts[i]), int(starts[i + 1]))
    matches = match_all((name for piece in pieces for name in piece.targets), names)
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
        notes=matches.notes,
    )
