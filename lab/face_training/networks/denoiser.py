"""The denoiser: a small transformer over the H ticks of a trajectory, all of them past or present."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from face_model import arkit
from face_training.networks.config import NetworkConfig
from face_training.networks.encoder import Mlp, merge_heads, split_heads
from face_training.networks.layers import quiet_linear

_LEVEL_FREQUENCIES = 8


class AdaptiveBlock(nn.Module):  # type: ignore[misc,unused-ignore]
    """Transformer block whose layer norms are scaled, shifted and gated by the noise level.

    Peebles and Xie, "Scalable Diffusion Models with Transformers", ICCV 2023 (adaLN-Zero): gates start at zero. No
    dropout: the noise that it is trained with keeps it from learning by heart. In shape comments C is
    `denoiser_width`.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.width = width
        self.heads = heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = quiet_linear(width, 6 * width)
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = Mlp(width)

    def forward(self, x: Tensor, condition: Tensor, unseen: Tensor, chosen: Tensor | None = None) -> Tensor:
        """One block.

        Args:
            x: tokens (N, H, C).
            condition: (N or 1, 1, C).
            unseen: (N, 1, 1, H) added to scores.
            chosen: (N, Q, H) rows of an identity matrix: the tokens that are wanted; all when None.

        Returns:
            (N, H or Q, C).
        """
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = self.modulation(condition).split(self.width, dim=-1)
        query, key, value = split_heads(self.project(self.norm(x) * (1.0 + scale) + shift), self.heads)
        if chosen is not None:
            x, query = chosen @ x, chosen[:, None] @ query
        scores = torch.softmax(query @ key.transpose(-1, -2) + unseen, dim=-1)  # (N, heads, H or Q, H)
        x = x + gate * self.out(merge_heads(scores @ value))  # (N, H or Q, C)
        return x + mlp_gate * self.mlp(self.norm(x) * (1.0 + mlp_scale) + mlp_shift)


class Denoiser(nn.Module):  # type: ignore[misc,unused-ignore]
    """Predicts the clean trajectory x0 from a noised one and from what the encoder knows at its ticks."""

    frequencies: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.denoiser_width
        self.embed = nn.Linear(arkit.COUNT, width)
        self.from_encoder = nn.Linear(config.width, width)
        self.place = nn.Parameter(0.02 * torch.randn(config.horizon, width))  # (H, C)
        self.level = nn.Sequential(nn.Linear(2 * _LEVEL_FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))
        self.register_buffer("frequencies", math.pi * torch.arange(1, _LEVEL_FREQUENCIES + 1) / 2.0, persistent=False)
        self.blocks = nn.ModuleList(AdaptiveBlock(width, config.heads) for _ in range(config.denoiser_layers))
        self.norm = nn.LayerNorm(width)
        self.clean = quiet_linear(width, arkit.COUNT)

    def context(self, encoded: Tensor) -> Tensor:
        """What does not change between denoising steps: (N, H, encoder's C) -> (N, H, C)."""
        return self.from_encoder(encoded) + self.place

    def forward(
        self, x: Tensor, level: Tensor, context: Tensor, unseen: Tensor, chosen: Tensor | None = None
    ) -> Tensor:
        """Denoise.

        Args:
            x: (N, H, W) noised.
            level: (N,), or (1,) where it is the same for all.
            context: (N, H, C).
            unseen: (N, 1, 1, H) added to scores, to hide ticks before the first.
            chosen: (N, Q, H) rows of an identity matrix, where not the whole trajectory is wanted.

        Returns:
            x0 (N, H or Q, W).
        """
        angle = level[:, None] * self.frequencies  # (N, frequencies)
        condition = functional.silu(self.level(torch.cat([angle.sin(), angle.cos()], dim=-1)))[:, None]  # (N, 1, C)
        tokens = self.embed(x) + context  # (N, H, C)
        *first, last = self.blocks
        for block in first:
            tokens = block(tokens, condition, unseen)
        tokens = last(tokens, condition, unseen, chosen)
        return self.clean(self.norm(tokens))
