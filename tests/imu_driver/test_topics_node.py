"""The driver on real ROS 2 with sensors that are topics of other drivers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from imusic.msg import HubBytes, ImuFrame, SensorLayout, Snapshot  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from sensor_msgs.msg import Imu  # noqa: E402

from face_model.layout import load_layout  # noqa: E402
from imu_driver import messages  # noqa: E402
from imu_driver.gyro_bias import GyroBiasFile  # noqa: E402
from imu_driver.hub import GyroBias, HubIdentity, HubSensor  # noqa: E402
from imu_driver.node import ImuDriverNode  # noqa: E402
from imu_driver.replay import HubReplay, Piece  # noqa: E402
from imusic_ros.qos import LATCHED, REPLAYED, SENSOR_DATA, SNAPSHOTS  # noqa: E402
from node_bench import NodeBench  # noqa: E402

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
NAMES = load_layout("face_12").names


class TopicsBench(NodeBench):
    """The driver, and units of other drivers that are published by hand."""

    def __init__(self) -> None:
        super().__init__(ImuDriverNode)
        self.set(hub="imu_topics", topics=["/imus/{sensor}/data", "skull=/head/imu"])
        self.units = {
            name: self.other.create_publisher(
                Imu, "/head/imu" if name == "skull" else f"/imus/{name}/data", SENSOR_DATA
            )
            for name in NAMES
        }
        self.silent: set[str] = set()
        self.raw = False
        self.frames: list[ImuFrame] = []
        self.layouts: list[SensorLayout] = []
        self.health: dict[str, Any] = {}
        self.other.create_subscription(ImuFrame, "imu/frame", self.frames.append, SENSOR_DATA)
        self.other.create_subscription(SensorLayout, "imu/layout", self.layouts.append, LATCHED)
        self.other.create_subscription(DiagnosticArray, "/diagnostics", self._keep, 10)
        self._count = 0

    def _keep(self, message: DiagnosticArray) -> None:
        self.health.update({status.name: status for status in message.status})

    def start(self) -> None:
        assert self.node.trigger_configure() == SUCCESS
        assert self.node.trigger_activate() == SUCCESS

    def send(self) -> None:
        """One message of each unit that is not silent."""
        self._count += 1
        message = Imu()
        message.header.stamp, message.header.frame_id = self.other.get_clock().now().to_msg(), "somewhere"
        for i, (name, unit) in enumerate(self.units.items()):
            q, rate, force = message.orientation, message.angular_velocity, message.linear_acceleration
            q.x = 1e-6 * ((self._count + i) % 5)
            q.w = (1.0 - q.x * q.x) ** 0.5
            message.orientation_covariance[0] = -1.0 if self.raw else 0.0
            rate.x, force.z = 1e-4 * ((self._count + i) % 7), 9.8 + 1e-3 * ((self._count + i) % 3)
            if name not in self.silent:
                unit.publish(message)


@pytest.fixture
def bench() -> Iterator[TopicsBench]:
    made = TopicsBench()
    yield made
    made.close()


def valid(frame: ImuFrame) -> list[bool]:
    return [bool(status & 1) for status in frame.status]


def test_twelve_topics_of_two_drivers_are_one_face(bench: TopicsBench) -> None:
    bench.start()
    bench.until(lambda: bench.frames and all(valid(bench.frames[-1])), bench.send)
    frame = bench.frames[-1]
    assert frame.header.frame_id == "face_head"
    np.testing.assert_allclose(np.reshape(frame.specific_force, (12, 3))[:, 2], 9.8, atol=0.01)
    bench.until(lambda: bench.layouts and all(sensor.present for sensor in bench.layouts[-1].sensors), bench.send)
    assert bench.layouts[-1].hub.strip() == "imu_topics"
    assert len({layout.layout_id for layout in bench.layouts}) == 1
    bench.until(lambda: "imu_driver/mentalis" in bench.health, bench.send)
    assert {f"imu_driver/{name}" for name in NAMES} <= set(bench.health)


def test_a_topic_may_come_later_and_go(bench: TopicsBench) -> None:
    bench.silent = {"mentalis"}
    bench.start()
    bench.until(lambda: bench.frames and valid(bench.frames[-1]) == [True] * 11 + [False], bench.send)

    def told() -> bool:
        return "no message yet of: mentalis" in getattr(bench.health.get("imu_driver"), "message", "")

    bench.until(told, bench.send)
    bench.silent = set()
    bench.until(lambda: all(valid(bench.frames[-1])), bench.send)
    bench.silent = {"levator_left"}
    bench.until(lambda: not all(valid(bench.frames[-1])), bench.send)


def test_its_own_topics_are_no_sensors(bench: TopicsBench) -> None:
    bench.set(topics=["imu/{sensor}/data"])
    assert bench.node.trigger_configure() == FAILURE
    bench.set(topics=["nothing"])
    assert bench.node.trigger_configure() == FAILURE
    bench.set(topics=["/imus/{sensor}/data"])
    assert bench.node.trigger_configure() == SUCCESS


def test_nothing_is_left_behind_by_lifecycle_cycles(bench: TopicsBench) -> None:
    def listeners() -> int:
        return int(bench.other.count_subscribers("/imus/mentalis/data"))

    for _ in range(3):
        bench.start()
        bench.until(lambda: listeners() == 1)
        assert not [s for s in bench.node.subscriptions if s.topic_name.startswith("/imus")], (
            "executors see none of them"
        )
        assert bench.node.trigger_deactivate() == SUCCESS
        bench.until(lambda: listeners() == 0)
        assert bench.node.trigger_cleanup() == SUCCESS


def content(frame: ImuFrame) -> tuple[object, ...]:
    return (
        frame.header.stamp.sec, frame.header.stamp.nanosec, frame.layout_id, frame.sequence, frame.hub_time_us,
        bytes(frame.status), frame.orientation.tobytes(), frame.angular_velocity.tobytes(),
        frame.specific_force.tobytes(),
    )  # fmt: skip


def test_what_was_read_of_topics_gives_the_frames_again(bench: TopicsBench) -> None:
    pieces: list[HubBytes] = []
    snapshots: list[Snapshot] = []
    bench.raw = True
    bench.start()
    bench.until(lambda: len(bench.frames) >= 5, bench.send)
    bench.other.create_subscription(HubBytes, "imu/bytes", pieces.append, REPLAYED)
    bench.other.create_subscription(Snapshot, "imu/snapshot", snapshots.append, SNAPSHOTS)
    bench.until(lambda: snapshots and pieces, bench.send)
    count = len(bench.frames)
    bench.until(lambda: len(bench.frames) >= count + 100, bench.send)
    newest = bench.frames[-1]
    bench.until(lambda: pieces[-1].header.stamp.sec > newest.header.stamp.sec, bench.send)
    snapshot = snapshots[-1]
    replay, found = HubReplay(bytes(snapshot.data)), {}
    for piece in (piece for piece in pieces if piece.number > snapshot.after):
        stamp_ns = piece.header.stamp.sec * 1_000_000_000 + piece.header.stamp.nanosec
        for one in replay.feed(Piece(piece.direction, piece.arrival, bytes(piece.data), stamp_ns)):
            frame = ImuFrame()
            frame.header.stamp.sec, frame.header.stamp.nanosec = divmod(one.stamp_ns, 1_000_000_000)
            messages.fill_frame(frame, one.sample)
            found[content(frame)[:2]] = content(frame)
    assert replay.unexplained == 0
    recorded = [content(frame) for frame in bench.frames if min(found) <= content(frame)[:2] <= content(newest)[:2]]
    assert len(recorded) >= 50
    assert [found.get(frame[:2]) for frame in recorded] == recorded


def test_biases_of_these_topics_are_recalled_and_kept(bench: TopicsBench, tmp_path: Path) -> None:
    bench.set(state_folder=str(tmp_path))
    layout = load_layout("face_12")
    sensors = tuple(HubSensor(sensor.id, sensor.name, "", True, 0.0, 0.0) for sensor in layout.sensors)
    identity = HubIdentity("imu_topics", "", sensors, 100, False)
    topics = " ".join("/head/imu" if name == "skull" else f"/imus/{name}/data" for name in NAMES)
    file = GyroBiasFile.of(tmp_path, identity, topics)
    known = {sensor.id: GyroBias((0.0, 0.02, 0.0), 0.003) for sensor in layout.sensors}
    assert file.save(identity, known) == 12
    assert GyroBiasFile.of(tmp_path, identity).path != file.path, "other topics are other units"
    bench.raw = True
    bench.start()

    def recalled() -> bool:
        found = bench.node._hub.gyro_bias()
        return len(found) == 12 and all(bias.bias_rad_s[1] > 0.01 for bias in found.values())

    bench.until(recalled, bench.send)
    before = file.path.read_bytes()
    bench.until(lambda: bench.node._hub.gyro_bias()[0].bias_rad_s[1] != 0.02, bench.send)
    assert bench.node.trigger_deactivate() == SUCCESS
    assert file.path.read_bytes() != before, "kept as they are now"
