from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path

import pytest
import yaml

from imu_sim.chips.parts import part_names
from imu_sim.errors import SimulatorConfigError
from imu_sim.hub.cadence import Cadence
from imu_sim.hub.config import SimulatorConfig, load_config, updated
from imu_sim.hub.faults import Faults
from imu_sim.hub.process import main

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "imu_sim.yaml"


def test_shipped_file_holds_every_key_with_its_default() -> None:
    assert load_config(SHIPPED) == SimulatorConfig()
    content = yaml.safe_load(SHIPPED.read_text())
    assert set(content) == {field.name for field in fields(SimulatorConfig)}
    assert set(content["faults"]) == set(asdict(Faults()))


def test_every_shipped_key_is_commented() -> None:
    lines = SHIPPED.read_text().splitlines()
    for index, line in enumerate(lines):
        if ":" in line and not line.lstrip().startswith("#"):
            assert "#" in line or lines[index - 1].startswith("#"), line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rate: 100", "rate"),
        ("rate_hz: fast", "rate_hz: expected a whole number"),
        ("rate_hz: 100.5", "rate_hz: expected a whole number"),
        ("rate_hz: 1000", "at most 400"),
        ("loop: 1", "loop: expected true or false"),
        ("fusion: 12d", "'6d' or '9d'"),
        ("duration_s: .nan", "duration_s"),
        ("faults: {dead: mentalis}", "dead: expected a list"),
        ("faults: {deadly: [a]}", r"deadly: .* did you mean dead\?"),
        ("faults: {stall_at_s: soon}", "stall_at_s: expected a number"),
        ("faults: [1]", "mapping"),
        ("[1, 2]", "mapping"),
        ("a: [", "YAML"),
    ],
)
def test_bad_settings_are_refused_with_the_file_and_the_reason(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "sim.yaml"
    path.write_text(text)
    with pytest.raises(SimulatorConfigError, match=words) as caught:
        load_config(path)
    assert str(path) in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SimulatorConfigError, match="absent"):
        load_config(tmp_path / "absent.yaml")


def test_command_line_faults_add_to_those_of_the_file() -> None:
    config = updated(SimulatorConfig(), {"faults": {"dead": ["mentalis"], "drop": 0}})
    config = updated(config, {"rate_hz": 50, "faults": {"corrupt": 0.5, "stall_at_s": 2.0}})
    assert config.rate_hz == 50
    assert config.faults == Faults(dead=("mentalis",), corrupt=0.5, stall_at_s=2.0)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--motion", "/nowhere.csv"], "no file"),
        (["--udp", "nonsense"], "HOST:PORT"),
        (["--udp", "127.0.0.1:99999"], "HOST:PORT"),
        (["--dead", "nose"], "nose"),
        (["--rate", "0"], "at least 1"),
        (["--config", "/nowhere.yaml"], "/nowhere.yaml"),
        (["--layout", "face_99"], "face_99"),
    ],
)
def test_process_says_why_it_does_not_start(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, argv: list[str], words: str
) -> None:
    assert main([*argv, "--link", str(tmp_path / "hub"), "--ros-args", "-r", "__node:=x"]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "hub").exists()


def test_lateness_never_moves_the_deadlines() -> None:
    cadence = Cadence(start_s=10.0, period_s=0.01)
    for k, late_s in enumerate((0.0, 0.004, 0.035, 0.025, 0.015, 0.005, 0.0)):
        assert cadence.deadline_s == pytest.approx(10.0 + 0.01 * k)
        cadence.tick(10.0 + 0.01 * k + late_s)
    assert cadence.overruns == 3
    assert cadence.worst_late_s == pytest.approx(0.035)
    cadence.restart(20.0, 0.02)
    assert (cadence.deadline_s, cadence.done, cadence.ticks) == (20.0, 7, 0)


def test_help_and_settings_name_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert ", ".join(part_names()) in shown
    assert all(name in SHIPPED.read_text() for name in part_names())
