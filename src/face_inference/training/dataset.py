"""Takes as features and weights in memory, split by person, cut into random chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.errors import TrainingError
from face_inference.model_folder import sha256_of
from face_inference.mounts import NominalMounts
from face_inference.takes import recorded_features
from face_inference.ticks import RATE_TOLERANCE
from face_inference.training.config import TrainConfig
from face_model.recording import Recording

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Take:
    """One take: features (T, F), weights (T, 52)."""

    person: str
    name: str
    features: Float32Array
    weights: Float32Array


@dataclass(frozen=True)
class Dataset:
    """Takes for training and for validation, no person in both, and a hash of the files they came from."""

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
    paths: Sequence[Path],
    mounts: NominalMounts,
    validation: Sequence[Path] = (),
    progress: Callable[[float, str], None] | None = None,
) -> Dataset:
    """Read Recording files and compute their features.

    Without `validation` files, `config.validation_share` of the people in `paths` is held back.

    Raises:
        TrainingError: no usable takes, a take of another rate, or nobody left to train on.
        face_model.errors.RecordingError: a file is not a recording.
        LayoutMismatchError: a take lacks the model's reference sensor.
    """
    digest = hashlib.sha256()
    read: dict[bool, list[Take]] = {False: [], True: []}
    ordered = [(path, group) for group, some in ((False, paths), (True, validation)) for path in sorted(some)]
    for i, (path, group) in enumerate(ordered):
        if progress:
            progress(i / len(ordered), f"reading {path.name}")
        recording = Recording.load(path)
        if abs(recording.rate_hz / config.rate_hz - 1.0) > RATE_TOLERANCE:
            raise TrainingError(f"{path}: expected {config.rate_hz} Hz, found {recording.rate_hz} Hz; make it anew")
        digest.update(f"{path.name} {sha256_of(path)}\n".encode())
        if len(recording.valid) >= config.chunk:
            features = recorded_features(recording, mounts, config.neutral_s)
            read[group].append(Take(recording.person, recording.take, features, recording.weights))
    takes = read[False] + read[True]
    held_out = {take.person for take in read[True]} or _held_out({t.person for t in takes}, config.validation_share)
    kept = tuple(take for take in takes if take.person not in held_out)
    followed = tuple(take for take in takes if take.person in held_out)
    if not kept or not followed:
        raise TrainingError(
            f"expected takes of at least {config.chunk} samples from at least two people, found {len(takes)} "
            f"of {len({take.person for take in takes})} in {len(ordered)} files; make more takes"
        )
    return Dataset(Channels.of(mounts), kept, followed, digest.hexdigest())


def _held_out(people: set[str], share: float) -> set[str]:
    """At least one person, chosen by the hash of the name: the same whatever else is in the set."""
    ranked = sorted(people, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return set(ranked[: max(1, round(share * len(ranked)))])
