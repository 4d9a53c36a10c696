"""`imusic bench latency`: from sample to weights through the real processes."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imusic_cli.errors import CommandError
from imusic_cli.node import Faces, listen
from imusic_cli.supervisor import Supervisor
from imusic_ros.graph import load_graph

SETTLE_S = 6.0
"""Neutral calibration and start-up are over after this."""


@dataclass(frozen=True)
class LatencyResult:
    """What was measured.

    Attributes:
        transport: serial or udp.
        seconds: length of the measurement.
        rate_hz: faces per second, by the samples' own stamps.
        p50_ms, p99_ms, max_ms: age of the newest sample when its weights were published.
        lost: samples whose weights did not arrive.
        frame_rate_hz: IMU frames per second, by their stamps.
        frames_lost: IMU frames that did not arrive.
        faces: number of faces received.
    """

    transport: str
    seconds: float
    rate_hz: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    lost: int
    frame_rate_hz: float
    frames_lost: int
    faces: int


def measure_latency(seconds: float, transport: str = "serial", graph: str = "headless") -> LatencyResult:
    """Start the real processes on a simulated hub and listen.

    Raises:
        CommandError: a process ended, or nothing came.
    """
    namespace = f"bench_{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="imusic_") as folder:
        line = f"127.0.0.1:{20000 + os.getpid() % 20000}"
        values = {"udp": line} if transport == "udp" else {"port": str(Path(folder) / "hub")}
        with Supervisor(load_graph(graph).started_with(values), namespace) as supervisor:
            faces = listen(f"/{namespace}", seconds, SETTLE_S)
            ended = supervisor.ended()
    if ended:
        raise CommandError(f"expected every process to run to the end, but these ended: {ended}")
    return summarise(faces, transport, seconds)


def summarise(faces: Faces, transport: str, seconds: float) -> LatencyResult:
    """Numbers of what was heard."""
    if len(faces.sequence) < 2:
        raise CommandError(f"expected faces for {seconds:g} s, found {len(faces.sequence)}")
    age_ms = 1000.0 * faces.age_s
    return LatencyResult(
        transport=transport,
        seconds=seconds,
        rate_hz=_rate_hz(faces.stamp_s),
        p50_ms=float(np.percentile(age_ms, 50)),
        p99_ms=float(np.percentile(age_ms, 99)),
        max_ms=float(age_ms.max()),
        lost=_lost(faces.sequence),
        frame_rate_hz=_rate_hz(faces.frame_stamp_s),
        frames_lost=_lost(faces.frame_sequence),
        faces=len(faces.sequence),
    )


def _rate_hz(stamps_s: NDArray[np.float64]) -> float:
    return float((len(stamps_s) - 1) / (stamps_s[-1] - stamps_s[0])) if len(stamps_s) > 1 else 0.0


def _lost(sequence: NDArray[np.int64]) -> int:
    unique = np.unique(sequence)
    return int(unique[-1] - unique[0] + 1 - len(unique)) if len(unique) else 0
