"""`imusic bench scale`: how many faces one core carries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from face_inference.engines.choice import open_engine
from face_inference.model_folder import Model
from imusic_bench.engine_comparison import fill
from imusic_bench.step_timing import Percentiles, time_steps

RATES_HZ = (60, 100)


@dataclass(frozen=True)
class Load:
    """A step of a whole batch.

    Attributes:
        p50_ms, p99_ms: its time.
        cpu_ms: processor time it takes, all threads, median.
    """

    p50_ms: float
    p99_ms: float
    cpu_ms: float

    def in_time(self, rate_hz: float) -> bool:
        """Whether 99 of 100 steps end before the next is due, and the core is not full."""
        return self.p99_ms < 1000.0 / rate_hz and self.core_suffices(rate_hz)

    def core_suffices(self, rate_hz: float) -> bool:
        """Whether a core of its own would do."""
        return self.cpu_ms < 1000.0 / rate_hz


@dataclass(frozen=True)
class ScaleRow:
    """The most faces that one core carries through one process, the engine alone.

    Attributes:
        engine: its name.
        rate_hz: steps per second of every face. Samples at another rate than the model's are brought to its rate: with
            a model of 100 Hz a face at 60 Hz takes 100 steps, too.
        faces: the most of which 99 of 100 steps ended before the next was due, as this machine was.
        faces_by_cpu: the most whose processor time one core has, however busy the machine was: an upper limit.
        p50_ms, p99_ms: time of a step of so many.
        cpu_percent: of one core that they take at that rate.
    """

    engine: str
    rate_hz: int
    faces: int
    faces_by_cpu: int
    p50_ms: float
    p99_ms: float
    cpu_percent: float


def measure_load(model: Model, engine_name: str, faces: int, seconds: float) -> Load:
    """Time an engine on so many faces.

    Raises:
        EngineError: it does not work here.
    """
    engine = open_engine(model, engine_name, faces)
    try:
        fill(engine)
        times = Percentiles.of(time_steps({engine_name: engine.step}, seconds)[engine_name])
    finally:
        engine.close()
    return Load(times.p50_ms, times.p99_ms, times.cpu_ms)


def scale_engine(
    model: Model,
    engine_name: str,
    rates_hz: Sequence[int] = RATES_HZ,
    most: int = 128,
    seconds: float = 2.0,
    progress: Callable[[str], object] | None = None,
) -> list[ScaleRow]:
    """Search for the most faces at each rate.

    Args:
        model: to be run.
        engine_name: an engine.
        rates_hz: steps per second of every face.
        most: faces that are tried at most.
        seconds: for each number of faces.
        progress: told what is measured.

    Raises:
        EngineError: the engine does not work here.
    """

    @cache
    def measure(faces: int) -> Load:
        if progress is not None:
            progress(f"{engine_name}, {faces} {'face' if faces == 1 else 'faces'}")
        return measure_load(model, engine_name, faces, seconds)

    return [most_faces(engine_name, rate_hz, most, measure) for rate_hz in rates_hz]


def most_faces(engine_name: str, rate_hz: int, most: int, measure: Callable[[int], Load]) -> ScaleRow:
    """Search for the most faces up to `most`; where not even one fits, the row says 0 faces and what the one took."""
    faces = largest(lambda n: measure(n).in_time(rate_hz), most)
    load = measure(max(faces, 1))
    return ScaleRow(
        engine=engine_name,
        rate_hz=rate_hz,
        faces=faces,
        faces_by_cpu=largest(lambda n: measure(n).core_suffices(rate_hz), most),
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        cpu_percent=100.0 * load.cpu_ms * rate_hz / 1000.0,
    )


def largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest number from 1 to `most` that fits, 0 if none does; what fits must fit in smaller numbers, too.

    Doubles until one does not fit, then halves the gap: about 2 log2(n) questions.
    """
    good, bad = 0, most + 1
    trial = 1
    while good + 1 < bad:
        if fits(trial):
            good = trial
        else:
            bad = trial
        trial = min(2 * good, most) if bad > most else (good + bad) // 2
    return good
