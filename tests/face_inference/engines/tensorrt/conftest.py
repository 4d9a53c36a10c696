"""A device without a GPU: its memory is the host's, and what is queued runs when it is waited for, as on a GPU."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from face_inference.engines.tensorrt.device import ALIGNMENT_BYTES
from face_inference.errors import EngineError
from face_inference.model_folder import CARRIED

SHIPPED = Path(__file__).parents[4] / "models" / "imusic"


class HostDevice:
    """See `device.Device`.

    Attributes:
        memory_bytes: that can be allocated.
        graphs: whether work can be recorded.
        broken: whether waiting fails.
        launched: how many recorded graphs ran.
        in_use: bytes allocated.
    """

    name, stream = "a host", 0

    def __init__(self):
        self.memory_bytes, self.graphs, self.broken = 1 << 30, True, False
        self.launched, self.in_use, self.depth = 0, 0, 0
        self._memory, self._next, self._queue = {}, 1 << 20, []

    @contextlib.contextmanager
    def active(self):
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def host(self, count):
        return np.zeros(count, dtype=np.float32)

    def allocate(self, size_bytes):
        if self.in_use + size_bytes > self.memory_bytes:
            raise EngineError("expected free memory on a host, found out of memory")
        self.in_use += size_bytes
        # Not zero, as on a GPU.
        self._memory[self._next] = np.full(size_bytes // 4, np.nan, dtype=np.float32)
        self._next += -(-size_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
        return max(self._memory)

    def at(self, address, count):
        start = max(a for a in self._memory if a <= address)
        offset = (address - start) // 4
        found = self._memory[start][offset : offset + count]
        assert len(found) == count, "beyond what was allocated"
        return found

    def queue(self, work):
        assert self.depth, "the device is not active in this thread"
        self._queue.append(work)

    def upload(self, address, source):
        self.queue(lambda: np.copyto(self.at(address, source.size), source.ravel()))

    def download(self, target, address):
        self.queue(lambda: np.copyto(target, self.at(address, target.size).reshape(target.shape)))

    def zero(self, address, size_bytes):
        self.queue(lambda: self.at(address, size_bytes // 4).fill(0.0))

    def record(self, work):
        if not self.graphs:
            raise EngineError("expected cuStreamBeginCapture to work, found: operation not supported")
        before, self._queue = self._queue, []
        work()
        recorded, self._queue = self._queue, before

        def launch():
            self.launched += 1
            for part in recorded:
                self.queue(part)

        return launch

    def wait(self):
        assert self.depth, "the device is not active in this thread"
        if self.broken:
            raise EngineError("expected a host to work, found: an illegal memory access was encountered")
        queue, self._queue = self._queue, []
        for part in queue:
            part()

    def close(self):
        self._memory, self.in_use = {}, 0


class HostNetwork:
    """See `device.Network`: the graph that carries its rings, by ONNX Runtime on memory of the device."""

    def __init__(self, device, model, faces):
        onnxruntime = pytest.importorskip("onnxruntime", reason="the network runs on ONNX Runtime here")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.add_free_dimension_override_by_name("faces", faces)
        self._session = onnxruntime.InferenceSession(
            str(model.file(CARRIED)), options, providers=["CPUExecutionProvider"]
        )
        self._device = device
        self.inputs = {t.name: tuple(t.shape) for t in self._session.get_inputs()}
        self.outputs = {t.name: (faces, *t.shape[1:]) for t in self._session.get_outputs()}
        self.closed = False

    def bind(self, addresses):
        shapes = self.inputs | self.outputs
        assert addresses.keys() == shapes.keys()
        assert all(address % ALIGNMENT_BYTES == 0 for address in addresses.values())

        def tensor(name):
            return self._device.at(addresses[name], math.prod(shapes[name])).reshape(shapes[name])

        def run():
            found = self._session.run(list(self.outputs), {name: tensor(name) for name in self.inputs})
            for name, value in zip(self.outputs, found, strict=True):
                np.copyto(tensor(name), value)

        return lambda: self._device.queue(run)

    def close(self):
        self.closed = True


@pytest.fixture
def device():
    return HostDevice()


@pytest.fixture
def make_network():
    return HostNetwork


@pytest.fixture(scope="session")
def shipped():
    """The model that comes with the package."""
    from face_inference.model_folder import load_model

    return load_model(SHIPPED)


@pytest.fixture(scope="session")
def rtx():
    """TensorRT for RTX, which builds without a GPU."""
    pytest.importorskip("tensorrt_rtx", reason="builds need TensorRT for RTX: pip install tensorrt-rtx-cu13")
    from face_inference.engines.tensorrt.library import find_library

    library = find_library()
    if not library.for_rtx:
        pytest.skip("this machine has plain TensorRT, whose builds need its GPU")
    return library


@pytest.fixture
def tiny(trained):
    return trained["model"]


@pytest.fixture
def other(tiny):
    """A description with rings that the tiny model does not have."""
    rings = (replace(tiny.description.rings[0], length=2 * tiny.description.rings[0].length),)
    return replace(tiny.description, rings=rings)
