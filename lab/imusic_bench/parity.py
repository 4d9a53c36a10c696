"""Whether an engine computes what ONNX Runtime on the CPU computes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.engines.protocol import Engine
from face_inference.model_folder import Model

_TICKS = 100
"""More than any ring holds, so that all of the state is in it."""


class Parity:
    """The answers of the reference to made-up inputs of F faces, to compare engines with.

    Raises:
        EngineError: ONNX Runtime does not run the model.
    """

    def __init__(self, model: Model, faces: int) -> None:
        rng = np.random.default_rng(7)
        reference = OnnxRuntimeEngine(model, faces)
        # Of about the size of real ones: radians, rad/s, m/s2, weights.
        self._inputs = 0.3 * rng.standard_normal((_TICKS, *reference.inputs.shape), dtype=np.float32)
        self._answers = self._answers_of(reference)

    def largest_difference(self, engine: Engine) -> float:
        """Of any weight or confidence, at any tick; the engine's faces are forgotten before and after."""
        difference = np.abs(self._answers_of(engine) - self._answers)
        return float(difference.max())

    def _answers_of(self, engine: Engine) -> NDArray[np.float32]:
        """(ticks, 2, F, 52)."""
        _forget(engine)
        found = []
        for inputs in self._inputs:
            engine.inputs[...] = inputs
            found.append(np.stack(engine.step()))
        _forget(engine)
        return np.stack(found)


def _forget(engine: Engine) -> None:
    for face in range(engine.faces):
        engine.reset(face)
