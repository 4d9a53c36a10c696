"""A temporal convolutional network: causal dilated convolutions (Bai, Kolter and Koltun, arXiv 1803.01271)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from face_training.networks.base import FaceNetwork
from face_training.networks.config import NetworkConfig
from face_training.networks.layers import Head, SteadyDropout
from face_training.networks.ring_rows import RingShape, ring_of, row_back

TAPS = 3


def dilations(window: int) -> tuple[int, ...]:
    """1, 2, 4, ... until the layers together see `window` ticks."""
    found = [1]
    while 1 + (TAPS - 1) * sum(found) < window:
        found.append(2 * found[-1])
    return tuple(found)


class DilatedBlock(nn.Module):  # type: ignore[misc,unused-ignore]
    """A causal convolution of `TAPS` taps, `dilation` ticks apart, and a linear layer, added to what came in."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(width)
        self.convolve = nn.Linear(TAPS * width, width)
        self.mix = nn.Linear(width, width)
        self.drop = SteadyDropout(dropout)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, C) and the (TAPS - 1) dilation normalised ticks before -> (B, L, C) and those of the next call."""
        length = int(x.shape[1])
        known = torch.cat([past, self.norm(x)], dim=1)  # (B, (TAPS-1) dilation + L, C)
        taps = [known[:, i * self.dilation : i * self.dilation + length] for i in range(TAPS)]  # (B, L, C) each
        convolved = functional.silu(self.convolve(torch.cat(taps, dim=-1)))  # (B, L, C)
        return x + self.drop(self.mix(convolved)), known[:, length:]

    def tick(self, x: Tensor, ticks: Tensor, ring: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C), the ring of normalised ticks (B, L, C) -> (B, C) and the row it gets."""
        row = self.norm(x)
        past = [row_back(ring, ticks, i * self.dilation) for i in range(TAPS - 1, 0, -1)]  # (B, C) each, oldest first
        convolved = functional.silu(self.convolve(torch.cat([*past, row], dim=-1)))  # (B, C)
        return x + self.mix(convolved), row


class TcnNetwork(FaceNetwork):
    """Inputs -> normalise -> linear -> dilated convolutions -> correction of the linear estimate, and log-variance."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.embed = nn.Linear(config.inputs, config.width)
        self.blocks = nn.ModuleList(DilatedBlock(config.width, d, config.dropout) for d in dilations(config.window))
        self.norm = nn.LayerNorm(config.width)
        self.head = Head(config.width)

    def state_shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        """For each layer the ticks that its taps still reach, oldest first."""
        return {
            f"past_{i}": (batch, (TAPS - 1) * block.dilation, self.config.width) for i, block in enumerate(self.blocks)
        }

    def ring_shapes(self) -> dict[str, RingShape]:
        """For each layer the ticks that its taps still reach."""
        return {f"past_{i}": ring_of((TAPS - 1) * b.dilation, self.config.width) for i, b in enumerate(self.blocks)}

    def tick(
        self, inputs: Tensor, ticks: Tensor, rings: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `FaceNetwork.tick`."""
        x = functional.silu(self.embed(self.normalised(inputs)))  # (B, C)
        rows = []
        for block, ring in zip(self.blocks, rings, strict=True):
            x, row = block.tick(x, ticks, ring)
            rows.append(row)
        correction, log_variance = self.head(self.norm(x))  # (B, W) each
        mean = self.linear_estimate(inputs) + self.residual_scale * correction
        return mean, self.log_variance_from(log_variance), tuple(rows)

    def advance(self, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `FaceNetwork.forward`."""
        x = functional.silu(self.embed(self.normalised(inputs)))  # (B, L, C)
        following = []
        for block, past in zip(self.blocks, state, strict=True):
            x, past = block(x, past)
            following.append(past)
        correction, log_variance = self.head(self.norm(x))  # (B, L, W) each
        mean = self.linear_estimate(inputs) + self.residual_scale * correction
        return mean, self.log_variance_from(log_variance), tuple(following)
