"""Numbers of what a listener heard, and what is measured for which options."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from face_evaluation.listener import Faces
from imusic_bench.latency import Case, cases, summarise
from imusic_bench.verb import app
from imusic_cli.errors import CommandError

pytestmark = pytest.mark.ros

CASE = Case("serial", 100, ("idle",))


def faces(sequence: np.ndarray, age_s: np.ndarray) -> Faces:
    count = len(sequence)
    zeros = np.zeros((count, 52), np.float32)
    stamp_s = 1000.0 + sequence / 100.0
    return Faces(
        sequence, stamp_s, age_s, zeros, zeros, np.ones(count, np.uint8), frame_sequence=sequence, frame_stamp_s=stamp_s
    )


def test_rate_percentiles_and_losses() -> None:
    sequence = np.delete(np.arange(50, 1051), [10, 11, 500])
    result = summarise(faces(sequence, np.linspace(0.001, 0.005, len(sequence))), CASE, "busy", 10.0)
    assert (result.transport, result.rate_hz, result.load) == ("serial", 100, "busy")
    assert result.lost == result.frames_lost == 3
    assert result.reached_hz == pytest.approx(99.7, abs=0.01)
    assert result.p50_ms == pytest.approx(3.0, abs=0.01)
    assert result.p99_ms == pytest.approx(4.96, abs=0.01)
    assert result.p999_ms == pytest.approx(4.996, abs=0.001)
    assert result.max_ms == pytest.approx(5.0)


def test_repeated_faces_of_a_silent_hub_are_no_losses_and_no_rate() -> None:
    sequence = np.array([1, 2, 3, 3, 3, 4])
    result = summarise(faces(sequence, np.full(6, 0.001)), CASE, "idle", 1.0)
    assert result.lost == 0
    assert result.reached_hz == pytest.approx(100.0)


@pytest.mark.parametrize(("youngest_s", "look_ahead_ms"), [(0.002, 0.0), (0.0099, 0.0), (0.0105, 10.0), (0.035, 30.0)])
def test_look_ahead_is_what_the_smallest_age_leaves_room_for(youngest_s: float, look_ahead_ms: float) -> None:
    age_s = np.full(20, 0.05)
    age_s[7] = youngest_s
    assert summarise(faces(np.arange(20), age_s), CASE, "idle", 0.2).look_ahead_ms == pytest.approx(look_ahead_ms)


def test_silence_is_an_error() -> None:
    with pytest.raises(CommandError, match="found 0"):
        summarise(faces(np.zeros(0, np.int64), np.zeros(0)), CASE, "idle", 1.0)


def test_options_make_cases() -> None:
    assert cases() == [Case("serial", 100, ("idle",))]
    assert cases("udp", (200, 200), busy=True) == [Case("udp", 200, ("idle", "busy"))]
    everything = cases("both", (100, 200), busy=True)
    assert len(everything) == 4
    assert {(c.transport, c.rate_hz) for c in everything} == {(t, r) for t in ("serial", "udp") for r in (100, 200)}
    with pytest.raises(CommandError, match="serial, udp or both, found pigeon"):
        cases("pigeon")


def test_the_verb_measures_both_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imusic_bench.latency.SETTLE_S", 0.0)
    options = ["latency", "--transport", "udp", "--rate", "50", "--busy", "--seconds", "1", "--json"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {"rows", "machine", "model"} == set(found)
    assert [row["load"] for row in found["rows"]] == ["idle", "busy"]
    for row in found["rows"]:
        # By the samples' own stamps, so that a busy machine that delivers late does not matter.
        assert row["frames_hz"] == pytest.approx(50.0, rel=0.2)
        assert 0.0 < row["p50_ms"] <= row["p99_ms"] <= row["p999_ms"] <= row["max_ms"]
        assert row["faces"] >= 2
