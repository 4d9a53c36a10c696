"""The first network: a causal GRU that gives each blendshape weight a mean and a variance. PyTorch, training only.

Letters in shape comments: B takes, L ticks, F features, H hidden, W = 52 weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from face_model import arkit

CONFIDENCE_TOLERANCE = 0.1
"""Confidence is the probability of |error| <= this (msg/FaceBlendshapes.msg)."""

WEIGHT_LIMITS = (0.0, 1.1)
"""Published weights stay within what ARKit gives; recorded takes reach 1.08."""

_LOG_VARIANCE_LIMITS = (-10.0, 2.0)
"""Standard deviations from 0.007 to 2.7: beyond them the likelihood only rewards overconfidence."""


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes. `features` is F."""

    features: int
    embedding: int = 128
    hidden: int = 224
    layers: int = 1
    dropout: float = 0.1


class GruNetwork(nn.Module):  # type: ignore[misc,unused-ignore]
    """Features -> normalise -> linear -> GRU -> mean and log-variance of the weights."""

    feature_mean: Tensor
    feature_scale: Tensor
    log_temperature: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        # Buffers, not parameters: the normaliser and the temperature travel inside the exported graph.
        self.register_buffer("feature_mean", torch.zeros(config.features))
        self.register_buffer("feature_scale", torch.ones(config.features))
        self.register_buffer("log_temperature", torch.zeros(arkit.COUNT))
        self.embed = nn.Linear(config.features, config.embedding)
        self.gru = nn.GRU(config.embedding, config.hidden, config.layers, batch_first=True)
        self.drop = nn.Dropout(config.dropout)
        self.mean = nn.Linear(config.hidden, arkit.COUNT)
        self.log_variance = nn.Linear(config.hidden, arkit.COUNT)

    def initial_state(self, batch: int) -> Tensor:
        """(layers, B, H) zeros."""
        return torch.zeros(self.config.layers, batch, self.config.hidden)

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Sequence form, for training.

        Args:
            features: (B, L, F) raw.
            state: (layers, B, H).

        Returns:
            Mean (B, L, W), log-variance (B, L, W) without temperature, and the next state (layers, B, H).
        """
        x = (features - self.feature_mean) / self.feature_scale  # (B, L, F)
        x = F.silu(self.embed(x.clamp(-8.0, 8.0)))  # (B, L, embedding); a spike cannot shake the state for long
        x, state = self.gru(x, state)  # (B, L, H), (layers, B, H)
        x = self.drop(x)
        log_variance = self.log_variance(x).clamp(*_LOG_VARIANCE_LIMITS)  # (B, L, W)
        return self.mean(x), log_variance, state


def published(network: GruNetwork, mean: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor]:
    """What goes out: weights within limits and confidence, both (..., W).

    Under a Gaussian of standard deviation s, P(|error| <= t) = erf(t / (s sqrt 2)); the temperature, fitted on
    held-out takes, widens or narrows s.
    """
    sigma = torch.exp(0.5 * log_variance + network.log_temperature)
    confidence = torch.erf(CONFIDENCE_TOLERANCE / (math.sqrt(2.0) * sigma))
    return mean.clamp(*WEIGHT_LIMITS), confidence


class SingleStep(nn.Module):  # type: ignore[misc,unused-ignore]
    """Step form, for export: state in, state out, static shapes."""

    def __init__(self, network: GruNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(1, F), (layers, 1, H) -> weights (1, W), confidence (1, W), state (layers, 1, H)."""
        mean, log_variance, state = self.network(features[:, None, :], state)
        weights, confidence = published(self.network, mean[:, 0], log_variance[:, 0])
        return weights, confidence, state
