"""The verb on the real graph: the account of half a minute."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from imusic_bench.verb import app

pytestmark = pytest.mark.ros


def test_every_sample_of_a_disturbed_run_is_accounted_for() -> None:
    result = CliRunner().invoke(app, ["soak", "--minutes", "0.5", "--seed", "4", "--json"])
    figures = json.loads(result.stdout)
    assert figures["disturbances"] == 2
    assert figures["samples sent"] > 0
    assert figures["samples in_doubt"] == 0
