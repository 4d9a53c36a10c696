"""What a training minimises. Predictions are (..., N, W): N ticks of equal spacing, W = 52 weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from face_model import arkit, observability
from face_training.config import StageConfig
from face_training.geometry import Contact, GeometryForms
from face_training.networks.base import Prediction

PARTS = ("loss", "error", "likelihood", "velocity", "acceleration", "surface", "contact")
"""What `FaceLoss` returns, in this order: the sum that is minimised, then its parts as they enter it, weighted."""


def shape_weights(hidden_weight: float) -> Tensor:
    """(W,) one for shapes that IMUs see, `hidden_weight` for the others, mean one."""
    weights = torch.full((arkit.COUNT,), hidden_weight)
    weights[list(observability.OBSERVABLE)] = 1.0
    return weights / weights.mean()


class FaceLoss(nn.Module):  # type: ignore[misc,unused-ignore]
    """The loss of one stage.

    The mean is fitted by squared error or a robust relative of it, the variance by beta-NLL, which is the Gaussian
    likelihood of each weight scaled by its variance to the power beta, without gradient, so that hard shapes are not
    given up on (Seitzer et al., "On the Pitfalls of Heteroscedastic Uncertainty Estimation with Probabilistic Neural
    Networks", ICLR 2022). The likelihood does not move the mean at all: with their beta of 1 its gradient on the mean
    is that of the squared error, which is there already. The errors of the change per tick and of its change keep the
    face from trembling.
    Geometric parts are those of `GeometryForms`.
    """

    def __init__(self, stage: StageConfig, hidden_weight: float, geometry: GeometryForms | None) -> None:
        """`geometry` is needed where `surface_weight` or `contact_weight` is above 0."""
        super().__init__()
        self._stage = stage
        self._geometry = geometry
        self._shapes = shape_weights(hidden_weight)

    def forward(self, prediction: Prediction) -> Tensor:
        """`PARTS`, (7,)."""
        stage, shapes = self._stage, self._shapes.to(prediction.mean.device)
        mean, log_variance, truth = (
            part.float() for part in (prediction.mean, prediction.log_variance, prediction.truth)
        )
        error = mean - truth
        squared = error**2
        likelihood = 0.5 * (log_variance + squared.detach() * torch.exp(-log_variance))
        likelihood = likelihood * torch.exp(stage.beta * log_variance.detach())
        parts = [
            (self._cost(squared) * shapes).mean(),
            stage.likelihood_weight * (likelihood * shapes).mean(),
            stage.velocity_weight * (error.diff(dim=-2) ** 2 * shapes).mean(),
            stage.acceleration_weight * (error.diff(n=2, dim=-2) ** 2 * shapes).mean(),
            *self._geometric(mean, truth, error),
        ]
        return torch.stack([torch.stack(parts).sum(), *parts])

    def _cost(self, squared: Tensor) -> Tensor:
        """Squared errors (..., W) to what they cost: as they are, or by a pseudo-Huber function (P. Charbonnier et al.,
        ICIP 1994), whose best estimate is near the median. Weights are mostly zero: their mean is far from it."""
        limit = self._stage.huber
        return squared if not limit else 2.0 * limit**2 * ((1.0 + squared / limit**2).sqrt() - 1.0)

    def _geometric(self, mean: Tensor, truth: Tensor, error: Tensor) -> tuple[Tensor, Tensor]:
        stage, nothing = self._stage, error.new_zeros(())
        if self._geometry is None:
            return nothing, nothing
        geometry = self._geometry = self._geometry.to(error.device)
        surface = contact = nothing
        if stage.surface_weight:
            form = (geometry.skin + stage.lip_weight * geometry.lips) / (1.0 + stage.lip_weight)
            surface = stage.surface_weight * ((error @ form) * error).mean()  # (..., N, W) -> scalar
        if stage.contact_weight and geometry.contacts:
            estimate, real = geometry.activations(mean), geometry.activations(truth)
            gaps = [contact_loss(c, estimate, real) for c in geometry.contacts]
            contact = stage.contact_weight * torch.stack(gaps).mean()
        return surface, contact


def contact_loss(contact: Contact, estimate: Tensor, truth: Tensor) -> Tensor:
    """Scalar: mean squared error of the gap, as a share of the full opening, where the true gap is closed.

    Args:
        contact: what touches.
        estimate: (..., 52 + C) activations.
        truth: (..., 52 + C) activations.
    """
    gap = truth @ contact.form + contact.neutral  # (..., P)
    closed = (gap <= contact.closed + contact.tolerance).to(gap.dtype)
    return (closed * ((estimate - truth) @ contact.form) ** 2).mean()
