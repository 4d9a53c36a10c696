"""What all networks share: raw inputs in, mean and variance of the weights out, a state that makes streaming exact.

Letters in shape comments of this package: B takes, L ticks, I inputs, C channels (`width`), H ticks of a trajectory
(`horizon`), W = 52 weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from face_inference.uncertainty import confidence_from_scale
from face_inference.wearer.linear_estimate import LIMITS
from face_model import arkit
from face_training.networks.config import NetworkConfig
from face_training.networks.ring_rows import RingShape

LOG_VARIANCE_LIMITS = (-10.0, 2.0)
"""Standard deviations from 0.007 to 2.7: beyond them the likelihood only rewards overconfidence."""

INPUT_LIMIT = 8.0
"""Normalised inputs are kept within this, so that a spike cannot shake the state for long."""

BLOCK_TICKS = 256
"""Ticks computed at once: longer inputs go through in blocks, which bounds memory and changes nothing else."""


@dataclass(frozen=True)
class Prediction:
    """What a training step compares: three tensors (..., N, W), axis -2 is time in ticks of equal spacing.

    `truth` (..., N, W) is what `mean` should be; `log_variance` is that of the mean's error.
    """

    mean: Tensor
    log_variance: Tensor
    truth: Tensor


class FaceNetwork(nn.Module):  # type: ignore[misc,unused-ignore]
    """Base of all architectures.

    A subclass gives `state_shapes` and `advance` for many ticks at once, `ring_shapes` and `tick` for one at a time.

    Buffers, not parameters, hold what is fitted outside the gradient descent: they travel with the weights and
    inside the exported graph (see `face_training.networks.input_statistics` for fitting them).

    Attributes:
        input_mean: (I,) subtracted from the inputs.
        input_scale: (I,) divides them then.
        input_gate: (I,) one, or zero for inputs that it shall do without, to find out what they are worth.
        residual_scale: (W,) typical size of truth minus linear estimate, the unit in which a network corrects it.
        log_temperature: (W,) added to the log of the standard deviation: makes confidence come true.
        novelty_limit: () mean square of the normalised inputs that counts as usual.
    """

    input_mean: Tensor
    input_scale: Tensor
    input_gate: Tensor
    residual_scale: Tensor
    log_temperature: Tensor
    novelty_limit: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("input_mean", torch.zeros(config.inputs))
        self.register_buffer("input_scale", torch.ones(config.inputs))
        self.register_buffer("input_gate", torch.ones(config.inputs))
        self.register_buffer("residual_scale", torch.ones(arkit.COUNT))
        self.register_buffer("log_temperature", torch.zeros(arkit.COUNT))
        self.register_buffer("novelty_limit", torch.tensor(INPUT_LIMIT**2))

    def state_shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        """Name and shape of every state tensor, in order."""
        raise NotImplementedError

    def advance(self, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """`forward` for at most `BLOCK_TICKS` ticks."""
        raise NotImplementedError

    def ring_shapes(self) -> dict[str, RingShape]:
        """Name and shape of every ring that `tick` reads, in order."""
        raise NotImplementedError

    def tick(
        self, inputs: Tensor, ticks: Tensor, rings: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """One tick as it is exported: `forward` computes the same.

        Args:
            inputs: (B, I) raw.
            ticks: (B, 1) seen before this one, or any number at least as long as every ring with the same remainders.
            rings: (B, L, C) each, as `ring_shapes` says.

        Returns:
            Mean (B, W), log-variance (B, W) without temperature, and the row (B, C) that each ring gets.
        """
        raise NotImplementedError

    @property
    def window_ticks(self) -> int:
        """Ticks that an answer depends on; for those that never forget, what a window of them would be given."""
        return self.config.window

    def last_of_window(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """What a network without memory does for every answer: (B, N, I) raw -> `forward` at the last tick, (B, W)."""
        mean, log_variance, _ = self(inputs, self.initial_state(len(inputs)))
        return mean[:, -1], log_variance[:, -1]

    def initial_state(self, batch: int) -> tuple[Tensor, ...]:
        """Zeros on the network's device: nothing was seen yet."""
        device = self.input_mean.device
        return tuple(torch.zeros(shape, device=device) for shape in self.state_shapes(batch).values())

    def forward(self, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """Estimate the weights; any split of the ticks gives the same.

        Args:
            inputs: (B, L, I) raw, L of at least 1.
            state: from `initial_state` or the call before.

        Returns:
            Mean (B, L, W), log-variance (B, L, W) without temperature, and the next state.
        """
        means, log_variances = [], []
        for block in inputs.split(BLOCK_TICKS, dim=1):
            mean, log_variance, state = self.advance(block, state)  # (B, up to BLOCK_TICKS, W) each
            means.append(mean)
            log_variances.append(log_variance)
        if len(means) == 1:
            return means[0], log_variances[0], state
        return torch.cat(means, dim=1), torch.cat(log_variances, dim=1), state

    def training_prediction(self, inputs: Tensor, truth: Tensor, generator: torch.Generator) -> Prediction:
        """Predict chunks from a zero state.

        Args:
            inputs: (B, L, I) raw.
            truth: (B, L, W).
            generator: draws what an architecture needs at random, dropout excepted.
        """
        mean, log_variance, _ = self(inputs, self.initial_state(len(inputs)))
        return Prediction(mean, log_variance, truth)

    def normalised(self, inputs: Tensor) -> Tensor:
        """(..., I) raw -> (..., I) within +-8."""
        scaled = ((inputs - self.input_mean) / self.input_scale).clamp(-INPUT_LIMIT, INPUT_LIMIT)
        return scaled * self.input_gate

    def linear_estimate(self, inputs: Tensor) -> Tensor:
        """(..., I) raw -> (..., W) the linear estimate of the weights in them, from which corrections start."""
        block = slice(-2 * arkit.COUNT, -arkit.COUNT)
        return inputs[..., block] * self.input_gate[block]

    def log_variance_from(self, raw: Tensor) -> Tensor:
        """(..., W) log-variance in units of `residual_scale` -> (..., W) of the weights, within limits."""
        return (raw + 2.0 * self.residual_scale.log()).clamp(*LOG_VARIANCE_LIMITS)


def novelty(network: FaceNetwork, inputs: Tensor) -> Tensor:
    """How unlike the training data the inputs are, (..., I) raw -> (..., 1); 1 and less is usual.

    The mean square of the normalised channels over its limit. What comes from an invalid sensor is exactly zero
    (`FeatureExtractor` sees to that) and does not count: missing is not novel.
    """
    present = (inputs != 0.0).to(inputs.dtype)  # (..., I)
    square = (present * network.normalised(inputs) ** 2).sum(dim=-1, keepdim=True)  # (..., 1)
    return square / present.sum(dim=-1, keepdim=True).clamp(min=1.0) / network.novelty_limit


def standard_deviation(network: FaceNetwork, log_variance: Tensor, inputs: Tensor) -> Tensor:
    """Of the error of a weight, (..., W), from the log-variance (..., W) and the raw inputs (..., I).

    The temperature, fitted on held-out takes, widens or narrows it; so does novelty above 1, by its root.
    """
    widened = novelty(network, inputs).clamp(min=1.0).sqrt()  # (..., 1)
    return torch.exp(0.5 * log_variance + network.log_temperature) * widened


def published(network: FaceNetwork, mean: Tensor, log_variance: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """What goes out: weights within limits and confidence, both (..., W); the raw inputs (..., I) tell novelty."""
    scale = standard_deviation(network, log_variance, inputs)
    return mean.clamp(*LIMITS), confidence_from_scale(scale)
