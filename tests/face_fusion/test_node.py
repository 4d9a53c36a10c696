"""The node on real ROS 2: faces are answered with their stamps, a camera has its share, diagnostics are honest."""

from __future__ import annotations

import time

import numpy as np
import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import FaceBlendshapes, FaceReference, FusedShares  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402

from face_fusion.node import FaceFusionNode  # noqa: E402
from face_model import arkit  # noqa: E402
from face_model.observability import OBSERVABLE  # noqa: E402
from imusic_ros.health import OK, WARN  # noqa: E402
from imusic_ros.qos import SAMPLES, SENSOR_DATA  # noqa: E402
from node_bench import NodeBench  # noqa: E402

SUCCESS = TransitionCallbackReturn.SUCCESS
GAZE, JAW = arkit.INDEX["eyeLookInLeft"], arkit.INDEX["jawOpen"]


class Bench(NodeBench):
    """The node under test beside whoever publishes and listens, spun by hand."""

    def __init__(self) -> None:
        super().__init__(FaceFusionNode)
        self.heard: list[FaceBlendshapes] = []
        self.shares: list[FusedShares] = []
        self.other.create_subscription(FaceBlendshapes, "face/fused", self.heard.append, SENSOR_DATA)
        self.other.create_subscription(FusedShares, "face/fused_shares", self.shares.append, SENSOR_DATA)
        self.faces = self.other.create_publisher(FaceBlendshapes, "face/blendshapes", SAMPLES)
        self.pictures = self.other.create_publisher(FaceReference, "face/reference", SENSOR_DATA)
        self.sequence = 0

    def stamp(self, message) -> None:
        message.header.stamp = self.other.get_clock().now().to_msg()

    def sense(self, weight: float = 0.2, **fields) -> None:
        face = FaceBlendshapes(model="imusic", sequence=self.sequence, state=1, **fields)
        face.weights = np.full(52, weight, np.float32)
        face.confidence = np.full(52, 0.7, np.float32)
        face.observable = [i in OBSERVABLE for i in range(52)]
        face.head_orientation.z, face.head_orientation.w = 0.6, 0.8
        face.header.frame_id = "ana/face_head"
        self.stamp(face)
        self.sequence += 1
        self.faces.publish(face)

    def see(self, weight: float = 0.6, face_seen: bool = True) -> None:
        picture = FaceReference(source="livelink Ana", face_seen=face_seen, seen=[True] * 52)
        picture.weights = np.full(52, weight, np.float32)
        self.stamp(picture)
        self.pictures.publish(picture)

    def until(self, condition, *each_turn, limit_s=90.0) -> None:
        end_s = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end_s, "nothing happened in time"
            for act in each_turn:
                act()
            for _ in range(6):
                self.executor.spin_once(timeout_sec=0.005)


@pytest.fixture
def bench():
    made = Bench()
    assert made.node.trigger_configure() == SUCCESS
    assert made.node.trigger_activate() == SUCCESS
    yield made
    made.close()


def test_sensors_alone_go_through_with_stamp_number_and_head(bench) -> None:
    assert bench.node.health().level == WARN
    bench.until(lambda: bench.heard, bench.sense)
    face = bench.heard[-1]
    np.testing.assert_allclose(face.weights, 0.2, atol=1e-6)
    np.testing.assert_allclose(face.confidence, 0.7, atol=1e-6)
    assert (face.header.frame_id, face.state, face.model) == ("ana/face_head", 1, "imusic")
    assert face.head_orientation.z == 0.6
    assert face.age >= 0.0
    assert face.observable[JAW]
    assert not face.observable[GAZE]


def test_a_camera_takes_its_share_and_is_missed_when_it_loses_the_face(bench) -> None:
    bench.until(lambda: bench.heard and bench.heard[-1].weights[GAZE] > 0.5, bench.sense, bench.see)
    face = bench.heard[-1]
    assert face.observable[GAZE]
    assert "livelink Ana" in face.model
    bench.until(lambda: bench.shares)
    shares = bench.shares[-1]
    assert shares.sources == ["livelink Ana", "speech"]
    assert shares.conditions == ["seen", "silent"]
    assert len(shares.shares) == 2 * 52
    assert len(shares.trust) == 2 * 3
    health = bench.node.health()
    assert health.values["camera"] == "seen"
    assert health.values["speech"] == "silent"
    bench.until(lambda: bench.heard[-1].weights[GAZE] < 0.25, bench.sense, lambda: bench.see(face_seen=False))
    health = bench.node.health()
    assert health.level == WARN
    assert "sees no face" in health.message


def test_bad_numbers_are_refused_and_counted(bench) -> None:
    bench.until(lambda: bench.heard, bench.sense)
    bench.until(lambda: bench.node.health().values["refused"] > 0, lambda: bench.sense(float("nan")))
    assert np.isfinite(bench.heard[-1].weights).all()


def test_a_camera_alone_makes_a_face(bench) -> None:
    bench.until(lambda: bench.heard, bench.see)
    bench.until(lambda: bench.heard[-1].weights[JAW] > 0.5, bench.see)
    assert bench.heard[-1].state == 2
    assert bench.node.health().level == WARN
    assert "no face from the sensors" in bench.node.health().message


def test_it_can_be_configured_again_and_bad_values_are_refused(bench) -> None:
    for transition in ("deactivate", "cleanup"):
        assert getattr(bench.node, f"trigger_{transition}")() == SUCCESS
    (result,) = bench.node.set_parameters([Parameter("ease", value=0.0)])
    assert not result.successful
    assert bench.node.trigger_configure() == SUCCESS
    assert bench.node.trigger_activate() == SUCCESS
    bench.until(lambda: bench.heard, bench.sense, bench.see)
    bench.until(lambda: bench.node.health().level == OK, bench.sense, bench.see)
