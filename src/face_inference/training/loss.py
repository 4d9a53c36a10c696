"""What a training minimises. Shapes: B chunks, L ticks, W = 52 weights."""

from __future__ import annotations

import torch
from torch import Tensor

from face_inference.training.config import TrainConfig
from face_model import arkit, observability


def shape_weights(hidden_weight: float) -> Tensor:
    """(W,) one for shapes that IMUs see, `hidden_weight` for the others, mean one."""
    weights = torch.full((arkit.COUNT,), hidden_weight)
    weights[list(observability.OBSERVABLE)] = 1.0
    return weights / weights.mean()


def face_loss(config: TrainConfig, step: int, mean: Tensor, log_variance: Tensor, truth: Tensor) -> Tensor:
    """Scalar from (B, L, W) each.

    Squared error for the first `mse_steps`, then beta-NLL: the Gaussian likelihood of each weight scaled by its
    variance to the power beta, without gradient, so that hard shapes are not given up on (Seitzer et al., "On the
    Pitfalls of Heteroscedastic Uncertainty Estimation with Probabilistic Neural Networks", ICLR 2022). Always with the
    squared error of the change per tick, which keeps the face from trembling.
    """
    weights = shape_weights(config.hidden_weight)
    squared = (mean - truth) ** 2
    velocity = (mean.diff(dim=1) - truth.diff(dim=1)) ** 2
    if step < config.mse_steps:
        fit = squared
    else:
        likelihood = 0.5 * (log_variance + squared * torch.exp(-log_variance))
        fit = likelihood * torch.exp(config.beta * log_variance.detach())
    return (fit * weights).mean() + config.velocity_weight * (velocity * weights).mean()
