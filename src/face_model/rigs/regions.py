"""What belongs together in a mesh: points stored twice, connected pieces, and which piece is skin, eye or tooth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from face_model.errors import RigGeometryError

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

SAME_M: Final = 1e-6
"""Points this near, that also move alike, are one point stored twice for the sake of textures."""
MOVES_M: Final = 1e-4
"""What no shape moves farther than this is taken to be at rest."""
EYE_RADIUS_M: Final = (0.008, 0.019)
"""Eyeballs have a radius of 12 mm; artists take liberties."""
ROUND: Final = 0.08
"""Spread of the distances to the centre over the radius below which a piece is a ball, cornea included; a guess."""

NAMED: Final = (
    ("lashes", r"lash"),
    ("brows", r"brow"),
    ("hair", r"hair|beard|mustache|cap\b"),
    ("glasses", r"glass"),
    ("eye_surface", r"eye.*(occl|shadow|tear|wet|aqua|lacr)|tearline|lacrimal"),
    ("teeth", r"teeth|tooth|gum"),
    ("tongue", r"tongue"),
    ("eye", r"eye(?!lid)"),
    ("clothes", r"outfit|cloth|shirt|footwear|hands?\b"),
)
"""Kinds of pieces by what tools call their meshes and materials, the first match counts."""
TRANSPARENT: Final = ("eye_surface", "glasses", "lashes")
"""Kinds that are seen through, at least in part, and that nothing here can draw so."""
KINDS: Final = ("skin", "eye_left", "eye_right", "eye_surface", "mouth", "sockets", "gums_tongue")
"""Kinds that a file may name as such."""


def weld(vertices: Floats, shapes: Floats) -> Indices:
    """For each vertex the number of the point it is, (V,), points in order of their first vertices.

    Args:
        vertices: (V, 3) m.
        shapes: (S, V, 3) m; vertices that move differently, such as lips that touch, stay apart.
    """
    # Motion in all shapes at once, seen along a few fixed random directions.
    rng = np.random.default_rng(0)
    seen = np.einsum("svc,sck->vk", shapes, rng.normal(size=(len(shapes), 3, 3)), optimize=True)
    keys = np.round(np.concatenate([vertices / SAME_M, seen / (4.0 * SAME_M)], axis=1)).astype(np.int64)
    _, first, point = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    return np.asarray(order[point.ravel()], dtype=np.int64)


def pieces(triangles: Indices, count: int) -> Indices:
    """Number of the connected piece of each vertex, (V,)."""
    ends = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    graph = coo_array((np.ones(len(ends), dtype=bool), ends.T), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def kinds(
    vertices: Floats, triangles: Indices, motion: Floats, groups: Mapping[str, Indices], eyes: Floats
) -> NDArray[np.str_]:
    """What each vertex is part of, (V,): `skin`, `eye_left`, `eye_right`, `teeth`, `tongue`, ... or `other`.

    Skin is what the file names so, else the connected piece with the most moving vertices.

    Args:
        vertices: (V, 3) m, `face_head`.
        triangles: (T, 3).
        motion: (V,) how far anything moves the vertex, m.
        groups: name in the file to indices of vertices.
        eyes: (2, 3) the left and the right eye, m.

    Raises:
        RigGeometryError: nothing moves.
    """
    piece = pieces(triangles, len(vertices))
    known = np.full(len(vertices), "", dtype="<U12")
    for name, members in groups.items():
        known[members] = _kind_of(name)
    moves = motion > MOVES_M
    if not moves.any():
        raise RigGeometryError(f"expected skin that the shapes move by more than {MOVES_M} m, found none")
    kind = np.where(known == "", "other", known)
    for number in np.unique(piece):
        members = np.flatnonzero(piece == number)
        side = _eyeball_side(vertices[members], eyes)
        if side and known[members[0]] in ("", "eye"):
            kind[members] = f"eye_{side}"
    if not (kind == "skin").any():
        candidates = moves & (kind == "other") if (moves & (kind == "other")).any() else moves
        largest = int(np.argmax(np.bincount(piece[candidates])))
        kind[(piece == largest) & (kind == "other" if candidates is not moves else True)] = "skin"
    # Named as eyes, but no balls: the nearer side.
    nearer = np.where(vertices[:, 1] > eyes[:, 1].mean(), "eye_left", "eye_right")
    return np.where(kind == "eye", nearer, kind)


def _kind_of(name: str) -> str:
    if name in KINDS:
        return name
    return next((kind for kind, pattern in NAMED if re.search(pattern, name.lower())), "")


def _eyeball_side(points: Floats, eyes: Floats) -> str:
    """Which eye a piece is, by its form and place; empty if none."""
    if len(points) < 20:
        return ""
    # Sphere by linear least squares: |p|^2 = 2 p.c + (r^2 - |c|^2).
    middle = points.mean(axis=0)
    local = points - middle
    solution, *_ = np.linalg.lstsq(
        np.concatenate([2.0 * local, np.ones((len(local), 1))], axis=1), np.sum(local**2, axis=1), rcond=None
    )
    radius = float(np.sqrt(max(solution[3] + solution[:3] @ solution[:3], 0.0)))
    spread = float(np.std(np.linalg.norm(local - solution[:3], axis=1)))
    if not EYE_RADIUS_M[0] < radius < EYE_RADIUS_M[1] or spread > ROUND * radius:
        return ""
    ball = solution[:3] + middle
    near = np.linalg.norm(eyes - ball, axis=1) < 2.0 * radius
    return ("left" if near[0] else "right") if near.any() else ""
