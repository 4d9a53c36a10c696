"""`imusic bench cost`: what each process of the running graph takes, and whether anything grows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_evaluation.listener import listen
from imusic_bench.latency import lost
from imusic_bench.processes import Usage, look_at
from imusic_bench.running import SETTLE_S, running_graph
from imusic_bench.trend import Trend, fit_trend
from imusic_cli.errors import CommandError

MEMORY_KB_MIN = 60.0
"""Growth of memory that is of no practical importance, kB per minute: 86 MB in a day."""

LATENCY_MS_MIN = 0.05
"""Growth of the latency that is of no practical importance, ms per minute: half a millisecond in ten minutes."""


@dataclass(frozen=True)
class CostRow:
    """What one process took; `imu_sim` stands for the hardware and would not run beside a real hub.

    Attributes:
        process: its name.
        cpu_percent: processor time, % of one core, mean.
        cpu_max_percent: of the busiest second.
        rss_mb: resident memory at the end, MB.
        pss_mb: the same with shared pages in parts; None where the kernel does not say.
        threads, files: threads and open file descriptors at the end.
        rss_kb_min: slope of the resident memory, kB per minute.
        rss_kb_min_error: its standard error.
        rss_grows: the slope is beyond 3 standard errors and beyond 60 kB/min.
    """

    process: str
    cpu_percent: float
    cpu_max_percent: float
    rss_mb: float
    pss_mb: float | None
    threads: int
    files: int
    rss_kb_min: float
    rss_kb_min_error: float
    rss_grows: bool


@dataclass(frozen=True)
class LatencyTrend:
    """Latency from sample to published weights, and whether it grows.

    Attributes:
        p50_ms, p99_ms: over the whole measurement.
        ms_min: slope of the medians of the seconds, ms per minute.
        ms_min_error: its standard error.
        grows: the slope is beyond 3 standard errors and beyond 0.05 ms/min.
        faces: number of faces received.
        lost: samples whose weights did not arrive.
    """

    p50_ms: float
    p99_ms: float
    ms_min: float
    ms_min_error: float
    grows: bool
    faces: int
    lost: int


@dataclass(frozen=True)
class Cost:
    """What was measured."""

    rows: list[CostRow]
    delay: LatencyTrend


Look = tuple[float, Mapping[str, Usage]]
"""When, s on a monotonic clock, and what each process used."""


def measure_cost(
    minutes: float,
    transport: str = "serial",
    rate_hz: int = 100,
    model: str = "",
    graph: str = "headless",
    look: Callable[[int], Usage] = look_at,
) -> Cost:
    """Run the graph on a simulated hub, look at its processes every second and listen to its faces.

    Raises:
        CommandError: a process ended, or nothing came.
    """
    looks: list[Look] = []
    with running_graph(transport, graph, {"rate": rate_hz, "model": model}) as running:

        def look_at_all() -> None:
            looks.append((time.monotonic(), {name: look(pid) for name, pid in running.pids.items()}))

        # Without the IMU frames: a second subscriber would cost the driver what is not its own.
        faces = listen(
            running.namespace,
            60.0 * minutes,
            SETTLE_S,
            frames_too=False,
            every_second=look_at_all,
            while_waiting=running.check,
        )
    return Cost(cost_rows(looks), latency_trend(faces.sequence, faces.stamp_s, faces.age_s))


def cost_rows(looks: Sequence[Look]) -> list[CostRow]:
    """One row per process from at least 3 looks, and one for all together.

    Raises:
        CommandError: fewer looks.
    """
    if len(looks) < 3:
        raise CommandError(f"expected at least 3 looks at the processes, found {len(looks)}; measure for longer")
    times_s = np.array([when for when, _ in looks])
    return [_row(name, times_s, [usages[name] for _, usages in looks]) for name in looks[0][1]]


def _row(name: str, times_s: NDArray[np.float64], usages: Sequence[Usage]) -> CostRow:
    cpu_s = np.array([usage.cpu_s for usage in usages])
    trend = fit_trend(times_s, [usage.rss_kb for usage in usages], MEMORY_KB_MIN)
    last = usages[-1]
    return CostRow(
        process=name,
        cpu_percent=float(100.0 * (cpu_s[-1] - cpu_s[0]) / (times_s[-1] - times_s[0])),
        cpu_max_percent=float((100.0 * np.diff(cpu_s) / np.diff(times_s)).max()),
        rss_mb=last.rss_kb / 1024.0,
        pss_mb=None if last.pss_kb is None else last.pss_kb / 1024.0,
        threads=last.threads,
        files=last.files,
        rss_kb_min=trend.per_min,
        rss_kb_min_error=trend.error_per_min,
        rss_grows=trend.grows,
    )


def latency_trend(
    sequence: NDArray[np.int64], stamp_s: NDArray[np.float64], age_s: NDArray[np.float64]
) -> LatencyTrend:
    """Figures of faces (N,) with these numbers, sample times and ages.

    Raises:
        CommandError: they cover less than 3 seconds.
    """
    second = np.floor(stamp_s - stamp_s[0]).astype(np.int64) if len(stamp_s) else np.zeros(0, np.int64)
    seconds = np.unique(second)
    if len(seconds) < 3:
        raise CommandError(f"expected faces over at least 3 s, found {len(stamp_s)} over {len(seconds)} s")
    medians_ms = [1000.0 * float(np.median(age_s[second == each])) for each in seconds]
    trend: Trend = fit_trend(seconds, medians_ms, LATENCY_MS_MIN)
    p50_ms, p99_ms = (float(age) for age in np.percentile(1000.0 * age_s, (50, 99)))
    return LatencyTrend(
        p50_ms, p99_ms, trend.per_min, trend.error_per_min, trend.grows, faces=len(sequence), lost=lost(sequence)
    )
