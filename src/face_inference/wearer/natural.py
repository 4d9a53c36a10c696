"""Learning a wearer from natural motion beside a camera, and judging it on the parts that were not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import WearerError
from face_inference.wearer.adapt import NATURAL_SHARE, adapt_to_motion
from face_inference.wearer.evidence import LabelledRows
from face_inference.wearer.judgement import Judgement, Score, judged
from face_inference.wearer.linear_estimate import LinearEstimate
from face_inference.wearer.phone_rows import ROW_RATE_HZ, PhoneRows
from face_inference.wearer.prior import Prior, WearerJacobian
from face_model import observability

FloatArray = NDArray[np.floating]

SHARES = (NATURAL_SHARE, 0.1, 1.0)
"""What each row may count, tried on held-out parts; the first stands unless another is clearly better."""

PARTS = 5
"""Each fifth is held out once."""

LEAST_S = 20.0
"""Of labelled motion: from less there is nothing to judge what was learned by (a guess)."""

_GAP_ROWS = 10
"""A second around what is held out is not learned from either: neighbours are alike."""

_MOVED = 0.2
"""Weight of a shape that noise and wandering of a camera at rest do not reach."""

_REST_ROWS = 20
"""Two seconds of rest around motion are kept. Long rests would make residuals look small that are large in motion."""

_BETTER_BY = 0.01
"""Share of the error by which another strength must be better than the usual one, and r no worse."""

_FOREIGN_BY = 0.03
"""Share of the error, and a third of it of r, by which motion must be read better without the prompts before these are
taken for another gluing's: those of the same gluing cost error at times (0.055 with, 0.053 without), but never r."""


class Strength(NamedTuple):
    """What each row of natural motion counts, and whether the routine's prompts count beside it."""

    share: float
    prompts: bool


@dataclass(frozen=True)
class NaturalLearning:
    """What natural motion taught.

    Attributes:
        jacobian: learned from all of it.
        strength: that read the held-out parts best.
        unknown: how the labelled motion is read after the neutral alone.
        before: by what was known before; None: nothing was.
        after: every part as read by what was learned from the others.
        labels: (N, 52) of the camera, from the face at rest; long rests left out.
        seconds: of labelled motion; long rests do not count.
        foreign_prompts: whether the routine's prompts were left out because the motion is read better without them, as
            it is when the boards were glued on anew.
    """

    jacobian: WearerJacobian
    strength: Strength
    unknown: Judgement
    before: Judgement | None
    after: Judgement
    labels: FloatArray
    seconds: float
    foreign_prompts: bool


def learn_natural(
    prior: Prior,
    takes: Sequence[PhoneRows],
    prompts: LabelledRows | None = None,
    before: WearerJacobian | None = None,
) -> NaturalLearning:
    """Learn a wearer from the motion of one take or several, and from the routine.

    How much the motion counts, and whether the prompts do, is decided on held-out parts.

    Args:
        prior: over wearers.
        takes: of the same gluing.
        prompts: of the guided routine.
        before: what was known of the wearer.

    Raises:
        WearerError: too little labelled motion.
    """
    moving = [_moving(take.labels) for take in takes]
    rows = joined([_chosen(take.rows, kept) for take, kept in zip(takes, moving, strict=True)])
    seconds = len(rows.weights) / ROW_RATE_HZ
    if seconds < LEAST_S:
        raise WearerError(
            f"expected at least {LEAST_S:.0f} s in which the camera saw the face move and the sensors were there, "
            f"found {seconds:.0f} s; record one to three minutes, the whole face in view"
        )
    labels = np.concatenate([take.labels[kept] for take, kept in zip(takes, moving, strict=True)])
    observation = np.concatenate([take.observation[kept] for take, kept in zip(takes, moving, strict=True)])

    def tried(strength: Strength) -> Judgement:
        beside = prompts if strength.prompts else None
        return judged(labels, held_out(prior, rows, observation, beside, strength.share))

    given = prompts is not None
    best = Strength(SHARES[0], given)
    after = tried(best)
    foreign = False
    if given:
        alone = tried(Strength(SHARES[0], False))
        foreign = _better(alone.whole, after.whole, _FOREIGN_BY, _FOREIGN_BY / 3.0)
        if foreign:
            best, after = Strength(SHARES[0], False), alone
    for share in SHARES[1:]:
        other = Strength(share, best.prompts)
        found = tried(other)
        if _better(found.whole, after.whole, _BETTER_BY, 0.0):
            best, after = other, found

    def by(known: WearerJacobian) -> Judgement:
        return judged(labels, reading(prior, known, observation, rows.valid))

    return NaturalLearning(
        adapt_to_motion(prior, rows, prompts if best.prompts else None, best.share),
        best,
        by(prior.unknown_wearer),
        None if before is None else by(before),
        after,
        labels,
        seconds,
        foreign,
    )


def _moving(labels: FloatArray) -> NDArray[np.bool_]:
    """(N,) rows of labels (N, 52) from rest that are within `_REST_ROWS` of a moved face."""
    moved = labels[:, list(observability.OBSERVABLE)].max(axis=1) > _MOVED
    near = np.convolve(moved, np.ones(2 * _REST_ROWS + 1), mode="full")[_REST_ROWS : _REST_ROWS + len(moved)]
    kept: NDArray[np.bool_] = near > 0.5
    return kept


def _better(score: Score, standard: Score, error: float, r: float) -> bool:
    return score.mae < (1.0 - error) * standard.mae and not score.r < standard.r + r


def held_out(
    prior: Prior, rows: LabelledRows, observation: FloatArray, prompts: LabelledRows | None, share: float
) -> FloatArray:
    """(N, 52) weights of every part, read by what the other parts teach; `observation` (N, D) rad from the neutral."""
    count = len(rows.weights)
    read = np.empty(rows.weights.shape)
    at = np.arange(count)
    for part in np.array_split(at, PARTS):
        kept = (at < part[0] - _GAP_ROWS) | (at > part[-1] + _GAP_ROWS)
        known = adapt_to_motion(prior, _chosen(rows, kept), prompts, share)
        read[part] = reading(prior, known, observation[part], rows.valid[part])
    return read


def reading(
    prior: Prior, known: WearerJacobian, observation: FloatArray, valid: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(N, 52) linear estimate of observations (N, D) rad from the neutral, whose sensors come and go (N, D)."""
    estimate = LinearEstimate(prior, known)
    read = np.empty((len(observation), len(prior.weights_mean)))
    patterns, of = np.unique(valid, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        chosen = of.reshape(-1) == number
        read[chosen] = estimate.weights(observation[chosen].astype(np.float32), pattern)[0]
    return read


def joined(parts: Sequence[LabelledRows]) -> LabelledRows:
    """One after the other."""
    return LabelledRows(
        np.concatenate([part.observation for part in parts]),
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.spread for part in parts]),
        np.concatenate([part.valid for part in parts]),
    )


def _chosen(rows: LabelledRows, kept: NDArray[np.bool_]) -> LabelledRows:
    return LabelledRows(rows.observation[kept], rows.weights[kept], rows.spread[kept], rows.valid[kept])
