"""The training loop: seeded by step, so that a run that was stopped and resumed equals one that was not."""

from __future__ import annotations

import json
import math
import platform
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from face_inference.errors import TrainingError
from face_inference.mounts import NominalMounts
from face_inference.network import GruNetwork, NetworkConfig
from face_inference.training.augment import Augmenter
from face_inference.training.config import TrainConfig
from face_inference.training.dataset import Dataset
from face_inference.training.loss import face_loss

Progress = Callable[[float, str], None]
"""Called with the share done and one line."""

CHECKPOINT = "checkpoint.pt"
RECORD = "run.json"
LOG = "log.jsonl"


def train_network(
    config: TrainConfig,
    dataset: Dataset,
    mounts: NominalMounts,
    run_dir: Path,
    progress: Progress | None = None,
    stop_after: int | None = None,
    data_set: Mapping[str, Any] | None = None,
) -> GruNetwork:
    """Train, or go on training what `run_dir` holds.

    Args:
        config: what to do.
        dataset: takes.
        mounts: sensors of the model.
        run_dir: gets the record of what was trained on what, the log and the checkpoint.
        progress: called now and then.
        stop_after: stop at this step as if interrupted, with a checkpoint.
        data_set: where the data came from, for the record.

    Raises:
        TrainingError: `run_dir` holds a run of another configuration or other data.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    mean, scale = dataset.normaliser()
    network = GruNetwork(network_config(config, dataset))
    network.feature_mean.copy_(torch.from_numpy(mean))
    network.feature_scale.copy_(torch.from_numpy(scale))
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    augment = Augmenter(mounts, config.augment, config.rate_hz, scale)
    _open_run(config, dataset, run_dir, data_set or {})
    step = _resume(run_dir / CHECKPOINT, network, optimiser)
    end = config.steps if stop_after is None else min(stop_after, config.steps)
    smooth = float("nan")
    with (run_dir / LOG).open("a", encoding="utf-8") as log:
        while step < end:
            loss = _one_step(config, dataset, augment, network, optimiser, step)
            smooth = loss if math.isnan(smooth) else 0.95 * smooth + 0.05 * loss
            log.write(json.dumps({"step": step, "loss": loss}) + "\n")
            step += 1
            if step % config.checkpoint_steps == 0 or step == end:
                _save(run_dir / CHECKPOINT, network, optimiser, step)
            if progress and (step % 20 == 0 or step == end):
                progress(step / config.steps, f"step {step} of {config.steps}, loss {smooth:.4f}")
    network.eval()
    return network


def network_config(config: TrainConfig, dataset: Dataset) -> NetworkConfig:
    """Sizes of the network for this data."""
    return NetworkConfig(dataset.channels.size, config.embedding, config.hidden, config.layers, config.dropout)


def learning_rate(config: TrainConfig, step: int) -> float:
    """Linear warm-up, then half a cosine to zero."""
    if step < config.warm_up_steps:
        return config.learning_rate * (step + 1) / config.warm_up_steps
    done = (step - config.warm_up_steps) / max(1, config.steps - config.warm_up_steps)
    return config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))


def _one_step(
    config: TrainConfig, dataset: Dataset, augment: Augmenter, network: GruNetwork, optimiser: Any, step: int
) -> float:
    rng = np.random.default_rng([config.seed, step])
    torch.manual_seed(config.seed * 1_000_003 + step)  # dropout; 1,000,003 keeps runs of neighbouring seeds apart
    features, weights = augment(rng, *dataset.chunks(rng, config.batch, config.chunk))
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(config, step)
    network.train()
    mean, log_variance, _ = network(torch.from_numpy(features), network.initial_state(config.batch))
    loss = face_loss(config, step, mean, log_variance, torch.from_numpy(weights))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
    torch.nn.utils.clip_grad_norm_(network.parameters(), config.gradient_limit)
    optimiser.step()
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingError(f"expected a finite loss at step {step}, found {value}; lower the learning rate")
    return value


def _open_run(config: TrainConfig, dataset: Dataset, run_dir: Path, data_set: Mapping[str, Any]) -> None:
    """Write what this run is, or check that it is the one already there."""
    run_dir.mkdir(parents=True, exist_ok=True)
    identity = {"config": config.to_dict(), "data_sha256": dataset.sha256}
    path = run_dir / RECORD
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        differing = [key for key, value in identity.items() if found.get(key) != json.loads(json.dumps(value))]
        if differing:
            raise TrainingError(
                f"expected {run_dir} to hold this run, found one with another {' and '.join(differing)}; "
                "give another run folder or remove this one"
            )
        return
    record = identity | {
        "data_set": dict(data_set),
        "git_revision": _git_revision(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    path.write_text(json.dumps(record, indent=2), encoding="utf-8")


def _git_revision() -> str | None:
    """Revision of the checkout this file is in; None where there is none."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def _save(path: Path, network: GruNetwork, optimiser: Any, step: int) -> None:
    part = path.with_suffix(".part")
    torch.save({"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": step}, part)
    part.replace(path)  # whole or not at all


def _resume(path: Path, network: GruNetwork, optimiser: Any) -> int:
    if not path.is_file():
        return 0
    saved = torch.load(path, weights_only=True)
    network.load_state_dict(saved["network"])
    optimiser.load_state_dict(saved["optimiser"])
    return int(saved["step"])
