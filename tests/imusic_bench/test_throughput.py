from __future__ import annotations

import json

from typer.testing import CliRunner

from imusic_bench.throughput import measure_throughput
from imusic_bench.verb import app


def test_every_stage_is_measured() -> None:
    result = measure_throughput(6.0, repeats=1)
    assert (result.sensors, result.part, result.repeats) == (12, "QMI8658", 1)
    assert result.seconds >= 6.0
    assert set(result.stages_ms) >= {"boards", "tissue", "sensors", "fusion"}
    assert all(cost > 0.0 for cost in result.stages_ms.values())
    assert result.realtime_factor > 0.0


def test_the_verb_prints_one_object() -> None:
    result = CliRunner().invoke(app, ["simulate", "--seconds", "5", "--repeats", "1", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["realtime_factor"] > 0.0
