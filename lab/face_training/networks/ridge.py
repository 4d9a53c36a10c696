"""Ridge regression: the weights as a linear map of one tick's inputs, in closed form."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from face_inference.errors import InferenceError
from face_model import arkit
from face_training.networks.base import LOG_VARIANCE_LIMITS, FaceNetwork
from face_training.networks.config import NetworkConfig
from face_training.networks.ring_rows import RingShape


class RidgeNetwork(FaceNetwork):
    """No state, no gradient: `fit` sets it. The variance is one number for each shape, that of the residuals."""

    weight: Tensor
    error_log_variance: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.register_buffer("weight", torch.zeros(config.inputs + 1, arkit.COUNT))  # its last row is the offset
        self.register_buffer("error_log_variance", torch.zeros(arkit.COUNT))

    def state_shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        """None: each tick stands alone."""
        return {}

    def advance(self, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `FaceNetwork.forward`."""
        mean = self.normalised(inputs) @ self.weight[:-1] + self.weight[-1]  # (B, L, W)
        return mean, self.error_log_variance + 0.0 * mean, ()

    def ring_shapes(self) -> dict[str, RingShape]:
        """None."""
        return {}

    def tick(
        self, inputs: Tensor, ticks: Tensor, rings: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """See `FaceNetwork.tick`."""
        return self.advance(inputs, ())

    @torch.no_grad()  # type: ignore[untyped-decorator,unused-ignore]
    def fit(self, batches: Iterable[tuple[Tensor, Tensor]], ridge: float) -> None:
        """Least squares with a penalty on the weights, offset excepted, from accumulated normal equations.

        Args:
            batches: raw inputs (..., I) and truth (..., W); read once, after the normaliser was fitted.
            ridge: penalty in units of the mean square of a normalised input, at least 0; 0.01 is mild.

        Raises:
            InferenceError: no rows.
        """
        size = self.config.inputs + 1
        gram = torch.zeros(size, size, dtype=torch.float64)
        cross = torch.zeros(size, arkit.COUNT, dtype=torch.float64)
        power = torch.zeros(arkit.COUNT, dtype=torch.float64)
        rows = 0
        for inputs, truth in batches:
            x = self.normalised(inputs).reshape(-1, size - 1).double().cpu()  # (N, I)
            x = torch.cat([x, torch.ones(len(x), 1, dtype=torch.float64)], dim=1)  # (N, I + 1)
            y = truth.reshape(-1, arkit.COUNT).double().cpu()  # (N, W)
            gram += x.T @ x
            cross += x.T @ y
            power += (y * y).sum(dim=0)
            rows += len(x)
        if not rows:
            raise InferenceError("expected rows to fit ridge regression on, found none; give at least one batch")
        penalty = torch.full((size,), max(ridge, 1e-9) * rows, dtype=torch.float64)  # never singular
        penalty[-1] = 0.0
        solution = torch.linalg.solve(gram + torch.diag(penalty), cross)  # (I + 1, W)
        explained = 2.0 * (solution * cross).sum(dim=0) - (solution * (gram @ solution)).sum(dim=0)  # (W,)
        variance = ((power - explained) / rows).clamp(min=1e-12)
        self.weight.copy_(solution)
        self.error_log_variance.copy_(variance.log().clamp(*LOG_VARIANCE_LIMITS))
