"""The viewer's node in one process with a node that talks to it, on real ROS 2; a viewer of its page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

aiohttp = pytest.importorskip("aiohttp")
rclpy = pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from imusic.msg import (  # noqa: E402
    FaceBlendshapes,
    ImuFrame,
    SensorLayout,
    SensorMount,
)
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402

from face_model.layout import load_layout  # noqa: E402
from face_viz.node import FaceVizNode  # noqa: E402
from face_viz.page import FacePage  # noqa: E402
from imusic_ros.qos import SENSOR_DATA  # noqa: E402

SUCCESS = TransitionCallbackReturn.SUCCESS
USABLE = ImuFrame.STATUS_VALID | ImuFrame.STATUS_ORIENTATION_VALID


class Graph:
    """The node, a second node that talks to it, and an executor for both."""

    def __init__(self) -> None:
        self.node = FaceVizNode()
        self.node.set_parameters([Parameter("port", value=0)])
        self.other = rclpy.create_node("onlooker")
        self.executor = SingleThreadedExecutor()
        for node in (self.node, self.other):
            self.executor.add_node(node)
        self.faces = self.other.create_publisher(FaceBlendshapes, "face/blendshapes", SENSOR_DATA)
        self.sequence = 0

    def face(self, jaw: float = 0.0) -> FaceBlendshapes:
        self.sequence += 1
        message = FaceBlendshapes(sequence=self.sequence, state=FaceBlendshapes.STATE_TRACKING, age=0.004, model="m 1")
        message.header.frame_id = "face_head"
        message.header.stamp.sec, message.header.stamp.nanosec = 1000 + self.sequence, 123
        message.weights[FaceBlendshapes.JAW_OPEN] = jaw
        message.confidence = np.full(52, 0.8, np.float32)
        message.head_orientation.w = 1.0
        return message

    def spin_until(self, done: Callable[[], Any], what: str, face: FaceBlendshapes | None = None) -> Any:
        end_s = time.monotonic() + 120.0
        while not (found := done()):
            assert time.monotonic() < end_s, f"no {what} within 120 s"
            if face is not None:
                self.sequence += 1
                face.sequence = self.sequence
                face.header.stamp.sec = 1000 + self.sequence
                self.faces.publish(face)
            self.executor.spin_once(timeout_sec=0.02)
        return found

    def close(self) -> None:
        self.node.close()
        self.executor.shutdown()
        self.node.destroy_node()
        self.other.destroy_node()


def activate(graph: Graph) -> None:
    assert graph.node.trigger_configure() == SUCCESS
    assert graph.node.trigger_activate() == SUCCESS


def layout_message(missing: str = "", name: str = "of_the_robot") -> SensorLayout:
    """The shipped sensors, under a name that no layout file of this machine has."""
    mounts = []
    for sensor in load_layout().sensors:
        mount = SensorMount(id=sensor.id, name=sensor.name, present=sensor.name != missing, reference=sensor.reference)
        if sensor.place is not None:
            mount.place = list(sensor.place)
        if sensor.skull is not None:
            p, q = mount.skull_pose.position, mount.skull_pose.orientation
            p.x, p.y, p.z = sensor.skull.position_m
            q.x, q.y, q.z, q.w = sensor.skull.orientation
        mounts.append(mount)
    return SensorLayout(layout_id=1, name=name, sensors=mounts)


@contextlib.contextmanager
def watching(page: FacePage) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A viewer of the page, in a thread of its own; what is passed to the function it says to the server."""
    end = threading.Event()
    words: queue.SimpleQueue[str] = queue.SimpleQueue()

    async def watch() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{page.url}/frames") as viewer:
            while not end.is_set():
                await viewer.receive()
                while not words.empty():
                    await viewer.send_str(words.get())

    thread = threading.Thread(target=lambda: asyncio.run(watch()))
    thread.start()
    try:
        yield lambda message: words.put(json.dumps(message))
    finally:
        end.set()
        thread.join()


def note(page: FacePage, name: str) -> Any:
    """What the page was last told under this name; None if nothing."""
    found = page.notes().get(name)
    return None if found is None else json.loads(found[1])["value"]
