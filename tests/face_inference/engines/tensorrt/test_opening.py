from __future__ import annotations

import pytest

from face_inference.engines.tensorrt import opening
from face_inference.engines.tensorrt.build import BuiltEngine
from face_inference.engines.tensorrt.cache import EngineCache
from face_inference.engines.tensorrt.cuda import Gpu, find_gpu
from face_inference.engines.tensorrt.library import ErrorLog, TensorRtLibrary
from face_inference.engines.tensorrt.opening import ALL, Order, open_network
from face_inference.errors import EngineError

ADA = Gpu(None, None, "NVIDIA RTX 4090", "8.9", "13.0")
HOPPER = Gpu(None, None, "NVIDIA H100", "9.0", "13.0")


class StandIn:
    """Takes payloads but those it is told to refuse."""

    refused: tuple[bytes, ...] = ()

    def __init__(self, library, payload, device, kernels):
        if payload in self.refused:
            raise EngineError("expected an engine that it runs, found another version")
        self.payload, self.given = payload, kernels

    def kernels(self):
        return b"compiled"


@pytest.fixture
def library(monkeypatch):
    """TensorRT for RTX as far as opening looks at it."""
    members = {"NONE": 0, "SM75": 1, "SM89": 2}
    module = type("Module", (), {"ComputeCapability": type("C", (), {"__members__": members})})
    return TensorRtLibrary(module, "TensorRT for RTX", "1.7.1", True, None, ErrorLog())


@pytest.fixture
def plain(library):
    return TensorRtLibrary(library.module, "TensorRT", "10.9.0", False, None, ErrorLog())


@pytest.fixture
def builds(monkeypatch):
    """Capabilities of each build; what it builds is its number."""
    made = []

    def build(library, graph, faces, capabilities, on_progress):
        made.append(tuple(capabilities))
        return BuiltEngine(b"engine %d" % len(made), 10, 0.1)

    monkeypatch.setattr(opening, "build_engine", build)
    monkeypatch.setattr(opening, "TensorRtNetwork", StandIn)
    return made


@pytest.fixture
def cache(tmp_path):
    return EngineCache(tmp_path)


def opened(order, cache, gpu=ADA):
    told = []
    network, keep = open_network(order, gpu, None, cache, lambda share, line: told.append(line))
    keep()
    return network, told


def test_the_first_time_it_is_built_and_then_taken_from_the_cache(tiny, library, builds, cache):
    order = Order(tiny, library, 4, "float16")
    first, told = opened(order, cache)
    assert told[0].startswith("building the engine; none in")
    assert told[-1].startswith("engine kept in")
    assert first.given is None
    second, told = opened(order, cache)
    assert second.payload == first.payload
    assert second.given == b"compiled", "kernels need not be compiled again"
    assert told == []
    assert builds == [("8.9",)]


def test_whatever_differs_is_built_anew(tiny, shipped, library, plain, builds, cache):
    opened(Order(tiny, library, 4, "float16"), cache)
    for order, gpu in (
        (Order(tiny, library, 5, "float16"), ADA),
        (Order(tiny, library, 4, "float32"), ADA),
        (Order(shipped, library, 4, "float16"), ADA),
        (Order(tiny, plain, 4, "float16"), ADA),
        (Order(tiny, plain, 4, "float16"), HOPPER),
    ):
        before = len(builds)
        opened(order, cache, gpu)
        assert len(builds) == before + 1


def test_a_damaged_file_is_built_anew_and_the_reason_told(tiny, library, builds, cache):
    order = Order(tiny, library, 1, "float16")
    opened(order, cache)
    path = cache.folder / order.key("8.9").file_name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    network, told = opened(order, cache)
    assert network.payload == b"engine 2"
    assert "undamaged bytes" in told[0]
    assert cache.load(order.key("8.9"))[0] == b"engine 2"


def test_an_engine_that_the_library_refuses_is_built_anew(tiny, library, builds, cache, monkeypatch):
    order = Order(tiny, library, 1, "float16")
    opened(order, cache)
    monkeypatch.setattr(StandIn, "refused", (b"engine 1",))
    network, told = opened(order, cache)
    assert network.payload == b"engine 2"
    assert "found another version" in told[0]


def test_one_exported_for_all_gpus_is_taken(tiny, library, builds, cache):
    order = Order(tiny, library, 1, "float16")
    cache.store(order.key(ALL), b"exported")
    for gpu in (ADA, HOPPER):
        assert opened(order, cache, gpu)[0].payload == b"exported"
    assert builds == []


def test_a_gpu_that_the_library_has_no_name_for_gets_one_for_all(tiny, library, builds, cache):
    opened(Order(tiny, library, 1, "float16"), cache, HOPPER)
    assert builds == [()]


def test_a_cache_that_cannot_be_written_costs_time_only(tiny, library, builds, tmp_path):
    (tmp_path / "file").write_text("in the way")
    network, told = opened(Order(tiny, library, 1, "float16"), EngineCache(tmp_path / "file"))
    assert network.payload == b"engine 1"
    assert "not kept" in told[-1]


def test_an_unknown_precision_is_refused(tiny, library):
    with pytest.raises(EngineError, match="float16, float32, found 'int8'"):
        Order(tiny, library, 1, "int8")


def test_a_real_build_goes_as_far_as_the_gpu(rtx, tiny, cache, device):
    """Everything up to the first call of the GPU: built, kept, read back, given to the library, which finds none."""
    try:
        find_gpu()
    except EngineError:
        pass
    else:
        pytest.skip("this machine has a GPU")
    order = Order(tiny, rtx, 2, "float16")
    told = []
    for attempt in (1, 2):  # what was kept is refused the second time, and built once more
        with pytest.raises(EngineError, match=r"expected an engine that TensorRT for RTX .* runs, found .*CUDA"):
            open_network(order, ADA, device, cache, lambda share, line: told.append(line))
        assert sum("kept in" in line for line in told) == attempt
        assert len(cache.load(order.key("8.9"))[0]) > 10_000
    assert any("building the engine; expected an engine that TensorRT for RTX" in line for line in told)
