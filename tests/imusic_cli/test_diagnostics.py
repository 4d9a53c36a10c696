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


def test_listening_ends_when_all_that_discovery_shows_have_spoken_and_nobody_new_came() -> None:
    roll = diagnostics.Roll(0.0)
    roll.know({b"1": "imu_driver"}, 0.1)
    roll.hear([status("imu_driver", 0, "x")], b"1", 1.0)
    assert not roll.is_done(1.0)
    roll.know({b"1": "imu_driver", b"2": "ann/recorder"}, 4.0)  # discovery came late
    assert roll.silent == ["ann/recorder"]
    assert not roll.is_done(4.0 + diagnostics.PERIOD_S)
    roll.hear([status("ann/recorder", 0, "x"), status("ann/recorder/disk", 0, "x")], None, 8.0)
    assert not roll.silent
    assert not roll.is_done(8.0)
    assert roll.is_done(8.0 + diagnostics.PERIOD_S)


def test_who_is_silent_is_known_and_waited_for_no_longer_than_patience() -> None:
    roll = diagnostics.Roll(0.0)
    roll.know({b"1": "imu_driver", b"2": "imu", b"3": "player"}, 0.0)
    assert not roll.is_done(diagnostics.PATIENCE_S - 0.1)
    roll.hear([status("imu_driver/skull", 0, "x")], b"1", 9.0)
    roll.hear([status("of another", 0, "x")], b"3", 9.0)
    assert roll.silent == ["imu"]
    for second in range(20):  # names without end do not keep it
        roll.hear([status(f"name {second}", 0, "x")], b"3", 9.0 + second)
    assert roll.is_done(9.0 + diagnostics.PATIENCE_S)
    assert diagnostics.Roll(0.0).is_done(diagnostics.PATIENCE_S)
