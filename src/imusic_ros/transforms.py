"""Transforms between frames on `/tf` and `/tf_static`, where tf2_msgs is installed; the wheels do not hold it.

What is sent is the message that tf2's own broadcasters send, with their quality of service. It is sent here and not by
tf2_ros, because a lifecycle publisher is silent while the node is not active, and messages are all that is needed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from geometry_msgs.msg import TransformStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header

from imusic_ros.managed_node import ManagedNode

MOVING = QoSProfile(depth=100)
STATIC = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""Those of tf2's broadcasters."""

MISSING = "tf2_msgs is not installed"
CURE = "install tf2_ros (in a distribution: ros-$ROS_DISTRO-tf2-ros), and start again; everything else works without it"


def tf_message_type() -> Any:
    """`tf2_msgs/TFMessage`; None where it is not installed."""
    try:
        return importlib.import_module("tf2_msgs.msg").TFMessage
    except ImportError:
        return None


def transform(
    header: Header, child: str, position_m: Sequence[float], orientation: Sequence[float]
) -> TransformStamped:
    """Where a frame is in that of the header.

    Args:
        header: its frame is the parent.
        child: name of the frame.
        position_m: (3,) of the child's origin, in the parent.
        orientation: (4,) unit quaternion x, y, z, w, child's axes to the parent's.
    """
    message = TransformStamped(header=header, child_frame_id=child)
    t, q = message.transform.translation, message.transform.rotation
    t.x, t.y, t.z = (float(v) for v in position_m)
    q.x, q.y, q.z, q.w = (float(v) for v in orientation)
    return message


class Transforms:
    """Publishes transforms; says once, when it is made, that it cannot where tf2_msgs is missing.

    Args:
        node: that they belong to.
        static: on `/tf_static`, where the newest message replaces the one before for whoever comes later; else `/tf`.
        what: which transforms, for the log.
        message_type: finds tf2_msgs/TFMessage.
    """

    def __init__(
        self, node: ManagedNode, static: bool, what: str, message_type: Callable[[], Any] = tf_message_type
    ) -> None:
        self._node, self._type = node, message_type()
        self._publisher: Any = None
        topic = "/tf_static" if static else "/tf"
        if self._type is None:
            node.get_logger().info(f"{MISSING}: no {what} on {topic}; {CURE}")
        else:
            self._publisher = node.create_lifecycle_publisher(self._type, topic, STATIC if static else MOVING)

    @property
    def available(self) -> bool:
        """Whether tf2_msgs is there."""
        return self._publisher is not None

    def send(self, transforms: Iterable[TransformStamped]) -> None:
        """Publish them in one message; none is none."""
        sent = list(transforms)
        if sent and self._publisher is not None:
            self._publisher.publish(self._type(transforms=sent))

    def close(self) -> None:
        """Withdraw the publisher."""
        if self._publisher is not None:
            self._node.destroy_publisher(self._publisher)
            self._publisher = None
