"""What is found out before any process starts."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")

from imusic_cli.errors import CommandError
from imusic_cli.run import check_files
from imusic_ros.graph import Process

pytestmark = pytest.mark.ros


def process(**overrides: object) -> tuple[Process, ...]:
    return (Process("imu_sim", "imu_sim", Path(), False, overrides),)


@pytest.mark.parametrize("motion", ["performance", "say:Hello.", "routine", "routine:7"])
def test_motion_without_a_file_is_accepted(motion: str) -> None:
    check_files(process(motion=motion))


def test_a_take_must_be_there(tmp_path: Path) -> None:
    take = tmp_path / "take.csv"
    with pytest.raises(CommandError, match=r"or a Live Link Face CSV, found no file .*take\.csv"):
        check_files(process(motion=str(take)))
    take.touch()
    check_files(process(motion=str(take)))


@pytest.mark.parametrize("key", ["model", "layout", "face"])
def test_what_cannot_be_loaded_is_said_in_the_loaders_words(key: str) -> None:
    with pytest.raises(CommandError, match=r"nowhere"):
        check_files(process(**{key: "nowhere.yaml"}))
