"""Takes of a data set as inputs and weights, split by person, streamed from disk in random augmented chunks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_dataset.plan import GENERATED
from face_dataset.shards import ShardedDataset, StoredTake
from face_dataset.shards.manifest import ROUTINE_SOURCE
from face_inference.channels import Channels
from face_inference.errors import InferenceError
from face_inference.mounts import NominalMounts
from face_inference.network_inputs import InputAssembler
from face_inference.ticks import RATE_TOLERANCE
from face_inference.wearer.prior import Prior
from face_model.layout import load_layout
from face_model.outputs import write_whole
from face_training.augment import Augmenter
from face_training.config import TrainConfig
from face_training.feature_cache import Progress, cached_features
from face_training.prior_fit import FIRST_SEED, fit_prior, jacobians, jacobians_in
from face_training.states import LEARNED_FROM_MOTION, STATES, State
from face_training.training_subjects import (
    TrainingSubject,
    learned_ticks,
    shift_response,
    subjects_of,
)
from face_training.training_take import Take, ValidationTake
from imu_sim.families import load_family

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Dataset:
    """Takes for training and for validation, nobody in both.

    Attributes:
        channels: of the features.
        training: what is trained on.
        validation: performances of other people, each for one state of knowledge of the wearer, in turn.
        prior: over wearers.
        wearers: in training, and made of these, by `Take.wearer`.
        rate_hz: of all takes.
        augment: random changes.
        states: chance of each state of knowledge in which a chunk's wearer is read.
        recorded_share: of the chunks; 0: as the takes' lengths say.
        sha256: hash of the data set that all came from.
    """

    channels: Channels
    training: tuple[Take, ...]
    validation: tuple[ValidationTake, ...]
    prior: Prior
    wearers: Mapping[str, Sequence[TrainingSubject]]
    rate_hz: float
    augment: Augmenter
    states: Mapping[State, float]
    recorded_share: float
    sha256: str

    def chunks(
        self, rng: np.random.Generator, count: int, length: int, sources: Sequence[str] = ()
    ) -> tuple[Float32Array, Float32Array]:
        """Random chunks of the training takes, augmented: inputs (count, length, I) and weights (count, length, 52).

        Args:
            rng: all that is random.
            count: how many.
            length: ticks of each.
            sources: sources of takes to draw from; all where there are none.

        Raises:
            InferenceError: no take has one of these sources.
        """
        takes = self._of_sources(tuple(sources))
        room = np.array([max(0, len(take.features) - length + 1) for take in takes], dtype=np.float64)
        chosen = rng.choice(len(room), size=count, p=self._shares(takes, room))
        shares = np.array([self.states[state] for state in STATES])
        known = rng.choice(len(STATES), size=count, p=shares / shares.sum())
        features = np.empty((count, length, self.channels.size), dtype=np.float32)
        weights = np.empty((count, length, self.training[0].weights.shape[1]), dtype=np.float32)
        estimates = []
        for i, index in enumerate(chosen):
            take, state = takes[index], STATES[known[i]]
            # What was learned from a stretch fits it better than any other.
            first = min(learned_ticks(take), int(room[index]) - 1) if state in LEARNED_FROM_MOTION else 0
            start = int(rng.integers(first, int(room[index])))
            features[i] = take.features[start : start + length]
            weights[i] = take.weights[start : start + length]
            wearers = self.wearers[take.wearer]
            wearer = wearers[int(rng.integers(len(wearers)))]
            estimates.append(wearer.estimate(state))
            if wearer.shift is not None:
                shift_response(self.channels, features[i], weights[i], wearer.shift, self.rate_hz)
        return self.augment(rng, features, weights, estimates)

    def _shares(self, takes: Sequence[Take], room: NDArray[np.float64]) -> NDArray[np.float64]:
        """(takes,) chance of each."""
        recorded = np.array([take.source not in (GENERATED, ROUTINE_SOURCE) for take in takes])
        shares: NDArray[np.float64] = room / room.sum()
        if self.recorded_share and 0.0 < shares[recorded].sum() < 1.0:
            shares[recorded] *= self.recorded_share / shares[recorded].sum()
            shares[~recorded] *= (1.0 - self.recorded_share) / shares[~recorded].sum()
        return shares

    def _of_sources(self, sources: tuple[str, ...]) -> list[Take]:
        found = [take for take in self.training if not sources or take.source in sources]
        if not found:
            there = ", ".join(sorted({take.source for take in self.training}))
            raise InferenceError(
                f"expected takes of {', '.join(sources)}, found only {there}; correct the stage's sources"
            )
        return found


def load_dataset(
    config: TrainConfig,
    data: ShardedDataset,
    mounts: NominalMounts,
    cache_dir: Path,
    progress: Progress | None = None,
) -> Dataset:
    """Features of the training and validation takes of a data set, computed once and then mapped from `cache_dir`.

    Where the data set has no validation split, `config.validation_share` of the people in training is held back.

    Raises:
        InferenceError: no usable takes, a take of another rate, or nobody left to train on.
        DatasetError: the data set is damaged.
        LayoutMismatchError: a take lacks the model's reference sensor.
    """
    stored = [take for take in data if take.info.split != "test" and take.info.samples >= config.chunk]
    for take in stored:
        if abs(take.info.rate_hz / config.rate_hz - 1.0) > RATE_TOLERANCE:
            raise InferenceError(
                f"{data.folder}, take {take.info.index}: expected {config.rate_hz} Hz, found {take.info.rate_hz} Hz; "
                "build the data set at the model's rate"
            )
    held_back = _held_back(stored, config.validation_share)
    if not held_back or len(held_back) == len({take.info.person for take in stored}):
        raise InferenceError(
            f"expected takes of at least {config.chunk} samples from at least two people in {data.folder}, "
            f"found {len(stored)} of {len({take.info.person for take in stored})}; make more takes"
        )
    cache = cached_features(stored, mounts, config.neutral_s, data.sha256, cache_dir, progress)
    channels = Channels.of(mounts)
    takes = [
        Take(take.info.person, take.info.name, take.info.source, _wearer(take), channels, features, weights)
        for take, (features, weights) in zip(stored, cache, strict=True)
    ]
    people = sorted({take.person for take in takes} - held_back)
    trained_on = set(people[: config.training_people or len(people)])
    training = tuple(take for take in takes if take.person in trained_on)
    prior = _prior(config, stored, training, cache_dir, data.sha256)
    wearers = subjects_of(
        training, prior, config.rate_hz, cache_dir / "training", config.made_up_wearers, progress=progress
    )
    others = [take for take in takes if take.person in held_back]
    met = subjects_of(others, prior, config.rate_hz, cache_dir / "validation", progress=progress)
    performances = [take for take in others if not take.is_routine]
    return Dataset(
        channels,
        training,
        tuple(_validation(take, met[take.wearer][0], number) for number, take in enumerate(performances)),
        prior,
        wearers,
        config.rate_hz,
        Augmenter(mounts, config.augment, config.rate_hz, _scale(training)),
        config.augment.states,
        config.recorded_share,
        data.sha256,
    )


def _wearer(take: StoredTake) -> str:
    """Takes of one simulated wearer have family and seed in common; others stand for themselves."""
    info = take.info
    return f"{info.family}:{info.wearer_seed}" if info.family is not None else f"take:{info.index}"


def _prior(
    config: TrainConfig, stored: Sequence[StoredTake], training: Sequence[Take], folder: Path, data_sha256: str
) -> Prior:
    """Fitted once, then read from `folder`."""
    path = folder / f"population_{config.population_people}_{data_sha256[:16]}.safetensors"
    if path.is_file():
        return Prior.load(path)
    known = {take.wearer for take in training}
    kinds = Counter(
        (take.info.family, take.info.layout)
        for take in stored
        if take.info.family and take.info.layout and _wearer(take) in known
    )
    if kinds:
        drawn: list[NDArray[np.float64]] = []
        for (family, layout), takes in sorted(kinds.items()):
            people = round(config.population_people * takes / kinds.total())
            seeds = range(FIRST_SEED + len(drawn), FIRST_SEED + len(drawn) + people)
            drawn += jacobians(load_family(str(family)), load_layout(str(layout)), seeds)
    else:
        drawn = list(jacobians_in(training, config.rate_hz))
    # A part of it would be read as the whole by the next run.
    write_whole(path, fit_prior(drawn, training, config.rate_hz).save)
    return Prior.load(path)


def _validation(take: Take, wearer: TrainingSubject, number: int) -> ValidationTake:
    state = STATES[number % len(STATES)]
    rows = slice(learned_ticks(take) if state in LEARNED_FROM_MOTION else 0, None)
    inputs = InputAssembler(take.channels, wearer.estimate(state)).batch(take.features[rows])
    return ValidationTake(take.person, take.name, inputs, take.weights[rows])


def _scale(takes: Sequence[Take]) -> Float32Array:
    """(F,) spread of each feature over the training takes: the unit of noise."""
    rows = np.concatenate([take.features[::20] for take in takes])
    return np.asarray(rows.std(axis=0), dtype=np.float32)


def _held_back(takes: Sequence[StoredTake], share: float) -> set[str]:
    """People for validation: those of that split, else some of the training's, one at least.

    These are chosen by the hash of the name: the same whoever else is in the set.
    """
    chosen = {take.info.person for take in takes if take.info.split == "validation"}
    people = {take.info.person for take in takes}
    if chosen or not people:
        return chosen
    ranked = sorted(people, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return set(ranked[: max(1, round(share * len(ranked)))])
