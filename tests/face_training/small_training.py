"""A training of seconds on made-up data. As a program: `small_training.py RUN_DIR SECONDS_PER_STEP`."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_model import arkit
from face_training.config import DistilConfig, StageConfig, TrainConfig
from face_training.distributed import joined_processes
from face_training.networks.config import ESTIMATE_CHANNELS, NetworkConfig
from face_training.stages import train_network
from face_training.training_take import ValidationTake

FEATURES, LATENT = 12, 4
INPUTS = FEATURES + ESTIMATE_CHANNELS

GRU = NetworkConfig(inputs=ESTIMATE_CHANNELS + 1, architecture="gru", width=16, layers=1, dropout=0.1)
DIFFUSION = NetworkConfig(
    inputs=ESTIMATE_CHANNELS + 1, architecture="diffusion", width=16, layers=1, heads=2, window=8, horizon=4,
    denoiser_layers=1, denoiser_width=16, steps=3, dropout=0.0,
)  # fmt: skip


def small_config(network: NetworkConfig = GRU, **changes: object) -> TrainConfig:
    """Two stages of a few steps, and a distillation where the network is a diffusion."""
    stage: dict[str, Any] = {
        "batch": 4, "chunk_s": 0.3, "warm_up_steps": 3,
        # The made-up motion jumps from tick to tick: a cost of change would keep anything from being learned.
        "huber": 0.0, "likelihood_weight": 1.0, "velocity_weight": 8.0, "acceleration_weight": 0.0,
    }  # fmt: skip
    values: dict[str, object] = {
        "name": "small",
        "network": network,
        "stage_1": StageConfig(steps=30, learning_rate=1e-2, **stage),
        "stage_2": StageConfig(steps=8, learning_rate=1e-3, surface_weight=0.0, **stage),
        "distil": DistilConfig(steps=6 if network.architecture == "diffusion" else 0, learning_rate=1e-3, **stage),
        "validate_steps": 10,
        "validation_ticks": 400,
        "checkpoint_steps": 10,
        "device": "cpu",
    }
    return TrainConfig(**(values | changes))


@dataclass(frozen=True)
class SmallDataset:
    """Few signals move all weights, features mix them linearly, the linear estimate of the weights is bad."""

    sha256: str = "5a11"
    pause_s: float = 0.0

    @property
    def validation(self) -> tuple[ValidationTake, ...]:
        made = [(person, *_motion(np.random.default_rng([7, i]), 1, 300)) for i, person in enumerate(("ann", "bob"))]
        return tuple(ValidationTake(person, "take", inputs[0], weights[0]) for person, inputs, weights in made)

    def chunks(self, rng, count, length, sources=()):
        time.sleep(self.pause_s)
        return _motion(rng, count, length)


def _motion(rng: np.random.Generator, count: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    time_s = np.arange(length)[None, :, None] / 100.0
    frequency, phase = rng.uniform(3.0, 18.0, (count, 1, LATENT)), rng.uniform(0.0, 6.0, (count, 1, LATENT))
    latent = np.clip(np.sin(frequency * time_s + phase), 0.0, 1.0)  # (count, length, LATENT)
    weights = latent[..., np.arange(arkit.COUNT) % LATENT]
    features = latent @ np.random.default_rng(3).normal(size=(LATENT, FEATURES))
    features = features + 0.05 * rng.normal(size=features.shape)
    estimate = 0.5 * weights + 0.1 * rng.normal(size=weights.shape)
    inputs = np.concatenate([features, estimate, np.full_like(estimate, 0.2)], axis=-1)
    return inputs.astype(np.float32), weights.astype(np.float32)


def main(run_dir: str, pause_s: str) -> None:
    """Train with as many processes as were started; each leaves the weights it ended with."""
    config = small_config()
    with joined_processes(config.device) as processes:
        dataset = SmallDataset(pause_s=float(pause_s))
        trained = train_network(config, dataset, Path(run_dir), processes=processes)
        ended = [parameter.detach().numpy().ravel() for parameter in trained["stage_2"].parameters()]
        np.save(Path(run_dir) / f"ended_{processes.rank}.npy", np.concatenate(ended))


if __name__ == "__main__":
    main(*sys.argv[1:])
