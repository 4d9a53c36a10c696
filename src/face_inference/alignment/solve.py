"""Mountings from a nod and a shake: skull and skin share one angular velocity, so that least squares tells how each
unit is turned against the one on the skull.

Rotation from pairs of vectors: G. Wahba, "A least squares estimate of satellite attitude", SIAM Review 7, 1965; solved
by singular values, W. Kabsch, "A solution for the best rotation to relate two sets of vectors", Acta Cryst. A32,
1976.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from face_inference.alignment.sensor_alignment import SensorAlignment, told
from face_inference.mounts import NominalMounts
from face_inference.neutral import Neutral, seen_up, solve_neutral
from face_model import nod_and_shake, rotation

FloatArray = NDArray[np.floating]


_ALIKE = 0.8
"""Correlation of a unit's rates with the skull's from which on it is said how they differ; below, that they do."""


@dataclass(frozen=True)
class AlignmentParams:
    """What is believed and what is asked for; angles in rad, rates in rad/s.

    Attributes:
        still_skull_rad_s, still_face_rad_s: up to which head and skin count as still in the seconds before.
        least_rate_rad_s: RMS of nodding and of shaking, each over both phases; 7 deg/s.
        block_s: rates are averaged over this: shorter wobble of tissue says nothing of the mounting.
        wobble_rad_s: error of such a mean, at first; then as the residuals have it.
        gravity_rad: error of the vertical as a unit sees it, beside the rates.
        most_residual: a unit whose rate is farther from the skull's, RMS over RMS, moves by itself.
        most_tilt_rad: or whose rates tell another vertical than gravity by more than this.
        most_gain: or whose rates are larger or smaller than the skull's by more than this share.
        nod_axis_rad: people nod about an axis that differs from the line through their ears by so much (a guess).
        mounting_rad: standard deviation of the skull unit's turn about the vertical, glued by hand.
        together: neighbouring blocks err alike; so many count as one.
        lag_rad: what no count of blocks makes smaller: tissue sways in step with the head (synthetic: 1.7 degrees).
    """

    still_skull_rad_s: float = 0.1
    still_face_rad_s: float = 0.15
    least_rate_rad_s: float = 0.12
    block_s: float = 0.05
    wobble_rad_s: float = 0.12
    gravity_rad: float = 0.03
    most_residual: float = 0.35
    most_tilt_rad: float = float(np.deg2rad(15.0))
    most_gain: float = 0.25
    nod_axis_rad: float = float(np.deg2rad(4.0))
    mounting_rad: float = 0.1
    together: float = 4.0
    lag_rad: float = float(np.deg2rad(1.7))


@dataclass(frozen=True)
class Motion:
    """What `S` units gave in `T` samples of the routine.

    Attributes:
        time_s: (T,) since the routine's beginning, increasing.
        orientation: (T, S, 4) sensor to earth.
        angular_velocity: (T, S, 3) rad/s, sensor axes.
        valid: (T, S).
        still_s: until when the wearer was asked to keep still.
    """

    time_s: FloatArray
    orientation: FloatArray
    angular_velocity: FloatArray
    valid: NDArray[np.bool_]
    still_s: float


@dataclass(frozen=True)
class Solved:
    """What came of it.

    Attributes:
        message: what was found; or why nothing can be used, and what to do.
        alignment: None exactly if nothing can be used.
        neutral: learned in the still seconds, with these mountings; None with it.
        turn_rad: (S,) about the vertical, by which the layout's mounting was wrong.
        nod_rad_s, shake_rad_s: RMS.
        disagreeing: units that did not turn with the skull.
    """

    message: str
    alignment: SensorAlignment | None = None
    neutral: Neutral | None = None
    turn_rad: FloatArray | None = None
    nod_rad_s: float = 0.0
    shake_rad_s: float = 0.0
    disagreeing: tuple[str, ...] = ()

    @property
    def success(self) -> bool:
        """Whether it can be used."""
        return self.alignment is not None


@dataclass(frozen=True)
class _Fit:
    """One unit against the skull's: quaternion, residual, what gravity says otherwise, gain, correlation, deviation."""

    to_reference: FloatArray
    residual: float
    tilt_rad: float
    gain: float
    alike: float
    deviation_rad: float


def solve_alignment(
    mounts: NominalMounts, motion: Motion, params: AlignmentParams | None = None, tolerant: bool = False
) -> Solved:
    """Mountings and neutral from the routine.

    In the still seconds gravity tells two of each mounting's three angles; the rates tell all three. The mounting is
    the rotation that fits both best, then levelled so that the neutral has no tilt, as every neutral. The skull unit's
    own turn about the vertical is the direction in which its wearer nods, as far as nods and gluing can be trusted.

    Args:
        mounts: where the units should sit.
        motion: the whole routine.
        params: what is believed.
        tolerant: go on without the units that disagree, in place of refusing.
    """
    p = params or AlignmentParams()
    still = motion.time_s < motion.still_s
    orientation, rates, valid = motion.orientation, motion.angular_velocity, motion.valid
    level = solve_neutral(mounts, orientation[still], rates[still], valid[still])
    name = mounts.names[mounts.reference]
    if level is None:
        return Solved(f"expected the reference sensor {name!r} in the still seconds; check its cable")
    if level.stillness_rad_s > p.still_skull_rad_s:
        return Solved(
            f"the head turned at {level.stillness_rad_s:.3f} rad/s while it should be still, still is "
            f"{p.still_skull_rad_s}; look ahead and keep still until you are asked to nod"
        )
    speed = _face_speed(mounts, rates[still], valid[still])
    if speed > p.still_face_rad_s:
        return Solved(
            f"the face moved at {speed:.3f} rad/s while it should be still, relaxed is {p.still_face_rad_s}; "
            "relax, and keep still until you are asked to nod"
        )
    up = seen_up(orientation[still], valid[still])
    blocks, there = _blocks(motion, rates - _bias(rates[still], valid[still]), p.block_s)
    return _solved(mounts, p, motion, level, up, blocks, there, tolerant)


def _solved(
    mounts: NominalMounts,
    p: AlignmentParams,
    motion: Motion,
    level: Neutral,
    up: FloatArray,
    blocks: FloatArray,
    there: NDArray[np.bool_],
    tolerant: bool,
) -> Solved:
    reference = mounts.reference
    skull = blocks[there[:, reference], reference]
    least = 0.5 * (nod_and_shake.DURATION_S - motion.still_s) / p.block_s
    if len(blocks) < least:
        return Solved(
            f"expected samples in most of the routine, found {50.0 * len(blocks) / least:.0f} %: the others got lost, "
            "see /diagnostics; try again"
        )
    if len(skull) < least:
        name = mounts.names[reference]
        return Solved(f"expected the reference sensor {name!r} in most of the routine; check its cable")
    climbing = skull @ up[reference]
    shake, nod = _rms(climbing), _rms(skull - climbing[:, None] * up[reference])
    if min(nod, shake) < p.least_rate_rad_s:
        return Solved(_too_little(nod, shake, p.least_rate_rad_s), nod_rad_s=nod, shake_rad_s=shake)

    count = len(mounts.names)
    mount, aligned = np.array(level.mount, dtype=np.float64), np.zeros(count, dtype=bool)
    deviation, residual = np.full(count, p.mounting_rad), np.zeros(count)
    mount[reference], deviation[reference] = _skull_mount(level.mount[reference], skull, p)
    aligned[reference] = True
    disagreeing, why = [], []
    for unit in mounts.skin:
        rows = there[:, unit] & there[:, reference]
        if not level.calibrated[unit] or rows.mean() < 0.5:
            continue
        fit = _fit(blocks[rows, unit], blocks[rows, reference], up[unit], up[reference], p)
        problem = _disagreement(fit, p)
        residual[unit] = fit.residual
        if problem:
            disagreeing.append(mounts.names[unit])
            why.append(f"{told([mounts.names[unit]])} {problem}")
            continue
        aligned[unit] = True
        deviation[unit] = fit.deviation_rad
        mount[unit] = rotation.multiply(mount[reference], fit.to_reference)
    if disagreeing and (not tolerant or len(disagreeing) > 0.5 * len(mounts.skin)):
        return Solved(
            f"{'; '.join(why)}: press the board on or glue it anew, keep the face relaxed, and try again",
            nod_rad_s=nod,
            shake_rad_s=shake,
            disagreeing=tuple(disagreeing),
        )
    alignment = SensorAlignment(mount, aligned, deviation, residual)
    still = motion.time_s < motion.still_s
    neutral = solve_neutral(
        alignment.mounts(mounts), motion.orientation[still], motion.angular_velocity[still], motion.valid[still]
    )
    assert neutral is not None  # there was one with the other mounts
    neutral = replace(neutral, turn_deviation_rad=alignment.turn_deviation_rad)
    alignment = replace(alignment, mount=np.where(aligned[:, None], neutral.mount, mounts.orientation))
    turn = np.where(aligned, turned_rad(level.mount, neutral.mount), 0.0)
    return Solved(
        _success(mounts, alignment, turn, disagreeing), alignment, neutral, turn, nod, shake, tuple(disagreeing)
    )


def turned_rad(before: FloatArray, after: FloatArray) -> FloatArray:
    """(S,) by how much mountings (S, 4) to `face_head` differ, about the vertical, from -pi to pi."""
    between = rotation.multiply(after, rotation.conjugate(before))
    return rotation.wrapped(rotation.about_vertical(between))


def _bias(rates: FloatArray, valid: NDArray[np.bool_]) -> FloatArray:
    """(S, 3) mean rate of units that are still: what their gyroscopes are off by."""
    seen = np.maximum(valid.sum(axis=0), 1)[:, None]
    mean: FloatArray = (rates * valid[..., None]).sum(axis=0) / seen
    return mean


def _face_speed(mounts: NominalMounts, rates: FloatArray, valid: NDArray[np.bool_]) -> float:
    """Median over the skin's units of the RMS difference of their speed from the skull's, rad/s."""
    speed = np.linalg.norm(rates, axis=-1)
    both = valid & valid[:, [mounts.reference]]
    excess = [_rms(speed[both[:, k], k] - speed[both[:, k], mounts.reference]) for k in mounts.skin if both[:, k].any()]
    return float(np.median(excess)) if excess else 0.0


def _blocks(motion: Motion, rates: FloatArray, block_s: float) -> tuple[FloatArray, NDArray[np.bool_]]:
    """(N, S, 3) means over blocks of the moving stretch, and (N, S) whether most of the block was there."""
    moving = motion.time_s >= motion.still_s
    slot = np.floor((motion.time_s[moving] - motion.still_s) / block_s).astype(np.intp)
    _, first = np.unique(slot, return_index=True)
    seen = motion.valid[moving]
    total = np.add.reduceat(np.where(seen[..., None], rates[moving], 0.0), first, axis=0)
    good = np.add.reduceat(seen.astype(np.float64), first, axis=0)
    size = np.diff(np.append(first, len(slot))).astype(np.float64)
    there: NDArray[np.bool_] = good > 0.5 * size[:, None]
    return total / np.maximum(good, 1.0)[..., None], there


def _too_little(nod: float, shake: float, least: float) -> str:
    found = f"found {np.rad2deg(nod):.0f} deg/s of nodding and {np.rad2deg(shake):.0f} of shaking"
    wanted = f"expected {np.rad2deg(least):.0f} deg/s or more of each (RMS)"
    if max(nod, shake) < least:
        return f"the head hardly moved: {wanted}, {found}; nod and shake your head by 15 degrees or more when asked to"
    missing = "nodded" if nod < least else "shook"
    return (
        f"the head turned about one axis only, and hardly {missing}: {wanted}, {found}; "
        "two axes are needed: nod, then shake your head, by 15 degrees or more"
    )


def _skull_mount(level: FloatArray, skull: FloatArray, p: AlignmentParams) -> tuple[FloatArray, float]:
    """The skull unit's mounting turned so that nods are about the line through the ears; and what is not known of it.

    `level` (4,) is what gravity and the layout say, `skull` (N, 3) the unit's rates.
    """
    in_head = rotation.rotate(np.broadcast_to(level, (len(skull), 4)), skull)
    nods = in_head[np.linalg.norm(in_head[:, :2], axis=1) > np.abs(in_head[:, 2])]
    x, y = nods[:, 0], nods[:, 1]
    # Direction of the main axis of (x, y), as far from the y axis as it is at most 90 degrees.
    off = 0.5 * np.arctan2(-2.0 * float(x @ y), float(y @ y - x @ x))
    gain = p.mounting_rad**2 / (p.mounting_rad**2 + p.nod_axis_rad**2)
    turn = rotation.from_vector(np.array([0.0, 0.0, -gain * off]))
    return rotation.multiply(turn, level), float(np.sqrt(gain) * p.nod_axis_rad)


def _fit(unit: FloatArray, skull: FloatArray, up: FloatArray, skull_up: FloatArray, p: AlignmentParams) -> _Fit:
    """`unit` and `skull` (N, 3) rates in their own axes, `up` and `skull_up` (3,) the vertical in them."""
    spread = p.wobble_rad_s
    trust: FloatArray = np.ones(len(unit))
    for _ in range(6):
        q = _wahba(unit, skull, trust / spread**2, up, skull_up, p.gravity_rad**-2)
        off = np.linalg.norm(skull - rotation.rotate(np.broadcast_to(q, (len(unit), 4)), unit), axis=1)
        # The median of the length of a normal vector is 1.54 deviations of its components.
        spread = max(0.01, float(np.median(off)) / 1.54)
        # Cauchy: a blink turns the boards at the eyes for a moment, much faster than the head.
        trust = 1.0 / (1.0 + np.square(off / (2.4 * spread)))
    by_rates = _wahba(unit, skull, trust, up, skull_up, 0.0)
    tilt = _angle(rotation.rotate(by_rates, up), skull_up)
    levelled = rotation.normalise(rotation.multiply(rotation.between(rotation.rotate(q, up), skull_up), q))
    turned = rotation.rotate(np.broadcast_to(levelled, (len(unit), 4)), unit)
    squared = float(np.sum(trust * np.square(skull).sum(axis=1)))
    residual = float(np.sqrt(np.sum(trust * np.square(skull - turned).sum(axis=1)) / squared))
    together = float(np.sum(trust * (skull * turned).sum(axis=1)))
    own = float(np.sum(trust * np.square(unit).sum(axis=1)))
    across = skull - (skull @ skull_up)[:, None] * skull_up
    known = float(np.sum(trust * np.square(across).sum(axis=1))) / (spread**2 * p.together)
    deviation = float(np.hypot(known**-0.5, p.lag_rad))
    return _Fit(
        levelled, residual, tilt, together / max(own, 1e-9), together / max(np.sqrt(squared * own), 1e-9), deviation
    )


def _wahba(
    unit: FloatArray, skull: FloatArray, weight: FloatArray, up: FloatArray, skull_up: FloatArray, gravity: float
) -> FloatArray:
    """(4,) the rotation from the unit's axes to the skull unit's that fits rates and vertical best."""
    profile = (weight[:, None] * skull).T @ unit + gravity * np.outer(skull_up, up)
    left, _, right = np.linalg.svd(profile)
    left[:, 2] *= np.sign(np.linalg.det(left) * np.linalg.det(right))
    q: FloatArray = rotation.from_matrix(left @ right)
    return q


def _disagreement(fit: _Fit, p: AlignmentParams) -> str:
    if fit.alike > _ALIKE and abs(fit.gain - 1.0) > p.most_gain:
        return f"turned {1.0 / max(fit.gain, 1e-3):.2f} times as fast as the skull"
    if fit.alike > _ALIKE and fit.tilt_rad > p.most_tilt_rad:
        return f"turned about axes that differ from what gravity says by {np.rad2deg(fit.tilt_rad):.0f} degrees"
    if fit.residual > p.most_residual:
        return f"did not turn with the skull: {np.rad2deg(fit.residual):.0f} degrees of residual"
    return ""


def _success(mounts: NominalMounts, alignment: SensorAlignment, turn: FloatArray, disagreeing: list[str]) -> str:
    skin = [k for k in mounts.skin if alignment.aligned[k]]
    residual = float(np.rad2deg(np.median(alignment.residual_rad[skin]))) if skin else 0.0
    turned = float(np.rad2deg(_rms(turn[skin]))) if skin else 0.0
    absent = [n for n, known in zip(mounts.names, alignment.aligned, strict=True) if not known and n not in disagreeing]
    notes = f"; not seen, and as the layout has them: {told(absent)}" if absent else ""
    notes += f"; did not turn with the skull, and as the layout has them: {told(disagreeing)}" if disagreeing else ""
    return (
        f"{len(skin)} sensors aligned to the skull, residual {residual:.1f} degrees (median); they were turned by "
        f"{turned:.1f} degrees (RMS) from where the layout has them{notes}"
    )


def _angle(a: FloatArray, b: FloatArray) -> float:
    return float(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b))


def _rms(values: FloatArray) -> float:
    """Of scalars, or of the lengths of vectors."""
    if not len(values):
        return 0.0
    squared = np.square(values) if values.ndim == 1 else np.square(values).sum(axis=-1)
    return float(np.sqrt(squared.mean()))
