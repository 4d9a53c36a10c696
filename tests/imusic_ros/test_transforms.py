"""Transforms as messages, with a stand-in for tf2_msgs; the real one is asked in tests/system/test_transforms.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")

from builtin_interfaces.msg import Time  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.qos import DurabilityPolicy  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from visualization_msgs.msg import MarkerArray  # noqa: E402

from imusic_ros import transforms as module  # noqa: E402
from imusic_ros.managed_node import ManagedNode  # noqa: E402
from imusic_ros.transforms import Transforms, transform  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Iterator[ManagedNode]:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    rclpy.init()
    node = ManagedNode("transformer", ())
    yield node
    node.destroy_node()
    rclpy.try_shutdown()


def test_a_transform_holds_parent_child_and_pose() -> None:
    header = Header(stamp=Time(sec=3, nanosec=4), frame_id="map")
    message = transform(header, "alice/face_head", (1.0, 2.0, 3.0), (0.0, 0.6, 0.0, 0.8))
    assert (message.header.frame_id, message.child_frame_id, message.header.stamp.sec) == ("map", "alice/face_head", 3)
    assert (message.transform.translation.y, message.transform.rotation.y, message.transform.rotation.w) == (
        2,
        0.6,
        0.8,
    )


def test_without_tf2_one_line_says_so_and_sending_harms_nothing(
    node: ManagedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(type(node.get_logger()), "info", lambda self, line: lines.append(line))
    sender = Transforms(node, static=False, what="transform of the head", message_type=lambda: None)
    sender.send([transform(Header(), "a", (0, 0, 0), (0, 0, 0, 1))])
    sender.close()
    assert not sender.available
    (line,) = lines
    assert line.startswith("tf2_msgs is not installed: no transform of the head on /tf; install tf2_ros")


def test_what_is_not_installed_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(module.importlib, "import_module", missing)
    assert module.tf_message_type() is None


@pytest.mark.parametrize(
    ("static", "topic", "durability"),
    [(False, "/tf", DurabilityPolicy.VOLATILE), (True, "/tf_static", DurabilityPolicy.TRANSIENT_LOCAL)],
)
def test_with_tf2_there_is_a_lifecycle_publisher_with_its_quality_of_service(
    node: ManagedNode, static: bool, topic: str, durability: Any
) -> None:
    sent: list[Any] = []

    class Message(MarkerArray):  # any built message: the publisher needs one
        def __init__(self, transforms: list[Any]) -> None:
            super().__init__()
            sent.append(transforms)

    sender = Transforms(node, static, "anything", lambda: MarkerArray)
    sender._type = Message
    (info,) = node.get_publishers_info_by_topic(topic)
    assert info.qos_profile.durability == durability
    assert node.trigger_configure() == node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    sender.send([])
    sender.send(iter([transform(Header(), "a", (0, 0, 0), (0, 0, 0, 1))]))
    assert [len(transforms) for transforms in sent] == [1]
    sender.close()
    assert not node.get_publishers_info_by_topic(topic)
