"""A folder of Wavefront OBJ files of one topology: `neutral.obj`, and one file per shape.

Read here and not by a mesh library, because those split and reorder vertices at texture seams; of an OBJ file only
`v` (with colours, where they are) and `f` matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_model.errors import RigFileError
from face_model.rigs.names import match, match_all, still_notes
from face_model.rigs.raw import MOST_VERTICES, RawFace

NEUTRAL = ("neutral", "base", "basis", "rest")
"""Names a neutral face may have."""


def read_obj_folder(folder: Path, names: Mapping[str, str] | None = None) -> RawFace:
    """Read a folder.

    Args:
        folder: holds `neutral.obj` and the shapes, vertices in the same order in all.
        names: file stem to ARKit name, where it cannot be guessed.

    Raises:
        RigFileError: no neutral face, a file that is no OBJ, or other numbers of vertices.
    """
    files = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() == ".obj"}
    neutral_name = next((stem for wanted in NEUTRAL for stem in files if stem.lower().endswith(wanted)), None)
    if neutral_name is None:
        raise RigFileError(f"{folder}: expected neutral.obj, found {', '.join(files) or 'no .obj file'}")
    vertices, colors, lines = _read(files.pop(neutral_name))
    triangles, groups = _faces(lines, len(vertices), folder / f"{neutral_name}.obj")
    moves = {stem: _move(path, vertices, neutral_name) for stem, path in files.items() if _is_shape(stem, names)}
    still = [stem for stem, move in moves.items() if not move.any()]
    matches = match_all([stem for stem in files if stem not in still], names)
    shapes = {
        shape: np.sum([moves[stem] for stem in stems], axis=0).astype(np.float32)
        for shape, stems in matches.shapes.items()
    }
    notes = (*matches.notes, *still_notes(still, names))
    return RawFace(folder.name, vertices, triangles, shapes, groups, colors, matches.unknown, notes)


def _is_shape(stem: str, names: Mapping[str, str] | None) -> bool:
    return bool(names and stem in names) or match(stem) is not None


def _move(path: Path, vertices: NDArray[np.float64], neutral_name: str) -> NDArray[np.float64]:
    moved, _, _ = _read(path)
    if len(moved) != len(vertices):
        raise RigFileError(
            f"{path}: expected {len(vertices)} vertices as in {neutral_name}.obj, found {len(moved)}; "
            f"export all shapes with the vertex order kept"
        )
    return np.asarray(moved - vertices)


def _read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Vertices (V, 3), colours (V, 3) sRGB 0 to 255 or NaN, and all lines."""
    try:
        # Some tools put a byte order mark in front, and tabs between.
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        rows = [[float(value) for value in words[1:]] for line in lines if (words := line.split())[:1] == ["v"]]
    except (OSError, ValueError) as error:
        raise RigFileError(f"{path}: expected a Wavefront OBJ file, found: {error}") from error
    if not rows or min(map(len, rows)) < 3 or len(rows) > MOST_VERTICES:
        raise RigFileError(f"{path}: expected lines `v x y z`, found {len(rows)} vertices (at most {MOST_VERTICES})")
    vertices = np.array([row[:3] for row in rows])
    colors = np.array([[255.0 * c for c in row[3:6]] if len(row) >= 6 else [np.nan] * 3 for row in rows])
    return vertices, colors, lines


def _faces(lines: list[str], count: int, path: Path) -> tuple[NDArray[np.int64], dict[str, slice]]:
    """Triangles, polygons cut into fans, and the range of vertices that each object's or group's faces use."""
    triangles: list[tuple[int, int, int]] = []
    spans: dict[str, tuple[int, int]] = {}
    group = ""
    for number, line in enumerate(lines, 1):
        kind, _, rest = line.strip().replace("\t", " ").partition(" ")
        if kind in ("o", "g"):
            group = rest.strip()
        elif kind == "f":
            try:
                corners = [_index(corner, count) for corner in rest.split()]
            except ValueError as error:
                raise RigFileError(f"{path}, line {number}: expected vertex indices, found {line[:80]!r}") from error
            if not corners:
                continue
            triangles += [(corners[0], b, c) for b, c in pairwise(corners[1:])]
            low, high = spans.get(group, (count, -1))
            spans[group] = (min(low, *corners), max(high, *corners))
    groups = {name: slice(low, high + 1) for name, (low, high) in spans.items() if name}
    # Ranges that overlap tell nothing: some tools name materials, not objects.
    ends = sorted((part.start, part.stop) for part in groups.values())
    apart = all(stop <= start for (_, stop), (start, _) in pairwise(ends))
    return np.array(triangles, dtype=np.int64).reshape(-1, 3), groups if apart else {}


def _index(corner: str, count: int) -> int:
    """Zero-based vertex of `7`, `7/1`, `7//3` or `-1` (counted from the last vertex, all of which come first)."""
    value = int(corner.split("/")[0])
    place = value - 1 if value > 0 else count + value
    if not value or not 0 <= place < count:
        raise ValueError(f"expected 1 to {count} or -{count} to -1, found {value}")
    return place
