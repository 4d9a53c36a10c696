"""The encoder with a linear head: the same transformer without diffusion."""

from __future__ import annotations

import torch
from torch import Tensor

from face_inference.networks.base import FaceNetwork, Prediction
from face_inference.networks.config import NetworkConfig
from face_inference.networks.dropout import SteadyDropout
from face_inference.networks.encoder import Encoder
from face_inference.networks.head import Head


class TransformerNetwork(FaceNetwork):
    """Inputs -> normalise -> causal transformer -> correction of the reading, and log-variance."""

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
        return (*self._estimate(inputs, x), state)

    def training_prediction(self, inputs: Tensor, truth: Tensor, generator: torch.Generator) -> Prediction:
        """See `FaceNetwork.training_prediction`."""
        mean, log_variance = self._estimate(inputs, self.encoder.from_nothing(self.normalised(inputs)))
        return Prediction(mean, log_variance, truth)

    def _estimate(self, inputs: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, I) raw, (B, L, C) -> mean and log-variance, (B, L, W) each."""
        correction, log_variance = self.head(self.drop(x))  # (B, L, W) each
        mean = self.reading(inputs) + self.residual_scale * correction
        return mean, self.log_variance_from(log_variance)
