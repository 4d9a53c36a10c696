"""The verbs' own messages and exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")


def imusic(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imusic_cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "COLUMNS": "200"})


def test_doctor_finds_this_machine_ready() -> None:
    result = imusic("doctor", "--json")
    report = json.loads(result.stdout)
    assert result.returncode == 0, report
    assert report["ok"]
    assert {"name", "ok", "importance", "found", "advice"} == set(report["findings"][0])


def test_doctor_says_what_is_missing() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "AMENT_PREFIX_PATH"} | {"AMENT_PREFIX_PATH": "/nowhere"}
    command = [sys.executable, "-m", "imusic_cli", "doctor", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    report = json.loads(result.stdout)
    assert result.returncode == 1
    assert any(not f["ok"] and f["advice"] for f in report["findings"] if f["importance"] == "required")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("demo", "--model", "no_such_model"), "no_such_model"),
        (("capture", "--layout", "no_such_layout"), "face_12"),
        (("demo", "--motion", __file__), "Live Link"),
        (("evaluate", "no_such.csv"), "no_such.csv"),
        (("evaluate", "--model", "no_such_model"), "imusic"),
    ],
)
def test_bad_input_gives_one_clear_message(arguments: tuple[str, ...], expected: str) -> None:
    result = imusic(*arguments)
    assert result.returncode == 1
    assert expected in result.stderr
    assert "Traceback" not in result.stderr


def test_evaluate_refuses_a_file_that_is_no_take(tmp_path: Path) -> None:
    file = tmp_path / "notes.csv"
    file.write_text("a,b\n1,2\n")
    result = imusic("evaluate", str(file))
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "notes.csv" in result.stderr


def test_what_is_nearly_a_verb_is_asked_after() -> None:
    result = imusic("dmeo")
    assert result.returncode != 0
    assert result.stderr.strip() == "imusic: expected a verb, found 'dmeo': did you mean 'demo'?"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("nonsense",), "imusic: no such command 'nonsense'; see imusic --help"),
        (("demo", "--nonsense"), "imusic demo: no such option: --nonsense; see imusic demo --help"),
        (("capture", "--rate", "x"), "imusic capture: --rate: expected a whole number, found 'x'; correct it"),
        (("takes", "show"), "imusic takes show: missing argument 'TAKE'; see imusic takes show --help"),
        (
            ("replay", "last", "--rate", "99"),
            "imusic replay: --rate: expected a rate of 0.1 to 20, or 0 for as fast as possible, found 99; "
            "choose another",
        ),
        (
            ("capture", "--udp", "x"),
            "imusic capture: --udp: expected HOST:PORT to listen on, such as 0.0.0.0:5055, or :PORT for this machine "
            "only, found 'x'; correct it",
        ),
        (("doctor", "--x"), "imusic doctor: unrecognized arguments: --x; see imusic doctor --help"),
        (("simulate", "--x"), "imusic simulate: unrecognized arguments: --x; see imusic simulate --help"),
        (
            ("bench", "latency", "--transport", "pigeon"),
            "imusic bench latency: --transport: expected serial, udp or both, found pigeon; take one of these",
        ),
    ],
)
def test_wrong_usage_is_one_line_of_one_shape(arguments: tuple[str, ...], line: str) -> None:
    result = imusic(*arguments)
    assert (result.returncode, result.stderr, result.stdout) == (2, f"{line}\n", "")


def test_what_typer_finds_has_the_same_shape() -> None:
    result = imusic("takes", "trim", "last", "--start", "x")  # its words differ by its version
    assert result.returncode == 2
    assert result.stderr.startswith("imusic takes trim: --start: ")
    assert result.stderr.endswith("; see imusic takes trim --help\n")
    assert result.stderr.count("\n") == 1


def test_a_group_without_a_verb_shows_its_help() -> None:
    result = imusic("takes")
    assert result.returncode in (0, 2)  # by version of typer
    assert "Usage: imusic takes" in result.stdout + result.stderr
