"""A FLAME or SMPL-X model as its own file has it: what a face of it is made of.

Layout of both: `v_template` (V, 3) m, `f` (T, 3), `shapedirs` (V, 3, K) of which the last are expressions,
`J_regressor` (J, V), `weights` (V, J), `posedirs` (V, 3, 9 (J - 1)). Axes: y up, z ahead, x to the person's left.
FLAME: T. Li et al., "Learning a model of facial shape and expression from 4D scans", 2017. SMPL-X: G. Pavlakos et al.,
2019. Numbers of joints and columns are those of the public loader, https://github.com/vchoutas/smplx, `body_models.py`
and `joint_names.py`.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from face_model.frames import from_graphics
from face_model.npz import DAMAGE
from face_model.share import expanded
from face_retarget.errors import RetargetError
from face_retarget.flame.arrays_of_pickle import MOST_BYTES, arrays_of_pickle

Floats = NDArray[np.float64]

NEEDED: Final = ("v_template", "f", "shapedirs", "J_regressor", "weights")
USED: Final = (*NEEDED, "posedirs")
IDENTITY_COLUMNS: Final = {400: 300, 20: 10}
"""Columns of `shapedirs` in all, and how many of them are identity: the rest are expressions."""
SKINNED: Final = 0.5
"""A vertex belongs to a joint that has more than this of it."""


@dataclass(frozen=True)
class Kind:
    """Which joint is which."""

    name: str
    jaw: int
    eyes: tuple[int, int]
    head: tuple[int, ...]


KINDS: Final = {5: Kind("FLAME", 2, (3, 4), (0, 1, 2, 3, 4)), 55: Kind("SMPL-X", 22, (23, 24), (15, 22, 23, 24))}
"""By number of joints."""


@dataclass(frozen=True, eq=False)
class HeadModel:
    """The head of a model, `V` vertices of it, in `face_head` axes and metres; its origin is the model's own.

    Attributes:
        name: of the file.
        kind: FLAME or SMPL-X.
        sha256: of the file.
        vertices: (V, 3).
        triangles: (T, 3).
        expressions: (E, V, 3) displacement for each coefficient at 1.
        jaw: (3, V, 3) displacement for each component of the jaw's rotation vector, per rad, near rest; components are
            in the model's own axes.
        eyes: (2, 3) middles of the left and the right eyeball.
        eyeball: (V,) 1 on the left eyeball, 2 on the right, 0 elsewhere.
    """

    name: str
    kind: str
    sha256: str
    vertices: Floats
    triangles: NDArray[np.int64]
    expressions: Floats
    jaw: Floats
    eyes: Floats
    eyeball: NDArray[np.int64]


def load_model_file(path: Path, first_expression: int | None = None, count: int | None = None) -> HeadModel:
    """Read a model's .pkl or .npz file; no code of it is run.

    Args:
        path: of the file.
        first_expression: column of `shapedirs` that is the first expression; None: as usual for so many columns.
        count: of expressions; None: all.

    Raises:
        RetargetError: it is no such file, or its parts do not fit each other.
    """
    path = expanded(path)
    if path.suffix.lower() not in (".pkl", ".npz"):
        raise RetargetError(f"expected a model as .pkl or .npz, found {path}; give the file that its licence gave you")
    arrays = arrays_of_pickle(path) if path.suffix.lower() == ".pkl" else _arrays_of_npz(path)
    missing = [name for name in NEEDED if name not in arrays]
    if missing:
        raise RetargetError(
            f"{path}: expected a FLAME or SMPL-X model with {', '.join(NEEDED)}, found none of: {', '.join(missing)}"
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read())
    try:
        return _model(path.name, digest.hexdigest(), arrays, first_expression, count)
    except (ValueError, IndexError, TypeError) as error:
        told = str(error) if isinstance(error, RetargetError) else f"expected parts that fit each other, found: {error}"
        raise RetargetError(f"{path}: {told}") from error


def _model(
    name: str, sha256: str, arrays: Mapping[str, NDArray[Any]], first: int | None, count: int | None
) -> HeadModel:
    template = np.asarray(arrays["v_template"], dtype=np.float64)
    skinning = np.asarray(arrays["weights"], dtype=np.float64)
    directions = np.asarray(arrays["shapedirs"])
    kind = KINDS.get(skinning.shape[1])
    if kind is None:
        told = ", ".join(f"{joints} ({known.name})" for joints, known in KINDS.items())
        raise RetargetError(f"expected one of these numbers of joints: {told}, found {skinning.shape[1]}")
    if template.ndim != 2 or template.shape[1] != 3 or len(skinning) != len(template):
        raise RetargetError(f"expected as many skin weights as vertices, found {skinning.shape} for {template.shape}")
    if directions.shape[:2] != template.shape:
        raise RetargetError(f"expected shapedirs of shape {template.shape} and columns, found {directions.shape}")
    columns = directions.shape[2]
    begin = IDENTITY_COLUMNS.get(columns) if first is None else first
    if begin is None or not 0 <= begin < columns:
        raise RetargetError(
            f"expected shapedirs of {' or '.join(map(str, IDENTITY_COLUMNS))} columns, or to be told which is the "
            f"first expression, found {columns} columns; say --first-expression"
        )
    end = columns if count is None else min(columns, begin + count)
    if not all(np.isfinite(arrays[key]).all() for key in NEEDED):
        raise RetargetError("expected finite numbers, found NaN or infinity")
    joints = np.asarray(arrays["J_regressor"], dtype=np.float64) @ template
    used = np.flatnonzero(skinning[:, list(kind.head)].sum(axis=1) > SKINNED)
    place = np.full(len(template), -1)
    place[used] = np.arange(len(used))
    triangles = place[np.asarray(arrays["f"], dtype=np.int64)]
    pose = np.asarray(arrays.get("posedirs", np.zeros((0, 0, 0))), dtype=np.float64)
    jaw = _jaw_motion(template, joints[kind.jaw], skinning[:, kind.jaw], pose, kind.jaw)
    balls = skinning[used][:, list(kind.eyes)] > SKINNED
    eyes = _here(joints[list(kind.eyes)])
    if eyes[0, 1] < eyes[1, 1]:  # the left one has the greater y
        eyes, balls = eyes[::-1], balls[:, ::-1]
    return HeadModel(
        name=name,
        kind=kind.name,
        sha256=sha256,
        vertices=_here(template[used]),
        triangles=triangles[(triangles >= 0).all(axis=1)],
        expressions=_here(np.moveaxis(np.asarray(directions[used, :, begin:end], dtype=np.float64), 2, 0)),
        jaw=_here(jaw[:, used]),
        eyes=eyes,
        eyeball=np.where(balls[:, 0], 1, np.where(balls[:, 1], 2, 0)),
    )


def _here(vectors: Floats) -> Floats:
    return np.asarray(from_graphics(vectors), dtype=np.float64)


def _jaw_motion(template: Floats, joint: Floats, share: Floats, pose: Floats, index: int) -> Floats:
    """(3, V, 3) motion per rad about each of the model's axes: skinning, and what the pose correctives add."""
    axes = np.eye(3)
    motion = np.stack([share[:, None] * np.cross(axis, template - joint) for axis in axes])
    columns = slice(9 * (index - 1), 9 * index)
    if pose.shape[:2] == template.shape and pose.shape[2] >= 9 * index:
        for k, axis in enumerate(axes):
            # d(R - 1) about an axis is its cross-product matrix, row by row.
            motion[k] += pose[:, :, columns] @ np.cross(axis, np.eye(3)).T.ravel()
    return motion


def _arrays_of_npz(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays that are used; others may hold Python objects, and are not looked at."""
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in USED:
                if f"{name}.npy" not in archive.namelist():
                    continue
                if archive.getinfo(f"{name}.npy").file_size > MOST_BYTES:
                    raise RetargetError(f"{path}: {name}: expected at most {MOST_BYTES >> 20} MiB")
                with archive.open(f"{name}.npy") as file:
                    arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
    except DAMAGE as error:
        if isinstance(error, RetargetError):
            raise
        raise RetargetError(
            f"expected a model of plain arrays at {path}, found: {error}; convert it (docs/retarget.md says how)"
        ) from error
    return arrays
