"""The node on real ROS 2: what it publishes for a face, and what it says of itself."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import ActionUnits, Explanation, Expression, FaceBlendshapes, FacialEvent  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.serialization import serialize_message  # noqa: E402

from face_affect.node import FaceAffectNode  # noqa: E402
from face_model import arkit  # noqa: E402
from face_model.observability import OBSERVABLE  # noqa: E402
from imu_sim.performance.poses import POSE_WEIGHTS  # noqa: E402
from imusic_ros.health import OK, STALE, WARN  # noqa: E402
from imusic_ros.qos import RELIABLE, SENSOR_DATA  # noqa: E402
from node_bench import NodeBench  # noqa: E402

SUCCESS = TransitionCallbackReturn.SUCCESS
TOPICS = {
    "face/action_units": (ActionUnits, SENSOR_DATA),
    "face/expression": (Expression, SENSOR_DATA),
    "face/events": (FacialEvent, RELIABLE),
    "face/explanation": (Explanation, RELIABLE),
}


class Bench(NodeBench):
    """The node under test beside one who publishes faces and listens, spun by hand."""

    limit_s = 120.0

    def __init__(self) -> None:
        super().__init__(FaceAffectNode)
        self.heard: dict[str, list] = {name: [] for name in TOPICS}
        for name, (kind, qos) in TOPICS.items():
            self.other.create_subscription(kind, name, self.heard[name].append, qos)
        self.faces = self.other.create_publisher(FaceBlendshapes, "face/blendshapes", 10)
        self.rows = 0

    def begin(self) -> None:
        assert self.node.trigger_configure() == SUCCESS
        assert self.node.trigger_activate() == SUCCESS
        self.until(lambda: self.faces.get_subscription_count() == 1)
        self.until(lambda: all(p.get_subscription_count() for p in self.node._topics.values()))

    def show(self, weights: np.ndarray, sure: float = 0.8, state: int = FaceBlendshapes.STATE_TRACKING) -> None:
        """Hand one face to the node, 10 ms after the one before; not by DDS, which may drop it."""
        face = FaceBlendshapes(state=state, model="made up 1.0")
        face.header.frame_id = "ana/face_head"
        face.header.stamp.sec, hundredths = divmod(100_000 + self.rows, 100)
        face.header.stamp.nanosec = hundredths * 10_000_000
        face.weights = weights.astype(np.float32)
        face.confidence = np.full(arkit.COUNT, sure, dtype=np.float32)
        face.observable = [i in OBSERVABLE for i in range(arkit.COUNT)]
        self.rows += 1
        self.node._on_face(serialize_message(face))


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.close()


def test_a_face_is_read_and_told_in_all_topics(bench) -> None:
    bench.begin()
    health = bench.node.health()
    assert (health.level, "start inference" in health.message) == (STALE, True)

    def told() -> bool:
        bench.show(POSE_WEIGHTS["smile"])
        return all(bench.heard[name] for name in ("face/action_units", "face/expression", "face/explanation"))

    bench.until(told)
    units = bench.heard["face/action_units"][-1]
    assert units.header.frame_id == "ana/face_head"
    assert units.header.stamp.sec >= 1000
    assert units.intensity[12] == pytest.approx(0.75 / 0.95, abs=1e-5)
    assert units.confidence[12] == pytest.approx(0.8, abs=1e-5)
    assert units.confidence[5] == 0.0, "no sensor sees the upper lid"
    shown = bench.heard["face/expression"][-1]
    assert shown.expression == "happiness"
    assert sum(shown.probabilities) == pytest.approx(1.0, abs=1e-4)
    assert shown.names[int(np.argmax(shown.probabilities))] == shown.expression
    assert shown.valence > 0.4
    said = bench.heard["face/explanation"][-1]
    assert "lip corner puller" in said.text
    assert said.not_seen == ["upper lids"]
    health = bench.node.health()
    assert (health.level, health.message) == (OK, "reading")
    assert health.values["model"] == "made up 1.0"


def test_faces_come_over_the_topic(bench) -> None:
    bench.begin()
    face = FaceBlendshapes(state=FaceBlendshapes.STATE_TRACKING)

    def heard() -> bool:
        bench.faces.publish(face)
        return bench.node.health().level != STALE

    bench.until(heard)


def test_a_brief_smile_is_an_event(bench) -> None:
    bench.begin()
    course = np.concatenate([np.zeros(200), np.sin(np.linspace(0.0, np.pi, 25)) ** 2, np.zeros(200)])
    for value in course:
        bench.show(0.5 * value * POSE_WEIGHTS["smile"])
    bench.until(lambda: bool(bench.heard["face/events"]))
    (event,) = bench.heard["face/events"]
    assert event.kind == FacialEvent.KIND_MICRO_EXPRESSION
    assert 12 in event.units
    assert event.header.stamp.sec + 1e-9 * event.header.stamp.nanosec == pytest.approx(1002.12, abs=0.05)
    assert event.onset + event.offset == pytest.approx(event.duration, abs=1e-5)
    assert 0.08 < event.duration < 0.5
    assert bench.node.health().values["micro_expressions"] == 1


def test_it_says_when_it_cannot_tell(bench) -> None:
    bench.begin()
    bench.show(POSE_WEIGHTS["smile"], sure=0.1)
    health = bench.node.health()
    assert (health.level, "little can be told" in health.message) == (WARN, True)
    bench.show(POSE_WEIGHTS["smile"], state=FaceBlendshapes.STATE_STALE)
    assert bench.node.health().level == WARN
    bench.show(POSE_WEIGHTS["smile"], state=FaceBlendshapes.STATE_CALIBRATING)
    assert "the neutral is being learned" in bench.node.health().message
    bench.rows += 100  # units are read at 20 Hz
    bench.show(POSE_WEIGHTS["smile"], state=FaceBlendshapes.STATE_DEGRADED)
    assert "sensors missing" in bench.node.health().message
    bench.node._heard_s -= 5.0
    health = bench.node.health()
    assert (health.level, "for 5 s" in health.message) == (WARN, True)


def test_parameters_are_taken_over_while_it_runs(bench) -> None:
    bench.begin()
    for name, value in {"rate_hz": 50.0, "smoothing_s": 1.0, "resting": False, "event_strength": 2.0}.items():
        (result,) = bench.node.set_parameters([Parameter(name, value=value)])
        assert result.successful, result.reason
    stream = bench.node._stream
    assert (stream.smoothing_s, stream.resting, stream.detector.threshold) == (1.0, False, 2.0)
    (refused,) = bench.node.set_parameters([Parameter("rate_hz", value=0.0)])
    assert not refused.successful
    assert bench.node.trigger_deactivate() == SUCCESS
    assert bench.node.trigger_cleanup() == SUCCESS
    bench.begin()
    assert bench.node._stream.smoothing_s == 1.0
