"""The node beside the real hri_msgs, in one process: appearance, loss, lists of several nodes, units, frames.

hri_msgs is in a distribution (ros-$ROS_DISTRO-hri-msgs) and not among the wheels: without it only what the node says
then is tested.
"""

from __future__ import annotations

import importlib.util
import time

import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import FaceBlendshapes  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from std_msgs.msg import Bool, Float32, String  # noqa: E402

from face_hri.node import FaceHriNode  # noqa: E402
from face_model import arkit  # noqa: E402
from face_model.observability import OBSERVABLE  # noqa: E402
from imusic_ros.qos import LATCHED, RELIABLE, SAMPLES  # noqa: E402

with_messages = pytest.mark.skipif(
    importlib.util.find_spec("hri_msgs") is None,
    reason="hri_msgs is not installed: it is in a distribution, ros-$ROS_DISTRO-hri-msgs, and not among the wheels",
)
SMILE = {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.7, "eyeLookDownLeft": 0.9, "eyeLookDownRight": 0.9}


class Robot:
    """Nodes under test beside wearers and a reader, spun by hand."""

    def __init__(self):
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.reader = rclpy.create_node("reader", context=self.context)
        self.executor.add_node(self.reader)
        self.nodes, self.wearers, self.heard, self.listening = [], {}, {}, []

    def close(self):
        for node in self.nodes:
            node.close()
        self.executor.shutdown()
        for node in (*self.nodes, self.reader):
            node.destroy_node()
        rclpy.shutdown(context=self.context)

    def start(self, namespace="", **parameters):
        node = FaceHriNode(context=self.context, namespace=namespace)
        self.nodes.append(node)
        self.executor.add_node(node)
        node.set_parameters([Parameter(name, value=value) for name, value in {"rate_hz": 100.0, **parameters}.items()])
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        return node

    def hear(self, topic, kind, qos=LATCHED):
        """Messages of a topic from now on; the newest is the last."""
        heard = self.heard.setdefault(topic, [])
        self.listening.append(self.reader.create_subscription(kind, topic, heard.append, qos))
        return heard

    def until(self, condition, meanwhile=lambda: None, limit_s=120.0):
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, "nothing happened in time"
            meanwhile()
            self.executor.spin_once(timeout_sec=0.02)

    def face(self, place="", weights=SMILE, state=FaceBlendshapes.STATE_TRACKING):
        """A wearer's face, once."""
        if place not in self.wearers:
            self.wearers[place] = self.reader.create_publisher(FaceBlendshapes, f"{place}/face/blendshapes", SAMPLES)
        message = FaceBlendshapes(state=state, observable=[i in OBSERVABLE for i in range(arkit.COUNT)])
        message.header.frame_id = f"{place}/face_head".strip("/")
        message.header.stamp = self.reader.get_clock().now().to_msg()
        for name, weight in weights.items():
            message.weights[arkit.INDEX[name]] = weight
        message.confidence[:] = 0.9
        self.wearers[place].publish(message)
        return message


@pytest.fixture
def robot():
    robot = Robot()
    yield robot
    robot.close()


def ids(heard):
    return list(heard[-1].ids) if heard else None


def test_without_hri_msgs_the_node_says_how_to_get_it(robot, monkeypatch):
    def missing():
        raise ImportError("No module named 'hri_msgs'")

    monkeypatch.setattr("face_hri.node.hri_types", missing)
    node = FaceHriNode(context=robot.context)
    robot.nodes.append(node)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    said = node._current_health().message
    assert "needs hri_msgs" in said
    assert "ros-$ROS_DISTRO-hri-msgs" in said


@with_messages
def test_a_face_appears_with_its_person_and_its_units_and_is_lost(robot):
    from hri_msgs.msg import Expression, FacialActionUnits, IdsList

    faces, persons, known = (
        robot.hear(f"/humans/{name}", IdsList) for name in ("faces/tracked", "persons/tracked", "persons/known")
    )
    whose, anonymous = (
        robot.hear("/humans/persons/alice/face_id", String),
        robot.hear("/humans/persons/alice/anonymous", Bool),
    )
    where = robot.hear("/humans/persons/alice/location_confidence", Float32, RELIABLE)
    robot.start("alice", parent_frame="seat", lost_after_s=0.5)
    robot.until(lambda: ids(faces) == [] and ids(persons) == [] and ids(known) == [] and anonymous and whose and where)
    assert (anonymous[-1].data, whose[-1].data, where[-1].data) == (False, "", 0.0)

    calibrating = FaceBlendshapes.STATE_CALIBRATING
    for _ in range(5):
        robot.face("/alice", state=calibrating)
        robot.executor.spin_once(timeout_sec=0.02)
    assert ids(faces) == []

    robot.until(lambda: ids(faces), lambda: robot.face("/alice"))
    (face,) = ids(faces)
    units = robot.hear(f"/humans/faces/{face}/facs", FacialActionUnits, RELIABLE)
    robot.until(lambda: units and ids(persons) and ids(known) and where[-1].data, lambda: robot.face("/alice"))
    assert (ids(persons), ids(known), whose[-1].data, where[-1].data) == (["alice"], ["alice"], face, 1.0)
    assert units[-1].header.frame_id == "alice/face_head"
    intensity, confidence = units[-1].intensity, units[-1].confidence
    assert len(intensity) == len(confidence) == 99
    assert intensity[12] > 0.5
    assert max(range(1, 99), key=lambda code: intensity[code]) == 12
    assert confidence[12] > 0.5
    assert intensity[64] == confidence[64] == 0.0, "eyes look down, which sensors do not see"
    assert confidence[82] == intensity[82] == 0.0  # a shrug of the shoulders is not read

    shown = robot.hear(f"/humans/faces/{face}/expression", Expression, RELIABLE)
    robot.until(lambda: shown and shown[-1].expression == Expression.HAPPY, lambda: robot.face("/alice"))
    assert shown[-1].valence > 0.3
    assert -1.0 <= shown[-1].arousal <= 1.0
    assert 0.3 < shown[-1].confidence <= 1.0

    robot.until(lambda: ids(faces) == [] and ids(persons) == [] and whose[-1].data == "" and where[-1].data == 0.0)
    assert ids(known) == ["alice"]
    robot.until(lambda: ids(faces) and ids(persons) == ["alice"], lambda: robot.face("/alice"))
    assert ids(faces) != [face], "a face that is back has another identifier"


@with_messages
@pytest.mark.parametrize("together", [True, False])
def test_several_wearers_are_in_one_list(robot, together):
    from hri_msgs.msg import IdsList

    faces, persons = robot.hear("/humans/faces/tracked", IdsList), robot.hear("/humans/persons/tracked", IdsList)
    if together:
        robot.start("lab", wearers=["alice", "bob"], lost_after_s=0.5)
        names = ["lab_alice", "lab_bob"]
        places = ["/lab/alice", "/lab/bob"]
    else:
        for name in ("bob", "alice"):
            robot.start(name, lost_after_s=0.5)
        names, places = ["alice", "bob"], ["/alice", "/bob"]

    def both():
        for place in places:
            robot.face(place)

    robot.until(lambda: ids(persons) == names, both)
    robot.until(lambda: len(ids(faces)) == 2, both)
    robot.until(lambda: ids(persons) == names[:1], lambda: robot.face(places[0]))
    if not together:  # the one that led goes; the other takes over
        leader = next(node for node in robot.nodes if node.get_namespace() == "/alice")
        assert leader.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
        robot.until(lambda: ids(persons) == names[1:], lambda: robot.face(places[1]))
        assert len(ids(faces)) == 1


@with_messages
def test_other_detectors_faces_are_merged_and_a_person_manager_is_told(robot):
    from hri_msgs.msg import IdsList, IdsMatch

    faces = robot.hear("/humans/faces/tracked", IdsList)
    matches = robot.hear("/humans/candidate_matches", IdsMatch, RELIABLE)
    camera = robot.reader.create_publisher(IdsList, "/camera/faces", RELIABLE)
    robot.start("alice", persons=False, merge_faces=["/camera/faces"], lost_after_s=0.5)
    robot.until(lambda: "cam1" in (ids(faces) or ()), lambda: camera.publish(IdsList(ids=["cam1"])))
    robot.until(lambda: len(ids(faces)) == 2 and matches, lambda: robot.face("/alice"))
    (face,) = set(ids(faces)) - {"cam1"}
    found = matches[-1]
    assert (found.id1, found.id1_type, found.id2, found.id2_type) == (face, IdsMatch.FACE, "alice", IdsMatch.PERSON)
    assert found.confidence == 1.0
    robot.until(lambda: ids(faces) == ["cam1"] and matches[-1].confidence == 0.0)
    assert not robot.reader.count_publishers("/humans/persons/tracked")
    robot.reader.destroy_publisher(camera)
    robot.until(lambda: ids(faces) == [])


@with_messages
def test_frames_of_face_gaze_and_person_hang_on_the_head(robot, monkeypatch):
    sent = []
    monkeypatch.setattr("imusic_ros.transforms.Transforms.send", lambda self, frames: sent.extend(frames))
    node = robot.start("alice", parent_frame="seat")
    robot.until(lambda: len(sent) >= 3, lambda: robot.face("/alice"))
    face = node._served[""].presence.face
    names = [(frame.header.frame_id, frame.child_frame_id) for frame in sent[:3]]
    on_face = f"face_{face}"
    assert names == [("alice/face_head", on_face), (on_face, f"gaze_{face}"), (on_face, "person_alice")]
    assert sent[0].transform.translation.x > 0.08
    node.trigger_deactivate()
    node.trigger_cleanup()
    sent.clear()
    node.set_parameters([Parameter("parent_frame", value="")])
    node.trigger_configure()
    node.trigger_activate()
    robot.until(lambda: len(sent) >= 2, lambda: robot.face("/alice"))
    assert not any(frame.child_frame_id.startswith("person") for frame in sent), "nobody knows where the person is"


@with_messages
def test_values_that_no_face_has_are_refused_and_nobody_stops(robot):
    node = robot.start("", lost_after_s=0.3)
    served = node._served[""]
    robot.until(lambda: served.refused >= 2, lambda: robot.face(weights={"jawOpen": float("nan")}))
    assert not served.presence.face
    robot.until(lambda: served.presence.face, robot.face)
    assert "is tracked" in node._current_health().message
    assert node._current_health().values["person"] == "wearer"


@with_messages
@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"person": "7up"}, "expected a person's identifier"),
        ({"person": "a", "wearers": ["x", "y"]}, "beside wearers"),
        ({"wearers": ["1st"]}, "wearers: namespace: expected letters"),
        ({"merge_faces": ["/a b"]}, "merge_faces: expected names of topics"),
        ({"merge_faces": ["/humans/faces/tracked"]}, "on which this node publishes"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(robot, parameters, reason):
    node = FaceHriNode(context=robot.context)
    robot.nodes.append(node)
    node.set_parameters([Parameter(name, value=value) for name, value in parameters.items()])
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert reason in node._current_health().message
