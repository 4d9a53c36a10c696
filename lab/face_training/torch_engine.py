"""PyTorch, from the weights themselves: the reference that every other engine is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.engines.host import HostEngine
from face_inference.engines.protocol import EngineOutput
from face_inference.errors import EngineError, InferenceError
from face_inference.model_folder import Model

Float32Array = NDArray[np.float32]


class TorchEngine(HostEngine):
    """Runs the step form of the network with PyTorch; slower than ONNX Runtime, and without an exporter in between.

    Raises:
        EngineError: PyTorch is missing or the weights do not fit the network described.
    """

    def __init__(self, model: Model, faces: int = 1, compiled: bool = False, device: str = "cpu") -> None:
        """`compiled`: through `torch.compile`; `device`: as PyTorch names it."""
        super().__init__(model, faces)
        try:
            import torch

            from face_training.networks.network_building import load_network
            from face_training.networks.step import Step
        except ImportError as error:
            raise EngineError(f"expected PyTorch, found {error}; pip install torch==2.13.0") from error
        self._torch: Any = torch
        self._device, self._compiled = device, compiled
        try:
            step = Step(load_network(model).to(device))
            self._step: Any = torch.compile(step) if compiled else step
            self._run(np.arange(faces))
        except (InferenceError, RuntimeError) as error:  # RuntimeError: of the device, or no memory left on it
            raise EngineError(str(error)) from error

    @property
    def description(self) -> str:
        """Library, version and device."""
        how = ", compiled" if self._compiled else ""
        return f"PyTorch {self._torch.__version__} on {self._device}{how}, float32"

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

    def _run(self, faces: NDArray[np.intp]) -> list[Float32Array]:
        torch = self._torch
        arrays = (self._inputs, self._rings.ticks, *self._rings.arrays)
        with torch.inference_mode():
            found = self._step(*(torch.from_numpy(array[faces]).to(self._device) for array in arrays))
        weights, confidence, *rows = (tensor.cpu().numpy() for tensor in found)
        self._output.weights[faces], self._output.confidence[faces] = weights, confidence
        return rows
