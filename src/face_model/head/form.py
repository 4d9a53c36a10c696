"""The mean head carried to one person: where every vertex goes, and how motions there are turned and stretched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from face_model.head.half import Array
from face_model.head.identity import Identity, values
from face_model.head.identity_fields import Places, displacements
from face_model.head.mesh import HeadMesh, build_mesh

_STEP_MM = 0.05


@dataclass(frozen=True)
class Form:
    """One person's head, in construction millimetres.

    Attributes:
        points: (V, 3) neutral, with the eyes as open as on the mean head.
        gradient: (V, 3, 3): a small step on the mean head times this is the same step on this person's.
        hinge: (3,) middle of the jaw's hinge.
    """

    points: Array
    gradient: Array
    hinge: Array

    def carry(self, moved: NDArray[np.float64]) -> Array:
        """Displacements (..., V, 3) on the mean head to this person's."""
        carried: Array = np.einsum("vij,...vj->...vi", self.gradient, moved, optimize=True)
        return carried


@lru_cache(maxsize=1)
def mean_mesh() -> HeadMesh:
    """The mean head, built once."""
    return build_mesh()


@lru_cache(maxsize=1)
def _basis() -> tuple[Array, Array]:
    """Displacement (P, V + 2, 3) in mm and its gradient (P, V + 2, 3, 3) for one deviation of each measure."""
    here = Places.of(mean_mesh())
    columns = []
    for axis in range(3):
        step = _STEP_MM * np.eye(3)[axis]
        columns.append((displacements(here.moved(step)) - displacements(here.moved(-step))) / (2.0 * _STEP_MM))
    return displacements(here), np.stack(columns, axis=-1)


def form_of(identity: Identity) -> Form:
    """Build a person's head from the mean one."""
    mesh, (shift, gradient) = mean_mesh(), _basis()
    amounts = values(identity)
    used = np.flatnonzero(amounts)
    moved = np.tensordot(amounts[used], shift[used], axes=1) if len(used) else np.zeros_like(shift[0])
    bent = np.tensordot(amounts[used], gradient[used], axes=1) if len(used) else np.zeros_like(gradient[0])
    hinges = Places.of(mesh).points[-2:] + moved[-2:]
    return Form(mesh.points + moved[:-2], np.eye(3) + bent[:-2], hinges.mean(axis=0))
