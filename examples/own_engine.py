"""An engine of one's own: wraps ONNX Runtime, and counts and times its steps. Takes a source as `port_to_weights.py`.

Whatever has these methods is an engine (`face_inference.engines.protocol.Engine`): nothing is to be registered.
"""

import sys
import time
from contextlib import suppress
from itertools import islice

import numpy as np

from face_capture import open_capture
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.engines.protocol import EngineOutput, EngineState
from face_inference.model_folder import Model


class CountingEngine:
    """Passes everything on to ONNX Runtime."""

    def __init__(self, model: Model) -> None:
        self.runs, self.steps, self.busy_s = OnnxRuntimeEngine(model), 0, 0.0
        self.description, self.faces, self.inputs = f"counted {self.runs.description}", 1, self.runs.inputs

    def step(self, active: np.ndarray | None = None) -> EngineOutput:
        """One tick of the model; its inputs lie in `inputs`."""
        began_s = time.perf_counter()
        output = self.runs.step(active)
        self.steps, self.busy_s = self.steps + 1, self.busy_s + time.perf_counter() - began_s
        return output

    def reset(self, face: int = 0) -> None:
        """Forget the past: after a gap, or with a new neutral."""
        self.runs.reset(face)

    def save_state(self, face: int = 0) -> EngineState:
        """What is remembered, for whoever goes on from here."""
        return self.runs.save_state(face)

    def restore_state(self, state: EngineState, face: int = 0) -> None:
        """Go on from there."""
        self.runs.restore_state(state, face)

    def close(self) -> None:
        """Say what was counted."""
        self.runs.close()
        print(f"{self.steps} steps, {1e6 * self.busy_s / max(1, self.steps):.0f} us each")


if __name__ == "__main__":
    source = [*sys.argv[1:], "simulated"][0]
    with suppress(KeyboardInterrupt), open_capture(source, engine=CountingEngine) as capture:
        faces = sum(1 for _face in islice(capture, 1000))
        print(f"{faces} faces, {capture.diagnostics.engine}: {capture.state.name}")
