"""The forms of a network that are exported: one tick of some faces, and the window that a tick depends on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from face_training.networks.base import FaceNetwork, published
from face_training.networks.ring_rows import ages


class Step(nn.Module):  # type: ignore[misc,unused-ignore]
    """One tick of B faces. `carries`: whole rings come out instead of the rows that they get."""

    def __init__(self, network: FaceNetwork, carries: bool = False) -> None:
        super().__init__()
        self.network = network
        self.carries = carries

    def forward(self, inputs: Tensor, ticks: Tensor, *rings: Tensor) -> tuple[Tensor, ...]:
        """(B, I) raw, (B, 1), rings (B, L, C) -> weights (B, W), confidence (B, W) and rows (B, C) or rings."""
        mean, log_variance, rows = self.network.tick(inputs, ticks, rings)
        weights, confidence = published(self.network, mean, log_variance, inputs)
        if self.carries:
            rows = tuple(with_row(ring, ticks, row) for ring, row in zip(rings, rows, strict=True))
        return (weights, confidence, *rows)

    def example(self, faces: int) -> tuple[Tensor, ...]:
        """Arguments of `forward`: zeros of the right shapes."""
        zeros = self.network.input_mean.new_zeros
        rings = (zeros(faces, shape.length, shape.width) for shape in self.network.ring_shapes().values())
        return (zeros(faces, self.network.config.inputs), zeros(faces, 1), *rings)


def with_row(ring: Tensor, ticks: Tensor, row: Tensor) -> Tensor:
    """The ring (B, L, C) with the row (B, C) in the slot that a face of so many ticks (B, 1) writes."""
    here = ages(ticks, int(ring.shape[1]))[..., None] < 1.0  # (B, L, 1)
    return torch.where(here, row[:, None], ring)


class Window(nn.Module):  # type: ignore[misc,unused-ignore]
    """The network without a memory: all ticks that an answer depends on are computed anew for each answer.

    The published residual goes on from the last answer however long ago; of that filter the window knows what the
    trajectories at its last ticks tell.
    """

    def __init__(self, network: FaceNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N, I) raw -> weights and confidence of the last tick, (B, W) each."""
        mean, log_variance = self.network.last_of_window(inputs)
        return published(self.network, mean, log_variance, inputs[:, -1])
