"""What errors of weights do to a face: forms that turn them into errors of its surface, lips and lids.

A rig's vertices are linear in the weights (but for correctives), so the mean squared displacement that an error e
(52) causes is the quadratic form e^T A e with A = mean over vertices of D^T D, D (3, 52) a vertex's displacements:
exact, and as cheap as a matrix of 52 x 52 whatever the mesh. The gap of two lips or lids is a linear form likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from face_inference.errors import InferenceError
from face_model import arkit
from face_model.rig import FaceRig

FloatArray = NDArray[np.float64]

CLOSED_MM = 1.0
"""Lips or lids that are apart by no more than this beyond their closed pose count as closed."""

_REACH_M = (0.001, 0.002, 0.003, 0.004, 0.005)
"""How far apart touching vertices may be in the closed pose, tried in this order: meshes differ in how mouths rest."""
_LEAST_PAIRS = 5
_OPENED = 0.5
"""Pairs must open at least this much of what the widest pair does: corners of mouth and eyes stay out of it."""

_CONTACTS: tuple[tuple[str, dict[str, float], dict[str, float]], ...] = (
    # Name, weights of the closed pose, weights of the open pose.
    ("lips", {}, {"jawOpen": 1.0}),
    ("left lids", {"eyeBlinkLeft": 1.0}, {}),
    ("right lids", {"eyeBlinkRight": 1.0}, {}),
)


@dataclass(frozen=True)
class Contact:
    """Pairs of `P` vertices that touch in one pose and part in another.

    The gap of a pair is its distance along the direction in which it opens, as a share of its full opening.

    Attributes:
        name: what touches.
        closed: (P,) gap in the closed pose.
        tolerance: (P,) up to this much beyond `closed` a pair counts as closed.
        neutral: (P,) gap at neutral.
        form: (52 + C, P), what each activation adds to the gap.
    """

    name: str
    closed: Tensor
    tolerance: Tensor
    neutral: Tensor
    form: Tensor


@dataclass(frozen=True)
class GeometryForms:
    """Forms of one or several faces.

    Attributes:
        skin: (52, 52), e^T `skin` e is the mean squared displacement of the skin, relative: a lone error of 1 in one
            shape gives 1 in the mean over shapes, so that it weighs like the squared error of weights.
        lips: (52, 52), the same over the vertices of the lips.
        contacts: lips and lids, of the first face.
        first: (C,) first shape of each corrective of the first face.
        second: (C,) second shape; equal to the first for in-betweens.
    """

    skin: Tensor
    lips: Tensor
    contacts: tuple[Contact, ...]
    first: Tensor
    second: Tensor

    def to(self, device: torch.device) -> GeometryForms:
        """The same on another device."""
        contacts = tuple(
            Contact(c.name, c.closed.to(device), c.tolerance.to(device), c.neutral.to(device), c.form.to(device))
            for c in self.contacts
        )
        return GeometryForms(
            self.skin.to(device), self.lips.to(device), contacts, self.first.to(device), self.second.to(device)
        )

    def activations(self, weights: Tensor) -> Tensor:
        """(..., 52) -> (..., 52 + C): `face_model.rig.activations` for tensors."""
        a, b = weights[..., self.first], weights[..., self.second]
        return torch.cat([weights, torch.where(self.first == self.second, 4.0 * a * (1.0 - a), a * b)], dim=-1)


def face_geometry(rigs: Sequence[FaceRig]) -> GeometryForms:
    """Forms of faces: those of the surface are means over the faces, contacts are of the first.

    Raises:
        InferenceError: no face.
    """
    if not rigs:
        raise InferenceError("expected at least one face for the geometric losses, found none; give a rig")
    pairs = np.array(rigs[0].pairs, dtype=np.int64).reshape(-1, 2)
    return GeometryForms(
        skin=_mean_form(rigs, lambda rig: np.arange(len(rig.neutral))[rig.parts["skin"]]),
        lips=_mean_form(rigs, lambda rig: rig.lip_vertices),
        contacts=tuple(c for name, closed, opened in _CONTACTS if (c := contact(rigs[0], name, closed, opened))),
        first=torch.from_numpy(pairs[:, 0]),
        second=torch.from_numpy(pairs[:, 1]),
    )


def surface_form(rig: FaceRig, vertices: NDArray[np.integer]) -> FloatArray:
    """(52, 52) A with e^T A e the mean squared displacement, m2, of `vertices` under the error e of the weights."""
    moved = rig.deltas[:, vertices].reshape(arkit.COUNT, -1).astype(np.float64)
    return np.asarray(moved @ moved.T / len(vertices))


def contact(rig: FaceRig, name: str, closed: dict[str, float], opened: dict[str, float]) -> Contact | None:
    """Vertices of the skin that touch in the pose `closed` and part in `opened`; None where the face has too few."""
    skin = np.arange(len(rig.neutral))[rig.parts["skin"]]
    shut, wide = (rig.vertices(_pose(pose))[skin].astype(np.float64) for pose in (closed, opened))
    pairs = _touching(shut, wide)
    if pairs is None:
        return None
    apart = wide[pairs[:, 0]] - wide[pairs[:, 1]]
    # Both ways of naming a pair give the same gap: the direction goes along with the order.
    length = np.linalg.norm(apart, axis=1)
    direction = apart / length[:, None]
    first, second = skin[pairs[:, 0]], skin[pairs[:, 1]]
    difference = (rig.displacements[:, first] - rig.displacements[:, second]).astype(np.float64)  # (52 + C, P, 3)
    neutral = (rig.neutral[first] - rig.neutral[second]).astype(np.float64)
    opening = np.maximum(length - _along(shut[pairs[:, 0]] - shut[pairs[:, 1]], direction), 1e-6)
    return Contact(
        name=name,
        closed=_tensor(_along(shut[pairs[:, 0]] - shut[pairs[:, 1]], direction) / opening),
        tolerance=_tensor(CLOSED_MM / 1000.0 / opening),
        neutral=_tensor(_along(neutral, direction) / opening),
        form=_tensor(_along(difference, direction) / opening),
    )


def _touching(shut: FloatArray, wide: FloatArray) -> NDArray[np.intp] | None:
    """Pairs (P, 2) of vertices: near each other when shut, far apart when wide; each vertex in one pair at most."""
    tree = cKDTree(shut)
    for reach in _REACH_M:
        near = tree.query_pairs(reach, output_type="ndarray")
        if not len(near):
            continue
        before, after = (np.linalg.norm(p[near[:, 0]] - p[near[:, 1]], axis=1) for p in (shut, wide))
        opening = after - before
        chosen = near[(opening >= _OPENED * opening.max()) & (opening > 0.003)]
        pairs = _once_each(chosen, shut)
        if len(pairs) >= _LEAST_PAIRS:
            return pairs
    return None


def _once_each(pairs: NDArray[np.intp], shut: FloatArray) -> NDArray[np.intp]:
    """The nearest pairs in which no vertex stands twice."""
    order = np.argsort(np.linalg.norm(shut[pairs[:, 0]] - shut[pairs[:, 1]], axis=1), kind="stable")
    taken: set[int] = set()
    kept = []
    for a, b in pairs[order]:
        if a not in taken and b not in taken:
            taken |= {int(a), int(b)}
            kept.append((a, b))
    return np.array(kept, dtype=np.intp).reshape(-1, 2)


def _mean_form(rigs: Sequence[FaceRig], vertices_of: Callable[[FaceRig], NDArray[np.integer]]) -> Tensor:
    forms = np.mean([surface_form(rig, vertices_of(rig)) for rig in rigs], axis=0)
    return _tensor(forms / np.mean(np.diag(forms)))


def _pose(named: dict[str, float]) -> NDArray[np.float32]:
    weights = np.zeros(arkit.COUNT, dtype=np.float32)
    for name, value in named.items():
        weights[arkit.INDEX[name]] = value
    return weights


def _along(vectors: FloatArray, direction: FloatArray) -> FloatArray:
    return np.asarray((vectors * direction).sum(axis=-1))


def _tensor(values: FloatArray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
