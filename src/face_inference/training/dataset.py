"""Takes of a data set as features and weights, split by person, streamed from disk in random chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.errors import TrainingError
from face_inference.mounts import NominalMounts
from face_inference.ticks import RATE_TOLERANCE
from face_inference.training.config import TrainConfig
from face_inference.training.feature_cache import Progress, cached_features
from face_model.shards import ShardedDataset, StoredTake

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Take:
    """One take: features (T, F), weights (T, 52), both mapped from disk."""

    person: str
    name: str
    features: Float32Array
    weights: Float32Array


@dataclass(frozen=True)
class Dataset:
    """Takes for training and for validation, no person in both, and the hash of the data set they came from."""

    channels: Channels
    training: tuple[Take, ...]
    validation: tuple[Take, ...]
    sha256: str

    def normaliser(self) -> tuple[Float32Array, Float32Array]:
        """Mean and scale (F,) of the training features."""
        total = sum(len(take.features) for take in self.training)
        mean = sum(take.features.sum(axis=0, dtype=np.float64) for take in self.training) / total
        square = sum(np.square(take.features - mean).sum(axis=0) for take in self.training) / total
        scale = np.sqrt(square)
        # A channel that hardly varied in training must not blow up on a wearer in whom it does.
        scale = np.maximum(scale, 1e-3)
        mean[self.channels.valid], scale[self.channels.valid] = 0.5, 0.5
        return mean.astype(np.float32), scale.astype(np.float32)

    def chunks(self, rng: np.random.Generator, count: int, length: int) -> tuple[Float32Array, Float32Array]:
        """Random chunks of the training takes: (count, length, F) and (count, length, 52)."""
        room = np.array([len(take.features) - length + 1 for take in self.training], dtype=np.float64)
        chosen = rng.choice(len(room), size=count, p=room / room.sum())
        features = np.empty((count, length, self.channels.size), dtype=np.float32)
        weights = np.empty((count, length, self.training[0].weights.shape[1]), dtype=np.float32)
        for i, index in enumerate(chosen):
            start = int(rng.integers(int(room[index])))
            take = self.training[index]
            features[i] = take.features[start : start + length]
            weights[i] = take.weights[start : start + length]
        return features, weights


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
        TrainingError: no usable takes, a take of another rate, or nobody left to train on.
        face_model.errors.ShardError: the data set is damaged.
        LayoutMismatchError: a take lacks the model's reference sensor.
    """
    stored = [take for take in data if take.info.split != "test" and take.info.samples >= config.chunk]
    for take in stored:
        if abs(take.info.rate_hz / config.rate_hz - 1.0) > RATE_TOLERANCE:
            raise TrainingError(
                f"{data.folder}, take {take.info.index}: expected {config.rate_hz} Hz, found {take.info.rate_hz} Hz; "
                "build the data set at the model's rate"
            )
    held_back = _held_back(stored, config.validation_share)
    if not held_back or len(held_back) == len({take.info.person for take in stored}):
        raise TrainingError(
            f"expected takes of at least {config.chunk} samples from at least two people in {data.folder}, "
            f"found {len(stored)} of {len({take.info.person for take in stored})}; make more takes"
        )
    cache = cached_features(stored, mounts, config.neutral_s, data.sha256, cache_dir, progress)
    takes = [
        Take(take.info.person, take.info.name, features, weights)
        for take, (features, weights) in zip(stored, cache, strict=True)
    ]
    training = tuple(take for take in takes if take.person not in held_back)
    validation = tuple(take for take in takes if take.person in held_back)
    return Dataset(Channels.of(mounts), training, validation, data.sha256)


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
