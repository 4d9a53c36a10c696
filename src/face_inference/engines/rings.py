"""The state of faces as rings of rows: what a step reads, and the one row of each ring that it writes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from face_inference.engines.protocol import FaceState
from face_inference.errors import EngineError
from face_inference.model_folder import Ring

Float32Array = NDArray[np.float32]


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

    def save(self, face: int) -> FaceState:
        """A copy."""
        return FaceState(int(self.ticks[face, 0]), tuple(array[face].copy() for array in self.arrays))

    def restore(self, state: FaceState, face: int) -> None:
        """Continue from `save`.

        Raises:
            EngineError: the rings are of another model.
        """
        self.check(state)
        self.ticks[face] = state.ticks
        for array, saved in zip(self.arrays, state.rings, strict=True):
            array[face] = saved

    def check(self, state: FaceState) -> None:
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
