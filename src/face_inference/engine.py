"""What runs a network: a small protocol, so that ONNX Runtime, TensorRT or a test double are equal to the tracker."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]


class EngineOutput(NamedTuple):
    """One step's result; the arrays are the engine's own buffers and valid until its next step."""

    weights: Float32Array
    """(52,)"""
    confidence: Float32Array
    """(52,)"""


class Engine(Protocol):
    """A loaded, warmed-up network with its state.

    The state lives in the engine, where a GPU can keep it; `save_state` and `restore_state` make it explicit. A run
    that is saved, restored and continued equals one that was never interrupted.
    """

    @property
    def description(self) -> str:
        """Library, version and device, for diagnostics."""
        ...

    def step(self, inputs: Float32Array) -> EngineOutput:
        """One tick of the model's rate: (I,) in, weights and confidence out; advances the state."""
        ...

    def reset(self) -> None:
        """Forget the past."""
        ...

    def save_state(self) -> tuple[Float32Array, ...]:
        """Copies of the state tensors, in the order of `Graph.states`."""
        ...

    def restore_state(self, state: tuple[Float32Array, ...]) -> None:
        """Continue from what `save_state` returned.

        Raises:
            EngineError: the tensors are of another model.
        """
        ...
