"""From a model's ONNX graph to a TensorRT engine: strongly typed, every shape fixed."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face_inference.engines.protocol import OnProgress
from face_inference.engines.tensorrt.library import TensorRtLibrary
from face_inference.errors import EngineError
from face_inference.model_folder import CARRIED, CARRIED_FLOAT16

GRAPHS = {"float16": CARRIED_FLOAT16, "float32": CARRIED}
"""Precisions and the graphs that have them: in a strongly typed network the graph alone decides."""

_WORKSPACE_BYTES = 1 << 30
"""Most that one layer may ask for while it runs; 64 faces of the shipped model need an eighth of it."""


@dataclass(frozen=True)
class BuiltEngine:
    """A serialized engine.

    Attributes:
        payload: for the library's own reader.
        layers: of the network, before the builder fuses them.
        seconds: that the build took.
    """

    payload: bytes
    layers: int
    seconds: float


def build_engine(
    library: TensorRtLibrary,
    graph: Path,
    faces: int,
    compute_capabilities: Sequence[str] = (),
    on_progress: OnProgress | None = None,
) -> BuiltEngine:
    """Build one of `GRAPHS` of a model folder.

    Args:
        library: which TensorRT.
        graph: the ONNX file; its weights lie in the same folder.
        faces: what the first axis of every tensor becomes.
        compute_capabilities: of the GPUs to build for, such as 8.9. TensorRT for RTX only, which needs no GPU for it;
            none: all from 8.0 on. Plain TensorRT builds for the GPU that is here.
        on_progress: told how far it is.

    Raises:
        EngineError: the library does not read or build the graph, with its own words.
    """
    if faces < 1:
        raise EngineError(f"expected at least one face, found {faces}")
    started_s = time.perf_counter()
    trt = library.module
    try:
        builder = trt.Builder(library.logger)
    except TypeError as error:  # plain TensorRT without a GPU: the constructor returned nothing
        raise EngineError(f"expected {library.title} to start, found {library.errors.take()}") from error
    network = builder.create_network(_network_flags(trt))
    parser = trt.OnnxParser(network, library.logger)
    _parse(library, parser, graph)
    _fix_shapes(network, faces)
    monitor = _monitor(trt, on_progress) if on_progress else None
    config = _configuration(library, builder, compute_capabilities)
    if monitor:
        config.progress_monitor = monitor
    payload = builder.build_serialized_network(network, config)
    if monitor and monitor.progress.error:
        raise monitor.progress.error
    if payload is None:
        raise EngineError(f"expected {library.title} {library.version} to build {graph}, found {library.errors.take()}")
    return BuiltEngine(bytes(payload), int(network.num_layers), time.perf_counter() - started_s)


def _network_flags(trt: Any) -> int:
    # From TensorRT 11 on there are no other networks, and the flag may go.
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _parse(library: TensorRtLibrary, parser: Any, graph: Path) -> None:
    # From the file and not from its content: the weights are looked for beside it.
    if graph.is_file() and parser.parse_from_file(str(graph)):
        return
    if not graph.is_file():
        raise EngineError(f"expected the graph {graph}, found none; fetch the whole model folder")
    errors = [parser.get_error(i) for i in range(parser.num_errors)]
    unsupported = sorted({e.node_operator() for e in errors if e.code().name.startswith("UNSUPPORTED")} - {""})
    said = "; ".join([*(f"{e.node_name() or 'graph'}: {e.desc()}" for e in errors), library.errors.take()])
    what = f"operators that it does not support ({', '.join(unsupported)}): {said}" if unsupported else said
    raise EngineError(f"expected {library.title} {library.version} to read {graph}, found {what}")


def _fix_shapes(network: Any, faces: int) -> None:
    """Set the first axis of every input, and refuse what is then still not known."""
    for i in range(network.num_inputs):
        tensor = network.get_input(i)
        tensor.shape = (faces, *tuple(tensor.shape)[1:])
    inputs = [network.get_input(i) for i in range(network.num_inputs)]
    layers = [network.get_layer(i) for i in range(network.num_layers)]
    tensors = inputs + [layer.get_output(i) for layer in layers for i in range(layer.num_outputs)]
    dynamic = [f"{t.name} {tuple(t.shape)}" for t in tensors if any(size < 0 for size in t.shape)]
    if dynamic:
        raise EngineError(
            f"expected fixed shapes but for the faces, found {', '.join(dynamic[:5])} ({len(dynamic)} in all); "
            "export the model again"
        )


def _configuration(library: TensorRtLibrary, builder: Any, compute_capabilities: Sequence[str]) -> Any:
    trt = library.module
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, _WORKSPACE_BYTES)
    # Ten bits of mantissa are no float32; where the graph says float32, it is meant.
    config.clear_flag(trt.BuilderFlag.TF32)
    unknown = [c for c in compute_capabilities if c not in library.compute_capabilities]
    if unknown:
        known = ", ".join(library.compute_capabilities) or "that of the GPU here only"
        raise EngineError(
            f"expected compute capabilities that {library.title} {library.version} builds for ({known}), "
            f"found {', '.join(unknown)}"
        )
    if compute_capabilities:
        config.num_compute_capabilities = len(compute_capabilities)
    for i, capability in enumerate(compute_capabilities):
        config.set_compute_capability(getattr(trt.ComputeCapability, f"SM{capability.replace('.', '')}"), i)
    return config


class BuildProgress:
    """The share done of phases within phases, as the library reports them; it may do so from several threads.

    How many phases are still to come within a step is not known, so the share is never too large, and it only grows.
    """

    def __init__(self, tell: OnProgress) -> None:
        self.error: BaseException | None = None
        self._tell = tell
        self._lock = threading.Lock()
        self._phases: dict[str, tuple[int, int]] = {}  # name: steps done, of steps; outermost first
        self._share = 0.0

    def start(self, name: str, steps: int) -> None:
        """A phase begins, within the one that began last."""
        with self._lock:
            self._phases[name] = (0, max(steps, 1))
            self._report(name)

    def step(self, name: str, step: int) -> bool:
        """Step 0, 1, ... of a phase is done; False: give up."""
        with self._lock:
            if name in self._phases:
                self._phases[name] = (step + 1, self._phases[name][1])
            self._report(name)
            return self.error is None

    def finish(self, name: str) -> None:
        """A phase is over."""
        with self._lock:
            self._phases.pop(name, None)
            if not self._phases:
                self._share = 1.0
            self._report(name)

    def _report(self, name: str) -> None:
        inner = 0.0
        for done, steps in reversed(self._phases.values()):
            inner = min((done + inner) / steps, 1.0)
        self._share = max(self._share, inner)
        if self.error is None:
            try:
                self._tell(self._share, name)
            except BaseException as error:  # noqa: BLE001 - raised again by the caller: it must not cross C++
                self.error = error


def _monitor(trt: Any, tell: OnProgress) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]  # the base is known only where the library is
        """The library's interface to `BuildProgress`."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.progress = BuildProgress(tell)

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            self.progress.start(name, steps)

        def step_complete(self, name: str, step: int) -> bool:
            return self.progress.step(name, step)

        def phase_finish(self, name: str) -> None:
            self.progress.finish(name)

    return Monitor()
