"""`imusic bench engine`: time of a step, each engine, precision and batch, beside what one would otherwise run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from face_inference.engines.choice import DEFAULT, NAMES, gpu_is_here, open_engine
from face_inference.engines.protocol import Engine
from face_inference.errors import InferenceError
from face_inference.model_folder import Model
from face_training.torch_engine import TorchEngine
from imusic_bench.parity import Parity
from imusic_bench.references import recurrent_model, window_step
from imusic_bench.step_timing import Percentiles, Step, time_steps
from imusic_cli.errors import CommandError, UsageError

BATCHES = (1, 4, 16, 64)
EXACT, HALF = "float32", "float16"

COMPILED = "pytorch-compiled"
"""`torch.compile` on the GPU where there is one; for comparison only: it compiles anew for each number of faces."""

STEP, WINDOW, RECURRENT = "step", "window", "recurrent"
"""Kinds of rows: the streaming step, the same network on its whole window, and a recurrent network of one layer."""


class Contender(NamedTuple):
    """What a row is about."""

    engine: str
    precision: str
    kind: str


@dataclass(frozen=True)
class EngineRow:
    """Time of one step of a whole batch.

    Attributes:
        kind: step, window or recurrent.
        engine: as the parameter `engine` of the node calls it.
        precision: float32, or float16: of the matrix products.
        batch: faces that a step advances.
        p50_ms, p99_ms, p999_ms: of the time of a step of all these faces.
        cpu_ms: median of the processor time of a step; far below `p50_ms` on a machine that is busy with other things.
        faces_per_s: how many faces could be advanced in a second, by the median.
        speedup_over_window: the median of the window of the same batch, on ONNX Runtime's CPU and measured in the same
            run, over this one; None where the window could not be run.
        max_difference: of any weight or confidence from those of ONNX Runtime on the CPU, over 100 ticks of made-up
            inputs; None for the references.
        steps: how many were timed.
    """

    kind: str
    engine: str
    precision: str
    batch: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    cpu_ms: float
    faces_per_s: float
    speedup_over_window: float | None
    max_difference: float | None
    steps: int


@dataclass
class Comparison:
    """What was measured.

    Attributes:
        rows: by batch, in it the references last.
        missing: why an engine, with its precision, or a reference was not measured.
    """

    rows: list[EngineRow] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def compare_engines(
    model: Model,
    names: Sequence[str] | None = None,
    batches: Sequence[int] = BATCHES,
    seconds: float = 5.0,
    progress: Callable[[str], object] | None = None,
) -> Comparison:
    """Time every engine that works here and the references, those of one batch in turns.

    Args:
        model: to be run.
        names: of engines, or `COMPILED`; None: all, the latter only where there is a GPU.
        batches: numbers of faces.
        seconds: for each engine, precision and batch.
        progress: told what is measured.

    Raises:
        CommandError: an unknown engine, or none of them works here.
    """
    known = (*NAMES, COMPILED)
    names = names or (known if gpu_is_here() else NAMES)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"--engine: expected one of {', '.join(known)}, found {', '.join(unknown)}")
    found = Comparison()
    with ExitStack() as stack:
        baseline: Model | None = None
        try:
            baseline = stack.enter_context(recurrent_model(model))
        except InferenceError as error:
            found.missing[RECURRENT] = str(error)
        for batch in batches:
            if progress is not None:
                progress(f"{batch} {'face' if batch == 1 else 'faces'} at once")
            differences: dict[Contender, float] = {}
            with _opened(model, baseline, names, batch, found.missing, differences) as steps:
                if all(contender.kind != STEP for contender in steps):
                    reasons = "; ".join(f"{name}: {why}" for name, why in found.missing.items())
                    raise CommandError(f"expected an engine that works here, found none: {reasons}")
                times = {each: Percentiles.of(times_s) for each, times_s in time_steps(steps, seconds).items()}
            found.rows += rows_of(times, batch, differences)
    return found


def rows_of(
    times: Mapping[Contender, Percentiles], batch: int, differences: Mapping[Contender, float]
) -> list[EngineRow]:
    """Rows of one batch."""
    window = times.get(Contender(DEFAULT, EXACT, WINDOW))
    return [
        EngineRow(
            kind=contender.kind,
            engine=contender.engine,
            precision=contender.precision,
            batch=batch,
            p50_ms=time.p50_ms,
            p99_ms=time.p99_ms,
            p999_ms=time.p999_ms,
            cpu_ms=time.cpu_ms,
            faces_per_s=1000.0 * batch / time.p50_ms,
            speedup_over_window=window.p50_ms / time.p50_ms if window is not None else None,
            max_difference=differences.get(contender),
            steps=time.steps,
        )
        for contender, time in times.items()
    ]


@contextmanager
def _opened(
    model: Model,
    baseline: Model | None,
    names: Sequence[str],
    batch: int,
    missing: dict[str, str],
    differences: dict[Contender, float],
) -> Iterator[dict[Contender, Step]]:
    """Everything that works here, ready to step `batch` faces.

    Why the others do not is put into `missing`, and how far each is from the reference into `differences`.
    """
    parity = Parity(model, batch)
    kinds = [(Contender(name, precision, STEP), model) for name in names for precision in precisions_of(name)]
    kinds += [(Contender(DEFAULT, EXACT, RECURRENT), baseline)] if baseline is not None else []
    steps: dict[Contender, Step] = {}
    with ExitStack() as stack:
        for contender, network in kinds:
            try:
                engine = _open(network, contender, batch)
            except InferenceError as error:
                missing.setdefault(f"{contender.engine} {contender.precision}", str(error))
                continue
            stack.callback(engine.close)
            if contender.kind == STEP:
                differences[contender] = parity.largest_difference(engine)
            fill(engine)
            steps[contender] = engine.step
        try:
            steps[Contender(DEFAULT, EXACT, WINDOW)] = window_step(model, batch)
        except InferenceError as error:
            missing.setdefault(WINDOW, str(error))
        yield steps


def _open(model: Model, contender: Contender, batch: int) -> Engine:
    if contender.engine == COMPILED:
        return TorchEngine(model, batch, compiled=True, device="cuda" if gpu_is_here() else "cpu")
    return open_engine(model, contender.engine, batch, contender.precision)


def precisions_of(name: str) -> tuple[str, ...]:
    """Precisions that an engine may have."""
    return (EXACT, HALF) if name == "tensorrt" else (EXACT,)


def fill(engine: Engine) -> None:
    """Give an engine inputs that are not zero, which some processors multiply faster."""
    engine.inputs[...] = np.random.default_rng(1).normal(size=engine.inputs.shape)
