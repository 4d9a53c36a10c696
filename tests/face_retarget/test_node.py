"""The node on real ROS 2: faces in, commands out, a lost face, refusals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
pytest.importorskip("trajectory_msgs.msg", reason="needs trajectory_msgs: run `make test`")

from imusic.msg import FaceBlendshapes  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from sensor_msgs.msg import JointState  # noqa: E402
from std_msgs.msg import String  # noqa: E402
from trajectory_msgs.msg import JointTrajectory  # noqa: E402

from face_retarget.node import RobotHeadNode  # noqa: E402
from face_retarget.robot import load_robot  # noqa: E402
from imusic_ros.health import OK, WARN  # noqa: E402
from imusic_ros.qos import LATCHED, RELIABLE, SAMPLES  # noqa: E402
from node_bench import NodeBench  # noqa: E402

SUCCESS = TransitionCallbackReturn.SUCCESS


class Bench(NodeBench):
    """The node under test beside somebody who speaks and listens, spun by hand."""

    def __init__(self) -> None:
        super().__init__(RobotHeadNode)
        self.joints: list[JointState] = []
        self.plans: list[JointTrajectory] = []
        self.urdfs: list[str] = []
        self.other.create_subscription(JointState, "robot_head/joints", self.joints.append, RELIABLE)
        self.other.create_subscription(JointTrajectory, "head/joint_trajectory", self.plans.append, RELIABLE)
        self.other.create_subscription(
            String, "robot_head/description", lambda told: self.urdfs.append(told.data), LATCHED
        )
        self.faces = self.other.create_publisher(FaceBlendshapes, "face/blendshapes", SAMPLES)

    def say(self, state: int = FaceBlendshapes.STATE_TRACKING) -> None:
        """A wide open mouth."""
        face = FaceBlendshapes(state=state)
        face.weights[FaceBlendshapes.JAW_OPEN] = 1.0
        face.confidence = [1.0] * 52
        face.observable = [True] * 52
        self.faces.publish(face)

    def joint(self, name: str) -> float:
        return float(self.joints[-1].position[self.joints[-1].name.index(name)]) if self.joints else 0.0


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_a_face_moves_the_joints_and_one_that_is_gone_lets_them_go_back(bench: Bench) -> None:
    bench.set(robot="demo_head", trajectory="head/joint_trajectory")
    assert bench.node.trigger_configure() == SUCCESS
    assert bench.node.trigger_activate() == SUCCESS
    bench.until(lambda: bench.joint("jaw") > 0.4 and bool(bench.plans) and bool(bench.urdfs), bench.say)
    bench.until(lambda: bench.node.health().level == OK, bench.say)
    settings, urdf = load_robot("demo_head")
    assert bench.urdfs[-1] == urdf
    assert list(bench.joints[-1].name) == [joint.name for joint in settings.joints]
    plan = bench.plans[-1]
    # What a joint_trajectory_controller takes: all joints, no stamp, one point in the future, no velocity at its end.
    assert (plan.header.stamp.sec, plan.header.stamp.nanosec) == (0, 0)
    assert list(plan.joint_names) == [joint.name for joint in settings.joints]
    (point,) = plan.points
    assert (point.time_from_start.sec, point.time_from_start.nanosec) == (0, 40_000_000)
    assert len(point.positions) == len(settings.joints)
    assert len(point.velocities) == 0
    bench.until(lambda: bench.joint("jaw") < 0.01)
    assert bench.node.health().level == WARN


def test_while_the_neutral_is_learned_nothing_is_followed(bench: Bench) -> None:
    bench.set(robot="demo_head")
    assert bench.node.trigger_configure() == SUCCESS
    assert bench.node.trigger_activate() == SUCCESS
    bench.until(
        lambda: len(bench.joints) > 20 and bench.node.health().values["face_rate_hz"] != 0.0,
        lambda: bench.say(FaceBlendshapes.STATE_CALIBRATING),
    )
    assert bench.joint("jaw") == 0.0


def test_it_can_be_cleaned_up_and_configured_anew(bench: Bench) -> None:
    bench.set(robot="demo_head")
    for _ in range(2):
        assert bench.node.trigger_configure() == SUCCESS
        assert bench.node.trigger_activate() == SUCCESS
        assert bench.node.trigger_deactivate() == SUCCESS
        assert bench.node.trigger_cleanup() == SUCCESS


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"robot": "no_such_robot"}, "expected a robot head at"),
        ({"robot": "demo_head", "joints": ""}, "found none in both"),
        ({"robot": "demo_head", "joints": "no good"}, "joints: expected the name of a topic, found 'no good'"),
        ({"robot": "demo_head", "trajectory": "{x}"}, "trajectory: expected the name of a topic, found '{x}'"),
        ({"robot": "demo_head", "faces": ""}, "faces: expected the name of a topic, found ''"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(bench: Bench, values: dict[str, object], told: str) -> None:
    bench.set(**values)
    assert bench.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert told in str(bench.node._failure)
