"""One node for several people on real ROS 2: each has what a node in their own namespace would give."""

from __future__ import annotations

import time

import numpy as np
import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from imusic.msg import FaceBlendshapes, ImuFrame, SensorLayout, SensorMount  # noqa: E402
from imusic.srv import CalibrateNeutral, UseWearer  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402

from face_evaluation.takes import layout_of, samples_of  # noqa: E402
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine  # noqa: E402
from face_inference.errors import EngineError  # noqa: E402
from face_inference.neutral_calibration import CalibrationParams  # noqa: E402
from face_inference.node import FaceInferenceNode  # noqa: E402
from face_inference.tracker import FaceTracker  # noqa: E402
from face_inference.tracker_params import TrackerParams  # noqa: E402
from face_inference.wearer.profile import new_profile  # noqa: E402
from face_inference.wearer.profile_folder import ProfileFolder  # noqa: E402
from face_inference.wearer_topics import FRAMES  # noqa: E402
from imusic_ros.executor import make_executor  # noqa: E402
from imusic_ros.qos import LATCHED, SENSOR_DATA  # noqa: E402

USABLE = ImuFrame.STATUS_VALID | ImuFrame.STATUS_ORIENTATION_VALID
PEOPLE = ("ann", "bob", "cleo")
HOME = "stage"


class Person:
    """A driver and a listener in one person's namespace."""

    def __init__(self, driver, place, recording):
        self.recording = recording
        self.faces = []
        self.layouts = driver.create_publisher(SensorLayout, f"{place}/imu/layout", LATCHED)
        self.frames = driver.create_publisher(ImuFrame, f"{place}/imu/frame", FRAMES)
        driver.create_subscription(FaceBlendshapes, f"{place}/face/blendshapes", self.faces.append, SENSOR_DATA)
        self.calibrate = driver.create_client(CalibrateNeutral, f"{place}/face_inference/calibrate_neutral")
        self.use = driver.create_client(UseWearer, f"{place}/face_inference/use_wearer")

    def describe(self):
        sensors = [SensorMount(id=i, name=name, present=True) for i, name in enumerate(self.recording.sensor_names)]
        self.layouts.publish(SensorLayout(layout_id=7, name="six", rate=100.0, sensors=sensors))

    def send(self, i, **broken):
        r = self.recording
        message = ImuFrame(layout_id=7, sequence=i, hub_time_us=10_000 * i)
        message.header.stamp.sec, message.header.stamp.nanosec = 1000 + i // 100, 10_000_000 * (i % 100)
        message.header.frame_id = "face_head"
        message.status = [USABLE] * len(r.sensor_names)
        message.orientation = r.orientation[i].ravel()
        message.angular_velocity = r.angular_velocity[i].ravel()
        message.specific_force = r.specific_force[i].ravel()
        for name, value in broken.items():
            setattr(message, name, value)
        self.frames.publish(message)

    @property
    def live(self):
        return [face for face in self.faces if face.state != FaceBlendshapes.STATE_STALE]


class Stage:
    """The node under test beside one small driver for everybody, on the node's own executor."""

    def __init__(self, model, recordings, people):
        rclpy.init()
        self.node = FaceInferenceNode(namespace=HOME)
        self.driver = rclpy.create_node("driver", namespace=HOME)
        self.executor, _ = make_executor()
        self.executor.add_node(self.node)
        self.executor.add_node(self.driver)
        self.people = {name: Person(self.driver, name, r) for name, r in zip(PEOPLE, recordings, strict=True)}
        self.health = {}
        self.driver.create_subscription(
            DiagnosticArray, "/diagnostics", lambda m: self.health.update({s.name: s for s in m.status}), 10
        )
        self.set(model=str(model), neutral_duration_s=0.5, wearers=list(people), engine="onnxruntime")

    def set(self, **values):
        results = self.node.set_parameters([Parameter(name, value=value) for name, value in values.items()])
        assert all(result.successful for result in results)

    def close(self):
        self.node.close()
        self.executor.shutdown()
        self.node.destroy_node()
        self.driver.destroy_node()
        rclpy.try_shutdown()

    def until(self, condition, limit_s=120.0):
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, "nothing happened in time"
            self.executor.spin_until_future_complete(rclpy.task.Future(executor=self.executor), 0.01)

    def start(self):
        assert self.node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert self.node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        for person in self.people.values():
            person.describe()
        self.until(lambda: all(p.frames.get_subscription_count() == 1 for p in self.people.values()))
        self.until(lambda: all(served.layout_problem is None for served in self.node._served))

    def play(self, start, stop, silent=()):
        speaking = [person for name, person in self.people.items() if name not in silent]
        for i in range(start, stop):
            for person in speaking:
                person.send(i)
            self.until(lambda i=i: all(p.live and p.live[-1].sequence == i for p in speaking))


@pytest.fixture
def profiles(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return ProfileFolder()


@pytest.fixture
def stage(trained, recorded, profiles):
    recordings = [recorded(seed=5 + i, seconds=4.0, still_s=1.0, person=name) for i, name in enumerate(PEOPLE)]
    stage = Stage(trained["model"].path, recordings, PEOPLE)
    yield stage
    stage.close()


def alone(model, recording, stop):
    """What a tracker of its own gives."""
    params = TrackerParams(calibration=CalibrationParams(duration_s=0.5))
    tracker = FaceTracker(model.description, OnnxRuntimeEngine(model), params)
    tracker.set_layout(layout_of(recording))
    return [tracker.update(sample, 0.0) for sample in list(samples_of(recording))[:stop]]


def test_everybody_gets_what_they_would_get_alone(stage, trained):
    stage.start()
    stage.play(0, 220)
    for person in stage.people.values():
        expected = alone(trained["model"], person.recording, 220)
        assert [face.sequence for face in person.live] == list(range(220))
        assert [face.state for face in person.live] == [e.state for e in expected]
        np.testing.assert_allclose([f.weights for f in person.live], [e.weights for e in expected], atol=1e-5)
        np.testing.assert_allclose([f.confidence for f in person.live], [e.confidence for e in expected], atol=1e-5)
        assert person.live[-1].header.stamp.nanosec == 10_000_000 * 19
    last = [person.live[-1].weights for person in stage.people.values()]
    assert not np.allclose(last[0], last[1], atol=1e-3), "they do not make the same face"


def test_frames_that_are_ready_together_are_one_step(stage):
    stage.start()
    stage.play(0, 60)
    steps = stage.node._batch.steps
    for i in range(60, 65):  # all are there before anything is looked at
        for person in stage.people.values():
            person.send(i)
    stage.until(lambda: all(p.live[-1].sequence == 64 for p in stage.people.values()))
    assert stage.node._batch.steps - steps < 3 * 5
    assert stage.node.health().values["faces_per_step"] > 1.0


def test_who_is_silent_goes_stale_while_the_others_track_at_full_rate(stage):
    stage.start()
    stage.play(0, 70)
    silent = stage.people["bob"]
    stage.play(70, 130, silent=["bob"])
    stage.until(lambda: silent.faces[-1].state == FaceBlendshapes.STATE_STALE)
    stage.play(130, 140, silent=["bob"])
    assert silent.faces[-1].sequence == 69
    for name in ("ann", "cleo"):
        assert [face.sequence for face in stage.people[name].live] == list(range(140))
        assert stage.people[name].live[-1].state == FaceBlendshapes.STATE_TRACKING
    healths = stage.node.health_of_places()
    assert healths["bob"].level > 0
    assert healths["ann"].level == healths["cleo"].level == 0


def test_one_persons_broken_frames_and_restart_touch_nobody_else(stage):
    stage.start()
    stage.play(0, 70)
    bob = stage.people["bob"]
    bob.send(70, orientation=np.full(24, np.nan, dtype=np.float32))
    bob.send(71, status=[1])
    bob.send(72, layout_id=99)
    stage.play(70, 80, silent=["bob"])
    for i in range(3):
        bob.send(i)
    stage.until(lambda: bob.live[-1].sequence == 2)
    assert bob.live[-1].state == FaceBlendshapes.STATE_TRACKING
    stage.play(80, 85, silent=["bob"])
    assert stage.people["ann"].live[-1].state == FaceBlendshapes.STATE_TRACKING
    assert [c.tracker.counters.resets for c in stage.node._served if c.name != "bob"] == [2, 2]
    values = stage.node.health_of_places()["bob"].values
    assert (values["refused"], values["returns"]) == (2, 1)


def test_services_stand_in_each_persons_namespace(stage, trained, profiles):
    stage.start()
    stage.play(0, 60)
    old = [served.tracker.neutral for served in stage.node._served]
    future = stage.people["bob"].calibrate.call_async(CalibrateNeutral.Request(duration=0.5))
    stage.until(lambda: stage.node._served[1].neutral.running)
    stage.play(60, 120)
    stage.until(future.done)
    changed = [served.tracker.neutral is not before for served, before in zip(stage.node._served, old, strict=True)]
    assert changed == [False, future.result().success, False]
    assert future.result().success, future.result().message
    keep_profile(trained["model"], profiles, "dora")
    used = stage.people["cleo"].use.call_async(UseWearer.Request(wearer="dora"))
    stage.until(used.done)
    assert [served.action.profile for served in stage.node._served] == ["", "", "dora"]
    names = {name for name, _ in stage.driver.get_topic_names_and_types()}
    assert {f"/{HOME}/{person}/face/prompt" for person in PEOPLE} <= names
    services = {name for name, _ in stage.driver.get_service_names_and_types()}
    assert f"/{HOME}/face_inference/calibrate_neutral" not in services, "the node's own namespace is nobody's"


def keep_profile(model, folder, person):
    mounts, prior = model.description.mounts, model.description.prior
    reference = mounts.names[mounts.reference]
    folder.save(new_profile(person, prior.unknown_wearer, prior, mounts.names, reference, "tiny", "a test"))


def test_each_uses_the_profile_of_their_own_name(stage, trained, profiles):
    keep_profile(trained["model"], profiles, "bob")
    (profiles.path / "cleo.safetensors").write_bytes(b"damaged")
    assert stage.node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert [served.action.profile for served in stage.node._served] == ["", "bob", ""]


def test_diagnostics_have_a_status_for_each(stage):
    stage.start()
    names = {f"{HOME}/face_inference", *(f"{HOME}/{person}/face_inference" for person in PEOPLE)}
    stage.until(lambda: names <= set(stage.health))
    values = {v.key: v.value for v in stage.health[f"{HOME}/bob/face_inference"].values}
    assert values["engine"].startswith("ONNX Runtime")
    assert "rate_hz" in values
    assert stage.health[f"{HOME}/face_inference"].message == "one engine for 3 wearers"


@pytest.mark.parametrize(
    ("people", "wearer", "reason"),
    [
        (["ann", "ann"], "", "more than once"),
        (["ann", "2nd"], "", "'2nd'"),
        (["ann", "bob"], "eve", "leave wearer empty"),
    ],
)
def test_people_that_cannot_be_served_refuse_configuration(stage, people, wearer, reason):
    stage.set(wearers=people, wearer=wearer)
    assert stage.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert reason in stage.node._current_health().message
    stage.set(wearers=["ann"], wearer="")
    assert stage.node.trigger_configure() == TransitionCallbackReturn.SUCCESS


def test_the_lifecycle_can_be_repeated_with_other_people(stage):
    for people in (PEOPLE, ("ann",), ("",), PEOPLE[:2], PEOPLE):
        stage.set(wearers=list(people))
        assert stage.node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert stage.node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        assert [served.name for served in stage.node._served] == list(people)
        assert stage.node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
        assert stage.node.trigger_cleanup() == TransitionCallbackReturn.SUCCESS
    assert stage.driver.count_publishers("ann/face/blendshapes") == 0
    stage.start()
    stage.play(0, 5)


def test_an_engine_that_fails_is_told_once_and_the_capture_goes_on(stage, monkeypatch):
    class Dying(OnnxRuntimeEngine):
        left = 10**9

        def step(self, active=None):
            if Dying.left <= 0:
                raise EngineError("the device is gone")
            Dying.left -= 1
            return super().step(active)

    monkeypatch.setattr("face_training.torch_engine.TorchEngine", Dying)
    stage.set(engine="pytorch")
    stage.start()
    stage.play(0, 70)
    Dying.left = 0
    stage.play(70, 90)
    assert all(person.live[-1].state == FaceBlendshapes.STATE_TRACKING for person in stage.people.values())
    for health in (stage.node.health(), *stage.node.health_of_places().values()):
        assert health.level == 1
        assert "the device is gone" in health.message
