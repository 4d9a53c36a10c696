"""From evidence to what is known of the wearer: Bayesian linear regression from the prior."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from face_inference.wearer.evidence import Evidence, LabelledRows, evidence_of, inverse_where_seen
from face_inference.wearer.prior import Prior, Source, WearerJacobian
from face_model import arkit

FloatArray = NDArray[np.floating]

NATURAL_SHARE = 0.3
"""What each of ten rows a second of natural motion counts: a face moves on in about a third of a second."""

NOISE_ROWS = 60.0
"""How many rows everybody's noise counts for beside the wearer's own residuals; 60 to 200 gave the same."""

_BLOCK = 128
"""Rows of a matrix that are inverted in one go."""

SURROUNDING_ROWS = 50
"""Five seconds of rows before and behind: natural motion is taken relative to its mean about each row, since what is
slower is the camera's wandering, drift of headings and creeping tissue more than the face. 5 to 15 s read alike."""

TAILS = 5.0
"""Degrees of freedom of the t distribution that rows of natural motion have about J w: where the camera lost the face
or guessed, and where shapes together are least the sum of each alone, rows count less. 5 to 20 read alike."""

_NOISE_ROUNDS = 3
"""The Jacobian and the residuals are learned from each other in turn; after three rounds they stay."""

_LEAST_ROWS = 100
"""Below this the wearer's own residuals are not looked at: so few rows are fitted by the Jacobian itself."""


class Posterior(NamedTuple):
    """Of the flattened Jacobian: mean (D, 52) rad and covariance (D 52, D 52) rad^2."""

    mean: FloatArray
    covariance: FloatArray

    def uncertainty(self, prior: Prior) -> FloatArray:
        """(D, D) rad^2, see `WearerJacobian.uncertainty`."""
        size = len(self.mean)
        four = self.covariance.reshape(size, arkit.COUNT, size, arkit.COUNT)
        added: FloatArray = np.einsum("dset,st->de", four, prior.weights_moment, optimize=True)
        return added


def posterior(prior: Prior, evidence: Evidence) -> Posterior:
    """What is known of the Jacobian; what nothing was seen of keeps its prior.

    With the Jacobian's elements j ~ N(prior) and x_n = J w_n + e_n, e_n ~ N(0, R_n), the posterior is Gaussian
    (C. Bishop, "Pattern Recognition and Machine Learning", 2006, section 3.3).
    """
    mean = prior.mean.astype(np.float64)
    covariance = _inverse(prior.precision + _kronecker_sum(evidence, prior.observations))
    return Posterior(mean + (covariance @ _pull(prior, evidence)).reshape(mean.shape), covariance)


def posterior_mean(prior: Prior, evidence: Evidence) -> FloatArray:
    """(D, 52) rad, that of `posterior`, in a third of the time."""
    mean = prior.mean.astype(np.float64)
    precision = prior.precision + _kronecker_sum(evidence, prior.observations)
    _, step, _ = lapack.dposv(precision, _pull(prior, evidence), lower=1, overwrite_a=1)
    found: FloatArray = mean + step.reshape(mean.shape)
    return found


def _pull(prior: Prior, evidence: Evidence) -> FloatArray:
    """(D 52,) gradient of the log likelihood of the flattened Jacobian at the prior's mean."""
    surprise = evidence.cross - prior.mean.astype(np.float64) @ evidence.moment  # (G, D, 52)
    pull: FloatArray = np.einsum("gde,gew->dw", evidence.inverse_noise, surprise, optimize=True).reshape(-1)
    return pull


def adapt(prior: Prior, rows: LabelledRows, source: Source) -> WearerJacobian:
    """What `rows` tell of a wearer with everybody's noise.

    Raises:
        WearerError: the rows have another number of channels, or are not finite.
    """
    evidence = evidence_of(prior, rows, prior.noise)
    found = posterior(prior, evidence)
    return WearerJacobian(found.mean, found.uncertainty(prior), source, evidence=evidence)


def adapt_to_motion(
    prior: Prior, rows: LabelledRows, prompts: LabelledRows | None = None, share: float = NATURAL_SHARE
) -> WearerJacobian:
    """What natural motion beside a camera tells: the Jacobian, and the residual covariance of this wearer.

    What the Jacobian leaves over (shapes together are not the sum of each alone, tissue, the camera's own errors)
    differs between wearers, and tells how much to believe of each direction of the observations. It is learned with
    the Jacobian, by turns, from everybody's on. The Jacobian is learned from motion relative to its surroundings
    (`SURROUNDING_ROWS`), the residuals from motion relative to its mean: what is slow is not learned from, but is there
    when reading. What a camera says of a face at rest, which is not zero, costs nothing so.

    Args:
        prior: over wearers.
        rows: natural motion at ten rows a second, in order.
        prompts: of the guided routine, where it was done with the same gluing.
        share: what each row counts.

    Raises:
        WearerError: rows of another number of channels, or not finite.
    """
    told = Evidence.nothing(prior.observations) if prompts is None else evidence_of(prior, prompts, prior.noise)
    quick, whole = beside_surroundings(rows, SURROUNDING_ROWS), beside_surroundings(rows, len(rows.weights))
    noise: FloatArray = prior.noise.astype(np.float64)
    trust: FloatArray = np.ones(len(rows.weights))
    for left in reversed(range(_NOISE_ROUNDS)):
        evidence = told + evidence_of(prior, _counting(quick, trust), noise, share)
        if left:
            jacobian = posterior_mean(prior, evidence)
            noise = own_noise(prior.noise, _counting(whole, trust), jacobian, share)
            trust = _trust(quick, jacobian, noise)
    found = posterior(prior, evidence)
    noise = own_noise(prior.noise, _counting(whole, trust), found.mean, share)
    return WearerJacobian(found.mean, found.uncertainty(prior), "phone", noise, noise, evidence)


def _counting(rows: LabelledRows, trust: FloatArray) -> LabelledRows:
    """Rows that count (N,) times in sums of squares."""
    root = np.sqrt(trust)[:, None]
    return replace(rows, observation=root * rows.observation, weights=root * rows.weights)


def _trust(rows: LabelledRows, jacobian: FloatArray, noise: FloatArray) -> FloatArray:
    """(N,) expected precision of each row under a t distribution, 1 for a usual one.

    K. Lange, R. Little, J. Taylor, "Robust statistical modeling using the t distribution", JASA 84, 1989.
    """
    trust = np.ones(len(rows.weights))
    patterns, of = np.unique(rows.valid, axis=0, return_inverse=True)
    for number, valid in enumerate(patterns):
        chosen = of.reshape(-1) == number
        left = rows.observation[chosen] - rows.weights[chosen] @ jacobian.T
        distance = np.einsum("nd,de,ne->n", left, inverse_where_seen(noise, valid), left, optimize=True)
        trust[chosen] = (TAILS + np.count_nonzero(valid)) / (TAILS + distance)
    return trust


def beside_surroundings(rows: LabelledRows, reach: int) -> LabelledRows:
    """Rows minus the means of observations and labels over those up to `reach` before and behind each of them."""
    everywhere = np.ones(rows.weights.shape, dtype=bool)
    return replace(
        rows,
        observation=np.where(rows.valid, rows.observation - _surroundings(rows.observation, rows.valid, reach), 0.0),
        weights=rows.weights - _surroundings(rows.weights, everywhere, reach),
    )


def _surroundings(values: FloatArray, valid: NDArray[np.bool_], reach: int) -> FloatArray:
    """(N, C) mean of the valid values about each row; of fewer rows at both ends."""
    rows = np.arange(len(values))
    first, last = np.maximum(rows - reach, 0), np.minimum(rows + reach + 1, len(values))
    start = np.zeros((1, values.shape[1]))
    total = np.concatenate([start, np.cumsum(np.where(valid, values, 0.0), axis=0, dtype=np.float64)])
    number = np.concatenate([start, np.cumsum(valid, axis=0)])
    mean: FloatArray = (total[last] - total[first]) / np.maximum(number[last] - number[first], 1.0)
    return mean


def own_noise(
    typical: FloatArray, rows: LabelledRows, jacobian: FloatArray, share: float = NATURAL_SHARE
) -> FloatArray:
    """(D, D) rad^2: the covariance of what `jacobian` leaves of the rows, from everybody's (`typical`) on.

    Mode of an inverse Wishart posterior. Of rows with different sensors only those of the commonest pattern count; what
    was not seen takes what everybody's covariance makes of the seen (one step of expectation-maximisation).
    """
    expected = typical.astype(np.float64)
    if not len(rows.valid):
        return expected
    patterns, group = np.unique(rows.valid, axis=0, return_inverse=True)
    commonest = int(np.argmax(np.bincount(group.reshape(-1))))
    chosen, valid = group.reshape(-1) == commonest, patterns[commonest]
    count = share * np.count_nonzero(chosen)
    if np.count_nonzero(chosen) < _LEAST_ROWS or not valid.any():
        return expected
    left = (rows.observation[chosen] - rows.weights[chosen] @ jacobian.T)[:, valid]
    square = completed(expected, share * left.T @ left, count, valid)
    found: FloatArray = (NOISE_ROWS * expected + square) / (NOISE_ROWS + count)
    return found


def completed(
    typical: NDArray[np.float64], square: FloatArray, count: float, valid: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Expected sum of squares (D, D) of `count` residuals of which the `valid` channels' sum is `square`."""
    seen, missing = np.flatnonzero(valid), np.flatnonzero(~valid)
    whole = np.zeros_like(typical)
    whole[np.ix_(seen, seen)] = square
    if len(missing):
        across = np.linalg.solve(typical[np.ix_(seen, seen)], typical[np.ix_(seen, missing)])  # (S, M)
        whole[np.ix_(seen, missing)] = square @ across
        whole[np.ix_(missing, seen)] = whole[np.ix_(seen, missing)].T
        given = typical[np.ix_(missing, missing)] - typical[np.ix_(missing, seen)] @ across
        whole[np.ix_(missing, missing)] = across.T @ square @ across + count * given
    return whole


def _kronecker_sum(evidence: Evidence, size: int) -> FloatArray:
    """Sum over groups of the Kronecker products of (D, D) with (52, 52) -> (D 52, D 52); in one product."""
    if not len(evidence.moment):
        return np.zeros((size * arkit.COUNT,) * 2)
    inverses, moments = (a.reshape(len(a), -1) for a in (evidence.inverse_noise, evidence.moment))
    four = (inverses.T @ moments).reshape(size, size, arkit.COUNT, arkit.COUNT)
    whole: FloatArray = four.transpose(0, 2, 1, 3).reshape(size * arkit.COUNT, size * arkit.COUNT)
    return whole


def _inverse(matrix: FloatArray) -> FloatArray:
    """Of a symmetric, positive definite matrix.

    By halves (Schur's complement) down to blocks that Cholesky inverts: products of matrices let other threads run,
    LAPACK's routines hold them up, a tenth of a second for the whole matrix. Frames must not wait for that.

    Raises:
        numpy.linalg.LinAlgError: it is not positive definite.
    """
    if len(matrix) <= _BLOCK:
        lower, failed = lapack.dpotrf(matrix, lower=1)
        if failed:
            raise np.linalg.LinAlgError("expected a positive definite matrix, found another")
        half, _ = lapack.dpotri(lower, lower=1, overwrite_c=1)
        block: FloatArray = np.tril(half) + np.tril(half, -1).T
        return block
    middle = len(matrix) // 2
    first = _inverse(matrix[:middle, :middle])
    across = matrix[middle:, :middle] @ first
    last = _inverse(matrix[middle:, middle:] - across @ matrix[:middle, middle:])
    whole = np.empty_like(matrix)
    whole[middle:, middle:] = last
    corner = np.matmul(last, across, out=whole[middle:, :middle])
    whole[:middle, :middle] = first
    whole[:middle, :middle] += across.T @ corner
    np.negative(corner, out=corner)
    whole[:middle, middle:] = corner.T
    return whole
