"""ICT-FaceKit's light model packed into one npz file.

ICT-FaceKit (USC Institute for Creative Technologies, MIT licence): R. Li et al., "Learning Formation of
Physically-Based Face Attributes", CVPR 2020. Arrays: `neutral` (V, 3) m, `triangles` (T, 3), `names` (S,),
`deltas` (S, V, 3) m and `identity` (K, V, 3) m, one standard deviation each; y up, z out of the face, x to its left.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from face_model.errors import RigFileError
from face_model.npz import DAMAGE, read_arrays
from face_model.rigs.names import match_all, still_notes
from face_model.rigs.raw import RawFace

ICT_VERTICES = 26719
ICT_GROUPS = {
    "skin": slice(0, 11248),
    "mouth": slice(11248, 13294),
    "sockets": slice(13294, 14062),
    "gums_tongue": slice(14062, 17039),
    "teeth": slice(17039, 21451),
    "eye_left": slice(21451, 23021),
    "eye_right": slice(23021, 24591),
    "eye_surface": slice(24591, 25351),
    "lashes": slice(25351, ICT_VERTICES),
}
"""Vertex ranges of the ICT-FaceKit topology, from its README ("Geometry and vertex indices")."""


def read_npz(path: Path, names: Mapping[str, str] | None = None) -> RawFace:
    """Read a packed face.

    Args:
        path: of the file.
        names: names in the file to ARKit names, where they cannot be guessed.

    Raises:
        RigFileError: no npz file, arrays missing, or their shapes do not agree.
    """
    try:
        arrays = read_arrays(path)
    except DAMAGE as error:
        raise RigFileError(f"{path}: expected an npz file of arrays, found: {error}") from error
    missing = [name for name in ("neutral", "triangles", "names", "deltas") if name not in arrays]
    if missing:
        raise RigFileError(
            f"{path}: expected arrays neutral, triangles, names, deltas, found {', '.join(arrays) or 'none'}"
        )
    neutral, triangles, deltas = arrays["neutral"], arrays["triangles"], arrays["deltas"]
    labels = [str(name) for name in arrays["names"].ravel()]
    identity = arrays.get("identity", np.zeros((0, len(neutral), 3)))
    shapes_agree = (
        neutral.ndim == 2
        and neutral.shape[1] == 3
        and triangles.ndim == 2
        and triangles.shape[1] == 3
        and deltas.shape == (len(labels), *neutral.shape)
        and identity.shape[1:] == neutral.shape
    )
    if not shapes_agree:
        found = {name: array.shape for name, array in arrays.items()}
        raise RigFileError(
            f"{path}: expected neutral (V, 3), triangles (T, 3), names (S,), deltas (S, V, 3), identity (K, V, 3), "
            f"found {found}"
        )
    still = {label for label, delta in zip(labels, deltas, strict=True) if not delta.any()}
    matches = match_all([label for label in labels if label not in still], names)
    row = {label: i for i, label in enumerate(labels)}
    rows = {shape: [row[part] for part in parts] for shape, parts in matches.shapes.items()}
    shapes = {shape: deltas[found].sum(axis=0, dtype=np.float32) for shape, found in rows.items()}
    return RawFace(
        source=path.name,
        vertices=neutral.astype(np.float64),
        triangles=triangles.astype(np.int64),
        shapes=shapes,
        groups=ICT_GROUPS if len(neutral) == ICT_VERTICES else {},
        colors=np.full(neutral.shape, np.nan),
        unknown_shapes=matches.unknown,
        notes=(*matches.notes, *still_notes(still, names)),
        identity=identity.astype(np.float32),
    )
