"""What engines have in common whose inputs, outputs and rings lie in host memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.engines.protocol import EngineOutput, FaceState
from face_inference.engines.rings import RingState
from face_inference.inputs import input_size
from face_inference.model_folder import Model
from face_model import arkit

Float32Array = NDArray[np.float32]


class HostEngine:
    """Buffers of F faces of a model; a subclass steps."""

    def __init__(self, model: Model, faces: int) -> None:
        self._faces = faces
        self._rings = RingState(model.description.rings, faces)
        self._inputs = np.zeros((faces, input_size(Channels.of(model.description.mounts))), dtype=np.float32)
        self._output = EngineOutput(*(np.zeros((faces, arkit.COUNT), dtype=np.float32) for _ in range(2)))

    @property
    def faces(self) -> int:
        """F."""
        return self._faces

    @property
    def inputs(self) -> Float32Array:
        """(F, I), to be filled before a step."""
        return self._inputs

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
