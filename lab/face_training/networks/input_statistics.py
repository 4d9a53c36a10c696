"""Fitting what is known from the training data before any training: normaliser, residual scale, novelty."""

from __future__ import annotations

import torch
from torch import Tensor

from face_inference.errors import InferenceError
from face_training.networks.base import FaceNetwork, novelty

USUAL_SHARE = 0.995
"""Share of the training inputs that do not count as novel."""

_LEAST_SCALE = 1e-3
"""A channel that hardly varied in training must not blow up on a wearer in whom it does."""

_LEAST_RESIDUAL = 0.01
"""A shape that nothing moved in training keeps a small correction, not an infinite one."""


@torch.no_grad()  # type: ignore[untyped-decorator,unused-ignore]
def fit_statistics(network: FaceNetwork, inputs: Tensor, truth: Tensor) -> None:
    """Set the network's normaliser, residual scale and novelty limit.

    Channels that are only ever 0 or 1 are flags and become -1 and 1.

    Args:
        network: changed in place.
        inputs: (N, I) raw training inputs, a fair sample of them, augmented as in training.
        truth: (N, W) the weights at the same ticks.

    Raises:
        InferenceError: fewer than two rows or values that are not finite.
    """
    if len(inputs) < 2 or not bool(torch.isfinite(inputs).all()) or not bool(torch.isfinite(truth).all()):
        raise InferenceError(
            f"expected at least two rows of finite inputs and weights, found {len(inputs)} rows; check the data set"
        )
    flags = ((inputs == 0.0) | (inputs == 1.0)).all(dim=0)  # (I,)
    half = torch.tensor(0.5, device=inputs.device)
    network.input_mean.copy_(torch.where(flags, half, inputs.mean(dim=0)))
    network.input_scale.copy_(torch.where(flags, half, inputs.std(dim=0).clamp(min=_LEAST_SCALE)))
    residual = truth - network.linear_estimate(inputs)  # (N, W)
    network.residual_scale.copy_(residual.square().mean(dim=0).sqrt().clamp(min=_LEAST_RESIDUAL))
    network.novelty_limit.fill_(1.0)
    square = novelty(network, inputs).flatten()  # (N,) mean squares, as their limit is one
    rank = max(1, round(USUAL_SHARE * len(square)))
    network.novelty_limit.copy_(square.kthvalue(rank).values.clamp(min=1e-3))
