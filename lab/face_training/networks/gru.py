"""A recurrent network: one gated recurrent layer, as trackers of the body from few IMUs have it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from face_training.networks.base import FaceNetwork
from face_training.networks.config import NetworkConfig
from face_training.networks.layers import Head, SteadyDropout
from face_training.networks.ring_rows import RingShape, ring_of, row_back


class GruNetwork(FaceNetwork):
    """Inputs -> normalise -> linear -> GRU -> correction of the linear estimate, and log-variance."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.embed = nn.Linear(config.inputs, config.width)
        self.gru = nn.GRU(config.width, config.width, batch_first=True)
        self.drop = SteadyDropout(config.dropout)
        self.head = Head(config.width)

    def state_shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        """The hidden state, (1, B, C)."""
        return {"hidden": (1, batch, self.config.width)}

    def ring_shapes(self) -> dict[str, RingShape]:
        """The hidden state."""
        return {"hidden": ring_of(1, self.config.width)}

    def tick(
        self, inputs: Tensor, ticks: Tensor, rings: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `FaceNetwork.tick`; the cell is written out, as not every engine has a recurrent operator."""
        gru, width, before = self.gru, self.config.width, row_back(rings[0], ticks, 1)  # (B, C)
        x = functional.silu(self.embed(self.normalised(inputs)))  # (B, C)
        fresh = functional.linear(x, gru.weight_ih_l0, gru.bias_ih_l0).split(width, dim=-1)  # (B, C) each
        kept = functional.linear(before, gru.weight_hh_l0, gru.bias_hh_l0).split(width, dim=-1)
        reset, update = torch.sigmoid(fresh[0] + kept[0]), torch.sigmoid(fresh[1] + kept[1])
        hidden = torch.tanh(fresh[2] + reset * kept[2])
        hidden = hidden + update * (before - hidden)
        correction, log_variance = self.head(hidden)  # (B, W) each
        mean = self.linear_estimate(inputs) + self.residual_scale * correction
        return mean, self.log_variance_from(log_variance), (hidden,)

    def advance(self, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `FaceNetwork.forward`."""
        x = functional.silu(self.embed(self.normalised(inputs)))  # (B, L, C)
        x, hidden = self.gru(x, state[0])  # (B, L, C), (1, B, C)
        correction, log_variance = self.head(self.drop(x))  # (B, L, W) each
        mean = self.linear_estimate(inputs) + self.residual_scale * correction
        return mean, self.log_variance_from(log_variance), (hidden,)
