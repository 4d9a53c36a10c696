"""Twelve `sensor_msgs/Imu` topics out of a bag drive a face as the hub did from which they were recorded."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
pytest.importorskip("rosbags", reason="needs rosbags: run `make setup`")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from imusic.msg import FaceBlendshapes, ImuFrame, SensorLayout  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.qos import QoSProfile, ReliabilityPolicy  # noqa: E402
from rclpy.serialization import deserialize_message  # noqa: E402
from rosbags.rosbag2 import Reader, StoragePlugin, Writer  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from sensor_msgs.msg import Imu  # noqa: E402

from face_inference.engines.onnx_runtime import OnnxRuntimeEngine  # noqa: E402
from face_inference.model_folder import load_model  # noqa: E402
from face_inference.tracker import FaceTracker  # noqa: E402
from face_inference.wearer_topics import layout_of, sample_of  # noqa: E402
from face_model.layout import load_layout  # noqa: E402
from face_recording.bag_reader import typestore  # noqa: E402
from imusic_cli.supervisor import Supervisor  # noqa: E402
from imusic_ros.graph import load_graph  # noqa: E402
from imusic_ros.qos import LATCHED, SAMPLES  # noqa: E402

pytestmark = pytest.mark.ros

NAMES = load_layout("face_12").names
RECORDED, PLAYED = f"recorded_{os.getpid()}", f"played_{os.getpid()}"
SECONDS = 9.0
"""Three of rest, in which the neutral is learned, and six of performance."""
LIMIT_S = 240.0
ALL = QoSProfile(depth=2000, reliability=ReliabilityPolicy.BEST_EFFORT)

MEDIAN, LARGEST_95 = 0.001, 0.02
"""Weights of both ways differ by less than this. Without a lost message they differ by 0.0000004 and 0.00007; a machine
with more to do loses some."""


def seconds(stamp: Any) -> float:
    return float(stamp.sec) + 1e-9 * float(stamp.nanosec)


class Onlooker:
    """A node that hears a graph and ends in time."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.node = rclpy.create_node("onlooker", namespace=RECORDED)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    def until(self, what: str, done: Callable[[], Any]) -> None:
        end_s = time.monotonic() + LIMIT_S
        while not done():
            assert time.monotonic() < end_s, f"no {what} in time; the nodes printed:\n" + "\n".join(self.lines)
            self.executor.spin_once(timeout_sec=0.1)


@contextmanager
def running(graph: str, nodes: set[str], namespace: str, **values: Any) -> Iterator[Onlooker]:
    """Some processes of a graph, and somebody who looks on."""
    lines: list[str] = []
    processes = [process for process in load_graph(graph).started_with(values) if process.name in nodes]
    rclpy.init()
    try:
        with Supervisor(processes, namespace, lambda name, line: lines.append(f"{name}: {line}")):
            onlooker = Onlooker(lines)
            yield onlooker
            onlooker.executor.shutdown()
            onlooker.node.destroy_node()
    finally:
        rclpy.try_shutdown()


def record(path: Path, link: Path) -> tuple[list[ImuFrame], SensorLayout]:
    """The topics that a driver publishes on demand, as a bag; the frames of the same samples."""
    frames: list[ImuFrame] = []
    layouts: list[SensorLayout] = []
    messages: list[tuple[str, bytes]] = []
    with running("headless", {"imu_sim", "imu_driver"}, RECORDED, port=str(link)) as onlooker:
        node = onlooker.node
        node.create_subscription(SensorLayout, "imu/layout", layouts.append, LATCHED)
        node.create_subscription(ImuFrame, "imu/frame", frames.append, SAMPLES)
        for name in NAMES:
            topic = f"imu/{name}/data"
            node.create_subscription(
                Imu, topic, lambda data, name=name: messages.append((name, bytes(data))), ALL, raw=True
            )
        onlooker.until("layout", lambda: layouts)
        onlooker.until("samples", lambda: len(frames) > 100 * SECONDS)
    store = typestore()
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        to = {
            name: writer.add_connection(f"/imu/{name}/data", "sensor_msgs/msg/Imu", typestore=store) for name in NAMES
        }
        for name, data in messages:
            stamp = deserialize_message(data, Imu).header.stamp
            writer.write(to[name], stamp.sec * 1_000_000_000 + stamp.nanosec + 1_000_000, data)
    return frames, layouts[0]


def direct(frames: list[ImuFrame], layout: SensorLayout) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Stamps and weights of the frames, by the estimator itself."""
    model = load_model("imusic")
    tracker = FaceTracker(model.description, OnnxRuntimeEngine(model, 1))
    tracker.set_layout(layout_of(layout))
    stamps, weights = [], []
    for frame in frames:
        sample = sample_of(frame)
        assert sample is not None
        face = tracker.update(sample, seconds(frame.header.stamp))
        if face is not None:
            stamps.append(seconds(frame.header.stamp))
            weights.append(face.weights.astype(np.float64))
    return np.array(stamps), np.array(weights)


def played(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[str, str]]:
    """Stamps and weights of the running graph from the topics of a bag, and what the driver said of itself.

    The bag is played by `/clock`, sample for sample: the next one when the face of one before is there, so that a
    machine with more to do only takes longer.
    """
    instants: dict[int, list[tuple[str, bytes]]] = {}
    with Reader(path) as reader:
        for connection, time_ns, data in reader.messages():
            instants.setdefault(time_ns, []).append((connection.topic, bytes(data)))
    faces: list[FaceBlendshapes] = []
    health: dict[str, str] = {}

    def keep(message: DiagnosticArray) -> None:
        health.update({status.name.removeprefix(f"{PLAYED}/"): status.message for status in message.status})

    nodes = {"imu_driver", "face_inference"}
    values = {"hub": "imu_topics", "topics": "/imu/{sensor}/data", "use_sim_time": "true"}
    with running("capture", nodes, PLAYED, **values) as onlooker:
        node = onlooker.node
        node.create_subscription(FaceBlendshapes, f"/{PLAYED}/face/blendshapes", faces.append, SAMPLES)
        node.create_subscription(DiagnosticArray, "/diagnostics", keep, 10)
        to = {f"/imu/{name}/data": node.create_publisher(Imu, f"/imu/{name}/data", SAMPLES) for name in NAMES}
        clock = node.create_publisher(Clock, "/clock", SAMPLES)
        onlooker.until(
            "subscribers",
            lambda: (
                all(publisher.get_subscription_count() for publisher in to.values())
                and clock.get_subscription_count() >= len(nodes)
                and node.count_publishers(f"/{PLAYED}/face/blendshapes")
            ),
        )
        begin_ns = min(instants) - 500_000_000
        for now_ns in range(begin_ns, min(instants), 10_000_000):  # the clock is known before the first message
            _tell(clock, now_ns)
            onlooker.executor.spin_once(timeout_sec=0.02)
        for count, (time_ns, messages) in enumerate(sorted(instants.items())):
            _tell(clock, time_ns + 7_000_000)
            for topic, data in messages:
                to[topic].publish(data)
            patient_s, before_s = time.monotonic() + 2.0, 1e-9 * time_ns - 0.022

            def arrived(patient_s: float = patient_s, before_s: float = before_s) -> bool:
                # Now and then a frame is lost between driver and inference, as best effort allows.
                return bool(faces and seconds(faces[-1].header.stamp) > before_s) or time.monotonic() > patient_s

            onlooker.until(f"face of sample {count}", arrived)
    stamps = np.array([seconds(face.header.stamp) for face in faces])
    tracked = np.array([face.state == FaceBlendshapes.STATE_TRACKING for face in faces])
    weights = np.array([face.weights for face in faces], np.float64)
    return stamps[tracked], weights[tracked], health


def _tell(clock: Any, now_ns: int) -> None:
    message = Clock()
    message.clock.sec, message.clock.nanosec = divmod(now_ns, 1_000_000_000)
    clock.publish(message)


def test_topics_out_of_a_bag_give_the_face_of_the_hub(tmp_path: Path) -> None:
    frames, layout = record(tmp_path / "bag", tmp_path / "hub")
    direct_s, expected = direct(frames, layout)
    played_s, found, health = played(tmp_path / "bag")
    assert "no message yet" not in health["imu_driver"]
    inside = (played_s > direct_s[0] + 3.0) & (played_s < direct_s[-1])
    played_s, found = played_s[inside], found[inside]
    assert len(found) > 300
    wanted = np.column_stack([np.interp(played_s, direct_s, column) for column in expected.T])
    assert np.ptp(wanted, axis=0).max() > 0.3, "it is a face that moves"
    differences = np.abs(found - wanted)
    told = (
        f"{len(found)} faces: median {np.median(differences):.5f}, mean {differences.mean():.5f}, 95 % of the largest "
        f"of a face {np.quantile(differences.max(axis=1), 0.95):.4f}, largest {differences.max():.4f}"
    )
    print(told)  # noqa: T201
    assert np.median(differences) < MEDIAN, told
    assert np.quantile(differences.max(axis=1), 0.95) < LARGEST_95, told
    assert float(health["imu_driver"].split(" Hz")[0]) == pytest.approx(100.0, abs=10.0), health["imu_driver"]
