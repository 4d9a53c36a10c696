"""Fitting the confidence: one temperature for each shape, on people the training did not see."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from face_inference import uncertainty
from face_inference.errors import InferenceError
from face_inference.wearer.linear_estimate import LIMITS
from face_training.networks import FaceNetwork, standard_deviation
from face_training.training_take import ValidationTake
from face_training.validation import cut_pieces

INTERVAL = 0.8
"""Probability of the intervals whose coverage is fitted along."""

Coverage = tuple[float, float]

HONEST: Coverage = (0.77, 0.83)
"""Shares of the truth that 80 % intervals may hold on the people fitted on."""
_COVERAGE_COST = 3.0
"""Log loss that a miss of all coverage would be worth. Finite: a shape that rests nearly always is covered by any
interval, and shall not become sure of itself for that."""

_LOG_TEMPERATURES = torch.linspace(-2.0, 3.0, 101)
_TICKS = 60_000
_PIECE_TICKS = 2_000
_STRIDE = 4
"""Neighbouring ticks tell the same."""


@dataclass(frozen=True)
class Family:
    """A distribution of errors.

    Attributes:
        name: of it.
        within: standard deviations, any shape -> P(|error| <= `uncertainty.TOLERANCE`).
        interval: half width of the 80 % interval in standard deviations.
    """

    name: str
    within: Callable[[Tensor], Tensor]
    interval: float


PUBLISHED = Family("laplace", uncertainty.confidence_from_scale, uncertainty.half_width_of_scale(INTERVAL))
"""What `face_inference.uncertainty` says."""
ALTERNATIVE = Family(
    "gaussian", lambda scale: torch.erf(uncertainty.TOLERANCE / (math.sqrt(2.0) * scale)), 1.2815515655446004
)


@dataclass(frozen=True)
class FamilyFit:
    """How well a family fits, each with its own temperatures.

    Attributes:
        log_temperature: (52,).
        log_loss: of "within 0.1", mean over all values; less is better.
        coverage: share of values in their 80 % interval.
        claimed: mean confidence.
        within: share of values within 0.1.
    """

    log_temperature: Tensor
    log_loss: float
    coverage: float
    claimed: float
    within: float


def fit_temperature(
    network: FaceNetwork, takes: Sequence[ValidationTake], coverage: Coverage = HONEST
) -> dict[str, Any]:
    """Set `network.log_temperature` to what makes "within 0.1" and 80 % intervals come true as often as claimed.

    Where these people move otherwise than those to come, `coverage` says what 80 % intervals shall hold of them.

    Returns:
        For the model's description: how often they come true on these people, and what the other family would give.

    Raises:
        InferenceError: no takes to fit on.
    """
    error, scale = residuals(network, takes)
    fits = {family.name: fit_family(family, error, scale, coverage) for family in (PUBLISHED, ALTERNATIVE)}
    chosen = fits[PUBLISHED.name]
    network.log_temperature.copy_(chosen.log_temperature)
    return {
        "distribution": PUBLISHED.name,
        "claimed": round(chosen.claimed, 4),
        "within": round(chosen.within, 4),
        "coverage_80": round(chosen.coverage, 4),
        "log_loss": {name: round(fit.log_loss, 4) for name, fit in fits.items()},
    }


@torch.no_grad()  # type: ignore[untyped-decorator,unused-ignore]
def residuals(network: FaceNetwork, takes: Sequence[ValidationTake]) -> tuple[Tensor, Tensor]:
    """Absolute errors of published weights and their standard deviations without temperature, (N, 52) each.

    A bounded number of ticks, as many of each person, so that nobody counts more for longer takes.

    Raises:
        InferenceError: no takes.
    """
    pieces = cut_pieces(takes, _TICKS, _PIECE_TICKS)
    if pieces is None:
        raise InferenceError("expected takes of validation people to fit the confidence on, found none; make some")
    network.eval()
    device, errors, scales = network.log_temperature.device, [], []
    network.log_temperature.zero_()
    for inputs, truth in zip(torch.from_numpy(pieces.inputs), torch.from_numpy(pieces.weights), strict=True):
        batch = inputs[None].to(device)
        mean, log_variance, _ = network(batch, network.initial_state(1))
        scale = standard_deviation(network, log_variance, batch)[0]
        errors.append((mean[0].clamp(*LIMITS) - truth.to(device)).abs()[::_STRIDE].cpu())
        scales.append(scale[::_STRIDE].cpu())
    return torch.cat(errors), torch.cat(scales)


def fit_family(family: Family, error: Tensor, scale: Tensor, coverage: Coverage = HONEST) -> FamilyFit:
    """Temperatures on a grid, one for each shape, with the least log loss of the event "within 0.1" among those that
    keep the coverage; the event rather than the likelihood, because the event is what the message promises.

    Args:
        family: to be fitted.
        error: (N, 52) absolute errors.
        scale: (N, 52) standard deviations.
        coverage: least and largest share of the errors that 80 % intervals may hold.
    """
    happened = (error <= uncertainty.TOLERANCE).float()
    costs = torch.stack(
        [_cost(family, error, scale * torch.exp(t), happened, coverage) for t in _LOG_TEMPERATURES]
    )  # (grid, W)
    log_temperature = _LOG_TEMPERATURES[costs.argmin(dim=0)]
    fitted = scale * torch.exp(log_temperature)
    return FamilyFit(
        log_temperature,
        log_loss=float(_log_loss(family, fitted, happened).mean()),
        coverage=float(_covered(family, error, fitted).mean()),
        claimed=float(family.within(fitted).mean()),
        within=float(happened.mean()),
    )


def _cost(family: Family, error: Tensor, scale: Tensor, happened: Tensor, coverage: Coverage) -> Tensor:
    """(N, W) -> (W,)."""
    covered = _covered(family, error, scale)
    missed = (coverage[0] - covered).clamp(min=0.0) + (covered - coverage[1]).clamp(min=0.0)
    return _log_loss(family, scale, happened) + _COVERAGE_COST * missed


def _covered(family: Family, error: Tensor, scale: Tensor) -> Tensor:
    """(N, W) -> (W,) share of errors within the 80 % interval."""
    return (error <= family.interval * scale).float().mean(dim=0)


def _log_loss(family: Family, scale: Tensor, happened: Tensor) -> Tensor:
    """(N, W), (N, W) -> (W,)."""
    claimed = family.within(scale).clamp(1e-4, 1.0 - 1e-4)
    return -(happened * claimed.log() + (1.0 - happened) * (1.0 - claimed).log()).mean(dim=0)
