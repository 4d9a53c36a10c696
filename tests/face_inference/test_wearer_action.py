"""The wearer's interface on real ROS 2, in one process: a routine as an action, its prompts, profiles, refusals."""

from __future__ import annotations

import time
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
from imusic.action import CalibrateWearer  # noqa: E402
from imusic.msg import ImuFrame, SensorLayout, SensorMount, WearerPrompt  # noqa: E402
from imusic.srv import UseWearer  # noqa: E402
from rclpy.action import ActionClient  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402

from face_inference.channels import Channels  # noqa: E402
from face_inference.model_folder import load_model  # noqa: E402
from face_inference.network_inputs import input_size  # noqa: E402
from face_inference.node import FaceInferenceNode  # noqa: E402
from face_inference.wearer.profile import new_profile  # noqa: E402
from face_inference.wearer.profile_folder import ProfileFolder  # noqa: E402
from face_inference.wearer_topics import FRAMES  # noqa: E402
from face_model import arkit, rotation, routine  # noqa: E402
from face_training.model_writing import write_model  # noqa: E402
from face_training.networks import NetworkConfig, build_network  # noqa: E402
from imusic_ros.qos import LATCHED  # noqa: E402

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


class Stage:
    """The node beside a driver whose wearer does the routine when told to, spun by hand on the hub's clock."""

    def __init__(self, model):
        self.model = model
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = FaceInferenceNode(context=self.context)
        self.driver = rclpy.create_node("driver", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.executor.add_node(self.driver)
        self.layouts = self.driver.create_publisher(SensorLayout, "imu/layout", LATCHED)
        self.frames = self.driver.create_publisher(ImuFrame, "imu/frame", FRAMES)
        self.prompts, self.feedback = [], []
        self.driver.create_subscription(WearerPrompt, "face/prompt", self.prompts.append, LATCHED)
        self.action = ActionClient(self.driver, CalibrateWearer, "face_inference/calibrate_wearer")
        self.use = self.driver.create_client(UseWearer, "face_inference/use_wearer")
        self.sequence = 0
        self.set(model=str(model.path), neutral_duration_s=0.5)

    def set(self, **values):
        self.node.set_parameters([Parameter(name, value=value) for name, value in values.items()])

    def close(self):
        self.node.close()
        self.action.destroy()
        self.executor.shutdown()
        self.node.destroy_node()
        self.driver.destroy_node()
        rclpy.shutdown(context=self.context)

    def until(self, condition, limit_s=120.0):
        end_s = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end_s, "nothing happened in time"
            self.executor.spin_once(timeout_sec=0.02)

    def start(self, neutral=True):
        assert self.node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert self.node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        names = self.model.description.mounts.names
        sensors = [SensorMount(id=i, name=name, present=True) for i, name in enumerate(names)]
        self.layouts.publish(SensorLayout(layout_id=7, name="six", rate=RATE_HZ, sensors=sensors))
        self.until(lambda: self.frames.get_subscription_count() == 1 and self.node._served[0].layout_problem is None)
        if neutral:
            for _ in range(20):
                self.send(np.zeros(arkit.COUNT))
            assert self.node._served[0].tracker.neutral is not None

    def send(self, weights):
        """One frame of a wearer with everybody's mean Jacobian."""
        mounts = self.model.description.mounts
        turn = np.zeros((len(mounts.names), 3))
        turn[list(mounts.skin)] = (self.model.description.prior.mean @ weights).reshape(-1, 3)
        orientation = rotation.multiply(rotation.from_vector(turn), mounts.orientation)
        up = np.broadcast_to([0.0, 0.0, 9.81], turn.shape)
        self.sequence += 1
        message = ImuFrame(layout_id=7, sequence=self.sequence, hub_time_us=round(1e6 * self.sequence / RATE_HZ))
        message.status = [USABLE] * len(turn)
        message.orientation = orientation.astype(np.float32).ravel()
        message.angular_velocity = np.zeros(turn.size, np.float32)
        message.specific_force = rotation.rotate(rotation.conjugate(orientation), up).astype(np.float32).ravel()
        before = self.node._served[0].tracker.counters.samples
        self.frames.publish(message)
        self.until(lambda: self.node._served[0].tracker.counters.samples > before)

    def ask(self, wearer):
        """Send a goal; the client's handle once it is under way."""
        assert self.action.wait_for_server(timeout_sec=120.0)
        sent = self.action.send_goal_async(
            CalibrateWearer.Goal(wearer=wearer), feedback_callback=lambda m: self.feedback.append(m.feedback.prompt)
        )
        self.until(sent.done)
        return sent.result()

    def perform(self, seconds=routine.DURATION_S + 0.1):
        """Frames of the wearer doing the routine."""
        poses, cues = routine.nominal_weights(), routine.schedule()
        for i in range(round(seconds * RATE_HZ)):
            held = [c.start_s + 0.4 <= i / RATE_HZ < c.relax_s + 0.1 for c in cues]
            self.send(0.75 * np.asarray(held, float) @ poses)

    def result(self, handle):
        """Status and result of a goal."""
        found = handle.get_result_async()
        self.until(found.done)
        return found.result().status, found.result().result

    def call(self, wearer):
        future = self.use.call_async(UseWearer.Request(wearer=wearer))
        self.until(future.done)
        return future.result()

    def health(self):
        return self.node.health()


@pytest.fixture
def stage(model, folder):
    stage = Stage(model)
    yield stage
    stage.close()


def keep_profile(model, folder, person="ann"):
    mounts, prior = model.description.mounts, model.description.prior
    reference = mounts.names[mounts.reference]
    folder.save(new_profile(person, prior.unknown_wearer, prior, mounts.names, reference, "untrained 1", "a test"))


def test_a_routine_is_prompted_learned_used_and_kept(stage, folder):
    stage.start()
    assert stage.health().values["wearer_known_from"] == "population"
    assert "imusic wearer routine" in stage.health().message
    handle = stage.ask("ann")
    stage.until(lambda: stage.node._served[0].action._running is not None)
    stage.perform()
    status, result = stage.result(handle)
    assert (status, result.success) == (GoalStatus.STATUS_SUCCEEDED, True), result.message
    assert list(result.seen) == [prompt.name for prompt in routine.ROUTINE]
    assert list(result.not_seen) == []
    assert stage.health().values["wearer_known_from"] == "prompts"
    assert stage.health().values["wearer"] == "ann"
    assert folder.load("ann").jacobian.source == "prompts"
    # Everybody who listens is told the same, in order, and in the end that it is over.
    told = [p.name for p in stage.feedback if p.hold]
    assert list(dict.fromkeys(told)) == [prompt.name for prompt in routine.ROUTINE]
    assert {p.text for p in stage.feedback if not p.hold} <= {routine.REST_TEXT, routine.RELAX_TEXT}
    stage.until(lambda: stage.prompts[-1].text == "")
    assert {p.name for p in stage.prompts} >= {"smile", "jaw_open"}
    left = [p.routine_left for p in stage.feedback]
    assert left == sorted(left, reverse=True)


def test_cancelling_changes_nothing_and_another_can_start(stage, folder):
    stage.start()
    handle = stage.ask("ann")
    stage.perform(1.0)
    cancelled = handle.cancel_goal_async()
    stage.until(cancelled.done)
    status, result = stage.result(handle)
    assert (status, result.success) == (GoalStatus.STATUS_CANCELED, False)
    assert "what was known stays" in result.message
    assert folder.names() == []
    assert stage.health().values["wearer_known_from"] == "population"
    again = stage.ask("ann")
    stage.perform(0.5)
    assert stage.node._served[0].action._running is not None
    assert again.accepted


def test_a_second_goal_is_told_to_wait(stage):
    stage.start()
    stage.ask("ann")
    stage.perform(0.2)
    status, result = stage.result(stage.ask("bob"))
    assert status == GoalStatus.STATUS_ABORTED
    assert "already under way" in result.message


@pytest.mark.parametrize(("person", "neutral", "reason"), [("ann", False, "neutral"), ("../ann", True, "name")])
def test_what_cannot_start_is_told_why(stage, person, neutral, reason):
    stage.start(neutral)
    status, result = stage.result(stage.ask(person))
    assert (status, result.success) == (GoalStatus.STATUS_ABORTED, False)
    assert reason in result.message


def test_deactivating_ends_it(stage, folder):
    stage.start()
    handle = stage.ask("ann")
    stage.perform(0.5)
    assert stage.node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    status, result = stage.result(handle)
    assert status == GoalStatus.STATUS_ABORTED
    assert "deactivated" in result.message
    status, result = stage.result(stage.ask("ann"))
    assert "activate it" in result.message
    assert folder.names() == []


def test_cleaning_up_in_the_middle_and_configuring_again_works(stage):
    stage.start()
    stage.ask("ann")
    stage.perform(0.5)
    assert stage.node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    assert stage.node.trigger_cleanup() == TransitionCallbackReturn.SUCCESS
    for _ in range(5):
        stage.executor.spin_once(timeout_sec=0.02)
    stage.start()
    handle = stage.ask("ann")
    stage.perform(0.3)
    assert handle.accepted
    assert stage.node._served[0].action._running is not None


def test_closing_in_the_middle_leaves_nothing_behind(stage):
    stage.start()
    stage.ask("ann")
    stage.perform(0.5)
    stage.node.close()
    for _ in range(5):
        stage.executor.spin_once(timeout_sec=0.02)


def test_a_profile_can_be_named_at_start(stage, model, folder):
    keep_profile(model, folder)
    stage.set(wearer="ann")
    stage.start()
    assert stage.health().values["wearer"] == "ann"


def test_a_profile_that_is_not_there_keeps_the_node_from_starting(stage):
    stage.set(wearer="nobody_knows")
    assert stage.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    stage.set(wearer="")
    assert stage.node.trigger_configure() == TransitionCallbackReturn.SUCCESS


def test_profiles_can_be_changed_while_it_runs(stage, model, folder):
    keep_profile(model, folder)
    stage.start()
    assert stage.call("ann").success
    assert stage.health().values["wearer"] == "ann"
    refused = stage.call("bob")
    assert not refused.success
    assert "ann" in refused.message
    assert stage.health().values["wearer"] == "ann"
    assert stage.call("").success
    assert stage.health().values["wearer"] == "unknown"


def test_what_wear_added_is_kept_in_the_profile_and_forgotten_there(stage, model, folder):
    keep_profile(model, folder)
    stage.set(wearer="ann")
    stage.start()
    wearer = stage.node._served[0]
    wear = wearer.tracker.wear
    learned = replace(wear.known, mean=1.2 * wear.known.mean)
    wear.known, wear.kept = learned, 1  # as a round does
    wearer.wear.poll(stage.node.now_s())
    wearer.wear.keep()
    np.testing.assert_allclose(folder.load("ann").worn.mean, learned.mean, rtol=1e-6)
    assert stage.call("ann").success
    np.testing.assert_allclose(wearer.tracker.wearer.mean, learned.mean, rtol=1e-6)
    wearer.wear._on_forget(Trigger.Request(), Trigger.Response())
    wearer.wear.keep()
    assert folder.load("ann").worn is None


def test_a_profile_of_another_gluing_is_told_of(stage):
    stage.start()
    wearer = stage.node._served[0]
    wearer.tracker.wear.glued_anew = True
    wearer.wear.poll(stage.node.now_s())
    assert stage.health().values["wearer_fits"] == "no"
