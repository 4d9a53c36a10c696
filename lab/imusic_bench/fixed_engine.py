"""An engine without a network: always the same weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.engines.protocol import EngineOutput, EngineState
from face_inference.model_folder import Model
from face_inference.network_inputs import input_size


class FixedEngine:
    """Takes the place of the network, whose memory and time are fixed, where hours are to take minutes."""

    description = "no network: always the same weights"
    faces = 1

    def __init__(self, model: Model) -> None:
        self.inputs = np.zeros((1, input_size(Channels.of(model.description.mounts))), np.float32)
        self._rings = tuple(np.zeros((ring.length, ring.width), np.float32) for ring in model.description.rings)
        self._output = EngineOutput(np.full((1, 52), 0.1, np.float32), np.full((1, 52), 0.5, np.float32))

    def step(self, active: NDArray[np.bool_] | None = None) -> EngineOutput:
        """See `Engine`."""
        return self._output

    def reset(self, face: int = 0) -> None:
        """Nothing is remembered."""

    def save_state(self, face: int = 0) -> EngineState:
        """See `Engine`."""
        return EngineState(0, self._rings)

    def restore_state(self, state: EngineState, face: int = 0) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        """Nothing is open."""
