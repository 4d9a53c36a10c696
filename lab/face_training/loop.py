"""One stage of a training: seeded by step and process, so that a run that was killed and resumed equals one that was
not."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from face_inference.errors import InferenceError
from face_training.config import STAGES, DistilConfig, StageConfig, TrainConfig
from face_training.curves import draw_curves
from face_training.distributed import Processes
from face_training.loss import PARTS, FaceLoss
from face_training.networks import FaceNetwork, Prediction
from face_training.run_folder import RunFolder
from face_training.training_data import Dataset
from face_training.validation import Pieces, cut_pieces, validate

Progress = Callable[[float, str], None]
"""Called with the share done and one line."""

Predict = Callable[[Tensor, Tensor, torch.Generator], Prediction]
"""As `FaceNetwork.training_prediction`."""

_CURVES_EVERY_S = 120.0
"""Drawing takes a second."""


@dataclass(frozen=True)
class StageWork:
    """What one stage is made of, networks apart.

    Attributes:
        name: one of `STAGES`.
        stage: its configuration.
        config: of the whole training.
        dataset: its takes.
        run: where it is recorded.
        processes: that train.
    """

    name: str
    stage: StageConfig
    config: TrainConfig
    dataset: Dataset
    run: RunFolder
    processes: Processes

    def rng(self, step: int, rank: int) -> np.random.Generator:
        """All that is random in one process at one step."""
        return np.random.default_rng([self.config.seed, STAGES.index(self.name), step, rank])


class Objective(nn.Module):  # type: ignore[misc,unused-ignore]
    """From a batch to the parts of the loss: one module, so that processes can share its gradients."""

    def __init__(self, network: FaceNetwork, predict: Predict, loss: FaceLoss) -> None:
        super().__init__()
        self.network = network
        self._predict = predict
        self._loss = (loss,)  # in a tuple: no part of the module's own state

    def forward(self, inputs: Tensor, truth: Tensor, generator: torch.Generator) -> Tensor:
        """(B, L, I) raw, (B, L, 52) -> `PARTS`."""
        return torch.as_tensor(self._loss[0](self._predict(inputs, truth, generator)))


class StageTrainer:
    """Trains one stage, step by step; `averaged` is the network that the stage ends with.

    Attributes:
        step: steps done.
        averaged: moving average of the weights.
    """

    def __init__(self, work: StageWork, network: FaceNetwork, predict: Predict, loss: FaceLoss) -> None:
        """`network` is trained in place; `predict` must use it.

        Raises:
            InferenceError: the batch cannot be shared among the processes.
        """
        self._work = work
        self._network = network
        self._batch = work.processes.share(work.stage.batch)
        # What gives the variance learns nothing from a teacher.
        self._objective = work.processes.wrapped(
            Objective(network, predict, loss), some_unused=isinstance(work.stage, DistilConfig)
        )
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=work.stage.learning_rate, weight_decay=work.config.weight_decay
        )
        self._generator = torch.Generator(device=work.processes.device)
        self.averaged = copy.deepcopy(network)
        self.step = 0
        self._resume()

    def run(self, end: int, progress: Callable[[int, float], None] | None = None) -> None:
        """Train up to step `end`; `progress` is told the steps done and the smoothed loss.

        Raises:
            InferenceError: the loss is no longer finite.
        """
        work, config = self._work, self._work.config
        pieces = cut_pieces(work.dataset.validation, config.validation_ticks) if work.processes.first else None
        pending: list[dict[str, Any]] = []
        smooth, drawn = math.nan, time.monotonic()
        while self.step < end:
            parts = self._one_step()
            entry: dict[str, Any] = {"stage": work.name, "step": self.step, **parts}
            self.step += 1
            smooth = parts["loss"] if math.isnan(smooth) else 0.95 * smooth + 0.05 * parts["loss"]
            if pieces and (self.step % config.validate_steps == 0 or self.step == work.stage.steps):
                entry |= self._validation(pieces)
            pending.append(entry)
            if self.step % config.checkpoint_steps == 0 or self.step == end:
                work.run.log(pending)
                pending = []
                self._save()
                if work.run.writes and (self.step == end or time.monotonic() - drawn > _CURVES_EVERY_S):
                    draw_curves(work.run)
                    drawn = time.monotonic()
            if progress and (self.step % 20 == 0 or self.step == end):
                progress(self.step, smooth)

    def _one_step(self) -> dict[str, float]:
        """One optimiser step; the parts of the loss, mean over the processes."""
        work, device = self._work, self._work.processes.device
        rng = work.rng(self.step, work.processes.rank)
        seed = int(rng.integers(2**62))
        torch.manual_seed(seed)  # dropout
        self._generator.manual_seed(seed)
        arrays = work.dataset.chunks(rng, self._batch, work.config.ticks(work.stage), work.stage.sources)
        inputs, truth = (torch.from_numpy(array).to(device) for array in arrays)
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(work.stage, self.step)
        self._network.train()
        with torch.autocast(device.type, torch.bfloat16, enabled=work.config.precision == "bfloat16"):
            parts = self._objective(inputs, truth, self._generator)
        self._optimiser.zero_grad(set_to_none=True)
        parts[0].backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), work.config.gradient_limit)
        values = work.processes.mean(parts.detach()).tolist()
        if not math.isfinite(values[0]):
            raise InferenceError(
                f"expected a finite loss at step {self.step} of {work.name}, found {values[0]}; lower its learning_rate"
            )
        self._optimiser.step()
        self._average()
        return dict(zip(PARTS, values, strict=True))

    @torch.no_grad()  # type: ignore[untyped-decorator,unused-ignore]
    def _average(self) -> None:
        # Warm: an average that began at random weights would need thousands of steps to forget them.
        decay = min(self._work.config.ema_decay, (1.0 + self.step) / (10.0 + self.step))
        decay = decay if self._work.config.ema_decay > 0.0 else 0.0
        for kept, new in zip(self.averaged.parameters(), self._network.parameters(), strict=True):
            kept.lerp_(new, 1.0 - decay)

    def _validation(self, pieces: Pieces) -> dict[str, float]:
        found = validate(self.averaged, pieces, self._work.processes.device)
        return {f"validation_{key}": value for key, value in found.items()}

    def _save(self) -> None:
        content: dict[str, Any] = {"averaged": self.averaged.state_dict(), "step": self.step}
        if self.step < self._work.stage.steps:
            content |= {"network": self._network.state_dict(), "optimiser": self._optimiser.state_dict()}
        self._work.run.save(self._work.name, content)

    def _resume(self) -> None:
        saved = self._work.run.load(self._work.name)
        if saved is not None:
            self.step = int(saved["step"])
            self.averaged.load_state_dict(saved["averaged"])
            if "network" in saved:
                self._network.load_state_dict(saved["network"])
                self._optimiser.load_state_dict(saved["optimiser"])
        self._work.run.cut_log(self._work.name, self.step)


def learning_rate(stage: StageConfig, step: int) -> float:
    """Linear warm-up, then half a cosine to zero."""
    if step < stage.warm_up_steps:
        return stage.learning_rate * (step + 1) / stage.warm_up_steps
    done = (step - stage.warm_up_steps) / max(1, stage.steps - stage.warm_up_steps)
    return stage.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))
