"""What could be known of each wearer: nothing, what wear, a guided routine, or a phone beside natural motion tells."""

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
from face_inference.wearer.adapt import adapt, adapt_to_motion
from face_inference.wearer.evidence import LabelledRows
from face_inference.wearer.guided import guided_rows
from face_inference.wearer.linear_estimate import LinearEstimate
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import Prior, WearerJacobian
from face_inference.wearer.worn import WORN_HZ, learn_worn
from face_training.prior_fit import joined, labelled
from face_training.states import STATES, State
from face_training.training_take import Take
from imu_sim.phone.camera import PHONE, Camera

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


LEARNED_SHARE = 0.6
"""Share of a wearer's longest take, its first part, that wear and phone are learned from; in these states nobody is
trained on it."""

PHONE_HZ = 10.0
OWN_HZ = 5.0
TRUE_LABELS = 0.5
"""Share of the wearers whose phone tells the true weights; those of the others err as `imu_sim.phone.camera` does."""

_WORN_ROUNDS = 3
_VERSION = 3
"""Of what is kept; raise it when these lines change what is learned."""

Progress = Callable[[float, str], None]


def learned_ticks(take: Take) -> int:
    """How many ticks, from the first, of a take that wear or a phone was learned from."""
    return 0 if take.is_routine else int(LEARNED_SHARE * len(take.features))


@dataclass(frozen=True)
class TrainingSubject:
    """One wearer to train on: somebody in the data, or made of somebody.

    Attributes:
        shift: (D, 52) rad, what this wearer's Jacobian is apart from that of the takes; None: nothing.
        estimates: by what is known, `neutral` always.
    """

    shift: Float32Array | None
    estimates: Mapping[State, LinearEstimate]

    def estimate(self, state: State) -> LinearEstimate:
        """The linear estimate with what `state` tells, or with what everybody has in common."""
        return self.estimates.get(state, self.estimates["neutral"])


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
        estimates: dict[State, LinearEstimate] = {"neutral": anybody}
        for state in STATES[1:]:
            if f"{key}:{state}:mean" in arrays:
                mean, uncertainty, noise = (
                    arrays[f"{key}:{state}:{part}"] for part in ("mean", "uncertainty", "noise")
                )
                estimates[state] = LinearEstimate(prior, WearerJacobian(mean, uncertainty, "phone", noise))
        return TrainingSubject(arrays.get(f"{key}:shift"), estimates)

    return {name: [wearer(f"{name}:{i}") for i in range(1 + made_up)] for name in names}


def _learned(takes: Sequence[Take], name: str, prior: Prior, rate_hz: float, made_up: int) -> dict[str, Float32Array]:
    """All that is kept of one wearer, and of those made of this one, each in one state of knowledge beside `neutral`.

    Learning takes a second or two for each state.
    """
    own = [take for take in takes if take.wearer == name]
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
    shifts: list[Float32Array | None] = [None]
    if made_up:
        every = max(1, round(rate_hz / OWN_HZ))
        rows = [labelled(take, every) for take in own]
        known = adapt(prior, joined(rows), "phone").mean
        shifts += [(drawn_response(prior, rng) - known).astype(np.float32) for _ in range(made_up)]
    arrays: dict[str, Float32Array] = {}
    for i, shift in enumerate(shifts):
        states = STATES[1:]
        if shift is not None:
            arrays[f"{name}:{i}:shift"] = shift
            states = (states[int(rng.integers(len(states)))],)
        for state, found in _known(own, shift, prior, rate_hz, states, rng).items():
            arrays[f"{name}:{i}:{state}:mean"] = found.mean.astype(np.float32)
            arrays[f"{name}:{i}:{state}:uncertainty"] = found.uncertainty.astype(np.float32)
            arrays[f"{name}:{i}:{state}:noise"] = found.noise_beside(prior).astype(np.float32)
    return arrays


def _known(
    own: Sequence[Take],
    shift: Float32Array | None,
    prior: Prior,
    rate_hz: float,
    states: Sequence[State],
    rng: np.random.Generator,
) -> dict[State, WearerJacobian]:
    """What is known of a wearer in each of `states`; a state for which the takes tell too little is left out."""
    shifted = [take if shift is None else _shifted(take, shift, rate_hz) for take in own]
    natural = max((take for take in shifted if not take.is_routine), key=lambda take: len(take.features), default=None)
    prompts = next((_prompts(take, rate_hz) for take in shifted if take.is_routine), None)
    found: dict[State, WearerJacobian] = {}
    if prompts is not None and {"routine", "routine_worn"} & set(states):
        found["routine"] = adapt(prior, prompts, "prompts")
    if natural is not None:
        part = replace(
            natural,
            features=natural.features[: learned_ticks(natural)],
            weights=natural.weights[: learned_ticks(natural)],
        )
        if "worn" in states:
            found["worn"] = _worn(prior, prior.unknown_wearer, part, rate_hz)
        if "routine_worn" in states and "routine" in found:
            found["routine_worn"] = _worn(prior, found["routine"], part, rate_hz)
        if "phone" in states:
            found["phone"] = adapt_to_motion(prior, _phone(part, rate_hz, rng), prompts)
    return {state: known for state, known in found.items() if state in states}


def _shifted(take: Take, shift: Float32Array, rate_hz: float) -> Take:
    features = take.features.copy()
    shift_response(take.channels, features, take.weights, shift, rate_hz)
    return replace(take, features=features)


def _prompts(routine: Take, rate_hz: float) -> LabelledRows | None:
    """None where too little was seen of this wearer; a real one would be told so and go on without."""
    times = np.arange(len(routine.features)) / rate_hz
    try:
        return guided_rows(Observations.of(routine.features, routine.channels, times)).rows
    except WearerError:
        return None


def _worn(prior: Prior, known: WearerJacobian, take: Take, rate_hz: float) -> WearerJacobian:
    rows = slice(0, None, max(1, round(rate_hz / WORN_HZ)))
    observed = take.channels.observed(take.features[rows])
    whole = observed.all(axis=1)
    rotations = take.features[rows][:, take.channels.skin_block("rotation")]
    return learn_worn(prior, known, rotations[whole], np.ones(prior.observations, dtype=bool), _WORN_ROUNDS)


def _phone(take: Take, rate_hz: float, rng: np.random.Generator) -> LabelledRows:
    """Rows at ten a second, with the weights that a phone tells."""
    rows = labelled(take, max(1, round(rate_hz / PHONE_HZ)))
    if rng.random() < TRUE_LABELS:
        return rows
    # Its rate is that of the rows: what trembles within a tenth of a second is as good as new in the next row.
    camera = Camera(replace(PHONE, rate_hz=PHONE_HZ), int(rng.integers(2**31)))
    late = np.array([camera.picture(weights) for weights in rows.weights])
    return replace(rows, weights=late)


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
