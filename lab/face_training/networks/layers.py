"""Layers that several networks share: the last one, and dropout for sequences."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from face_model import arkit


def quiet_linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer that starts at zero: training then starts at the linear estimate itself."""
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Head(nn.Module):  # type: ignore[misc,unused-ignore]
    """(..., C) -> correction of the linear estimate and log-variance, both (..., W) in units of `residual_scale`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.correction = quiet_linear(width, arkit.COUNT)
        self.log_variance = quiet_linear(width, arkit.COUNT)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(..., C) -> (..., W), (..., W)."""
        return self.correction(x), self.log_variance(x)


class SteadyDropout(nn.Module):  # type: ignore[misc,unused-ignore]
    """Drops the same channels at every tick of a take, in training only.

    Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", NeurIPS 2016.
    A mask that changed from tick to tick would shake the weights, which the velocity loss would then work against.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, C) -> (B, L, C)."""
        if not self.training or self.share == 0.0:
            return x
        kept = torch.rand(x.shape[0], 1, x.shape[2], device=x.device) >= self.share  # (B, 1, C)
        return x * (kept.to(x.dtype) / (1.0 - self.share))
