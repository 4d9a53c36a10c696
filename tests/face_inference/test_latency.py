from __future__ import annotations

import pytest

from face_inference.latency import LatencyStatistics


def test_rate_and_percentiles_of_the_last_samples():
    latency = LatencyStatistics()
    assert latency.report(10.0, 0) == {"rate_hz": 0.0}
    for i in range(600):
        latency.add(latency_s=0.5 if i < 88 else 0.002, work_s=0.001)
    report = latency.report(12.0, 200)
    assert report["rate_hz"] == pytest.approx(100.0)
    assert report["latency_p99_ms"] == pytest.approx(2.0), "the first 88 have left the ring"
    assert report["work_p50_ms"] == pytest.approx(1.0)
