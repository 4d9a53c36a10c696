"""`imusic diagnostics`: what a graph says of itself, in words and as JSON; who is not there is told with who is."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("rclpy", reason="no ROS 2: run make setup")

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from imusic_cli import diagnostics
from imusic_cli.errors import CommandError


def status(name: str, level: int, message: str) -> DiagnosticStatus:
    return DiagnosticStatus(
        name=name, level=bytes([level]), message=message, values=[KeyValue(key="rate_hz", value="99.5")]
    )


@pytest.fixture(autouse=True)
def graph(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [
        status("imu_driver", 0, "100 Hz"),
        status("imu_driver/skull", 2, "no samples"),
        status("ann/recorder", 1, "x"),
    ]
    monkeypatch.setattr(diagnostics, "_heard", lambda: {each.name: each for each in said})


def test_each_is_one_line_and_a_name_brings_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    diagnostics.diagnostics(None, "", False)
    lines = capsys.readouterr().out
    assert "ERROR" in lines
    assert "no samples" in lines
    assert "rate_hz" not in lines
    diagnostics.diagnostics(["imu_driver/skull"], "", False)
    assert "99.5" in capsys.readouterr().out


def test_json_has_levels_by_word_and_names_without_the_namespace(capsys: pytest.CaptureFixture[str]) -> None:
    diagnostics.diagnostics(None, "ann", True)
    assert json.loads(capsys.readouterr().out) == {
        "recorder": {"level": "WARN", "message": "x", "values": {"rate_hz": "99.5"}}
    }


def test_who_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="expected imu_drver on /diagnostics, found ann/recorder, imu_driver, "):
        diagnostics.diagnostics(["imu_drver"], "", False)
    monkeypatch.setattr(diagnostics, "_heard", dict)
    with pytest.raises(CommandError, match="namespace /bob, found none"):
        diagnostics.diagnostics(["imu_driver"], "bob", False)
