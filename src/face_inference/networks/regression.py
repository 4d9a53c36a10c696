"""The encoder with a linear head: the same transformer without diffusion."""

from __future__ import annotations

from torch import Tensor, nn

from face_inference.networks.base import FaceNetwork, reading_of
from face_inference.networks.config import NetworkConfig
from face_inference.networks.encoder import Encoder
from face_inference.networks.head import Head


class TransformerNetwork(FaceNetwork):
    """Inputs -> normalise -> causal transformer -> correction of the reading, and log-variance."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.encoder = Encoder(config)
        self.drop = nn.Dropout(config.dropout)
        self.head = Head(config.width)

    def state_shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        """Those of the encoder."""
        return self.encoder.state_shapes(batch)

    def advance(self, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `FaceNetwork.forward`."""
        x, state = self.encoder(self.normalised(inputs), state)  # (B, L, C)
        correction, log_variance = self.head(self.drop(x))  # (B, L, W) each
        mean = reading_of(inputs) + self.residual_scale * correction
        return mean, self.log_variance_from(log_variance), state
