"""`imusic bench latency`: from sample to published weights through the real processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from face_evaluation.listener import Faces, listen
from imusic_bench.processes import busy_core
from imusic_bench.running import SETTLE_S, TRANSPORTS, running_graph
from imusic_cli.errors import CommandError, UsageError

IDLE, BUSY = "idle", "busy"
ALL_RATES_HZ = (100, 200)
BOTH = "both"


@dataclass(frozen=True)
class Case:
    """One line and rate, measured under one or more loads.

    Attributes:
        transport: serial (a pseudo-terminal) or udp.
        rate_hz: samples per second asked of the hub.
        loads: idle, or busy: beside a process that never waits.
    """

    transport: str
    rate_hz: int
    loads: tuple[str, ...]


@dataclass(frozen=True)
class LatencyRow:
    """What was measured of one case under one load.

    Attributes:
        transport: serial or udp.
        rate_hz: samples per second asked of the hub.
        reached_hz: faces per second, by the samples' own stamps.
        load: idle, or busy.
        seconds: length of the measurement.
        p50_ms, p99_ms, p999_ms, max_ms: age of the newest sample when its weights were published.
        look_ahead_ms: the most look-ahead that the ages leave room for. Whoever waits for k later samples publishes at
            least k periods late, so it is the smallest age in whole periods.
        lost: samples whose weights did not arrive.
        frames_hz: IMU frames per second, by their stamps.
        frames_lost: IMU frames that did not arrive.
        faces: number of faces received.
    """

    transport: str
    rate_hz: int
    reached_hz: float
    load: str
    seconds: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    look_ahead_ms: float
    lost: int
    frames_hz: float
    frames_lost: int
    faces: int


def cases(transport: str = "serial", rates_hz: Sequence[int] = (100,), busy: bool = False) -> list[Case]:
    """What to measure for the options of the verb; `busy` comes beside idle, on the same running graph.

    Raises:
        CommandError: no such transport.
    """
    if transport not in {*TRANSPORTS, BOTH}:
        raise UsageError(
            f"--transport: expected {', '.join(TRANSPORTS)} or {BOTH}, found {transport}; take one of these"
        )
    loads = (IDLE, BUSY) if busy else (IDLE,)
    lines = TRANSPORTS if transport == BOTH else (transport,)
    return [Case(line, rate_hz, loads) for line, rate_hz in product(lines, dict.fromkeys(rates_hz))]


def measure_latency(
    asked: Sequence[Case],
    seconds: float,
    model: str = "",
    graph: str = "headless",
    progress: Callable[[str], object] | None = None,
) -> Iterator[LatencyRow]:
    """Start the real processes on a simulated hub for each case, and listen for `seconds` under each of its loads.

    Raises:
        CommandError: a process ended, or nothing came.
    """
    for case in asked:
        with running_graph(case.transport, graph, {"rate": case.rate_hz, "model": model}) as running:
            settle_s = SETTLE_S
            for load in case.loads:
                if progress is not None:
                    progress(f"{case.transport}, {case.rate_hz} Hz, {load}: {seconds:g} s")
                with busy_core() if load == BUSY else nullcontext():
                    faces = listen(running.namespace, seconds, settle_s, while_waiting=running.check)
                yield summarise(faces, case, load, seconds)
                settle_s = 0.5  # it is up already


def summarise(faces: Faces, case: Case, load: str, seconds: float) -> LatencyRow:
    """Numbers of what was heard.

    Raises:
        CommandError: less than two faces.
    """
    if len(faces.sequence) < 2:
        raise CommandError(f"expected faces for {seconds:g} s, found {len(faces.sequence)}")
    age_ms = 1000.0 * faces.age_s
    p50_ms, p99_ms, p999_ms = (float(age) for age in np.percentile(age_ms, (50, 99, 99.9)))
    return LatencyRow(
        transport=case.transport,
        rate_hz=case.rate_hz,
        reached_hz=rate_hz(faces.stamp_s),
        load=load,
        seconds=seconds,
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        p999_ms=p999_ms,
        max_ms=float(age_ms.max()),
        look_ahead_ms=1000.0 * max(0.0, float(faces.age_s.min()) * case.rate_hz // 1.0) / case.rate_hz,
        lost=lost(faces.sequence),
        frames_hz=rate_hz(faces.frame_stamp_s),
        frames_lost=lost(faces.frame_sequence),
        faces=len(faces.sequence),
    )


def rate_hz(stamps_s: NDArray[np.float64]) -> float:
    """Messages per second by their own stamps (N,), s; repeated stamps, of a face without new samples, count once."""
    stamps_s = np.unique(stamps_s)
    return float((len(stamps_s) - 1) / (stamps_s[-1] - stamps_s[0])) if len(stamps_s) > 1 else 0.0


def lost(sequence: NDArray[np.int64]) -> int:
    """How many numbers are missing between the smallest and the largest of (N,)."""
    unique = np.unique(sequence)
    return int(unique[-1] - unique[0] + 1 - len(unique)) if len(unique) else 0
