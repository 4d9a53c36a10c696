"""What is found out before any process starts."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")

from imusic_cli.errors import CommandError, UsageError
from imusic_cli.run import _free_place, check_files, run_graph
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


class Watch:
    """What `GraphWatch` knows where nodes of other graphs run."""

    def __init__(self, *heard: str) -> None:
        self.heard = set(heard)
        self.place = ""

    def already_running(self, beside: Collection[str] = ()) -> list[str]:
        return sorted(name for name in self.heard if "/" not in name)

    def move(self, place: str) -> None:
        self.place = place


def test_a_second_demo_takes_a_namespace_of_its_own_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert _free_place(Watch(), "demo", "") == ""  # type: ignore[arg-type]
    watch = Watch("imu_driver", "face_viz", "demo_2/imu_driver")
    assert _free_place(watch, "demo", "") == "demo_3"  # type: ignore[arg-type]
    assert watch.place == "demo_3"
    assert "this demo is in /demo_3" in capsys.readouterr().err


@pytest.mark.parametrize(("graph", "place"), [("capture", ""), ("capture", "alice"), ("demo", "alice")])
def test_a_namespace_that_is_taken_is_refused(graph: str, place: str) -> None:
    with pytest.raises(CommandError, match=rf"in the namespace /{place}, found imu_driver running: .*--namespace"):
        _free_place(Watch("imu_driver"), graph, place)  # type: ignore[arg-type]


@pytest.mark.parametrize("namespace", ["a b", "1a", "a//b", "ä", "a-b", "a" * 300])
def test_a_namespace_that_ros_does_not_take_is_refused_before_anything_is_loaded(namespace: str) -> None:
    with pytest.raises(CommandError, match="namespace: expected letters"):
        run_graph("capture", {}, namespace)


@pytest.mark.parametrize(
    ("names", "found"), [("", "found none"), ("a b", "'a b'"), ("alice,,bob", "''"), ("a,a", "more than once")]
)
def test_names_of_wearers_are_checked_before_anything_starts(names: str, found: str) -> None:
    with pytest.raises(CommandError, match=found):
        run_graph("inference", {"wearers": names.split(",")})


@pytest.mark.parametrize(
    ("streams", "mapping", "told"),
    [("vnc://", "plain", "did you mean vmc"), ("vmc://", "vtubers", "did you mean vtuber"), ("ws://", "vtuber", "")],
)
def test_streams_that_make_no_sense_are_told_before_anything_starts(streams: str, mapping: str, told: str) -> None:
    wanted = process(streams=streams, mapping=mapping)
    if not told:
        check_files(wanted)
        return
    with pytest.raises(UsageError, match=told):
        check_files(wanted)
