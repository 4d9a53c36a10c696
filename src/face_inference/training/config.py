"""What decides a training, read from YAML: unknown keys and wrong types are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from face_inference.errors import TrainingError


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes to each training chunk, so that the network relies on nothing a real wearer may lack.

    Attributes:
        mirror_share: chance that left and right are exchanged.
        heading_deg: each chunk's heading errors are drawn with a standard deviation uniform from 0 to this. A sensor's
            heading relative to the skull drifts with 6-axis fusion; training with 5 to 20 degrees of it costs nothing.
        drop_share: chance that a skin sensor is missing for the whole chunk, in chunks where any is.
        drop_chunks: share of chunks in which sensors are missing.
        noise: standard deviation of noise added to every channel, in units of the channel's own spread.
    """

    mirror_share: float = 0.5
    heading_deg: float = 15.0
    drop_share: float = 0.15
    drop_chunks: float = 0.4
    noise: float = 0.02


@dataclass(frozen=True)
class TrainConfig:
    """One training.

    Attributes:
        name: of the model and its folder.
        version: of the model.
        rate_hz: ticks per second; takes must have this rate.
        seed: of everything random.
        steps: optimiser steps.
        batch: chunks per step.
        chunk_s: length of a chunk.
        learning_rate: peak; cosine decay to zero after `warm_up_steps`.
        warm_up_steps: linear increase of the learning rate.
        weight_decay: of AdamW.
        gradient_limit: norm to which gradients are clipped.
        mse_steps: first steps with the squared error alone, so that variances start from a sensible mean.
        beta: of beta-NLL (Seitzer et al., ICLR 2022): 0 plain likelihood, 1 squared error.
        velocity_weight: of the squared error of the change per tick.
        hidden_weight: weight of shapes that skin IMUs cannot see, relative to the others.
        validation_share: share of people held out to fit the confidence and to follow the training.
        neutral_s: length of the neutral window.
        embedding: width of the first layer.
        hidden: width of the GRU.
        layers: of the GRU.
        dropout: before the heads.
        threads: of PyTorch.
        checkpoint_steps: steps between checkpoints.
        augment: random changes.
        data: recipe of the data set, by name or path, or the folder of one that is built; read by whoever makes it.
    """

    name: str = "imusic_gru"
    version: str = "0.1.0"
    rate_hz: float = 100.0
    seed: int = 1
    steps: int = 2000
    batch: int = 32
    chunk_s: float = 2.0
    learning_rate: float = 2e-3
    warm_up_steps: int = 100
    weight_decay: float = 0.01
    gradient_limit: float = 1.0
    mse_steps: int = 150
    beta: float = 0.5
    velocity_weight: float = 50.0
    hidden_weight: float = 0.2
    validation_share: float = 0.1
    neutral_s: float = 2.0
    embedding: int = 128
    hidden: int = 224
    layers: int = 1
    dropout: float = 0.1
    threads: int = 1
    checkpoint_steps: int = 250
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    data: str = "imusic"

    @property
    def chunk(self) -> int:
        """Ticks per chunk."""
        return max(3, round(self.chunk_s * self.rate_hz))

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def load_train_config(path: Path) -> TrainConfig:
    """Read a training's YAML file.

    Raises:
        TrainingError: the file cannot be read, or holds a key or value that is not understood.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise TrainingError(f"expected a training configuration in {path}, found: {error}") from error
    try:
        return train_config_from(content or {})
    except TrainingError as error:
        raise TrainingError(f"{path}: {error}") from error


def train_config_from(content: Mapping[str, Any]) -> TrainConfig:
    """A configuration from plain values; what is absent keeps its default.

    Raises:
        TrainingError: a key is unknown or a value has the wrong type.
    """
    values = dict(content)
    if "augment" in values:
        values["augment"] = _filled(AugmentConfig, values["augment"], "augment.")
    config: TrainConfig = _filled(TrainConfig, values, "")
    return config


def _filled(kind: Any, content: Any, prefix: str) -> Any:
    if not isinstance(content, Mapping):
        raise TrainingError(f"expected a mapping at {prefix or 'the top'}, found {content!r}")
    known = {f.name: f for f in fields(kind)}
    default = kind()
    values = {}
    for key, value in content.items():
        if key not in known:
            raise TrainingError(f"expected one of {', '.join(known)}, found {prefix}{key}")
        wanted: Any = type(getattr(default, key))
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise TrainingError(f"expected {prefix}{key} to be {wanted.__name__}, found {value!r}")
        values[key] = value
    return kind(**values)
