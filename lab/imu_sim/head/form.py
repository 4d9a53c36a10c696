"""The mean head carried to one person: where every vertex goes, and how motions there are turned and stretched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from imu_sim.head.binding import Binding, Lining
from imu_sim.head.half import Array, Indices, Region, smoothstep
from imu_sim.head.identity import Identity, values
from imu_sim.head.identity_fields import Places, displacements
from imu_sim.head.mesh import HeadMesh, build_mesh

SMILE_MM: Final = 9.0
"""A long way for skin to go."""


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

    def carry(self, moved: Array, vertices: Indices) -> Array:
        """Displacements (..., N, 3) of some vertices (N,) of the mean head to this person's."""
        carried: Array = np.einsum("vij,...vj->...vi", self.gradient[vertices], moved, optimize=True)
        return carried


@lru_cache(maxsize=1)
def mean_mesh() -> HeadMesh:
    """The mean head, built once."""
    return build_mesh()


@lru_cache(maxsize=1)
def brows() -> Binding:
    """Eyebrows on the mean head's skin, found once."""
    return Binding.of_brows(mean_mesh())


@lru_cache(maxsize=1)
def linings() -> tuple[Lining, ...]:
    """Insides of the mean head's mouth and eyes, found once."""
    mesh = mean_mesh()
    return (
        Lining.of(mesh, Region.MOUTH, Region.LIP, (0.3, 0.65)),
        Lining.of(mesh, Region.SOCKET, Region.LID, (0.3, 0.8)),
    )


@lru_cache(maxsize=1)
def _basis() -> tuple[Array, Array]:
    """Displacement (P, V + 2, 3) in mm and its gradient (P, V + 2, 3, 3) for one deviation of each measure."""
    here = Places.of(mean_mesh())
    shift = displacements(here)
    brows().ride(shift)
    for lining in linings():
        lining.follow(shift)
    # Skin goes as far as a smile does: its motion must not see the fields' details. Lids must keep to their eyeball.
    held = smoothstep(0.9, 1.0, here.held())[:, None, None]
    return shift, held * _slope(here, 0.05) + (1.0 - held) * _slope(here, SMILE_MM)


def _slope(here: Places, step_mm: float) -> Array:
    """Gradient of the fields over a step to either side, (P, N, 3, 3)."""
    columns = [
        (displacements(here.moved(step)) - displacements(here.moved(-step))) / (2.0 * step_mm)
        for step in step_mm * np.eye(3)
    ]
    return np.stack(columns, axis=-1)


def form_of(identity: Identity) -> Form:
    """Build a person's head from the mean one."""
    mesh, (shift, gradient) = mean_mesh(), _basis()
    amounts = values(identity)
    used = np.flatnonzero(amounts)
    moved = np.tensordot(amounts[used], shift[used], axes=1) if len(used) else np.zeros_like(shift[0])
    bent = np.tensordot(amounts[used], gradient[used], axes=1) if len(used) else np.zeros_like(gradient[0])
    hinges = Places.of(mesh).points[-2:] + moved[-2:]
    return Form(mesh.points + moved[:-2], np.eye(3) + bent[:-2], hinges.mean(axis=0))
