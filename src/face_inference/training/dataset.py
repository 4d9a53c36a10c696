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
    paths: Sequence[Path],
    mounts: NominalMounts,
    rate_hz: float,
    chunk: int,
    validation_share: float,
    neutral_s: float,
    progress: Callable[[float, str], None] | None = None,
) -> Dataset:
    """Read Recording files and compute their features.

    Raises:
        TrainingError: no usable takes, a take of another rate, or nobody left to train on.
        face_model.errors.RecordingError: a file is not a recording.
        LayoutMismatchError: a take lacks the model's reference sensor.
    """
    takes, digest = [], hashlib.sha256()
    ordered = sorted(paths, key=lambda p: p.name)
    for i, path in enumerate(ordered):
        if progress:
            progress(i / len(ordered), f"reading {path.name}")
        recording = Recording.load(path)
        if abs(recording.rate_hz / rate_hz - 1.0) > RATE_TOLERANCE:
            raise TrainingError(f"{path}: expected {rate_hz} Hz, found {recording.rate_hz} Hz; make the takes anew")
        digest.update(f"{path.name} {sha256_of(path)}\n".encode())
        if len(recording.valid) >= chunk:
            features = recorded_features(recording, mounts, neutral_s)
            takes.append(Take(recording.person, recording.take, features, recording.weights))
    held_out = _held_out({take.person for take in takes}, validation_share)
    training = tuple(take for take in takes if take.person not in held_out)
    validation = tuple(take for take in takes if take.person in held_out)
    if not training or not validation:
        raise TrainingError(
            f"expected takes of at least {chunk} samples from at least two people, found {len(takes)} such takes "
            f"of {len({take.person for take in takes})} in {len(paths)} files; make more takes"
        )
    return Dataset(Channels.of(mounts), training, validation, digest.hexdigest())


def _held_out(people: set[str], share: float) -> set[str]:
    """At least one person, chosen by the hash of the name: the same whatever else is in the set."""
    ranked = sorted(people, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return set(ranked[: max(1, round(share * len(ranked)))])
