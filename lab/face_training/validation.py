"""Following a training on people it does not see: a bounded number of ticks, the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from face_inference.wearer.linear_estimate import LIMITS
from face_model import arkit, observability
from face_training.networks import FaceNetwork
from face_training.training_take import ValidationTake

Float32Array = NDArray[np.float32]

SEGMENT_TICKS = 400
"""Length of a piece: long enough that the start from a zero state hardly counts."""

_LEAST_SPREAD = 0.02
"""Correlation of shapes whose truth varies less than this measures noise."""


@dataclass(frozen=True)
class Pieces:
    """`inputs` (B, L, I) and `weights` (B, L, 52) cut from takes."""

    inputs: Float32Array
    weights: Float32Array


def cut_pieces(takes: Sequence[ValidationTake], ticks: int, longest: int = SEGMENT_TICKS) -> Pieces | None:
    """At most `ticks` ticks of takes in pieces of at most `longest`, as many of each person; None without takes."""
    length = min(longest, ticks, *(len(take.inputs) for take in takes)) if takes else 0
    count = ticks // max(1, length)
    if not count or not length:
        return None
    people = sorted({take.person for take in takes})
    inputs, weights = [], []
    for i in range(count):
        own = [take for take in takes if take.person == people[i % len(people)]]
        turn = i // len(people)
        take = own[turn % len(own)]
        # The golden ratio's multiples spread over a take however many pieces it gives.
        start = int((len(take.inputs) - length) * ((turn + 1) * 0.618034 % 1.0))
        inputs.append(take.inputs[start : start + length])
        weights.append(take.weights[start : start + length])
    return Pieces(np.stack(inputs), np.stack(weights))


@torch.no_grad()  # type: ignore[untyped-decorator,unused-ignore]
def validate(network: FaceNetwork, pieces: Pieces, device: torch.device) -> dict[str, float]:
    """`mae` of all shapes, `mae_observable`, and `r`: Pearson's over all pieces, mean over shapes that IMUs see."""
    network.eval()
    mean, _, _ = network(torch.from_numpy(pieces.inputs).to(device), network.initial_state(len(pieces.inputs)))
    estimate = mean.float().cpu().clamp(*LIMITS).reshape(-1, arkit.COUNT)
    truth = torch.from_numpy(pieces.weights).reshape(-1, arkit.COUNT)
    error, seen = (estimate - truth).abs(), list(observability.OBSERVABLE)
    return {
        "mae": float(error.mean()),
        "mae_observable": float(error[:, seen].mean()),
        "r": float(_correlation(truth[:, seen], estimate[:, seen])),
    }


def _correlation(truth: Tensor, estimate: Tensor) -> Tensor:
    """Mean over the columns of (N, S) whose truth varies; 0 where none does."""
    t, e = truth - truth.mean(dim=0), estimate - estimate.mean(dim=0)
    r = (t * e).mean(dim=0) / (t.std(dim=0) * e.std(dim=0)).clamp(min=1e-9)
    varying = t.std(dim=0) >= _LEAST_SPREAD
    return r[varying].mean() if varying.any() else r.new_zeros(())
