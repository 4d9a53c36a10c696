"""What could be known of each wearer: nothing, what a guided routine tells, what a phone beside it tells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from face_inference.channels import Channels
from face_inference.errors import WearerError
from face_inference.wearer.adapt import adapt
from face_inference.wearer.guided import guided_rows
from face_inference.wearer.linear_estimate import LinearEstimate
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import Prior, Source, WearerJacobian
from face_training.prior_fit import joined, labelled
from face_training.training_take import Take

Float32Array = NDArray[np.float32]


def shift_response(
    channels: Channels, features: Float32Array, weights: Float32Array, shift: Float32Array, rate_hz: float
) -> None:
    """Add to each sensor the turn that `shift` (D, 52) rad gives the true weights (L, 52), in place.

    Rotation, its horizontal part (tilt) and its rate of change follow; forces, which hardly tell turns from head
    motion here, stay. To first order in the angles, which are small: a few degrees, seldom twenty.
    """
    lead = (len(features), channels.skin_count, 3)
    turn = (weights @ shift.T).reshape(lead)
    turn *= channels.observed(features).reshape(lead)
    up = features[:, None, channels.gravity]
    features[:, channels.skin_block("rotation")] += turn.reshape(len(features), -1)
    level = turn - np.sum(turn * up, axis=-1, keepdims=True) * up
    features[:, channels.skin_block("tilt")] += level.reshape(len(features), -1)
    features[:, channels.skin_block("rate")] += (np.gradient(turn, axis=0) * rate_hz).reshape(len(features), -1)


SOURCES: tuple[Source, ...] = ("population", "prompts", "phone")
PHONE_HZ = 10.0
OWN_HZ = 5.0
PHONE_SPREAD = 0.04
"""Standard deviation of a phone's own weights; a guess."""

_VERSION = 1
"""Of what is kept; raise it when these lines change what is learned."""

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class TrainingSubject:
    """One wearer to train on: somebody in the data, or made of somebody.

    Attributes:
        shift: (D, 52) rad, what this wearer's Jacobian is apart from that of the takes; None: nothing.
        estimates: by how much is known, everybody's always.
    """

    shift: Float32Array | None
    estimates: Mapping[Source, LinearEstimate]

    def estimate(self, source: Source) -> LinearEstimate:
        """The linear estimate with what `source` tells, or with what everybody has in common."""
        return self.estimates.get(source, self.estimates["population"])


def subjects_of(
    takes: Sequence[Take],
    prior: Prior,
    rate_hz: float,
    folder: Path,
    made_up: int = 0,
    threads: int = 2,
    progress: Progress | None = None,
) -> dict[str, list[TrainingSubject]]:
    """Wearers by the name that takes give them: the real one first, then as many made of this one.

    A made-up wearer does what the real one did, with a Jacobian drawn from the population in place of the own, so
    that a network meets more people than were simulated. What is learned of all is kept in `folder`.
    """
    names = sorted({take.wearer for take in takes})
    path = folder / f"wearers_{_key(takes, prior, made_up)}.safetensors"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob("wearers_*"):
            stale.unlink()
        arrays: dict[str, Float32Array] = {}
        with ThreadPoolExecutor(threads) as pool:
            jobs = [pool.submit(_learned, takes, name, prior, rate_hz, made_up) for name in names]
            for number, job in enumerate(jobs):
                arrays |= job.result()
                if progress:
                    progress((number + 1) / len(names), f"wearers: {number + 1} of {len(names)}")
        partial = path.with_name(f".{path.name}")
        save_file(arrays, partial)
        partial.replace(path)
    return _wearers(load_file(path), names, prior, made_up)


def _wearers(
    arrays: Mapping[str, Float32Array], names: Sequence[str], prior: Prior, made_up: int
) -> dict[str, list[TrainingSubject]]:
    anybody = LinearEstimate(prior, prior.unknown_wearer)

    def wearer(key: str) -> TrainingSubject:
        estimates: dict[Source, LinearEstimate] = {"population": anybody}
        for source in SOURCES[1:]:
            if f"{key}:{source}:response" in arrays:
                jacobian, uncertainty = (arrays[f"{key}:{source}:{part}"] for part in ("response", "uncertainty"))
                estimates[source] = LinearEstimate(prior, WearerJacobian(jacobian, uncertainty, source))
        return TrainingSubject(arrays.get(f"{key}:shift"), estimates)

    return {name: [wearer(f"{name}:{i}") for i in range(1 + made_up)] for name in names}


def _learned(takes: Sequence[Take], name: str, prior: Prior, rate_hz: float, made_up: int) -> dict[str, Float32Array]:
    """All that is kept of one wearer and of those made of this one."""
    own = [take for take in takes if take.wearer == name]
    routine = next((take for take in own if take.is_routine), None)
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
    shifts: list[Float32Array | None] = [None]
    if made_up:
        every = max(1, round(rate_hz / OWN_HZ))
        rows = [labelled(take, every) for take in own]
        known = adapt(prior, joined(rows), "phone").mean
        shifts += [(drawn_response(prior, rng) - known).astype(np.float32) for _ in range(made_up)]
    arrays: dict[str, Float32Array] = {}
    for i, shift in enumerate(shifts):
        if shift is not None:
            arrays[f"{name}:{i}:shift"] = shift
        for jacobian in [] if routine is None else _taught(routine, shift, prior, rate_hz):
            arrays[f"{name}:{i}:{jacobian.source}:response"] = jacobian.mean.astype(np.float32)
            arrays[f"{name}:{i}:{jacobian.source}:uncertainty"] = jacobian.uncertainty.astype(np.float32)
    return arrays


def _taught(routine: Take, shift: Float32Array | None, prior: Prior, rate_hz: float) -> list[WearerJacobian]:
    """What one routine tells, by its prompts and by its true weights."""
    features = routine.features
    if shift is not None:
        features = features.copy()
        shift_response(routine.channels, features, routine.weights, shift, rate_hz)
    take = replace(routine, features=features)
    found = [adapt(prior, labelled(take, max(1, round(rate_hz / PHONE_HZ)), PHONE_SPREAD), "phone")]
    times = np.arange(len(features)) / rate_hz
    try:
        rows = guided_rows(Observations.of(features, take.channels, times)).rows
    except WearerError:
        # Too little was seen of this wearer; a real one would be told so and go on without.
        return found
    return [*found, adapt(prior, rows, "prompts")]


def drawn_response(prior: Prior, rng: np.random.Generator) -> NDArray[np.float64]:
    """(D, 52) rad of a random member of the population."""
    shared = np.tensordot(rng.normal(size=len(prior.factors)), prior.factors, 1)
    own = prior.spread * rng.normal(size=prior.spread.shape)
    return np.asarray(prior.mean + shared + own, dtype=np.float64)


def _key(takes: Sequence[Take], prior: Prior, made_up: int) -> str:
    digest = hashlib.sha256(prior.mean.tobytes() + prior.noise.tobytes())
    digest.update(f"{made_up} {_VERSION}".encode())
    for take in takes:
        digest.update(f"{take.wearer} {take.is_routine} {len(take.features)}".encode())
    return digest.hexdigest()[:16]
