"""An engine with a fallback, which takes over when its device fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from face_inference.engines.protocol import Engine, EngineOutput, EngineState
from face_inference.errors import EngineError

T = TypeVar("T")


class EngineWithFallback:
    """Runs the first engine until it fails, then the fallback, which was made ready beforehand.

    What the first remembered is lost with its device: the faces start anew, as after a gap in the samples.

    Args:
        first: what was chosen.
        fallback: ready to run, for as many faces.
        announce: told once, in one line, when the fallback takes over.
    """

    def __init__(self, first: Engine, fallback: Engine, announce: Callable[[str], None]) -> None:
        self._engine, self._fallback = first, fallback
        self._announce = announce

    @property
    def description(self) -> str:
        """Of the engine in use."""
        return self._engine.description

    @property
    def faces(self) -> int:
        """F, how many faces it runs."""
        return self._engine.faces

    @property
    def inputs(self) -> NDArray[np.float32]:
        """Of the engine in use: ask anew for each step."""
        return self._engine.inputs

    def step(self, active: NDArray[np.bool_] | None = None) -> EngineOutput:
        """See `Engine.step`.

        Raises:
            EngineError: the fallback failed, too.
        """
        return self._or_fall_back(lambda engine: engine.step(active))

    def reset(self, face: int = 0) -> None:
        """Forget a face's past."""
        self._or_fall_back(lambda engine: engine.reset(face))

    def save_state(self, face: int = 0) -> EngineState:
        """See `Engine.save_state`."""
        return self._engine.save_state(face)

    def restore_state(self, state: EngineState, face: int = 0) -> None:
        """Continue from `save_state`.

        Raises:
            EngineError: the state is of another model.
        """
        self._engine.restore_state(state, face)

    def close(self) -> None:
        """Release both."""
        self._engine.close()
        self._fallback.close()

    def _or_fall_back(self, work: Callable[[Engine], T]) -> T:
        try:
            return work(self._engine)
        except EngineError as error:
            if self._engine is self._fallback:
                raise
            self._take_over(str(error))
            return work(self._engine)

    def _take_over(self, reason: str) -> None:
        failed, self._engine = self._engine, self._fallback
        self._fallback.inputs[...] = failed.inputs
        self._announce(f"{failed.description} failed: {reason}; the capture goes on with {self._fallback.description}")
        failed.close()
