"""Numbers of what a listener heard."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from imusic_cli.errors import CommandError
from imusic_cli.latency import summarise
from imusic_cli.node import Faces

pytestmark = pytest.mark.ros


def faces(sequence: np.ndarray, age_s: np.ndarray) -> Faces:
    count = len(sequence)
    zeros = np.zeros((count, 52), np.float32)
    stamp_s = 1000.0 + sequence / 100.0
    return Faces(
        sequence, stamp_s, age_s, zeros, zeros, np.ones(count, np.uint8), frame_sequence=sequence, frame_stamp_s=stamp_s
    )


def test_rate_percentiles_and_losses() -> None:
    sequence = np.delete(np.arange(50, 1051), [10, 11, 500])
    result = summarise(faces(sequence, np.linspace(0.001, 0.005, len(sequence))), "serial", 10.0)
    assert result.lost == result.frames_lost == 3
    assert result.rate_hz == pytest.approx(99.7, abs=0.01)
    assert result.p50_ms == pytest.approx(3.0, abs=0.01)
    assert result.p99_ms == pytest.approx(4.96, abs=0.01)
    assert result.max_ms == pytest.approx(5.0)


def test_repeated_faces_of_a_silent_hub_are_no_losses() -> None:
    sequence = np.array([1, 2, 3, 3, 3, 4])
    assert summarise(faces(sequence, np.full(6, 0.001)), "udp", 1.0).lost == 0


def test_silence_is_an_error() -> None:
    with pytest.raises(CommandError, match="found 0"):
        summarise(faces(np.zeros(0, np.int64), np.zeros(0)), "serial", 1.0)
