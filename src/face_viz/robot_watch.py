"""A robot's head on the page, beside the face that moves it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from rclpy.node import Node
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from imusic_ros.qos import LATCHED, SENSOR_DATA

ROBOT_S: Final = 1.0 / 30.0
"""Between two poses of a robot that viewers are told: more often nobody sees."""

Tell = Callable[[str, Mapping[str, Any] | None], None]


class RobotWatch:
    """Listens to a robot's joints where there is a robot; its URDF comes first, and anew when it changes.

    Args:
        node: that the subscriptions belong to.
        tell: see `FacePage.tell`.
    """

    def __init__(self, node: Node, tell: Tell) -> None:
        self._node, self._tell = node, tell
        self._listening: list[Any] = []
        self._told_s = 0.0

    def watch(self, there: bool) -> None:
        """Whether there is a robot, as it seems now."""
        if there and not self._listening:
            subscribe = self._node.create_subscription
            self._listening = [
                subscribe(String, "robot_head/description", self._on_description, LATCHED),
                subscribe(JointState, "robot_head/joints", self._on_joints, SENSOR_DATA, raw=True),
            ]
        elif not there and self._listening:
            for subscription in self._listening:
                self._node.destroy_subscription(subscription)
            self._listening = []
            self._tell("robot", None)
            self._tell("joints", None)

    def _on_description(self, message: String) -> None:
        self._tell("robot", {"urdf": message.data})

    def _on_joints(self, raw: bytes) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s < ROBOT_S:
            return
        self._told_s = now_s
        message = deserialize_message(raw, JointState)
        angles = zip(message.name, message.position, strict=False)
        self._tell("joints", {name: round(angle, 4) for name, angle in angles if math.isfinite(angle)})
