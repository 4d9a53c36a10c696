"""What a terminal shows of a replay, and what its keys ask."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import ReplayStatus

from imusic_cli.replay_keys import ReplayKeys, status_line

pytestmark = pytest.mark.ros


def status(state: int = ReplayStatus.STATE_PLAYING, **values: object) -> ReplayStatus:
    return ReplayStatus(state=state, position=5.0, end=20.4, rate=1.0, **values)


def test_laps_are_counted_in_a_loop_only() -> None:
    assert status_line(status(laps=1)) == "plays  5.0 / 20.4 s  1x"
    assert status_line(status(laps=1), loop=True) == "plays  5.0 / 20.4 s  1x  lap 2"


def test_at_the_end_it_says_how_to_go_on() -> None:
    line = status_line(status(ReplayStatus.STATE_ENDED, laps=1))
    assert line == "at its end  5.0 / 20.4 s  1x  0 begins anew, Ctrl-C ends"


@pytest.mark.parametrize(
    ("told", "loop", "expected", "exit_status"),
    [
        (None, False, "check ended before anything was compared", 1),
        (status(equal=700), False, "check ended at 5.0 of 20.4 s: 700 equal, 0 different, 0 missing", 1),
        (status(equal=700), True, "check ended at 5.0 of 20.4 s: 700 equal, 0 different, 0 missing", 1),
        (status(equal=700, laps=2), True, "check ended after lap 2: 700 equal, 0 different, 0 missing", 0),
        (status(equal=700, laps=2, missing=1), True, "check ended after lap 2: 700 equal, 0 different, 1 missing", 1),
    ],
)
def test_a_check_that_is_ended_tells_its_verdict_so_far(
    told: ReplayStatus | None, loop: bool, expected: str, exit_status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ReplayKeys("", loop, check=True)
    keys._status = told
    assert keys.interrupted() == exit_status
    assert capsys.readouterr().err.strip() == expected


def test_a_replay_without_a_check_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert ReplayKeys("").interrupted() == 0
    assert not capsys.readouterr().err
