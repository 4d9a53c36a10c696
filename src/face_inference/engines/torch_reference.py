"""PyTorch, from the weights themselves: the reference that every other engine is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.engines.protocol import EngineOutput, FaceState
from face_inference.engines.rings import RingState
from face_inference.errors import EngineError, InferenceError
from face_inference.model_folder import Model
from face_model import arkit

Float32Array = NDArray[np.float32]


class TorchEngine:
    """Runs the step form of the network with PyTorch; slower than ONNX Runtime, and without an exporter in between.

    Raises:
        EngineError: PyTorch is missing or the weights do not fit the network described.
    """

    def __init__(self, model: Model, faces: int = 1, compiled: bool = False, device: str = "cpu") -> None:
        """`compiled`: through `torch.compile`; `device`: as PyTorch names it."""
        try:
            import torch

            from face_inference.networks.step import Step
            from face_inference.networks.stored import load_network
        except ImportError as error:
            raise EngineError(f"expected PyTorch, found {error}; pip install torch==2.13.0") from error
        try:
            network = load_network(model).to(device)
        except InferenceError as error:
            raise EngineError(str(error)) from error
        self._torch: Any = torch
        self._device = device
        step = Step(network.eval())
        self._step: Any = torch.compile(step) if compiled else step
        self._compiled = compiled
        self._rings = RingState(model.description.rings, faces)
        self._faces = faces
        self._inputs = np.zeros((faces, network.config.inputs), dtype=np.float32)
        self._output = EngineOutput(*(np.zeros((faces, arkit.COUNT), dtype=np.float32) for _ in range(2)))
        self._run(np.arange(faces))

    @property
    def description(self) -> str:
        """Library, version and device."""
        how = ", compiled" if self._compiled else ""
        return f"PyTorch {self._torch.__version__} on {self._device}{how}, float32"

    @property
    def faces(self) -> int:
        """F."""
        return self._faces

    @property
    def inputs(self) -> Float32Array:
        """(F, I), to be filled before a step."""
        return self._inputs

    def step(self, active: NDArray[np.bool_] | None = None) -> EngineOutput:
        """One tick; see `Engine.step`.

        Raises:
            EngineError: PyTorch failed.
        """
        faces = np.arange(self._faces) if active is None else np.flatnonzero(active)
        if len(faces):
            try:
                rows = self._run(faces)
            except RuntimeError as error:
                raise EngineError(f"expected PyTorch to run a step, found {error}") from error
            self._rings.write(faces, rows)
            self._rings.advance(faces)
        return self._output

    def reset(self, face: int = 0) -> None:
        """Forget a face's past."""
        self._rings.reset(face)

    def save_state(self, face: int = 0) -> FaceState:
        """A copy."""
        return self._rings.save(face)

    def restore_state(self, state: FaceState, face: int = 0) -> None:
        """Continue from `save_state`.

        Raises:
            EngineError: the state is of another model.
        """
        self._rings.restore(state, face)

    def close(self) -> None:
        """Nothing is held that memory management does not release."""

    def _run(self, faces: NDArray[np.intp]) -> list[Float32Array]:
        torch = self._torch
        arrays = (self._inputs, self._rings.ticks, *self._rings.arrays)
        with torch.inference_mode():
            found = self._step(*(torch.from_numpy(array[faces]).to(self._device) for array in arrays))
        weights, confidence, *rows = (tensor.cpu().numpy() for tensor in found)
        self._output.weights[faces], self._output.confidence[faces] = weights, confidence
        return rows
