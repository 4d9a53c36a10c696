"""Whether each sensor sits at its place: sensors that were exchanged, and such as sit unlike any at their place.

Two things tell. How a unit is mounted on a neutral face, known from a nod and a shake: each place has its own. And how
it answers to the prompts of the guided routine: each place has its own prior over Jacobians. Of all ways to exchange
sensors the likeliest is looked for, and told only where it is likelier than no exchange by far more than chance gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from face_inference.alignment.sensor_alignment import SensorAlignment, in_words, told
from face_inference.alignment.solve import turned_rad
from face_inference.mounts import NominalMounts
from face_inference.neutral import Neutral
from face_inference.wearer.evidence import LabelledRows
from face_inference.wearer.prior import Prior
from face_model import rotation

FloatArray = NDArray[np.floating]

_SPREAD_DEG: dict[str, tuple[float, float, float]] = {
    "frontalis": (7.0, 10.0, 6.0),
    "orbicularis": (10.0, 13.0, 6.0),
    "zygomaticus": (14.0, 12.0, 6.0),
    "levator": (25.0, 14.0, 6.0),
    "buccinator": (14.0, 10.0, 7.0),
    "mentalis": (8.0, 24.0, 6.0),
}
"""By what a unit's name begins with: RMS difference of its mounting from the layout's, about its own x (up the skin), y
and z (out of it), degrees. Simulated: 60 people of each of two families, boards crooked by 10 degrees; the larger."""
_SPREAD_ELSEWHERE_DEG = (14.0, 14.0, 7.0)

_TAILS = 6.0
"""Degrees of freedom of the t distributions: people of other kinds than the simulated are far out in a normal one."""

_STAY = 4.0
"""In nats, for each sensor that is said to sit elsewhere: most sit where they should."""

LEAST_GAIN = 12.0
"""In nats, by which an exchange must be likelier than none. Of simulated people whose sensors sit where they should,
boards up to 5 mm off and 10 degrees crooked, fewer than one in a hundred has one (see docs/wearing.md)."""

MOST_DISTANCE = 60.0
"""Squared distance of a mounting from its place's, in spreads, beyond which it is called misplaced."""


@dataclass(frozen=True)
class Places:
    """What was found.

    Attributes:
        exchanged: names of sensors that sit at one another's places, those of an exchange one after the other.
        misplaced: names of sensors that are mounted unlike any at their place.
        message: in words; empty where all is well.
        gain: in nats, of the likeliest exchange that was told.
    """

    exchanged: tuple[str, ...] = ()
    misplaced: tuple[str, ...] = ()
    message: str = ""
    gain: float = 0.0


def examine(mounts: NominalMounts, alignment: SensorAlignment | None, responses: FloatArray | None = None) -> Places:
    """From mountings, where they are known, and (S, S) `response_likelihoods`, where there was a routine."""
    count = len(mounts.names)
    likelihood, known = np.zeros((count, count)), np.zeros(count, dtype=bool)
    distance = np.zeros(count)
    if alignment is not None:
        by_mounting, squared = mounting_likelihoods(mounts, alignment.mount)
        known = alignment.aligned.copy()
        likelihood += np.where(known[:, None], by_mounting, 0.0)
        distance = np.where(known, np.diagonal(squared), 0.0)
    if responses is not None:
        there = np.asarray(np.isfinite(responses[:, list(mounts.skin)]).all(axis=1), dtype=np.bool_)
        likelihood += np.where(there[:, None] & np.isfinite(responses), responses, 0.0)
        known |= there
    known[mounts.reference] = False
    return _decided(mounts.names, likelihood, known, distance)


def mounting_likelihoods(mounts: NominalMounts, mount: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(S, S) log likelihood of unit i's mounting if it sat at the place of unit j; and the squared distance."""
    spread = np.deg2rad([_spread_deg(name) for name in mounts.names])  # (S, 3)
    between = rotation.multiply(
        rotation.conjugate(mounts.orientation)[None], np.broadcast_to(mount[:, None], (len(mount), *mount.shape))
    )
    between = between * np.where(between[..., 3:] < 0.0, -1.0, 1.0)
    squared = np.square(rotation.to_vector(between) / spread).sum(axis=-1)
    return _student(squared, 3) - np.log(spread).sum(axis=-1), squared


def response_likelihoods(
    prior: Prior, rows: LabelledRows, mounts: NominalMounts, neutral: Neutral, aligned: NDArray[np.bool_]
) -> FloatArray:
    """(S, S) log likelihood of what unit i did in the routine if it sat at the place of unit j; NaN where unknown.

    Args:
        prior: over wearers.
        rows: of the prompts, see `wearer.guided`.
        mounts: where the units should sit.
        neutral: with which the rows were made.
        aligned: (S,) whose mounting is known; the others' are believed to be turned as their place has it.
    """
    count, skin = len(mounts.names), mounts.skin
    found = np.full((count, count), np.nan)
    seen = np.asarray(rows.valid.reshape(len(rows.weights), len(skin), 3).all(axis=2), dtype=np.bool_)
    turned = rows.observation.reshape(len(rows.weights), len(skin), 3)
    up = neutral.up
    for place, j in enumerate(skin):
        block = slice(3 * place, 3 * place + 3)
        mean, covariance = _expected(prior, rows, block)
        for at, i in enumerate(skin):
            kept = seen[:, at]
            if kept.sum() < 5 or not neutral.calibrated[i]:
                continue
            observed = turned[kept, at]
            if not aligned[i] and i != j:
                observed = observed @ _about_vertical(_turn_at(mounts.orientation[j], neutral.mount[i], up[i])).T
            chosen = np.repeat(kept, 3)
            off = (observed - mean[kept]).reshape(-1)
            lower = np.linalg.cholesky(covariance[np.ix_(chosen, chosen)])
            scaled = np.linalg.solve(lower, off)
            found[i, j] = _student(float(scaled @ scaled), len(off)) - float(np.log(np.diagonal(lower)).sum())
    return found


def _expected(prior: Prior, rows: LabelledRows, block: slice) -> tuple[FloatArray, FloatArray]:
    """Mean (P, 3) and covariance (3 P, 3 P) of a sensor's answers, its rows of the Jacobian being `block`."""
    weights = rows.weights
    mean, factors = prior.mean[block].astype(np.float64), prior.factors[:, block].astype(np.float64)
    own = np.square(prior.spread[block].astype(np.float64))
    prompts = len(weights)
    shared = np.einsum("rcw,pw->rpc", factors, weights).reshape(len(factors), 3 * prompts)
    covariance = (shared.T @ shared).reshape(prompts, 3, prompts, 3)
    for c in range(3):
        covariance[:, c, :, c] += (weights * own[c]) @ weights.T
    spread = np.square(rows.spread)
    for p in range(prompts):
        by_amount = (mean * spread[p]) @ mean.T + np.einsum("rcw,w,rdw->cd", factors, spread[p], factors)
        covariance[p, :, p] += prior.noise[block, block] + by_amount + np.diag(own @ spread[p])
    return weights @ mean.T, covariance.reshape(3 * prompts, 3 * prompts)


def _turn_at(place: FloatArray, mount: FloatArray, up: FloatArray) -> float:
    """By how much a unit's mounting would be turned if its place were another, levelled by gravity as its own."""
    levelled = rotation.multiply(rotation.between(rotation.rotate(place, up), np.array([0.0, 0.0, 1.0])), place)
    return float(turned_rad(mount, levelled))


def _about_vertical(angle: float) -> FloatArray:
    return rotation.to_matrix(rotation.from_vector(np.array([0.0, 0.0, angle])))


def _student(squared: FloatArray | float, size: int) -> FloatArray:
    """Logarithm of a t density of `size` dimensions, but for what all have in common."""
    return np.asarray(-0.5 * (_TAILS + size) * np.log1p(np.asarray(squared) / _TAILS))


def _spread_deg(name: str) -> tuple[float, float, float]:
    return next((s for stem, s in _SPREAD_DEG.items() if name.startswith(stem)), _SPREAD_ELSEWHERE_DEG)


def _decided(names: tuple[str, ...], likelihood: FloatArray, known: NDArray[np.bool_], distance: FloatArray) -> Places:
    units = np.flatnonzero(known)
    told_of: list[tuple[list[int], float]] = []
    if len(units) > 1:
        from scipy.optimize import linear_sum_assignment  # at the end of a routine, not at every start

        part = likelihood[np.ix_(units, units)]
        _, place = linear_sum_assignment(_STAY * (1.0 - np.eye(len(units))) - part)
        own = np.diagonal(part)
        for cycle in _cycles(place):
            gain = float(sum(part[a, place[a]] - own[a] for a in cycle))
            if gain > LEAST_GAIN:
                told_of.append(([int(units[a]) for a in cycle], gain))
    moved = {unit for cycle, _ in told_of for unit in cycle}
    misplaced = [int(u) for u in units if u not in moved and distance[u] > MOST_DISTANCE]
    parts = [_exchange([names[u] for u in cycle]) for cycle, _ in told_of]
    if misplaced:
        wrong = [names[u] for u in misplaced]
        parts.append(
            f"{told(wrong)} {'sit' if len(wrong) > 1 else 'sits'} unlike any at that place: look how it is glued"
        )
    return Places(
        tuple(names[u] for cycle, _ in told_of for u in cycle),
        tuple(names[u] for u in misplaced),
        "; ".join(parts),
        max((gain for _, gain in told_of), default=0.0),
    )


def _cycles(place: NDArray[np.intp]) -> list[list[int]]:
    """Units that went round: each sits at the place of the next one, the last one at that of the first."""
    left, cycles = set(range(len(place))), []
    while left:
        cycle = [min(left)]
        while (following := int(place[cycle[-1]])) != cycle[0]:
            cycle.append(following)
        left -= set(cycle)
        if len(cycle) > 1:
            cycles.append(cycle)
    return cycles


def _exchange(names: list[str]) -> str:
    if len(names) == 2:
        first, second = (in_words(name) for name in names)
        sides = {first.split(" ", 1)[0], second.split(" ", 1)[0]}
        muscles = {name.split(" ", 1)[-1] for name in (first, second)}
        if sides == {"left", "right"} and len(muscles) == 1:
            return f"left and right {muscles.pop()} are exchanged"
        return f"{first} and {second} are exchanged"
    steps = [f"{in_words(a)} sits where {in_words(b)} should" for a, b in pairwise([*names, names[0]])]
    return f"sensors are exchanged: {', '.join(steps)}"
