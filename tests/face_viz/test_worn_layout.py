from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from imusic.msg import (
    ImuFrame,
    SensorLayout,
    SensorStates,
)
from visualization_msgs.msg import MarkerArray

from face_model.layout import load_layout
from imusic_ros.qos import LATCHED, RELIABLE
from viz_graph import USABLE, Graph, activate, layout_message

pytestmark = pytest.mark.ros


def test_the_sensors_frames_are_told_once_with_the_layout(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[Any]] = []
    monkeypatch.setattr("imusic_ros.transforms.Transforms.send", lambda self, sent: told.append(list(sent)))
    layout = layout_message()
    layout.header.frame_id = "robot/head"
    layouts = graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED)
    layouts.publish(layout)
    activate(graph)
    graph.spin_until(lambda: told, "frames")
    assert {t.header.frame_id for t in told[-1]} == {"robot/head"}
    assert [t.child_frame_id for t in told[-1]] == [f"imu_{name}" for name in load_layout().names]
    turns = [[getattr(t.transform.rotation, axis) for axis in "xyzw"] for t in told[-1]]
    assert np.linalg.norm(turns, axis=1) == pytest.approx(1.0, abs=1e-9)
    layout.sensors[4].place = [9.0, 9.0]
    layout.header.frame_id = ""
    layouts.publish(layout)
    graph.spin_until(lambda: len(told[-1]) == 11, "frames of the sensors that have a place")
    assert {t.header.frame_id for t in told[-1]} == {"face_head"}
    layout.header.frame_id = "my head"
    count = len(told)
    layouts.publish(layout)
    graph.spin_until(lambda: graph.node._layout.message.header.frame_id == "my head", "layout in a frame that is none")
    assert len(told) == count


def test_the_sensors_states_colour_them(graph: Graph) -> None:
    states = graph.other.create_publisher(SensorStates, "imu/states", LATCHED)
    bits = [USABLE] * 12
    bits[0], bits[7], bits[8] = ImuFrame.STATUS_MISSING, ImuFrame.STATUS_FAULT, USABLE | ImuFrame.STATUS_FAULT
    states.publish(SensorStates(layout_id=1, status=bits))  # before the layout, and before anybody looks
    latched = graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED)
    latched.publish(layout_message())
    seen: list[MarkerArray] = []
    graph.other.create_subscription(MarkerArray, "face/markers", seen.append, RELIABLE)
    activate(graph)

    def reds() -> list[float]:
        return [round(cube.color.r, 2) for cube in seen[-1].markers[1:-1]] if seen else []

    expected = [0.10] * 12
    expected[0], expected[7], expected[8] = 0.55, 1.0, 1.0
    graph.spin_until(lambda: reds() == expected, "coloured cubes", graph.face())
    states.publish(SensorStates(layout_id=2, status=[ImuFrame.STATUS_FAULT] * 12))
    states.publish(SensorStates(layout_id=1, status=[ImuFrame.STATUS_FAULT] * 3))
    states.publish(SensorStates(layout_id=1, status=[USABLE] * 11 + [ImuFrame.STATUS_MISSING]))
    graph.spin_until(lambda: reds() == [0.10] * 11 + [0.55], "states of this layout and no other", graph.face())


def test_a_place_off_the_skin_is_told_and_the_others_are_drawn(graph: Graph, capfd: pytest.CaptureFixture[str]) -> None:
    message = layout_message()
    message.sensors[4].place = [9.0, 9.0]
    message.sensors[6].place = [float("nan"), 0.0]
    graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED).publish(message)
    states = graph.other.create_publisher(SensorStates, "imu/states", LATCHED)
    states.publish(SensorStates(layout_id=1, status=[USABLE] * 7 + [ImuFrame.STATUS_MISSING] + [USABLE] * 4))
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)
    activate(graph)
    graph.spin_until(lambda: graph.node._layout.sensors is not None, "layout")
    (warning,) = [line for line in capfd.readouterr().err.splitlines() if "[WARN]" in line and "not drawn" in line]
    names = [info.name for info in graph.node._layout.sensors.infos()]
    left_out = message.sensors[4].name, message.sensors[6].name
    assert names == [sensor.name for sensor in message.sensors if sensor.name not in left_out]
    assert all(name in warning for name in left_out)
    graph.spin_until(
        lambda: graph.node._layout.sensors.statuses.tolist() == [0] * 5 + [2] + [0] * 4, "states", graph.face()
    )


def test_a_layout_without_sensors_draws_none(graph: Graph) -> None:
    layouts = graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED)
    layouts.publish(layout_message())
    activate(graph)
    graph.spin_until(lambda: graph.node._layout.sensors is not None, "layout")
    layouts.publish(SensorLayout(layout_id=2, name="empty"))
    graph.spin_until(lambda: graph.node._layout.sensors is None, "no sensors")
