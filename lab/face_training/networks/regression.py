"""The encoder with a linear head: the same transformer without diffusion."""

from __future__ import annotations

import torch
from torch import Tensor

from face_training.networks.base import FaceNetwork, Prediction
from face_training.networks.config import NetworkConfig
from face_training.networks.encoder import Encoder
from face_training.networks.layers import Head, SteadyDropout
from face_training.networks.ring_rows import RingShape


class TransformerNetwork(FaceNetwork):
    """Inputs -> normalise -> causal transformer -> correction of the linear estimate, and log-variance."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.encoder = Encoder(config)
        self.drop = SteadyDropout(config.dropout)
        self.head = Head(config.width)

    def state_shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        """Those of the encoder."""
        return self.encoder.state_shapes(batch)

    def advance(self, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `FaceNetwork.forward`."""
        x, state = self.encoder(self.normalised(inputs), state)  # (B, L, C)
        return (*self._estimate(inputs, self.drop(x)), state)

    def ring_shapes(self) -> dict[str, RingShape]:
        """Those of the encoder."""
        return self.encoder.ring_shapes()

    def tick(
        self, inputs: Tensor, ticks: Tensor, rings: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `FaceNetwork.tick`."""
        x, rows = self.encoder.tick(self.normalised(inputs), ticks, rings)  # (B, C)
        return (*self._estimate(inputs, x), rows)

    @property
    def window_ticks(self) -> int:
        """Each layer reaches a window further back."""
        return 1 + self.config.layers * (self.config.window - 1)

    def last_of_window(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """See `FaceNetwork.last_of_window`."""
        return self._estimate(inputs[:, -1], self.encoder.from_nothing(self.normalised(inputs))[:, -1])

    def training_prediction(self, inputs: Tensor, truth: Tensor, generator: torch.Generator) -> Prediction:
        """See `FaceNetwork.training_prediction`."""
        mean, log_variance = self._estimate(inputs, self.drop(self.encoder.from_nothing(self.normalised(inputs))))
        return Prediction(mean, log_variance, truth)

    def _estimate(self, inputs: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """(..., I) raw, (..., C) -> mean and log-variance, (..., W) each."""
        correction, log_variance = self.head(x)  # (..., W) each
        mean = self.linear_estimate(inputs) + self.residual_scale * correction
        return mean, self.log_variance_from(log_variance)
