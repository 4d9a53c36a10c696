"""One round of learning while worn, beside the stream: what observations teach, and whether labels fit them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.wearer.adapt import posterior
from face_inference.wearer.linear_estimate import LinearEstimate
from face_inference.wearer.prior import Prior, WearerJacobian
from face_inference.wearer.worn import ObservationDensity, learn_worn

MOST_SURPRISE = 20.0
"""A single observation counts for or against a round with this at most, nats: some are outliers by hundreds."""

FIT_SURPRISE = 10.0
"""As `MOST_SURPRISE`, of how well something fits."""

LOOSE_SHARE = 0.02
"""What labels of another gluing count: 0.01 to 0.03 read best with boards glued on anew, and better than nothing known
(simulated: MAE 0.076 and 0.082 on two kinds of faces, instead of 0.083 and 0.095; with all they count 0.085, 0.090)."""

MISFIT = (2.0, 300.0)
"""Labels are of another gluing where the observations are less likely under them than with `LOOSE_SHARE`, by so many
nats each and so many more in all. Simulated: found in 5 of 6 gluings within 20 to 60 s of motion, the sixth was much
like the first; of ten people with the gluing that was learned nine were let be."""

FRESH_OBSERVATIONS = 100
"""Twenty seconds, on which a round is judged; then the next one begins."""

_Found = TypeVar("_Found")
_ONE_AT_A_TIME = threading.Lock()
"""A round needs 80 MB for a fifth of a second: several wearers take turns."""


class Round(NamedTuple):
    """What a round found, and all that judging it needs, so that the frame that judges need not wait for it."""

    wearer: WearerJacobian
    estimate: LinearEstimate
    flags: bytes
    before: ObservationDensity
    after: ObservationDensity


class Fit(NamedTuple):
    """Whether observations are of what was known at first, and else what to go on with."""

    misfit: bool
    loose: WearerJacobian
    estimate: LinearEstimate | None


def beside(work: Callable[..., _Found], *arguments: object) -> Future[_Found]:
    """What a thread of its own is asked for; it ends with the answer."""
    learner = ThreadPoolExecutor(1, thread_name_prefix="learn_worn")
    asked = learner.submit(work, *arguments)
    learner.shutdown(wait=False)
    return asked


def learn_round(
    prior: Prior,
    channels: Channels,
    known: WearerJacobian,
    values: NDArray[np.float16],
    masks: NDArray[np.uint8],
) -> Round | None:
    """One round, from the observations of the commonest pattern of sensors; None if there are too few of them."""
    flags, seen = _commonest(channels, masks)
    with _ONE_AT_A_TIME:
        try:
            found = learn_worn(prior, known, values[with_flags(masks, flags.tobytes())].astype(np.float64), seen)
            if found is known:
                return None
            estimate = LinearEstimate(prior, found)
            estimate.gain(seen)
            densities = [ObservationDensity(prior, wearer, seen) for wearer in (known, found)]
        except np.linalg.LinAlgError:  # of observations that no face makes
            return None
    return Round(found, estimate, flags.tobytes(), *densities)


def find_fit(
    prior: Prior,
    channels: Channels,
    first: WearerJacobian,
    loose: WearerJacobian | None,
    values: NDArray[np.float16],
    masks: NDArray[np.uint8],
) -> Fit:
    """Whether observations are of `first`; `loose`: what else they could be of, by default `first` with less belief."""
    flags, seen = _commonest(channels, masks)
    observed = values[with_flags(masks, flags.tobytes())].astype(np.float64)
    with _ONE_AT_A_TIME:
        try:
            loose = loose or loosened(prior, first)
            differs = ObservationDensity(prior, first, seen)(observed) - ObservationDensity(prior, loose, seen)(
                observed
            )
        except np.linalg.LinAlgError:
            return Fit(False, loose or first, None)
        each, whole = MISFIT
        if differs.clip(-FIT_SURPRISE, FIT_SURPRISE).sum() >= -each * len(differs) - whole:
            return Fit(False, loose, None)
        estimate = LinearEstimate(prior, loose)
        estimate.gain(seen)
    return Fit(True, loose, estimate)


def loosened(prior: Prior, labelled: WearerJacobian) -> WearerJacobian:
    """What labels of another gluing still tell: the same face, as if seen `LOOSE_SHARE` as often."""
    assert labelled.evidence is not None
    evidence = labelled.evidence.counted(LOOSE_SHARE).rounded
    found = posterior(prior, evidence)
    return WearerJacobian(found.mean, found.uncertainty(prior), labelled.source, evidence=evidence)


def _commonest(channels: Channels, masks: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The commonest pattern of sensors, and the channels (D,) of rotations that it has."""
    patterns, counts = np.unique(masks, axis=0, return_counts=True)
    flags = patterns[int(np.argmax(counts))]
    there = np.unpackbits(flags, count=channels.sensors) > 0
    return flags, there[channels.sensor_of[channels.skin_block("rotation")]]


def with_flags(masks: NDArray[np.uint8], flags: bytes) -> NDArray[np.bool_]:
    """(N,) which observations are of this pattern of sensors."""
    return np.asarray((masks == np.frombuffer(flags, dtype=np.uint8)).all(axis=1))


def more_likely(first: ObservationDensity, second: ObservationDensity, values: NDArray[np.float64]) -> float:
    """By how much observations (N, D) are more likely under the first, nats for each; 0 for hardly any."""
    if len(values) < FRESH_OBSERVATIONS // 2:
        return 0.0
    return float(np.clip(first(values) - second(values), -MOST_SURPRISE, MOST_SURPRISE).mean())
