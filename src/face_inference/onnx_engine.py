"""ONNX Runtime on the CPU: one thread, all buffers allocated once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.engine import EngineOutput
from face_inference.errors import EngineError
from face_inference.inputs import input_size
from face_inference.model_folder import Model
from face_model import arkit

Float32Array = NDArray[np.float32]

_WARM_UP_STEPS = 3


class OnnxEngine:
    """Runs a single-step graph. Two sets of state buffers take turns, so no state is ever copied.

    Raises:
        EngineError: ONNX Runtime is missing, cannot read the graph, or its tensors are not those described.
    """

    def __init__(self, model: Model) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise EngineError(f"expected the package onnxruntime, found {error}; pip install onnxruntime") from error
        graph = model.description.graph
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # a step takes tens of microseconds: threads would cost more than they give
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(model.onnx_path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise EngineError(
                f"expected a network ONNX Runtime can load in {model.onnx_path}, found {error}"
            ) from error
        self._version = onnxruntime.__version__
        self._inputs = np.zeros((1, input_size(Channels.of(model.description.mounts))), dtype=np.float32)
        self._weights = np.zeros((1, arkit.COUNT), dtype=np.float32)
        self._confidence = np.zeros((1, arkit.COUNT), dtype=np.float32)
        self._output = EngineOutput(self._weights[0], self._confidence[0])
        self._states = [[np.zeros(s.shape, dtype=np.float32) for s in graph.states] for _ in range(2)]
        inputs: dict[str, tuple[int, ...]] = {graph.inputs: self._inputs.shape} | {
            s.input: s.shape for s in graph.states
        }
        outputs: dict[str, tuple[int, ...]] = {graph.weights: (1, arkit.COUNT), graph.confidence: (1, arkit.COUNT)}
        outputs |= {s.output: s.shape for s in graph.states}
        self._check("inputs", self._session.get_inputs(), inputs)
        self._check("outputs", self._session.get_outputs(), outputs)
        self._bindings = [self._bind(graph, turn) for turn in range(2)]
        self._turn = 0
        for _ in range(_WARM_UP_STEPS):
            self.step(self._inputs[0])
        self.reset()

    @property
    def description(self) -> str:
        """Library, version and device."""
        return f"ONNX Runtime {self._version} on the CPU, 1 thread"

    def step(self, inputs: Float32Array) -> EngineOutput:
        """One tick: (I,) in, weights and confidence (52,) out; the arrays are reused by the next step."""
        self._inputs[0] = inputs
        self._session.run_with_iobinding(self._bindings[self._turn])
        self._turn = 1 - self._turn
        return self._output

    def reset(self) -> None:
        """Zero state."""
        for state in self._states[self._turn]:
            state.fill(0.0)

    def save_state(self) -> tuple[Float32Array, ...]:
        """Copies of the state tensors."""
        return tuple(state.copy() for state in self._states[self._turn])

    def restore_state(self, state: tuple[Float32Array, ...]) -> None:
        """Continue from `save_state`.

        Raises:
            EngineError: the tensors are of another model.
        """
        own = self._states[self._turn]
        if [s.shape for s in state] != [s.shape for s in own]:
            raise EngineError(
                f"expected state tensors of shape {[s.shape for s in own]}, found {[s.shape for s in state]}; "
                "restore only what the same model saved"
            )
        for target, source in zip(own, state, strict=True):
            target[...] = source

    def _bind(self, graph: Any, turn: int) -> Any:
        """Binding that reads states from buffer set `turn` and writes them to the other."""
        binding = self._session.io_binding()
        sources, targets = self._states[turn], self._states[1 - turn]

        def place(bind: Any, name: str, array: Float32Array) -> None:
            bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

        place(binding.bind_input, graph.inputs, self._inputs)
        place(binding.bind_output, graph.weights, self._weights)
        place(binding.bind_output, graph.confidence, self._confidence)
        for tensor, source, target in zip(graph.states, sources, targets, strict=True):
            place(binding.bind_input, tensor.input, source)
            place(binding.bind_output, tensor.output, target)
        return binding

    @staticmethod
    def _check(what: str, found: Any, expected: dict[str, tuple[int, ...]]) -> None:
        actual = {tensor.name: tuple(tensor.shape) for tensor in found}
        # Bound buffers have fixed addresses: a wrong shape would read or write foreign memory.
        if actual != expected or any(tensor.type != "tensor(float)" for tensor in found):
            raise EngineError(f"expected float32 {what} {expected}, found {actual}; export the model again")
