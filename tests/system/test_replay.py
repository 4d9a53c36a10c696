"""The running graph as somebody recorded it, and everything once more from its bytes: samples, stamps and faces."""

from __future__ import annotations

import os
import time

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import FaceBlendshapes, HubBytes, ImuFrame, Snapshot  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.qos import QoSProfile, ReliabilityPolicy  # noqa: E402

from face_inference.engines.onnx_runtime import OnnxRuntimeEngine  # noqa: E402
from face_inference.model_folder import load_model  # noqa: E402
from face_inference.snapshot import missed_by_inference, restore_snapshot  # noqa: E402
from face_inference.tracker import FaceTracker  # noqa: E402
from face_inference.wearer_topics import sample_of  # noqa: E402
from imu_driver import messages  # noqa: E402
from imu_driver.replay import HubReplay, Piece  # noqa: E402
from imusic_cli.supervisor import Supervisor  # noqa: E402
from imusic_ros.graph import load_graph  # noqa: E402
from imusic_ros.qos import REPLAYED, SNAPSHOTS  # noqa: E402

pytestmark = pytest.mark.ros

NAMESPACE = f"replay_{os.getpid()}"
LIMIT_S = 240.0
DEEP = QoSProfile(depth=2000, reliability=ReliabilityPolicy.BEST_EFFORT)


def record(topics, enough):
    """What the demo said on some topics until it was enough."""
    rclpy.init()
    node = rclpy.create_node("onlooker", namespace=NAMESPACE)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    heard = {name: [] for name, _, _ in topics}
    for name, kind, qos in topics:
        node.create_subscription(kind, name, heard[name].append, qos)
    try:
        end = time.monotonic() + LIMIT_S
        while not enough(heard):
            assert time.monotonic() < end, {name: len(found) for name, found in heard.items()}
            executor.spin_once(timeout_sec=0.05)
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown()
    return heard


def stamp_of(message):
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec


def enough(heard):
    """Whether 300 faces follow a snapshot of inference that itself follows one of the driver by a second."""
    if not heard["imu/snapshot"]:
        return False
    begin_ns = stamp_of(heard["imu/snapshot"][0]) + 1_000_000_000
    later = [stamp_of(s) for s in heard["face/snapshot"] if stamp_of(s) > begin_ns]
    return bool(later) and sum(stamp_of(face) > later[0] for face in heard["face/blendshapes"][-1000:]) > 300


def test_the_bytes_give_the_published_faces_again(tmp_path, monkeypatch):
    monkeypatch.setattr("imusic_cli.supervisor.END_PATIENCE_S", 60.0)
    processes = load_graph("demo").started_with({"port": str(tmp_path / "hub"), "page_port": "0"})
    topics = (
        ("imu/bytes", HubBytes, REPLAYED), ("imu/snapshot", Snapshot, SNAPSHOTS), ("imu/frame", ImuFrame, DEEP),
        ("face/snapshot", Snapshot, SNAPSHOTS), ("face/blendshapes", FaceBlendshapes, DEEP),
    )  # fmt: skip
    with Supervisor(processes, NAMESPACE, lambda _name, _line: None):
        heard = record(topics, enough)
    pieces, frames = heard["imu/bytes"], {stamp_of(frame): frame for frame in heard["imu/frame"]}
    faces = {}
    for face in heard["face/blendshapes"]:
        faces.setdefault(stamp_of(face), face)  # the first is computed from a sample, others only from its age

    driver = heard["imu/snapshot"][0]
    after = [piece for piece in pieces if piece.number > driver.after]
    numbers = [piece.number for piece in after]
    assert numbers == list(range(driver.after + 1, driver.after + 1 + len(after)))
    replay, again = HubReplay(bytes(driver.data)), []
    for piece in after:
        told = Piece(piece.direction, piece.arrival, bytes(piece.data), stamp_of(piece))
        again += replay.feed(told)
    assert replay.unexplained == 0
    compared = 0
    for found in again:
        frame = frames.get(found.stamp_ns)
        if frame is not None:
            once_more = ImuFrame(header=frame.header)
            messages.fill_frame(once_more, found.sample)
            assert once_more == frame
            compared += 1
    assert compared > 300

    model = load_model("imusic")
    tracker = FaceTracker(model.description, OnnxRuntimeEngine(model))
    snapshots = [s for s in heard["face/snapshot"] if stamp_of(s) >= again[0].stamp_ns]
    runs = [run for s in heard["face/snapshot"] for run in missed_by_inference(bytes(s.data))]
    compared, waiting, begun = 0, list(snapshots), False
    for found in again:
        while waiting and stamp_of(waiting[0]) < found.stamp_ns:
            restore_snapshot(tracker, bytes(waiting.pop(0).data))
            begun = True
        if not begun or any(first <= found.sample.sequence <= last for first, last in runs):
            continue
        frame = ImuFrame()
        messages.fill_frame(frame, found.sample)
        estimate = tracker.update(sample_of(frame), 0.0)
        face = faces.get(found.stamp_ns)
        if estimate is None or face is None:
            continue
        estimate = tracker.aged(estimate, float(face.age))
        q = face.head_orientation
        assert (face.sequence, face.state) == (estimate.sequence, estimate.state)
        assert face.weights.tobytes() == estimate.weights.tobytes()
        assert face.confidence.tobytes() == estimate.confidence.tobytes()
        assert [q.x, q.y, q.z, q.w] == estimate.head_orientation.tolist()
        compared += 1
    assert compared > 200
