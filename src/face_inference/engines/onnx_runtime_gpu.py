"""ONNX Runtime with an execution provider of a GPU: the rings stay on the device, in two sets that take turns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.engines.host import HostEngine
from face_inference.engines.onnx_runtime import check_edges, open_session
from face_inference.engines.protocol import EngineOutput, EngineState
from face_inference.errors import EngineError
from face_inference.model_folder import CARRIED, Model

Float32Array = NDArray[np.float32]

PROVIDERS = {"onnxruntime-cuda": "CUDAExecutionProvider", "onnxruntime-tensorrt": "TensorrtExecutionProvider"}
"""Engine names and the providers they need, in packages such as onnxruntime-gpu."""

_WARM_UP_STEPS = 4


class OnnxRuntimeGpuEngine(HostEngine):
    """Runs the graph that carries its rings. Faces that wait are computed and not counted.

    Args:
        provider: one of the values of `PROVIDERS`; `CPUExecutionProvider` does the same without a device.

    Raises:
        EngineError: the provider is not there or does not accept the graph.
    """

    def __init__(self, model: Model, faces: int = 1, provider: str = "CUDAExecutionProvider") -> None:
        super().__init__(model, faces)
        self._device = "cpu" if provider == "CPUExecutionProvider" else "cuda"
        self._session, self._version = open_session(model, CARRIED, faces, provider)
        self._provider = provider
        self._names = [ring.name for ring in model.description.rings]
        # Of the rings in host memory only the ticks count; the arrays tell shapes, and what a reset writes.
        whole = {"inputs": self._inputs, "ticks": self._rings.ticks}
        arrays = dict(zip(self._names, self._rings.arrays, strict=True))
        results = {"weights": self._output.weights, "confidence": self._output.confidence}
        check_edges("inputs", self._session.get_inputs(), whole | arrays)
        check_edges("outputs", self._session.get_outputs(), results | {f"next_{n}": a for n, a in arrays.items()})
        self._sets = [[self._placed(array) for array in self._rings.arrays] for _ in range(2)]
        self._bindings = [self._bind(turn) for turn in range(2)]
        self._turn = 0
        for _ in range(_WARM_UP_STEPS):  # not counted, so that they leave no trace
            self._run()

    @property
    def description(self) -> str:
        """Library, version and device."""
        return f"ONNX Runtime {self._version} with {self._provider}, float32"

    def step(self, active: NDArray[np.bool_] | None = None) -> EngineOutput:
        """One tick; see `Engine.step`.

        Raises:
            EngineError: the device failed.
        """
        self._run()
        self._rings.advance(slice(None) if active is None else np.flatnonzero(active))
        return self._output

    def reset(self, face: int = 0) -> None:
        """Forget a face's past."""
        self._rings.reset(face)
        self._write(face, [array[face] for array in self._rings.arrays])

    def save_state(self, face: int = 0) -> EngineState:
        """See `Engine.save_state`."""
        rings = tuple(np.array(value.numpy()[face]) for value in self._sets[self._turn])
        return EngineState(int(self._rings.ticks[face, 0]), rings)

    def restore_state(self, state: EngineState, face: int = 0) -> None:
        """Continue from `save_state`.

        Raises:
            EngineError: the state is of another model.
        """
        self._rings.check(state)
        self._rings.ticks[face] = state.ticks
        self._write(face, state.rings)

    def close(self) -> None:
        """Give the device's memory back."""
        self._bindings, self._sets, self._session = [], [], None

    def _write(self, face: int, rows: Any) -> None:
        """Through the host: resets are rare, and every provider can do it."""
        for value, ring in zip(self._sets[self._turn], rows, strict=True):
            whole = np.array(value.numpy())
            whole[face] = ring
            value.update_inplace(whole)

    def _run(self) -> None:
        if self._session is None:
            raise EngineError("expected an open engine, found it closed; create a new one")
        try:
            self._session.run_with_iobinding(self._bindings[self._turn])
        except Exception as error:
            raise EngineError(f"expected {self._provider} to run a step, found {error}") from error
        self._turn = 1 - self._turn

    def _placed(self, array: Float32Array) -> Any:
        import onnxruntime

        return onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros_like(array), self._device, 0)

    def _bind(self, turn: int) -> Any:
        """Reads the rings of set `turn` and writes those of the other; what the host fills and reads stays its own."""
        binding = self._session.io_binding()
        host = ((binding.bind_input, "inputs", self._inputs), (binding.bind_input, "ticks", self._rings.ticks))
        results = ((binding.bind_output, n, a) for n, a in zip(("weights", "confidence"), self._output, strict=True))
        for bind, name, array in (*host, *results):
            bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        for name, source, target in zip(self._names, self._sets[turn], self._sets[1 - turn], strict=True):
            binding.bind_ortvalue_input(name, source)
            binding.bind_ortvalue_output(f"next_{name}", target)
        return binding
