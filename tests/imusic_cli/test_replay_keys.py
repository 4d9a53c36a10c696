"""What a terminal shows of a replay, and what its keys ask."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import ReplayStatus  # noqa: E402

from imusic_cli.replay_keys import status_line  # noqa: E402

pytestmark = pytest.mark.ros


def status(state: int = ReplayStatus.STATE_PLAYING, **values: object) -> ReplayStatus:
    return ReplayStatus(state=state, position=5.0, end=20.4, rate=1.0, **values)


def test_laps_are_counted_in_a_loop_only() -> None:
    assert status_line(status(laps=1)) == "plays  5.0 / 20.4 s  1x"
    assert status_line(status(laps=1), loop=True) == "plays  5.0 / 20.4 s  1x  lap 2"


def test_at_the_end_it_says_how_to_go_on() -> None:
    line = status_line(status(ReplayStatus.STATE_ENDED, laps=1))
    assert line == "at its end  5.0 / 20.4 s  1x  0 begins anew, Ctrl-C ends"
