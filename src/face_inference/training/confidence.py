"""Fitting the confidence: one temperature for each shape, on people the training did not see."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from face_inference.network import CONFIDENCE_TOLERANCE, GruNetwork
from face_inference.training.dataset import Take

_LOG_TEMPERATURES = torch.linspace(-2.0, 3.0, 101)


@torch.no_grad()  # type: ignore[untyped-decorator,unused-ignore]
def predict(network: GruNetwork, take: Take) -> tuple[Tensor, Tensor]:
    """Mean and log-variance over a whole take from a zero state, both (T, 52)."""
    network.eval()
    mean, log_variance, _ = network(torch.from_numpy(take.features)[None], network.initial_state(1))
    return mean[0], log_variance[0]


@torch.no_grad()  # type: ignore[untyped-decorator,unused-ignore]
def fit_temperature(network: GruNetwork, takes: Sequence[Take]) -> None:
    """Set `network.log_temperature` to what makes "within 0.1" come true as often as claimed.

    For each shape the temperature on a grid with the least log loss of that event; the event rather than the
    likelihood, because the event is what the message promises and errors have heavier tails than a Gaussian.
    """
    predictions = [predict(network, take) for take in takes]
    mean = torch.cat([m for m, _ in predictions])  # (N, W)
    sigma = torch.exp(0.5 * torch.cat([v for _, v in predictions]))
    truth = torch.cat([torch.from_numpy(take.weights) for take in takes])
    within = ((mean.clamp(0.0, 1.1) - truth).abs() <= CONFIDENCE_TOLERANCE).float()
    losses = torch.stack([_log_loss(sigma * torch.exp(t), within) for t in _LOG_TEMPERATURES])  # (grid, W)
    network.log_temperature.copy_(_LOG_TEMPERATURES[losses.argmin(dim=0)])


def _log_loss(sigma: Tensor, within: Tensor) -> Tensor:
    """(N, W), (N, W) -> (W,)."""
    claimed = torch.erf(CONFIDENCE_TOLERANCE / (2.0**0.5 * sigma)).clamp(1e-4, 1.0 - 1e-4)
    return -(within * claimed.log() + (1.0 - within) * (1.0 - claimed).log()).mean(dim=0)
