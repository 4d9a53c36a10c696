"""The real recorder beside a made-up stream."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from imusic_bench.recording_loss import RecordingLoss
from imusic_bench.verb import app

pytestmark = pytest.mark.ros


def test_what_is_missing_is_counted() -> None:
    loss = RecordingLoss(
        2, 100.0, 1.0, published=600, recorded=590, repeated=3, megabytes=1.0, cpu_percent=1.0, rss_mb=1.0
    )
    assert loss.lost == 13


def test_the_verb_finds_every_message_in_the_bag() -> None:
    result = CliRunner().invoke(app, ["recording", "--faces", "2", "--rate", "50", "--minutes", "0.05", "--json"])
    figures = json.loads(result.stdout)
    assert figures["published"] == 2 * 150 * 3
    assert figures["lost"] == 0
    assert result.exit_code == 0
