"""Which engine runs a model on this machine, and what takes over where it cannot."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from face_inference.engines import ENGINES, PRECISIONS
from face_inference.engines.fallback import EngineWithFallback
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.engines.onnx_runtime_gpu import PROVIDERS, OnnxRuntimeGpuEngine
from face_inference.engines.protocol import Engine, OnProgress
from face_inference.errors import EngineError
from face_inference.model_folder import Model

DEFAULT = "onnxruntime"
"""Runs everywhere, and is the fallback of all others."""

NAMES = ENGINES[1:]
"""All engines."""

CANDIDATES = ("tensorrt", "onnxruntime-cuda", DEFAULT)
"""What the automatic choice tries where there is a GPU; the fastest of those that work is taken."""

REFERENCE_ENGINE = "face_training.torch_engine"

_TIMED_STEPS = 30

_TOLD_SHARE = 0.1
_TOLD_PERIOD_S = 2.0


@dataclass(frozen=True)
class Choice:
    """An engine ready to run.

    Attributes:
        engine: that was chosen.
        announcement: one line that says what was chosen and why.
        fell_back: whether it is not the one that was asked for.
    """

    engine: Engine
    announcement: str
    fell_back: bool = False


def create_engine(
    model: Model,
    name: str = "auto",
    faces: int = 1,
    precision: str = "auto",
    on_progress: OnProgress | None = None,
    on_failure: Callable[[str], None] | None = None,
) -> Choice:
    """Open, build if need be, and warm up; nothing is left to be done at the first sample.

    An engine that cannot be had is replaced by ONNX Runtime on the CPU: the announcement says why.

    Args:
        model: to be run.
        name: one of `ENGINES`.
        faces: how many it runs at once.
        precision: one of `PRECISIONS`.
        on_progress: told how far a build is.
        on_failure: told, in one line, if the engine fails later on and the one on the CPU takes over.

    Raises:
        EngineError: the name or the precision is unknown, or ONNX Runtime does not run the model either.
    """
    for what, value, known in (("engine", name, ENGINES), ("precision", precision, PRECISIONS)):
        if value not in known:
            raise EngineError(f"expected {what} to be one of {', '.join(known)}, found {value!r}")
    if faces < 1:
        raise EngineError(f"expected at least one face, found {faces}")
    gpu = gpu_is_here()
    tried = (name,) if name != "auto" else CANDIDATES if gpu else (DEFAULT,)
    opened: dict[str, Engine] = {}
    refused: list[str] = []
    for candidate in tried:
        # Left to choose, float16 is asked of those that know it: the CPU must not be refused for it.
        asked = "auto" if name == "auto" and candidate == DEFAULT else precision
        try:
            opened[candidate] = open_engine(model, candidate, faces, asked, on_progress)
        except EngineError as error:
            if candidate == DEFAULT:
                raise
            refused.append(f"no {candidate}: {error}")
    fallback = opened.get(DEFAULT) or OnnxRuntimeEngine(model, faces)
    if not opened:
        return Choice(fallback, _line(model, fallback, f"falls back; {refused[0]}"), True)
    times_ms = {candidate: _step_ms(engine) for candidate, engine in opened.items()} if len(opened) > 1 else {}
    best = min(times_ms, key=times_ms.__getitem__) if times_ms else next(iter(opened))
    for candidate, engine in opened.items():
        if candidate not in (best, DEFAULT):
            engine.close()
    why = _why(name, times_ms, refused, gpu)
    if best == DEFAULT:
        return Choice(fallback, _line(model, fallback, why))
    guarded = EngineWithFallback(opened[best], fallback, on_failure or (lambda _line: None))
    return Choice(guarded, _line(model, guarded, why))


def gpu_is_here() -> bool:
    """Whether there is an NVIDIA GPU's device file, a Jetson's included: looking is cheap, loading libraries is not."""
    return any(next(Path("/dev").glob(pattern), None) for pattern in ("nvidia*", "nvhost*", "nvmap"))


def open_engine(
    model: Model, name: str, faces: int = 1, precision: str = "auto", on_progress: OnProgress | None = None
) -> Engine:
    """One engine by its name, without a fallback.

    Raises:
        EngineError: what it needs is not here, or it does not accept the model.
    """
    if name == "tensorrt":
        # Imported only where it is asked for, because of the libraries that it needs.
        from face_inference.engines.tensorrt.engine import TensorRtEngine

        return TensorRtEngine.create(model, faces, "float16" if precision == "auto" else precision, on_progress)
    if precision == "float16":
        raise EngineError(f"expected float32 for {name}, found float16; only tensorrt runs it")
    if name in PROVIDERS:
        return OnnxRuntimeGpuEngine(model, faces, PROVIDERS[name])
    if name == "pytorch":
        return _laboratory_engine(model, faces)
    return OnnxRuntimeEngine(model, faces)


def _laboratory_engine(model: Model, faces: int) -> Engine:
    """The reference engine; found by name, because only the laboratory has the networks as they were trained."""
    try:
        reference = importlib.import_module(REFERENCE_ENGINE)
    except ImportError as error:
        raise EngineError(
            f"expected the laboratory's package {REFERENCE_ENGINE.partition('.')[0]} for the engine pytorch, "
            f"found {error}; run it in a checkout or a ROS 2 workspace"
        ) from error
    engine: Engine = reference.TorchEngine(model, faces)
    return engine


def _step_ms(engine: Engine) -> float:
    """Median time of a step of all faces, which are forgotten again."""
    times_s = []
    for _ in range(_TIMED_STEPS):
        start_s = time.perf_counter()
        engine.step()
        times_s.append(time.perf_counter() - start_s)
    for face in range(engine.faces):
        engine.reset(face)
    return 1000.0 * median(times_s)


def _why(name: str, times_ms: dict[str, float], refused: list[str], gpu: bool) -> str:
    if name != "auto":
        return "asked for"
    if not gpu:
        return "no NVIDIA GPU here"
    fastest = ", ".join(f"{candidate} {ms:.2f} ms" for candidate, ms in times_ms.items())
    return "; ".join([*([f"the fastest here: {fastest}"] if fastest else []), *refused])


def _line(model: Model, engine: Engine, why: str) -> str:
    faces = f" for {engine.faces} faces" if engine.faces > 1 else ""
    return f"{model.description.title} runs{faces} on {engine.description} ({why})"


class ProgressLines:
    """A line each 10 % or each 2 s, whichever comes first."""

    def __init__(self) -> None:
        self._told: tuple[float, float] | None = None

    def line(self, share: float, what: str, now_s: float) -> str | None:
        """What to say at `share` (0 to 1) of `what`, at a time of a monotonic clock; mostly nothing."""
        if self._told is not None:
            told_share, told_s = self._told
            if abs(share - told_share) < _TOLD_SHARE and now_s - told_s < _TOLD_PERIOD_S:
                return None
        self._told = share, now_s
        return f"{what}: {100.0 * share:.0f} %"
