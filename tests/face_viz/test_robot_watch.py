from __future__ import annotations

import math
from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from sensor_msgs.msg import JointState
from std_msgs.msg import String

from imusic_ros.qos import LATCHED, RELIABLE
from viz_graph import Graph, activate, note, watching

pytestmark = pytest.mark.ros


def test_a_robots_head_is_told_while_there_is_one_and_somebody_looks(graph: Graph) -> None:
    activate(graph)
    page = graph.node._page
    with watching(page):
        descriptions = graph.other.create_publisher(String, "robot_head/description", LATCHED)
        joints = graph.other.create_publisher(JointState, "robot_head/joints", RELIABLE)
        descriptions.publish(String(data="<robot/>"))
        assert graph.spin_until(lambda: note(page, "robot"), "robot") == {"urdf": "<robot/>"}

        def told() -> Any:
            joints.publish(JointState(name=["jaw", "neck"], position=[0.25, math.nan]))
            return note(page, "joints")

        assert graph.spin_until(told, "joints") == {"jaw": 0.25}
        graph.other.destroy_publisher(descriptions)
        graph.spin_until(lambda: note(page, "robot") is None and note(page, "joints") is None, "end of the robot")
