"""Who is started where, and what a row says of several people."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from face_evaluation.listener import Faces
from imusic_bench.graph_scale import SEPARATE, SHARED, graph_row, groups_of
from imusic_bench.processes import Usage
from imusic_bench.verb import app
from imusic_cli.errors import CommandError
from imusic_ros.graph import Process, load_graph

pytestmark = pytest.mark.ros


def started_with(wearer: int) -> tuple[Process, ...]:
    return load_graph("headless").started_with({"port": f"/tmp/hub_{wearer}", "subject": wearer})


def test_one_process_serves_all_people() -> None:
    groups = groups_of("bench", 3, started_with, shared=True)
    assert list(groups) == ["bench/wearer_0", "bench/wearer_1", "bench/wearer_2", "bench"]
    for i in range(3):
        names = [process.name for process in groups[f"bench/wearer_{i}"]]
        assert names == ["imu_sim", "imu_driver"]
        assert all(f"/tmp/hub_{i}" in process.overrides.values() for process in groups[f"bench/wearer_{i}"])
    (inference,) = groups["bench"]
    assert inference.name == "face_inference"
    assert inference.overrides["wearers"] == ["wearer_0", "wearer_1", "wearer_2"]
    assert 'wearers:=["wearer_0", "wearer_1", "wearer_2"]' in inference.command("bench")


def test_or_each_has_one() -> None:
    groups = groups_of("bench", 2, started_with, shared=False)
    assert {name: [process.name for process in group] for name, group in groups.items()} == {
        f"bench/wearer_{i}": ["imu_sim", "imu_driver", "face_inference"] for i in range(2)
    }


def faces(count: int, rate_hz: float, age_s: float) -> Faces:
    sequence = np.arange(count)
    zeros = np.zeros((count, 52), np.float32)
    nothing = np.zeros(0)
    stamp_s = 1e9 + sequence / rate_hz
    states = np.ones(count, np.uint8)
    return Faces(sequence, stamp_s, np.full(count, age_s), zeros, zeros, states, nothing.astype(np.int64), nothing)


def test_shares_are_added_up_by_process() -> None:
    def look(second: float) -> dict[str, Usage]:
        share = {
            "b/face_inference": 0.5,
            "b/wearer_0/imu_driver": 0.1,
            "b/wearer_1/imu_driver": 0.2,
            "b/wearer_0/imu_sim": 0.05,
        }
        return {name: Usage(each * second, 1000, None, 1, 1) for name, each in share.items()}

    heard = [faces(200, 60.0, 0.004), faces(200, 40.0, 0.006)]
    row = graph_row(heard, [(10.0 + t, look(t)) for t in range(5)], 60, shared=True)
    assert (row.inference, row.people, row.rate_hz, row.lost) == (SHARED, 2, 60, 0)
    assert row.reached_hz == pytest.approx(40.0)
    assert row.p50_ms == pytest.approx(5.0)
    assert row.inference_percent == pytest.approx(50.0)
    assert row.per_face_percent == pytest.approx(30.0)
    assert row.faces_per_core == pytest.approx(100.0 / 30.0)
    assert row.drivers_percent == pytest.approx(30.0)
    assert row.hubs_percent == pytest.approx(5.0)


def test_nobody_may_be_silent() -> None:
    with pytest.raises(CommandError, match=r"faces of everybody, found \[10, 0\]"):
        graph_row([faces(10, 60.0, 0.004), faces(0, 60.0, 0.0)], [], 60, shared=True)


def test_the_verb_runs_two_wearers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imusic_bench.graph_scale.SETTLE_S", 0.0)
    options = ["scale", "--wearers", "2", "--rate", "25", "--separate", "--seconds", "3", "--json"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["rows"]
    assert (row["people"], row["rate_hz"], row["inference"]) == (2, 25, SEPARATE)
    assert row["reached_hz"] == pytest.approx(25.0, rel=0.2)
    assert row["faces_per_core"] == pytest.approx(100.0 / row["per_face_percent"])
    assert min(row["inference_percent"], row["drivers_percent"], row["hubs_percent"]) > 0.0
