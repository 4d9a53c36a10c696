"""Cost of processes: rows from looks at them, and the verb on the running graph."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from imusic_bench.cost import cost_rows, latency_trend
from imusic_bench.processes import Usage
from imusic_bench.verb import app
from imusic_cli.errors import CommandError

pytestmark = pytest.mark.ros


def test_each_process_gets_a_row() -> None:
    def look(second: int) -> dict[str, Usage]:
        busy = 0.2 * second + (0.3 if second > 5 else 0.0)
        return {
            "steady": Usage(1.0 + busy, 51200, 20480, 3, 17),
            "leaky": Usage(0.1 * second, 1000 + 100 * second, None, 2, 9),
        }

    steady, leaky = cost_rows([(50.0 + t, look(t)) for t in range(11)])
    assert (steady.process, leaky.process) == ("steady", "leaky")
    assert steady.cpu_percent == pytest.approx(23.0)
    assert steady.cpu_max_percent == pytest.approx(50.0)
    assert (steady.rss_mb, steady.pss_mb, steady.threads, steady.files) == (50.0, 20.0, 3, 17)
    assert (steady.rss_kb_min, steady.rss_grows) == (0.0, False)
    assert leaky.rss_kb_min == pytest.approx(6000.0)
    assert leaky.rss_grows
    assert leaky.pss_mb is None


def test_too_few_looks_are_refused() -> None:
    with pytest.raises(CommandError, match="at least 3 looks"):
        cost_rows([(0.0, {"a": Usage(0.0, 1, None, 1, 1)})] * 2)


@pytest.mark.parametrize(("growth_ms_s", "grows"), [(0.0, False), (0.1, True), (-0.1, False)])
def test_delay_that_grows_is_told_from_delay_that_jitters(growth_ms_s: float, grows: bool) -> None:
    rng = np.random.default_rng(1)
    sequence = np.arange(3000)
    stamp_s = 1e9 + sequence / 100.0
    age_s = 0.005 + 1e-3 * growth_ms_s * sequence / 100.0 + rng.exponential(0.0005, len(sequence))
    trend = latency_trend(sequence, stamp_s, age_s)
    assert trend.grows is grows
    assert trend.ms_min == pytest.approx(60.0 * growth_ms_s, abs=4.0 * trend.ms_min_error + 0.05)
    assert trend.lost == 0


def test_too_short_a_time_is_refused() -> None:
    with pytest.raises(CommandError, match="at least 3 s"):
        latency_trend(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


def test_the_verb_looks_at_every_process_of_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imusic_bench.cost.SETTLE_S", 0.0)
    result = CliRunner().invoke(app, ["cost", "--minutes", "0.07", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {"rows", "delay", "machine", "model"} == set(found)
    assert [row["process"] for row in found["rows"]] == ["imu_sim", "imu_driver", "face_inference"]
    for row in found["rows"]:
        assert row["rss_mb"] > 10.0
        assert 0.0 < row["cpu_percent"] <= row["cpu_max_percent"] + 1e-6
        assert row["threads"] >= 1
        assert row["files"] > 3
    assert found["delay"]["faces"] >= 3
