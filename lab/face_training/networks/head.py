"""The last layer of the networks that regress."""

from __future__ import annotations

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
