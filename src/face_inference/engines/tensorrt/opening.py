"""A model's engine for the GPU that is here: from the cache if that has the right one, else built and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from face_inference.engines.protocol import OnProgress
from face_inference.engines.tensorrt.build import GRAPHS, build_engine
from face_inference.engines.tensorrt.cache import EngineCache, EngineKey
from face_inference.engines.tensorrt.cuda import Gpu
from face_inference.engines.tensorrt.device import Device
from face_inference.engines.tensorrt.library import TensorRtLibrary
from face_inference.engines.tensorrt.network import TensorRtNetwork
from face_inference.errors import EngineError
from face_inference.model_folder import WEIGHTS, Model

ALL = "all"
"""Target of an engine for every compute capability from 8.0 on."""


@dataclass(frozen=True)
class Order:
    """What is to be run, with what, for how many.

    Raises:
        EngineError: there is no such precision.
    """

    model: Model
    library: TensorRtLibrary
    faces: int
    precision: str

    def __post_init__(self) -> None:
        if self.precision not in GRAPHS:
            raise EngineError(f"expected a precision of {', '.join(GRAPHS)}, found {self.precision!r}")

    def key(self, target: str) -> EngineKey:
        """Of the engine for a GPU; see `EngineKey.target`."""
        sha256 = self.model.description.sha256
        return EngineKey(
            model=self.model.description.name,
            content="engine",
            graph_sha256=sha256[GRAPHS[self.precision]],
            weights_sha256=sha256[WEIGHTS],
            library=self.library.title,
            library_version=self.library.version,
            precision=self.precision,
            faces=self.faces,
            target=target,
        )

    def target(self, gpu: Gpu) -> str:
        """What an engine for this GPU is built for."""
        if not self.library.for_rtx:
            return exact(gpu)
        return gpu.compute_capability if gpu.compute_capability in self.library.compute_capabilities else ALL


def exact(gpu: Gpu) -> str:
    """Target of what runs on this GPU and driver only."""
    return f"{gpu.name}, compute capability {gpu.compute_capability}, CUDA {gpu.driver}"


def open_network(
    order: Order, gpu: Gpu, device: Device, cache: EngineCache, on_progress: OnProgress | None = None
) -> tuple[TensorRtNetwork, Callable[[], None]]:
    """The network, and what keeps the kernels compiled for it, to be called after the first runs.

    The device is active meanwhile. What the cache cannot give, and why, is told as the first progress.

    Raises:
        EngineError: the library does not read, build or run the graph.
    """
    kernels_key = replace(order.key(exact(gpu)), content="kernels")
    kernels, _ = cache.load(kernels_key)
    network = _cached(order, gpu, device, cache, kernels, on_progress) or _built(
        order, gpu, device, cache, kernels, on_progress
    )

    def keep_kernels() -> None:
        compiled = network.kernels()
        if compiled and compiled != kernels:
            cache.store(kernels_key, compiled)

    return network, keep_kernels


def _cached(
    order: Order, gpu: Gpu, device: Device, cache: EngineCache, kernels: bytes | None, on_progress: OnProgress | None
) -> TensorRtNetwork | None:
    # One for all GPUs was built by `imusic export`, where there is none.
    targets = dict.fromkeys((order.target(gpu), ALL) if order.library.for_rtx else (order.target(gpu),))
    refused = []
    for target in targets:
        payload, found = cache.load(order.key(target))
        if payload is not None:
            try:
                return TensorRtNetwork(order.library, payload, device, kernels)
            except EngineError as error:
                found = str(error)
        refused.append(found)
    if on_progress:
        on_progress(0.0, f"building the engine; {'; '.join(dict.fromkeys(refused))}")
    return None


def _built(
    order: Order, gpu: Gpu, device: Device, cache: EngineCache, kernels: bytes | None, on_progress: OnProgress | None
) -> TensorRtNetwork:
    target = order.target(gpu)
    capabilities = () if not order.library.for_rtx or target == ALL else (target,)
    graph = order.model.file(GRAPHS[order.precision])
    built = build_engine(order.library, graph, order.faces, capabilities, on_progress)
    kept = cache.store(order.key(target), built.payload)
    if on_progress:
        on_progress(1.0, f"engine {kept}")
    return TensorRtNetwork(order.library, built.payload, device, kernels)
