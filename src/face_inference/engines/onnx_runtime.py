"""ONNX Runtime on the CPU: one thread, all buffers allocated once, and bound once to what reads and writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.engines.host import HostEngine
from face_inference.engines.protocol import EngineOutput
from face_inference.errors import EngineError
from face_inference.model_folder import FACES_AXIS, STEP, Model

Float32Array = NDArray[np.float32]

_WARM_UP_STEPS = 3


class OnnxRuntimeEngine(HostEngine):
    """Runs the step graph on as many faces as a step is asked to advance; the rings lie here.

    Faces that wait are not computed: those that go on are gathered, which costs a few per cent of computing them.

    Raises:
        EngineError: ONNX Runtime is missing, cannot read the graph, or its tensors are not those described.
    """

    def __init__(self, model: Model, faces: int = 1) -> None:
        super().__init__(model, faces)
        self._session, self._version = open_session(model, STEP, faces)
        rings = model.description.rings
        self._names = [ring.name for ring in rings]
        self._rows = [np.zeros((faces, ring.width), dtype=np.float32) for ring in rings]
        self._sources: dict[str, Float32Array] = {"inputs": self._inputs, "ticks": self._rings.ticks}
        self._sources |= dict(zip(self._names, self._rings.arrays, strict=True))
        results = {"weights": self._output.weights, "confidence": self._output.confidence}
        results |= {f"next_{name}": rows for name, rows in zip(self._names, self._rows, strict=True)}
        check_edges("inputs", self._session.get_inputs(), self._sources)
        check_edges("outputs", self._session.get_outputs(), results)
        self._everybody = np.arange(faces)
        self._whole = self._bind(self._sources, results)
        # What a step of some faces works on: the first n rows of these.
        self._gathered = {name: np.zeros_like(array) for name, array in self._sources.items()} if faces > 1 else {}
        self._part_results = {name: np.zeros_like(array) for name, array in results.items()} if faces > 1 else {}
        self._parts = [self._bind_first(n) for n in range(1, faces)]
        self._warm_up()

    @property
    def description(self) -> str:
        """Library, version and device."""
        return f"ONNX Runtime {self._version} on the CPU, 1 thread, float32"

    def step(self, active: NDArray[np.bool_] | None = None) -> EngineOutput:
        """One tick of the faces where `active` (F,) is true; see `Engine.step`.

        Raises:
            EngineError: ONNX Runtime failed.
        """
        if active is None or active.all():
            self._run(self._whole)
            if self._faces == 1:
                self._rings.write_one(self._rows)
            else:
                self._rings.write(self._everybody, self._rows)
            self._rings.advance(slice(None))
        elif active.any():
            self._step_some(np.flatnonzero(active))
        return self._output

    def _step_some(self, faces: NDArray[np.intp]) -> None:
        count = len(faces)
        for name, source in self._sources.items():
            np.take(source, faces, axis=0, out=self._gathered[name][:count])
        self._run(self._parts[count - 1])
        results = self._part_results
        self._output.weights[faces] = results["weights"][:count]
        self._output.confidence[faces] = results["confidence"][:count]
        self._rings.write(faces, [results[f"next_{name}"][:count] for name in self._names])
        self._rings.advance(faces)

    def _run(self, binding: Any) -> None:
        try:
            self._session.run_with_iobinding(binding)
        except Exception as error:
            raise EngineError(f"expected ONNX Runtime to run a step, found {error}") from error

    def _bind_first(self, count: int) -> Any:
        inputs = {name: array[:count] for name, array in self._gathered.items()}
        return self._bind(inputs, {name: array[:count] for name, array in self._part_results.items()})

    def _bind(self, inputs: Mapping[str, Float32Array], outputs: Mapping[str, Float32Array]) -> Any:
        binding = self._session.io_binding()
        for bind, arrays in ((binding.bind_input, inputs), (binding.bind_output, outputs)):
            for name, array in arrays.items():
                bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        return binding

    def _warm_up(self) -> None:
        """Memory for every number of faces is taken here, not at the first sample."""
        for binding in (*self._parts, *(self._whole,) * _WARM_UP_STEPS):
            self._run(binding)


def open_session(model: Model, graph: str, faces: int, provider: str = "CPUExecutionProvider") -> tuple[Any, str]:
    """A session of one of a model's graphs and the library's version; a single face is a fixed shape.

    Raises:
        EngineError: ONNX Runtime or the provider is missing or cannot read the graph.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError(f"expected the package onnxruntime, found {error}; pip install onnxruntime") from error
    if provider not in onnxruntime.get_available_providers():
        raise EngineError(
            f"expected ONNX Runtime with {provider}, found {', '.join(onnxruntime.get_available_providers())}; "
            "install onnxruntime-gpu instead of onnxruntime"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a step takes tens of microseconds: threads would cost more than they give
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    if faces == 1 or provider != "CPUExecutionProvider":
        options.add_free_dimension_override_by_name(FACES_AXIS, faces)
    path = model.file(graph)
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:
        raise EngineError(f"expected a network ONNX Runtime can load in {path}, found {error}") from error
    if provider not in session.get_providers():  # it says why on standard error, and goes on with the CPU
        raise EngineError(f"expected {provider} to start, found it refused; is there a GPU, with its driver and CUDA?")
    return session, str(onnxruntime.__version__)


def check_edges(what: str, found: Any, expected: Mapping[str, Float32Array]) -> None:
    """Bound buffers have fixed addresses: a wrong shape would read or write foreign memory.

    Raises:
        EngineError: with what was expected and found.
    """
    shapes = {name: array.shape[1:] for name, array in expected.items()}
    actual = {tensor.name: tuple(tensor.shape[1:]) for tensor in found}
    if actual != shapes or any(tensor.type != "tensor(float)" for tensor in found):
        raise EngineError(f"expected float32 {what} {shapes} for each face, found {actual}; export the model again")
