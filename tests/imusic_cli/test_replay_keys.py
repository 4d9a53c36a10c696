"""What a terminal shows of a replay, and what its keys ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import ReplayStatus

from face_model.errors import ImusicError
from imusic_cli.errors import CommandError
from imusic_cli.replay import From, check_options, replay
from imusic_cli.replay_keys import ReplayKeys, status_line
from recorded_bag import write_recording

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


def test_other_lines_begin_below_the_status(capsys: pytest.CaptureFixture[str]) -> None:
    keys = ReplayKeys("")
    keys.make_room()
    keys._status = status()
    keys._show()
    keys._show()
    keys.make_room()
    keys.make_room()
    assert capsys.readouterr().err == "\r\x1b[Kplays  5.0 / 20.4 s  1x\n"


@pytest.mark.parametrize(
    ("rate", "start", "duration", "option"),
    [
        (0.05, 0.0, 0.0, "--rate"),
        (30.0, 0.0, 0.0, "--rate"),
        (1.0, -1.0, 0.0, "--start"),
        (1.0, 0.0, -2.0, "--duration"),
    ],
)
def test_options_out_of_bounds_are_refused_by_their_names(
    rate: float, start: float, duration: float, option: str
) -> None:
    with pytest.raises(CommandError, match=f"^{option}: expected"):
        check_options(rate, start, duration)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"start": 99.0}, r"^--start: expected a place in the 3\.0 s of take, found 99 s"),
        ({"check": True, "source": From.WEIGHTS}, r"^--check: expected faces that are computed again"),
    ],
)
def test_what_the_recording_cannot_give_is_refused_before_anything_starts(
    tmp_path: Path, options: dict[str, Any], found: str
) -> None:
    take = write_recording(tmp_path / "take", 3.0)
    with pytest.raises(ImusicError, match=found):
        replay(str(take), **options)
