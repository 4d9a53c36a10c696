"""How a serialized engine is run, on a stand-in for the library."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from face_inference.engines.tensorrt.library import ErrorLog, TensorRtLibrary
from face_inference.engines.tensorrt.network import TensorRtNetwork
from face_inference.errors import EngineError

TENSORS = {"inputs": ("in", (2, 5)), "weights": ("out", (2, 52))}


class Context:
    """An execution context that keeps its addresses."""

    def __init__(self, trt):
        self.trt, self.addresses = trt, {}

    def set_tensor_address(self, name, address):
        self.addresses[name] = address
        return name in TENSORS

    def execute_async_v3(self, stream):
        self.trt.runs.append((dict(self.addresses), stream))
        return self.trt.works


class Trt:
    """The library's module: one engine of two tensors."""

    float32 = "float"
    TensorIOMode = SimpleNamespace(INPUT="in")
    CudaGraphStrategy = SimpleNamespace(DISABLED="disabled")

    def __init__(self):
        self.runs, self.works, self.memory, self.accepts, self.type = [], True, True, True, "float"
        self.kernels, self.strategy = b"", None

    def Runtime(self, logger):
        return SimpleNamespace(deserialize_cuda_engine=lambda payload: self.engine() if self.accepts else None)

    def engine(self):
        names = list(TENSORS)
        return SimpleNamespace(
            num_io_tensors=len(names),
            get_tensor_name=lambda i: names[i],
            get_tensor_dtype=lambda name: self.type,
            get_tensor_mode=lambda name: TENSORS[name][0],
            get_tensor_shape=lambda name: TENSORS[name][1],
            create_execution_context=self.context,
            create_runtime_config=lambda: self,
        )

    def context(self, configuration=None):
        self.configuration = configuration
        return Context(self) if self.memory else None

    # A runtime configuration and its cache:
    def create_runtime_cache(self):
        return self

    def set_runtime_cache(self, cache):
        self.cached = cache

    def deserialize(self, kernels):
        self.kernels = kernels
        return True

    def serialize(self):
        return self.kernels + b" and more"


@pytest.fixture
def trt():
    return Trt()


@pytest.fixture
def make(trt):
    def create(kernels=None, for_rtx=False):
        errors = ErrorLog()
        errors.add("the reason")
        library = TensorRtLibrary(trt, "TensorRT", "10.9.0", for_rtx, None, errors)
        return TensorRtNetwork(library, b"engine", SimpleNamespace(stream=77), kernels)

    return create


def test_what_is_bound_runs_on_the_devices_stream(make, trt):
    network = make()
    assert network.inputs == {"inputs": (2, 5)}
    assert network.outputs == {"weights": (2, 52)}
    first = network.bind({"inputs": 256, "weights": 512})
    second = network.bind({"inputs": 1024, "weights": 2048})
    assert trt.runs == []
    first()
    second()
    first()
    one, two = ({"inputs": 256, "weights": 512}, 77), ({"inputs": 1024, "weights": 2048}, 77)
    assert trt.runs == [one, two, one]
    assert network.kernels() is None
    network.close()
    network.close()


def test_compiled_kernels_are_given_back_and_the_step_is_our_graph(make, trt):
    network = make(b"kernels", for_rtx=True)
    network.bind({"inputs": 256})
    assert trt.configuration is trt
    assert trt.cuda_graph_strategy == "disabled"
    assert network.kernels() == b"kernels and more"


def test_each_failure_is_an_error_with_the_librarys_reason(make, trt):
    trt.accepts = False
    with pytest.raises(EngineError, match=r"that TensorRT 10\.9\.0 runs, found the reason"):
        make()
    trt.accepts, trt.memory = True, False
    with pytest.raises(EngineError, match="memory to run the engine, found the reason; run fewer faces"):
        make().bind({"inputs": 256})
    trt.memory, trt.works = True, False
    with pytest.raises(EngineError, match="expected TensorRT to run a step, found the reason"):
        make().bind({"inputs": 256})()
    with pytest.raises(EngineError, match="expected a tensor nobody at 0x100, found the reason"):
        make().bind({"nobody": 256})
    trt.type = "half"
    with pytest.raises(EngineError, match="expected float32 for inputs, found half"):
        make()
