"""The part that calls PyCUDA and the driver, on stand-ins for both."""

from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from face_inference.engines.tensorrt import cuda as module
from face_inference.engines.tensorrt.cuda import PyCudaDevice, find_gpu
from face_inference.engines.tensorrt.cuda_graph import GraphApi
from face_inference.errors import EngineError


class Error(Exception):
    """`pycuda.driver.Error`."""


class OutOfMemoryError(Error):
    """`pycuda.driver.MemoryError`."""


class PyCuda:
    """`pycuda.driver` with one GPU; keeps what it was asked to do."""

    Error, MemoryError = Error, OutOfMemoryError
    event_flags = SimpleNamespace(DISABLE_TIMING=2)

    def __init__(self, count=1, init=None):
        self.calls, self.stack, self.freed = [], 0, 0
        outer = self

        def raise_or_pass():
            if init:
                raise init

        class Context:
            def push(self):
                outer.stack += 1

            @staticmethod
            def pop():
                outer.stack -= 1

            def detach(self):
                pass

        class Device:
            def __init__(self, index):
                self.index = index

            def __hash__(self):
                return id(outer)

            def __eq__(self, other):
                return hash(self) == hash(other)

            def name(self):
                return "NVIDIA Test"

            def compute_capability(self):
                return 8, 9

            def retain_primary_context(self):
                outer.calls.append("retain")
                return Context()

        Device.count = staticmethod(lambda: count)
        self.init, self.Device, self.Context = raise_or_pass, Device, Context
        self.Stream = lambda: SimpleNamespace(handle=77)
        done = SimpleNamespace(record=lambda s: self.said("record"), synchronize=lambda: self.said("synchronize"))
        self.Event = lambda flags: done

    def get_driver_version(self):
        return 13010

    def said(self, *what):
        assert self.stack > 0, "called without a current context"
        self.calls.append(what if len(what) > 1 else what[0])

    def pagelocked_zeros(self, count, dtype):
        self.said("host", count)
        return np.zeros(count, dtype)

    def mem_alloc(self, size):
        self.said("alloc", size)
        if size > 1000:
            raise OutOfMemoryError("cuMemAlloc failed: out of memory")

        class Allocation:
            def __int__(inner):  # noqa: N805
                return 4096

            def free(inner):  # noqa: N805
                self.freed += 1

        return Allocation()

    def memcpy_htod_async(self, address, source, stream):
        self.said("up", address, source.size, stream.handle)

    def memcpy_dtoh_async(self, target, address, stream):
        self.said("down", address, target.size, stream.handle)

    def memset_d8_async(self, address, value, size, stream):
        self.said("zero", address, value, size, stream.handle)


@pytest.fixture
def pycuda(monkeypatch):
    found = PyCuda()
    monkeypatch.setitem(sys.modules, "pycuda.driver", found)
    yield found
    module._primary_context.cache_clear()


def test_a_gpu_is_found(pycuda):
    gpu = find_gpu()
    assert (gpu.name, gpu.compute_capability, gpu.driver) == ("NVIDIA Test", "8.9", "13.1")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, r"expected PyCUDA and NVIDIA's driver.*pip install -r requirements/gpu\.txt"),
        (PyCuda(init=Error("cuInit failed: no CUDA-capable device is detected")), "no CUDA-capable device.*nvidia-smi"),
        (PyCuda(count=0), "expected GPU 0, found 0 that CUDA can use"),
    ],
    ids=["no PyCUDA", "no driver", "no GPU"],
)
def test_what_is_missing_is_said(monkeypatch, found, message):
    monkeypatch.setitem(sys.modules, "pycuda.driver", found)
    with pytest.raises(EngineError, match=message):
        find_gpu()


def test_everything_happens_in_the_primary_context_on_one_stream(pycuda):
    device = PyCudaDevice(find_gpu())
    with device.active():
        buffer, address = device.host(8), device.allocate(64)
        device.upload(address, buffer)
        device.zero(address, 64)
        device.download(buffer, address)
        device.wait()
    assert pycuda.calls == [
        *("retain", ("host", 8), ("alloc", 64), ("up", 4096, 8, 77), ("zero", 4096, 0, 64, 77)),
        *(("down", 4096, 8, 77), "record", "synchronize"),
    ]
    assert pycuda.stack == 0
    device.close()
    device.close()
    assert pycuda.freed == 1
    PyCudaDevice(find_gpu())
    assert pycuda.calls.count("retain") == 1, "the process keeps one context"


def test_errors_of_the_gpu_become_engine_errors_and_leave_no_context_behind(pycuda):
    device = PyCudaDevice(find_gpu())
    with pytest.raises(EngineError, match=r"expected free memory on NVIDIA Test.*run fewer faces"), device.active():
        device.allocate(2000)
    with pytest.raises(EngineError, match="expected NVIDIA Test to work, found cuStreamSynchronize"), device.active():
        raise Error("cuStreamSynchronize failed: unspecified launch failure")
    with pytest.raises(ZeroDivisionError), device.active():
        raise ZeroDivisionError
    assert pycuda.stack == 0


class Driver:
    """`libcuda.so.1`: keeps what was called, and fails where it is told to."""

    def __init__(self, failing=""):
        self.calls = []
        for name in ("cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphLaunch"):
            setattr(self, name, self._function(name, failing))
        for name in ("cuGraphDestroy", "cuGraphExecDestroy"):
            setattr(self, name, self._function(name, failing))
        self.cuGetErrorString = self._error_string()

    def _function(self, name, failing):
        def called(*arguments):
            self.calls.append(name)
            for argument in arguments:
                if hasattr(argument, "_obj") and name != failing:  # byref of a handle
                    argument._obj.value = 0x5000
            return 900 if name == failing else 0

        return called

    def _error_string(self):
        def called(code, text):
            text._obj.value = b"operation not permitted when stream is capturing"
            return 0

        return called


RECORDED = ["cuStreamBeginCapture_v2", "work", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphDestroy"]


def test_work_is_recorded_once_and_launched_often():
    driver = Driver()
    graph = GraphApi(driver).record(77, lambda: driver.calls.append("work"))
    assert driver.calls == RECORDED
    graph.launch()
    graph.launch()
    graph.close()
    graph.close()
    assert driver.calls[len(RECORDED) :] == ["cuGraphLaunch", "cuGraphLaunch", "cuGraphExecDestroy"]


@pytest.mark.parametrize("failing", ["cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags"])
def test_what_the_driver_refuses_is_an_error(failing):
    driver = Driver(failing)
    with pytest.raises(EngineError, match="found: operation not permitted when stream is capturing"):
        GraphApi(driver).record(77, lambda: None)


def test_work_that_fails_ends_the_recording():
    driver = Driver()

    def fail():
        raise EngineError("no kernel")

    with pytest.raises(EngineError, match="no kernel"):
        GraphApi(driver).record(77, fail)
    assert driver.calls == ["cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphDestroy"]


def test_a_launch_that_fails_is_an_error_and_closing_is_not():
    driver = Driver("cuGraphLaunch")
    graph = GraphApi(driver).record(77, lambda: None)
    with pytest.raises(EngineError, match="cuGraphLaunch"):
        graph.launch()
    driver.cuGraphExecDestroy = lambda *_: 900
    graph.close()


def test_a_machine_without_a_driver_or_with_an_old_one_is_told(monkeypatch):
    def missing(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(EngineError, match=r"11\.4 or newer, found libcuda\.so\.1: cannot open"):
        GraphApi()
    with pytest.raises(EngineError, match="cuStreamBeginCapture_v2"):
        GraphApi(SimpleNamespace(cuInit=None))
