"""The step form of a network, for export: one tick in, state in, state out, static shapes."""

from __future__ import annotations

from torch import Tensor, nn

from face_inference.networks.base import FaceNetwork, published


class SingleStep(nn.Module):  # type: ignore[misc,unused-ignore]
    """One tick of one wearer."""

    def __init__(self, network: FaceNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(1, I) raw and the state -> weights (1, W), confidence (1, W) and the next state."""
        mean, log_variance, following = self.network.advance(inputs[:, None], state)  # (1, 1, W) each
        weights, confidence = published(self.network, mean[:, 0], log_variance[:, 0], inputs)
        return (weights, confidence, *following)

    def example(self) -> tuple[Tensor, ...]:
        """Arguments of `forward`: zeros of the right shapes."""
        return (self.network.input_mean.new_zeros(1, self.network.config.inputs), *self.network.initial_state(1))
