"""Alignment and taps on real ROS 2, in one process: actions with feedback, results, refusals; nothing half done."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
torch = pytest.importorskip("torch", reason="a model is written, which needs PyTorch")
pytest.importorskip("onnx", reason="a model is written, which needs the package onnx")

from action_msgs.msg import GoalStatus  # noqa: E402
from imusic.action import AlignSensors, FindTaps  # noqa: E402
from imusic.msg import ImuFrame, SensorLayout, SensorMount, Tap, WearerPrompt  # noqa: E402
from imusic.srv import CalibrateNeutral  # noqa: E402
from rclpy.action import ActionClient  # noqa: E402

from face_inference.alignment.turned import turning  # noqa: E402
from face_inference.channels import Channels  # noqa: E402
from face_inference.model_folder import load_model  # noqa: E402
from face_inference.network_inputs import input_size  # noqa: E402
from face_inference.node import FaceInferenceNode  # noqa: E402
from face_inference.wearer.profile import new_profile  # noqa: E402
from face_inference.wearer.profile_folder import ProfileFolder  # noqa: E402
from face_inference.wearer_topics import FRAMES  # noqa: E402
from face_model import nod_and_shake, rotation  # noqa: E402
from face_training.model_writing import write_model  # noqa: E402
from face_training.networks import NetworkConfig, build_network  # noqa: E402
from imusic_ros.qos import EVENTS, LATCHED  # noqa: E402
from nodding_head import glued, routine  # noqa: E402
from node_bench import NodeBench  # noqa: E402

RATE_HZ = 25.0
USABLE = ImuFrame.STATUS_VALID | ImuFrame.STATUS_ORIENTATION_VALID


@pytest.fixture(scope="module")
def model(mounts, prior, tmp_path_factory):
    """A model that never learned anything: what is tested here is around it."""
    torch.manual_seed(0)
    network = build_network(NetworkConfig(inputs=input_size(Channels.of(mounts)), architecture="ridge"))
    folder = tmp_path_factory.mktemp("models") / "untrained"
    named = SimpleNamespace(name="untrained", version="1", rate_hz=RATE_HZ)
    write_model(network, mounts, named, folder, {}, {}, {}, prior)
    return load_model(folder)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """The user's profiles, empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return ProfileFolder()


class Stage(NodeBench):
    """The node beside a driver whose wearer nods when told to, spun by hand on the hub's clock."""

    def __init__(self, model):
        super().__init__(FaceInferenceNode)
        self.mounts = model.description.mounts
        self.true = glued(self.mounts, 0.2)
        other = self.other
        self.layouts = other.create_publisher(SensorLayout, "imu/layout", LATCHED)
        self.frames = other.create_publisher(ImuFrame, "imu/frame", FRAMES)
        self.prompts, self.feedback, self.taps, self.stamps = [], [], [], []
        other.create_subscription(WearerPrompt, "face/prompt", self.prompts.append, LATCHED)
        other.create_subscription(Tap, "face/tap", self.taps.append, EVENTS)
        self.align = ActionClient(other, AlignSensors, "face_inference/align_sensors")
        self.find = ActionClient(other, FindTaps, "face_inference/find_taps")
        self.neutral = other.create_client(CalibrateNeutral, "face_inference/calibrate_neutral")
        self.sequence = 0
        self.set(model=str(model.path), neutral_duration_s=0.5)
        self.node.trigger_configure()
        self.node.trigger_activate()
        sensors = [SensorMount(id=i, name=name, present=True) for i, name in enumerate(self.mounts.names)]
        self.layouts.publish(SensorLayout(layout_id=7, name="six", rate=RATE_HZ, sensors=sensors))
        self.until(lambda: self.frames.get_subscription_count() == 1 and self.served.layout_problem is None)
        self.send(routine(self.true, rate_hz=RATE_HZ), 0.7)
        assert self.tracker.neutral is not None

    def close(self):
        self.align.destroy()
        self.find.destroy()
        super().close()

    @property
    def served(self):
        return self.node._served[0]

    @property
    def tracker(self):
        return self.served.tracker

    def send(self, motion, until_s=nod_and_shake.DURATION_S + 0.1, force=None):
        """Frames of a motion; at its end its last sample again."""
        for i in range(round(until_s * RATE_HZ)):
            row = min(i, len(motion.time_s) - 1)
            orientation = motion.orientation[row]
            up = np.broadcast_to([0.0, 0.0, 9.81], (len(orientation), 3))
            felt = rotation.rotate(rotation.conjugate(orientation), up)
            if force is not None:
                felt = felt + force(i)
            self.sequence += 1
            message = ImuFrame(layout_id=7, sequence=self.sequence, hub_time_us=round(1e6 * self.sequence / RATE_HZ))
            message.header.stamp.sec = self.sequence
            message.status = [USABLE] * len(orientation)
            message.orientation = orientation.astype(np.float32).ravel()
            message.angular_velocity = motion.angular_velocity[row].astype(np.float32).ravel()
            message.specific_force = felt.astype(np.float32).ravel()
            before = self.tracker.counters.samples
            self.frames.publish(message)
            self.until(lambda before=before: self.tracker.counters.samples > before)

    def ask(self, client, goal):
        """The client's handle once the goal is under way."""
        self.until(client.server_is_ready)
        sent = client.send_goal_async(goal, feedback_callback=lambda told: self.feedback.append(told.feedback))
        self.until(sent.done)
        self.until(lambda: True)
        return sent.result()

    def result(self, handle):
        """Status and result of a goal."""
        found = handle.get_result_async()
        self.until(found.done)
        return found.result().status, found.result().result

    def known(self):
        """All that an alignment may change."""
        tracker = self.tracker
        return tracker.neutral, tracker.alignment, tracker.wearer, tracker.wear.labelled


@pytest.fixture
def stage(model, folder):
    stage = Stage(model)
    yield stage
    stage.close()


@pytest.fixture
def ann(stage, model, folder):
    """A profile in use, learned with other mountings."""
    prior, mounts = model.description.prior, model.description.mounts
    known = replace(prior.unknown_wearer, source="prompts", mean=1.2 * prior.unknown_wearer.mean)
    folder.save(
        new_profile("ann", known, prior, mounts.names, mounts.names[mounts.reference], "untrained 1", "made up")
    )
    stage.served.action.use("ann")
    return folder


def running(stage):
    return lambda: stage.served.alignment.running


def test_a_nod_and_a_shake_align_the_sensors_and_the_profile(stage, ann):
    before, known = stage.tracker.neutral, ann.load("ann").jacobian
    handle = stage.ask(stage.align, AlignSensors.Goal())
    stage.until(running(stage))
    stage.send(routine(stage.true, rate_hz=RATE_HZ))
    status, result = stage.result(handle)
    assert (status, result.success) == (GoalStatus.STATUS_SUCCEEDED, True), result.message
    assert list(result.sensors) == list(stage.mounts.names)
    assert all(result.aligned)
    assert np.rad2deg(result.residual).max() < 3.0
    assert not result.exchanged
    against = rotation.multiply(rotation.conjugate(stage.tracker.neutral.mount[0]), stage.tracker.neutral.mount)
    truly = rotation.multiply(rotation.conjugate(stage.true[0]), stage.true)
    assert np.abs(np.sum(against * truly, axis=1)).min() > np.cos(np.deg2rad(1.0))
    # What was learned before is carried over, in use and in the profile.
    turn = turning(stage.tracker.turn_of(before), stage.mounts.skin)
    kept = ann.load("ann")
    assert np.array_equal(kept.alignment.mount, stage.tracker.alignment.mount)
    assert np.allclose(turn @ kept.jacobian.mean, known.mean, atol=1e-4)
    assert np.allclose(stage.tracker.wearer.mean, kept.jacobian.mean, atol=1e-4)
    # The wearer was told what to do, and how it went.
    stage.until(lambda: stage.prompts and not stage.prompts[-1].text)
    assert {"", "nod", "shake"} == {told.prompt.name for told in stage.feedback}
    progress = [told.progress for told in stage.feedback]
    assert progress == sorted(progress)
    # A client hears no feedback any more once it has the result: the last may be missing.
    assert stage.feedback[-1].quality >= 0.5


def test_cancelling_leaves_everything_as_it_was(stage, ann):
    known, written = stage.known(), (ann.path / "ann.safetensors").read_bytes()
    handle = stage.ask(stage.align, AlignSensors.Goal())
    stage.until(running(stage))
    stage.send(routine(stage.true, rate_hz=RATE_HZ), 7.0)
    stage.until(handle.cancel_goal_async().done)
    status, result = stage.result(handle)
    assert status == GoalStatus.STATUS_CANCELED
    assert result.message == "cancelled; what was known stays"
    assert all(now is then for now, then in zip(stage.known(), known, strict=True))
    assert (ann.path / "ann.safetensors").read_bytes() == written
    stage.until(lambda: not stage.prompts[-1].text)


@pytest.mark.parametrize(("nod", "shake", "words"), [(0.3, 0.0, "hardly shook"), (0.0, 0.0, "hardly moved")])
def test_too_little_motion_changes_nothing_and_says_why(stage, ann, nod, shake, words):
    known = stage.known()
    handle = stage.ask(stage.align, AlignSensors.Goal())
    stage.until(running(stage))
    stage.send(routine(stage.true, nod, shake, rate_hz=RATE_HZ))
    status, result = stage.result(handle)
    assert status == GoalStatus.STATUS_ABORTED
    assert words in result.message
    assert "what was known stays" in result.message
    assert all(now is then for now, then in zip(stage.known(), known, strict=True))


def test_a_driver_that_dies_ends_it(stage):
    known = stage.known()
    handle = stage.ask(stage.align, AlignSensors.Goal())
    stage.until(running(stage))
    stage.send(routine(stage.true, rate_hz=RATE_HZ), 4.0)
    stage.served.poll(stage.node.now_s() + 60.0)
    status, result = stage.result(handle)
    assert status == GoalStatus.STATUS_ABORTED
    assert "no samples came in time" in result.message
    assert all(now is then for now, then in zip(stage.known(), known, strict=True))


def test_a_profile_that_cannot_be_written_changes_nothing(stage, ann):
    ann.remove("ann")
    known = stage.known()
    handle = stage.ask(stage.align, AlignSensors.Goal())
    stage.until(running(stage))
    stage.send(routine(stage.true, rate_hz=RATE_HZ))
    status, result = stage.result(handle)
    assert status == GoalStatus.STATUS_ABORTED
    assert "expected a profile" in result.message
    assert all(now is then for now, then in zip(stage.known(), known, strict=True))


def test_one_at_a_time_and_no_neutral_meanwhile(stage):
    first = stage.ask(stage.align, AlignSensors.Goal())
    stage.until(running(stage))
    _, second = stage.result(stage.ask(stage.align, AlignSensors.Goal()))
    assert "already under way" in second.message
    called = stage.neutral.call_async(CalibrateNeutral.Request())
    stage.until(called.done)
    assert "being aligned" in called.result().message
    stage.node.trigger_deactivate()
    status, result = stage.result(first)
    assert status == GoalStatus.STATUS_ABORTED
    assert "deactivated" in result.message


def test_a_new_neutral_keeps_the_mountings_and_forgetting_gives_them_up(stage):
    handle = stage.ask(stage.align, AlignSensors.Goal())
    stage.until(running(stage))
    stage.send(routine(stage.true, rate_hz=RATE_HZ))
    assert stage.result(handle)[1].success
    aligned = stage.tracker.neutral
    handle = stage.ask(stage.align, AlignSensors.Goal(still_only=True))
    stage.until(running(stage))
    stage.send(routine(stage.true, rate_hz=RATE_HZ), 0.8)
    status, result = stage.result(handle)
    assert status == GoalStatus.STATUS_SUCCEEDED, result.message
    assert result.stillness < 0.1
    assert stage.tracker.neutral is not aligned
    assert np.allclose(np.abs(np.sum(stage.tracker.neutral.mount * aligned.mount, axis=1)), 1.0, atol=1e-6)
    _, result = stage.result(stage.ask(stage.align, AlignSensors.Goal(forget=True)))
    assert result.success
    assert stage.tracker.alignment is None


def test_a_new_neutral_can_be_cancelled(stage):
    before = stage.tracker.neutral
    handle = stage.ask(stage.align, AlignSensors.Goal(still_only=True))
    stage.until(running(stage))
    stage.send(routine(stage.true, rate_hz=RATE_HZ), 0.2)
    stage.until(handle.cancel_goal_async().done)
    status, result = stage.result(handle)
    assert status == GoalStatus.STATUS_CANCELED
    assert not result.success
    assert stage.tracker.neutral is before


def test_taps_are_found_published_and_answered_with_their_stamps(stage):
    unit = stage.mounts.names.index("chin")
    at = (30, 41, 63)

    def tapped(i):
        push = np.zeros((len(stage.mounts.names), 3))
        push[unit, 2] = 40.0 if i in at else 0.0
        return push

    handle = stage.ask(stage.find, FindTaps.Goal(sensor="chin", taps=3))
    stage.until(lambda: stage.served.taps._running is not None)
    first = stage.sequence
    stage.send(routine(stage.true, 0.0, 0.0, rate_hz=RATE_HZ), 4.0, tapped)
    status, result = stage.result(handle)
    assert status == GoalStatus.STATUS_SUCCEEDED, result.message
    expected = [first + 1 + i for i in at]
    assert [stamp.sec for stamp in result.stamps] == expected
    stage.until(lambda: len(stage.taps) == 3)
    assert [tap.sequence for tap in stage.taps] == expected
    assert [tap.header.stamp.sec for tap in stage.taps] == expected
    assert [tap.number for tap in stage.taps] == [1, 2, 3]
    assert min(result.heights) > 30.0
    assert result.quality > 10.0


def test_taps_that_do_not_come_and_sensors_that_are_not_there(stage):
    _, result = stage.result(stage.ask(stage.find, FindTaps.Goal()))
    assert "'mentalis'" in result.message
    _, result = stage.result(stage.ask(stage.find, FindTaps.Goal(sensor="chin", taps=99)))
    assert "expected 1 to 50 taps" in result.message
    handle = stage.ask(stage.find, FindTaps.Goal(sensor="chin"))
    stage.until(lambda: stage.served.taps._running is not None)
    stage.served.poll(stage.node.now_s() + 60.0)
    status, result = stage.result(handle)
    assert status == GoalStatus.STATUS_ABORTED
    assert "found 0" in result.message
    handle = stage.ask(stage.find, FindTaps.Goal(sensor="chin"))
    stage.until(lambda: stage.served.taps._running is not None)
    stage.until(handle.cancel_goal_async().done)
    assert stage.result(handle)[0] == GoalStatus.STATUS_CANCELED
