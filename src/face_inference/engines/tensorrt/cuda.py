"""A GPU by PyCUDA: context, page-locked and device memory, one stream, one event."""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.engines.tensorrt.cuda_graph import CudaGraph, GraphApi
from face_inference.engines.tensorrt.device import Work
from face_inference.errors import EngineError

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Gpu:
    """A GPU that CUDA found.

    Attributes:
        driver_module: `pycuda.driver`, initialised.
        handle: its `Device`.
        name: as its maker calls it.
        compute_capability: such as 8.9.
        driver: version of CUDA that the driver has, such as 13.0.
    """

    driver_module: Any
    handle: Any
    name: str
    compute_capability: str
    driver: str


def find_gpu(index: int = 0) -> Gpu:
    """The GPU of this machine.

    Raises:
        EngineError: PyCUDA or the driver is missing, or there is no GPU.
    """
    try:
        cuda = importlib.import_module("pycuda.driver")
    except ImportError as error:  # also where the driver's libcuda.so.1 is missing
        raise EngineError(
            f"expected PyCUDA and NVIDIA's driver, found {error}; "
            "install the driver, and on a machine with CUDA's headers pip install -r requirements/gpu.txt"
        ) from error
    try:
        cuda.init()
        count = cuda.Device.count()
        if index >= count:
            raise EngineError(f"expected GPU {index}, found {count} that CUDA can use; see nvidia-smi")
        gpu = cuda.Device(index)
        major, minor = gpu.compute_capability()
        version = cuda.get_driver_version()
        return Gpu(cuda, gpu, gpu.name(), f"{major}.{minor}", f"{version // 1000}.{version % 1000 // 10}")
    except cuda.Error as error:
        raise EngineError(f"expected a GPU, found {error}; see nvidia-smi") from error


@functools.cache
def _primary_context(gpu: Gpu) -> Any:
    """The context that TensorRT, PyTorch and all other users of CUDA in this process share.

    It is kept until the process ends: PyCUDA cannot give it back in another thread than the one that took it.
    """
    context = gpu.handle.retain_primary_context()
    atexit.register(context.detach)  # left to its destructor, PyCUDA 2026.1 detaches it as if it were no primary one
    return context


class PyCudaDevice:
    """See `device.Device`. Any thread may call it, one at a time.

    Raises:
        EngineError: the GPU gives no context or stream.
    """

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self._cuda = gpu.driver_module
        self._memory: list[Any] = []
        self._graphs: list[CudaGraph] = []
        try:
            self._context = _primary_context(gpu)
        except self._cuda.Error as error:
            raise EngineError(f"expected a context on {gpu.name}, found {error}; see nvidia-smi") from error
        with self.active():
            self._stream = self._cuda.Stream()
            self._done = self._cuda.Event(self._cuda.event_flags.DISABLE_TIMING)

    @property
    def name(self) -> str:
        """As its maker calls it."""
        return self._gpu.name

    @property
    def stream(self) -> int:
        """The handle."""
        return int(self._stream.handle)

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Make it this thread's GPU; ROS may call from any."""
        try:
            self._context.push()
            try:
                yield
            finally:
                self._cuda.Context.pop()
        except self._cuda.MemoryError as error:
            raise EngineError(f"expected free memory on {self.name}, found {error}; run fewer faces") from error
        except self._cuda.Error as error:
            raise EngineError(f"expected {self.name} to work, found {error}") from error

    def host(self, count: int) -> Float32Array:
        """Page-locked, zero."""
        array: Float32Array = self._cuda.pagelocked_zeros(count, np.float32)
        return array

    def allocate(self, size_bytes: int) -> int:
        """On the device, until `close`."""
        memory = self._cuda.mem_alloc(size_bytes)
        self._memory.append(memory)
        return int(memory)

    def upload(self, address: int, source: Float32Array) -> None:
        """Queue a copy to the device."""
        self._cuda.memcpy_htod_async(address, source, self._stream)

    def download(self, target: Float32Array, address: int) -> None:
        """Queue a copy from the device."""
        self._cuda.memcpy_dtoh_async(target, address, self._stream)

    def zero(self, address: int, size_bytes: int) -> None:
        """Queue zeros."""
        self._cuda.memset_d8_async(address, 0, size_bytes, self._stream)

    def record(self, work: Work) -> Work:
        """As a CUDA graph."""
        graph = GraphApi().record(self.stream, work)
        self._graphs.append(graph)
        return graph.launch

    def wait(self) -> None:
        """Until all that was queued is done."""
        self._done.record(self._stream)
        self._done.synchronize()

    def close(self) -> None:
        """Free graphs, memory, event and stream."""
        if self._stream is None:
            return
        with self.active():
            for graph in self._graphs:
                graph.close()
            for memory in self._memory:
                memory.free()
            self._graphs, self._memory = [], []
            self._done = self._stream = None
