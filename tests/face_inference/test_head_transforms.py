from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from face_inference.head_transforms import HeadTransform, parent_of

pytestmark = pytest.mark.ros
TURNED = (0.0, 0.0, 0.6, 0.8)


def header(sec: int, frame_id: str = "alice/face_head") -> Header:
    return Header(stamp=Time(sec=sec), frame_id=frame_id)


@pytest.mark.parametrize(
    ("pattern", "namespace", "parent"),
    [
        ("", "/alice", ""),
        ("map", "/alice", "map"),
        ("{wearer}/neck", "/lab/alice", "lab/alice/neck"),
        ("{wearer}/neck", "/", "neck"),
        ("tracker_{wearer}", "/bob", "tracker_bob"),
    ],
)
def test_the_parent_may_name_the_wearer(pattern: str, namespace: str, parent: str) -> None:
    assert parent_of(pattern, namespace) == parent


def test_a_parent_that_is_no_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the name of a frame"):
        parent_of("my head", "/")


def test_the_head_turns_in_its_parent_and_keeps_the_samples_stamp() -> None:
    found = HeadTransform("map").of(header(7), TURNED)
    assert found is not None
    assert (found.header.frame_id, found.child_frame_id, found.header.stamp.sec) == ("map", "alice/face_head", 7)
    assert (found.transform.rotation.z, found.transform.rotation.w) == (0.6, 0.8)
    assert found.transform.translation.x == 0.0


def test_a_moment_is_told_once_and_a_clock_that_went_back_is_followed() -> None:
    head = HeadTransform("map")
    told = [head.of(header(sec), TURNED) is not None for sec in (5, 5, 6, 2, 2)]
    assert told == [True, False, True, True, False]


@pytest.mark.parametrize("frame_id", ["map", "", "/face_head"])
def test_a_head_that_cannot_be_in_the_tree_is_told(frame_id: str) -> None:
    head = HeadTransform("map")
    assert head.of(header(1, frame_id), TURNED) is None
    assert "no transform of the head" in head.problem
    assert head.of(header(2), TURNED) is not None
    assert not head.problem
