"""The tree of two wearers as tf2 itself sees it, from the real processes; skipped where tf2_ros is not installed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
tf2_ros = pytest.importorskip("tf2_ros", reason="needs tf2_ros, which the wheels do not hold: use a distribution")

from imusic.msg import FaceBlendshapes  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.qos import qos_profile_sensor_data  # noqa: E402
from rclpy.time import Time  # noqa: E402
from sensor_msgs.msg import Imu  # noqa: E402

from face_model.layout import load_layout  # noqa: E402
from imusic_cli.supervisor import Supervisor  # noqa: E402
from imusic_ros.graph import load_graph  # noqa: E402

pytestmark = pytest.mark.ros
WEARERS = tuple(f"tf{os.getpid()}_{name}" for name in ("alice", "bob"))
LIMIT_S = 240.0


def test_two_heads_turn_under_a_robot_each_with_its_sensors(tmp_path: Path) -> None:
    lines: list[str] = []
    graphs = []
    for wearer in WEARERS:
        values = {"port": str(tmp_path / wearer), "page_port": "0", "parent_frame": "robot/{wearer}_neck"}
        processes = load_graph("demo").started_with(values)
        graphs.append(Supervisor(processes, wearer, lambda name, line: lines.append(f"{name}: {line}")))
    rclpy.init()
    node = rclpy.create_node("onlooker")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        with graphs[0], graphs[1]:
            look(node, executor, lines)
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()


def look(node: Any, executor: Any, lines: list[str]) -> None:
    buffer = tf2_ros.Buffer()
    listener = tf2_ros.TransformListener(buffer, node)
    faces: dict[str, list[FaceBlendshapes]] = {wearer: [] for wearer in WEARERS}
    imus: dict[str, list[Imu]] = {wearer: [] for wearer in WEARERS}
    for wearer in WEARERS:
        quality = qos_profile_sensor_data
        node.create_subscription(FaceBlendshapes, f"/{wearer}/face/blendshapes", faces[wearer].append, quality)
        node.create_subscription(Imu, f"/{wearer}/imu/mentalis/data", imus[wearer].append, quality)

    def wait(what: str, done: Callable[[], Any]) -> None:
        end_s = time.monotonic() + LIMIT_S
        while not done():
            assert time.monotonic() < end_s, f"no {what} in time; the nodes printed:\n" + "\n".join(lines)
            executor.spin_once(timeout_sec=0.1)

    for wearer in WEARERS:
        parent, head = f"robot/{wearer}_neck", f"{wearer}/face_head"
        wait("head", lambda parent=parent, head=head: buffer.can_transform(parent, head, Time()))

        def known(wearer: str = wearer, parent: str = parent, head: str = head) -> Any:
            """A face whose moment the tree knows."""
            return next(
                (f for f in faces[wearer][-50:] if buffer.can_transform(parent, head, Time.from_msg(f.header.stamp))),
                None,
            )

        wait("face of a moment that the tree knows", known)
        face = known()
        assert face.header.frame_id == head
        found = buffer.lookup_transform(parent, head, Time.from_msg(face.header.stamp)).transform.rotation
        said = face.head_orientation
        assert abs(np.dot([found.x, found.y, found.z, found.w], [said.x, said.y, said.z, said.w])) > 1.0 - 1e-6
        names = [f"{wearer}/imu_{name}" for name in load_layout().names]
        wait("sensors", lambda head=head, names=names: all(buffer.can_transform(head, n, Time()) for n in names))
        skull = load_layout().sensors[load_layout().reference_index]
        there = buffer.lookup_transform(head, f"{wearer}/imu_{skull.name}", Time()).transform.translation
        assert skull.skull is not None
        assert (there.x, there.y, there.z) == pytest.approx(skull.skull.position_m, abs=1e-6)
        chin = buffer.lookup_transform(head, f"{wearer}/imu_mentalis", Time()).transform
        assert chin.translation.x > 0.05
        assert chin.translation.z < -0.05
        wait("sample of a sensor", lambda wearer=wearer: imus[wearer])
        assert imus[wearer][-1].header.frame_id == f"{wearer}/imu_mentalis"
        turns = len({(f.head_orientation.z, f.head_orientation.w) for f in faces[wearer]})
        assert turns > 1, "the head of the demo turns"
    assert not buffer.can_transform(f"{WEARERS[0]}/face_head", f"{WEARERS[1]}/face_head", Time()), "nobody said how"
    listener.unregister()
