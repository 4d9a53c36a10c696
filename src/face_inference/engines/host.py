"""What engines share whose inputs and outputs lie in host memory: buffers, and the state of faces as rings of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.engines.protocol import EngineOutput, EngineState
from face_inference.errors import EngineError
from face_inference.model_folder import Model, Ring
from face_inference.network_inputs import input_size
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
        """F, how many faces it runs."""
        return self._faces

    @property
    def inputs(self) -> Float32Array:
        """(F, I), to be filled before a step."""
        return self._inputs

    def reset(self, face: int = 0) -> None:
        """Forget a face's past."""
        self._rings.reset(face)

    def save_state(self, face: int = 0) -> EngineState:
        """See `Engine.save_state`."""
        return self._rings.save(face)

    def restore_state(self, state: EngineState, face: int = 0) -> None:
        """Continue from `save_state`.

        Raises:
            EngineError: the state is of another model.
        """
        self._rings.restore(state, face)

    def close(self) -> None:
        """Nothing is held that memory management does not release."""


class RingState:
    """Rings of F faces in host memory, and how far each face is.

    A face that has seen `ticks` ticks reads its rings and writes slot `ticks` modulo length. What a network reads never
    lies in that slot, so that a step whose tick is not counted (`advance`) leaves no trace.

    Attributes:
        ticks: (F, 1) float32, what the graph is fed: ticks since the reset, wrapped so that it stays exact and its
            remainders by all lengths, which are powers of two, go on.
        arrays: (F, length, width) each.
    """

    def __init__(self, rings: Sequence[Ring], faces: int) -> None:
        self.ticks = np.zeros((faces, 1), dtype=np.float32)
        self.arrays = [np.zeros((faces, ring.length, ring.width), dtype=np.float32) for ring in rings]
        self._lengths = [ring.length for ring in rings]
        self._period = max(self._lengths, default=1)

    def write(self, faces: NDArray[np.intp], rows: Sequence[Float32Array]) -> None:
        """Put the rows (n, width) of a step of n faces into their rings."""
        ticks = self.ticks[faces, 0].astype(np.intp)
        for array, length, row in zip(self.arrays, self._lengths, rows, strict=True):
            array[faces, ticks % length] = row

    def write_one(self, rows: Sequence[Float32Array]) -> None:
        """`write` for a state of a single face, which is most often the case: rows (1, width)."""
        ticks = int(self.ticks[0, 0])
        for array, length, row in zip(self.arrays, self._lengths, rows, strict=True):
            array[0, ticks % length] = row[0]

    def advance(self, faces: NDArray[np.intp] | slice) -> None:
        """Count a tick."""
        ticks = self.ticks[faces] + 1.0
        # Beyond one period only the remainder matters.
        self.ticks[faces] = np.where(ticks < 2 * self._period, ticks, self._period)

    def reset(self, face: int) -> None:
        """Nothing was seen yet. Rows are cleared too: one that is not finite would come through any mask."""
        self.ticks[face] = 0.0
        for array in self.arrays:
            array[face] = 0.0

    def save(self, face: int) -> EngineState:
        """Copies of a face's ticks and rings."""
        return EngineState(int(self.ticks[face, 0]), tuple(array[face].copy() for array in self.arrays))

    def restore(self, state: EngineState, face: int) -> None:
        """Continue from `save`.

        Raises:
            EngineError: the rings are of another model.
        """
        self.check(state)
        self.ticks[face] = state.ticks
        for array, saved in zip(self.arrays, state.rings, strict=True):
            array[face] = saved

    def check(self, state: EngineState) -> None:
        """Refuse a state of another model.

        Raises:
            EngineError: with both models' shapes.
        """
        own = [array.shape[1:] for array in self.arrays]
        found = [ring.shape for ring in state.rings]
        if own != found:
            raise EngineError(
                f"expected state rings of shape {own}, found {found}; restore only what the same model saved"
            )
