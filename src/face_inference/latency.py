"""Rate and latency of the last samples, for diagnostics."""

from __future__ import annotations

import numpy as np

_WINDOW = 512
"""Faces that percentiles are taken of: about five seconds."""


class LatencyStatistics:
    """Of the last faces, kept in rings."""

    def __init__(self) -> None:
        self._latency_s = np.zeros(_WINDOW)
        self._work_s = np.zeros(_WINDOW)
        self._count = 0
        self._then_s: float | None = None
        self._then_samples = 0
        self._then_count = 0

    def add(self, latency_s: float, work_s: float) -> None:
        """One published face: time from its sample's stamp to publishing, and time spent on it, s."""
        self._latency_s[self._count % _WINDOW] = latency_s
        self._work_s[self._count % _WINDOW] = work_s
        self._count += 1

    def median_since_report(self) -> float | None:
        """Median of the latencies since the last report, s; None if there were none."""
        new = min(self._count - self._then_count, _WINDOW)
        if new == 0:
            return None
        return float(np.percentile(self._latency_s[np.arange(self._count - new, self._count) % _WINDOW], 50))

    def report(self, now_s: float, samples: int) -> dict[str, object]:
        """Named values; the rate is over the time since the last report."""
        elapsed_s = None if self._then_s is None else now_s - self._then_s
        rate = (samples - self._then_samples) / elapsed_s if elapsed_s else 0.0
        self._then_s, self._then_samples, self._then_count = now_s, samples, self._count
        kept = min(self._count, _WINDOW)
        if kept == 0:
            return {"rate_hz": rate}
        latency, work = self._latency_s[:kept], self._work_s[:kept]
        return {
            "rate_hz": rate,
            "latency_p50_ms": 1e3 * float(np.percentile(latency, 50)),
            "latency_p99_ms": 1e3 * float(np.percentile(latency, 99)),
            "work_p50_ms": 1e3 * float(np.percentile(work, 50)),
            "work_p99_ms": 1e3 * float(np.percentile(work, 99)),
        }
