"""What runs a network: a small protocol, so that to a tracker all engines and test doubles are equal."""

# No `from __future__ import annotations`: what makes the API's pages could not resolve those of the tuples.

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

OnProgress = Callable[[float, str], None]
"""Told the share done of a long build, 0 to 1, and what is being done."""


class EngineOutput(NamedTuple):
    """One step's result for F faces; the arrays are the engine's own buffers and valid until its next step.

    Rows of faces that the step did not advance mean nothing.
    """

    weights: Float32Array
    """(F, 52)"""
    confidence: Float32Array
    """(F, 52)"""


class EngineState(NamedTuple):
    """All that an engine remembers of one face: any engine of the same model can go on from it."""

    ticks: int
    """Ticks since the reset, as `host.RingState` counts them."""
    rings: tuple[Float32Array, ...]
    """(length, width) each, in the order of the model's rings."""


class Engine(Protocol):
    """A loaded, warmed-up network and its state of F faces, which one step advances together.

    The state lives in the engine, where a GPU can keep it; `save_state` and `restore_state` make it explicit. A run
    that is saved, restored and continued equals one that was never interrupted, and a face does not depend on which
    others are in the batch.
    """

    @property
    def description(self) -> str:
        """Library, version, precision and device, for diagnostics."""
        ...

    @property
    def faces(self) -> int:
        """F, how many faces it runs."""
        ...

    @property
    def inputs(self) -> Float32Array:
        """(F, I) buffer, to be filled for the faces of the next step. Rows of other faces must stay finite."""
        ...

    def step(self, active: NDArray[np.bool_] | None = None) -> EngineOutput:
        """One tick of the model's rate for the faces where `active` (F,) is true; None: for all.

        Raises:
            EngineError: the device failed. The state is lost; another engine must go on.
        """
        ...

    def reset(self, face: int = 0) -> None:
        """Forget a face's past."""
        ...

    def save_state(self, face: int = 0) -> EngineState:
        """A copy of what is remembered of a face."""
        ...

    def restore_state(self, state: EngineState, face: int = 0) -> None:
        """Continue a face from what `save_state` returned.

        Raises:
            EngineError: the state is of another model.
        """
        ...

    def close(self) -> None:
        """Release the device; may be called twice. An engine that was closed cannot step."""
        ...
