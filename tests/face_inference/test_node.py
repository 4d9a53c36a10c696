"""The node on real ROS 2, in one process: topics, stamps, calibration service, bad models, lifecycle."""

from __future__ import annotations

import time

import numpy as np
import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from imusic.msg import FaceBlendshapes, ImuFrame, SensorLayout, SensorMount  # noqa: E402
from imusic.srv import CalibrateNeutral  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.time import Time  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from sensor_msgs.msg import Imu  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402

from face_evaluation.takes import layout_of, recorded_neutral, samples_of  # noqa: E402
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine  # noqa: E402
from face_inference.node import FaceInferenceNode  # noqa: E402
from face_inference.served_wearer import FORGOTTEN_S  # noqa: E402
from face_inference.tracker import FaceTracker  # noqa: E402
from face_inference.wearer_topics import FRAMES  # noqa: E402
from face_model import arkit, observability, rotation  # noqa: E402
from imusic_ros.qos import LATCHED, SENSOR_DATA  # noqa: E402

USABLE = ImuFrame.STATUS_VALID | ImuFrame.STATUS_ORIENTATION_VALID


class Rig:
    """The node under test beside a small driver, spun by hand."""

    def __init__(self, model, recording):
        self.recording = recording
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = FaceInferenceNode(context=self.context)
        self.driver = rclpy.create_node("driver", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.executor.add_node(self.driver)
        self.faces = []
        self.epoch_ns = None  # time stamp of hub time zero; None: long ago, as of a clock of its own
        self.layout_pub = self.driver.create_publisher(SensorLayout, "imu/layout", LATCHED)
        self.frame_pub = self.driver.create_publisher(ImuFrame, "imu/frame", FRAMES)
        self.driver.create_subscription(FaceBlendshapes, "face/blendshapes", self.faces.append, SENSOR_DATA)
        self.client = self.driver.create_client(CalibrateNeutral, "face_inference/calibrate_neutral")
        self.node.set_parameters([Parameter("model", value=str(model)), Parameter("neutral_duration_s", value=0.5)])

    def close(self):
        self.node.close()
        self.executor.shutdown()
        self.node.destroy_node()
        self.driver.destroy_node()
        rclpy.shutdown(context=self.context)

    def until(self, condition, limit_s=120.0):
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, "nothing happened in time"
            self.executor.spin_once(timeout_sec=0.02)

    def start(self):
        assert self.node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert self.node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        self.publish_layout()
        self.until(lambda: self.frame_pub.get_subscription_count() == 1 and self.node._served[0].layout_problem is None)

    def publish_layout(self, rate=100.0, names=None, layout_id=7):
        names = names or self.recording.sensor_names
        sensors = [SensorMount(id=i, name=name, present=True) for i, name in enumerate(names)]
        self.layout_pub.publish(SensorLayout(layout_id=layout_id, name="six", rate=rate, sensors=sensors))

    def send(self, i, as_number=None, hub_offset_us=0, publisher=None, age_s=None):
        r, number = self.recording, i if as_number is None else as_number
        message = ImuFrame(layout_id=7, sequence=number, hub_time_us=10_000 * number + hub_offset_us)
        i %= len(r.orientation)
        message.header.stamp.sec, message.header.stamp.nanosec = 1000 + number // 100, 10_000_000 * (number % 100)
        if age_s is not None:
            message.hub_time_us = (self.node.get_clock().now().nanoseconds - self.epoch_ns) // 1000 - int(1e6 * age_s)
        if self.epoch_ns is not None:
            message.header.stamp = Time(nanoseconds=self.epoch_ns + 1000 * message.hub_time_us).to_msg()
        message.header.frame_id = "face_head"
        message.status = [USABLE] * len(r.sensor_names)
        message.orientation = r.orientation[i].ravel()
        message.angular_velocity = r.angular_velocity[i].ravel()
        message.specific_force = r.specific_force[i].ravel()
        (publisher or self.frame_pub).publish(message)

    def play(self, start, stop, offset=0):
        for i in range(start, stop):
            before = len(self.faces)
            self.send(i, i + offset)
            self.until(lambda before=before: len(self.faces) > before)


@pytest.fixture
def rig(trained, recorded):
    rig = Rig(trained["model"].path, recorded(seed=5, seconds=6.0))
    yield rig
    rig.close()


def test_every_sample_becomes_a_face_with_the_samples_own_stamp(rig):
    rig.start()
    rig.play(0, 120)
    live = [face for face in rig.faces if face.state != FaceBlendshapes.STATE_STALE]
    assert [face.sequence for face in live] == list(range(120))
    assert all(f.header.stamp.nanosec == 10_000_000 * (f.sequence % 100) for f in live)
    assert live[10].state == FaceBlendshapes.STATE_CALIBRATING
    assert live[-1].state == FaceBlendshapes.STATE_TRACKING
    assert live[-1].model == "tiny 1.2.3"
    assert live[-1].header.frame_id == "face_head"
    assert max(live[-1].confidence) > 0.0
    assert [i for i, seen in enumerate(live[-1].observable) if not seen] == list(observability.HIDDEN)
    ceiling = [observability.WITHIN_OF_HIDDEN[arkit.BLENDSHAPES[i]] + 1e-6 for i in observability.HIDDEN]
    assert all(live[-1].confidence[i] <= most for i, most in zip(observability.HIDDEN, ceiling, strict=True))


def test_silence_makes_the_face_stale_with_the_old_stamp(rig):
    rig.start()
    rig.play(0, 80)
    rig.until(lambda: rig.faces[-1].state == FaceBlendshapes.STATE_STALE)
    rig.until(lambda: not any(rig.faces[-1].confidence))
    assert rig.faces[-1].sequence == 79
    assert rig.faces[-1].header.stamp.nanosec == 790_000_000
    assert rig.node.health().level > 0


def test_the_service_calibrates_without_stopping_the_samples(rig):
    rig.start()
    rig.play(0, 60)
    old = rig.node._served[0].tracker.neutral
    future = rig.client.call_async(CalibrateNeutral.Request(duration=1.0))
    rig.until(lambda: rig.node._served[0].neutral.running)
    second = rig.client.call_async(CalibrateNeutral.Request(duration=1.0))
    rig.until(second.done)
    assert not second.result().success
    assert "already under way" in second.result().message
    rig.play(60, 180)
    rig.until(future.done)
    assert future.result().success
    assert 0.0 <= future.result().stillness < 0.1
    assert rig.node._served[0].tracker.neutral is not old


def test_a_calibration_that_fails_after_one_that_went_well_is_told_and_ends_nothing(rig):
    rig.start()
    rig.play(0, 60)
    verdicts = []
    for first in (60, 400):  # still, then with head and face moving; and once more
        future = rig.client.call_async(CalibrateNeutral.Request(duration=0.5))
        rig.until(lambda: rig.node._served[0].neutral.running)
        rig.play(first, first + 60, offset=60 + 60 * len(verdicts) - first)
        rig.until(future.done)
        verdicts.append(future.result().success)
    assert verdicts == [True, False]
    before = len(rig.faces)
    rig.play(460, 465, offset=180 - 460)
    assert len(rig.faces) > before


def test_the_service_refuses_nonsense_and_ends_when_the_node_is_deactivated(rig):
    rig.start()
    refused = rig.client.call_async(CalibrateNeutral.Request(duration=99.0))
    rig.until(refused.done)
    assert "0.5 to 30 s" in refused.result().message
    waiting = rig.client.call_async(CalibrateNeutral.Request(duration=5.0))
    rig.until(lambda: rig.node._served[0].neutral.running)
    rig.node.trigger_deactivate()
    rig.until(waiting.done)
    assert not waiting.result().success
    assert "deactivated" in waiting.result().message


@pytest.mark.parametrize("field", ["orientation", "angular_velocity", "specific_force", "status"])
def test_a_frame_whose_arrays_do_not_fit_stops_nobody(rig, field):
    rig.start()
    rig.play(0, 3)
    broken = ImuFrame(layout_id=7, sequence=3, hub_time_us=30_000, status=[USABLE] * 6)
    broken.orientation, broken.angular_velocity, broken.specific_force = [0.0] * 24, [0.0] * 18, [0.0] * 18
    setattr(broken, field, [1])
    rig.frame_pub.publish(broken)
    rig.play(4, 8)
    assert rig.faces[-1].sequence == 7


@pytest.mark.parametrize("rate", [float("inf"), 1e30, 0.0, float("nan")])
def test_a_layout_that_no_driver_sends_is_refused_and_a_good_one_taken(rig, rate):
    rig.start()
    served = rig.node._served[0]
    rig.publish_layout(rate=rate)
    rig.until(lambda: "Hz" in str(served.refused_layout))
    rig.publish_layout(names=[*rig.recording.sensor_names, "chin"])
    rig.until(lambda: "more than once" in str(served.refused_layout))
    assert rig.node.health().level > 0
    rig.play(0, 5)  # the good one from before stays in use
    rig.publish_layout()
    rig.until(lambda: served.refused_layout is None)
    rig.play(5, 10)


def test_a_first_layout_that_no_driver_sends_is_refused_and_a_good_one_taken(rig):
    assert rig.node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert rig.node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    rig.publish_layout(rate=float("inf"))
    rig.until(lambda: "Hz" in str(rig.node._served[0].layout_problem))
    assert "Hz" in rig.node.health().message
    rig.publish_layout()
    rig.until(lambda: rig.node._served[0].layout_problem is None)


def test_of_two_drivers_one_is_followed_and_the_level_is_error_with_the_cure(rig, monkeypatch):
    rig.start()
    rig.play(0, 80)
    served, resets = rig.node._served[0], rig.node._served[0].tracker.counters.resets
    other = rig.driver.create_publisher(ImuFrame, "imu/frame", FRAMES)
    for i in range(80, 120):
        rig.send(i - 60, i, hub_offset_us=77_000_000, publisher=other)
        rig.play(i, i + 1)
    rig.until(lambda: served.source.foreign == 40 and rig.faces[-1].sequence == 119)
    assert served.tracker.counters.resets == resets
    # A slow machine may say once more what was the newest face.
    assert list(dict.fromkeys(face.sequence for face in rig.faces))[-20:] == list(range(100, 120))
    assert rig.faces[-1].state == FaceBlendshapes.STATE_TRACKING
    health = rig.node.health()
    assert health.level == 2
    assert "/imu/frame" in health.message
    assert "--namespace" in health.message
    rig.until(lambda: served.publishers == 2)
    later_s = served.now_s() + FORGOTTEN_S
    assert served.crowded(later_s)
    monkeypatch.setattr("face_inference.served_wearer.FORGOTTEN_S", 0.0)
    assert "found 2" in rig.node.health().message, "they need not send to be told"
    rig.driver.destroy_publisher(other)
    rig.until(lambda: served.publishers == 1)
    assert not served.crowded(later_s)


def test_a_driver_that_was_killed_and_started_again_is_no_error(rig):
    rig.start()
    rig.play(0, 80)
    left = rig.driver.create_publisher(ImuFrame, "imu/frame", FRAMES)  # ROS knows the killed one for a while
    served = rig.node._served[0]
    rig.until(lambda: served.publishers == 2)
    rig.play(80, 85)
    assert "found 2" not in rig.node.health().message
    assert left.topic_name == "/imu/frame"


def test_layouts_of_two_drivers_do_not_take_turns(rig):
    rig.start()
    rig.play(0, 80)
    served = rig.node._served[0]
    neutral = served.tracker.neutral
    for i in range(80, 90):
        rig.publish_layout(layout_id=8 if i % 2 else 7)
        rig.play(i, i + 1)
    assert served.tracker.neutral is neutral
    rig.publish_layout(layout_id=8)
    rig.until(lambda: served.tracker.layout.layout_id == 8)  # the frames of the other one have ceased


def test_the_state_follows_the_age_of_the_data(rig):
    rig.epoch_ns = rig.node.get_clock().now().nanoseconds - 6_000_000_000
    rig.start()
    rig.play(0, 80)
    assert {face.state for face in rig.faces} == {FaceBlendshapes.STATE_STALE}, "5 s old, at full rate"
    assert not any(rig.faces[-1].confidence)
    assert not any(rig.faces[-1].weights)
    assert rig.node.health().level == 1
    assert "too slow" in rig.node.health().message
    for i, age_s in enumerate((0.4, 0.0), 80):
        rig.send(i, age_s=age_s)
        rig.until(lambda i=i: rig.faces[-1].sequence == i)
        face = next(face for face in rig.faces if face.sequence == i)
        assert face.state == (FaceBlendshapes.STATE_STALE if age_s else FaceBlendshapes.STATE_TRACKING)


def test_a_delay_that_stands_is_worked_off_by_taking_the_newest(rig):
    rig.epoch_ns = rig.node.get_clock().now().nanoseconds - 1_200_000_000
    rig.start()
    rig.play(0, 80)
    served, before = rig.node._served[0], len(rig.faces)
    served.source.behind(0.0, 0.0)
    served.source.behind(0.2, time.monotonic() - 10.0)  # late for long
    for i in range(80, 95):
        rig.send(i)
    rig.until(lambda: rig.faces[-1].sequence == 94, 10.0)
    assert len([f for f in rig.faces[before:] if f.sequence > 79]) < 8
    assert served.skipped > 7
    assert served.tracker.counters.lost == served.skipped
    assert "too slow" in rig.node.health().message
    rig.send(95, age_s=0.0)
    rig.until(lambda: rig.faces[-1].sequence == 95, 10.0)
    assert rig.node.health().level == 0, "what is over is over"


def test_a_missing_model_leaves_the_node_unconfigured_with_the_reason(rig):
    rig.node.set_parameters([Parameter("model", value="no_such_model")])
    assert rig.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    health = rig.node._current_health()
    assert health.level == 2
    assert "no_such_model" in health.message


def test_the_lifecycle_can_be_repeated(rig):
    for _ in range(5):
        assert rig.node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert rig.node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        assert rig.node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
        assert rig.node.trigger_cleanup() == TransitionCallbackReturn.SUCCESS
    assert rig.node.count_publishers("face/blendshapes") == 0
    rig.start()
    rig.play(0, 5)


def test_fading_stillness_and_patience_change_while_it_runs(rig):
    rig.start()
    rig.play(0, 40)
    changes = {"stale_after_s": 4.0, "neutral_after_s": 9.0, "fade_s": 2.0, "neutral_patience_s": 3.0}
    changes |= {"still_skull_rad_s": 0.3, "still_face_rad_s": 0.4}
    results = rig.node.set_parameters([Parameter(name, value=value) for name, value in changes.items()])
    assert all(result.successful for result in results)
    params = rig.node._batch.trackers[0].params
    assert (params.stale_after_s, params.neutral_after_s, params.fade_s) == (4.0, 9.0, 2.0)
    assert params.calibration.patience_s == 3.0
    assert params.calibration.max_skull_rate_rad_s == 0.3
    assert params.calibration.max_face_rate_rad_s == 0.4
    (refused,) = rig.node.set_parameters([Parameter("max_gap_s", value=0.5)])
    assert "run cleanup first" in refused.reason
    rig.node.set_parameters([Parameter("stale_after_s", value=0.02)])
    rig.until(lambda: rig.faces[-1].state == FaceBlendshapes.STATE_STALE)
    rig.play(40, 80)


def test_a_calibration_that_runs_goes_on_with_the_new_patience(rig):
    rig.start()
    rig.play(0, 10)
    assert rig.faces[-1].state == FaceBlendshapes.STATE_CALIBRATING
    rig.node.set_parameters([Parameter("neutral_patience_s", value=1.0)])
    assert rig.node._batch.trackers[0]._worn.calibrations.automatic.params.patience_s == 1.0


def test_the_shipped_configuration_names_every_parameter_with_its_default():
    from pathlib import Path

    import yaml

    from face_inference.node import PARAMETERS

    path = Path(__file__).resolve().parents[2] / "config" / "face_inference.yaml"
    content = yaml.safe_load(path.read_text())["/**/face_inference"]["ros__parameters"]
    assert content == {spec.name: spec.default for spec in PARAMETERS}


class SimulatedTime:
    """/clock, set by hand; frames are stamped by it."""

    def __init__(self, rig):
        self.rig, self.node = rig, rig.node
        self.publisher = rig.driver.create_publisher(Clock, "/clock", 1)
        rig.node.set_parameters([Parameter("use_sim_time", value=True)])
        self.health = []
        rig.driver.create_subscription(DiagnosticArray, "/diagnostics", self.on_diagnostics, 10)

    def on_diagnostics(self, message):
        for s in message.status:
            self.health.append({"message": s.message, "level": s.level} | {v.key: v.value for v in s.values})

    def set(self, seconds):
        now = Time(nanoseconds=round(1e9 * seconds))

        def arrived():
            self.publisher.publish(Clock(clock=now.to_msg()))
            return self.node.get_clock().now().nanoseconds == now.nanoseconds

        self.rig.until(arrived)

    def told(self, **expected):
        self.health.clear()
        self.rig.until(lambda: any(expected.items() <= said.items() for said in self.health))

    def play(self, start, stop, step_s, ahead_s=0.0):
        """Frames at the hub's 100 Hz, each stamped `ahead_s` before /clock, which goes on by `step_s` for each."""
        for i in range(start, stop):
            now_s = self.node.get_clock().now().nanoseconds * 1e-9 + step_s
            self.set(now_s)
            self.rig.epoch_ns = round(1e9 * (now_s + ahead_s)) - 10_000_000 * i
            self.rig.send(i)
            self.rig.until(lambda i=i: self.rig.faces and self.rig.faces[-1].sequence == i)


def test_a_clock_that_nobody_publishes_is_told(rig):
    simulated = SimulatedTime(rig)
    rig.start()
    simulated.told(clock="none", level=b"\x01")
    assert "nothing is heard on /clock" in simulated.health[-1]["message"]
    simulated.set(5.0)
    simulated.told(clock="stands still")
    assert "/clock" not in simulated.health[-1]["message"]


@pytest.mark.parametrize("step_s", [0.01, 0.1], ids=["as recorded", "ten times as fast"])
def test_on_a_clock_that_pauses_the_face_stays_and_then_goes_on(rig, step_s):
    simulated = SimulatedTime(rig)
    simulated.set(1000.0)
    rig.start()
    simulated.play(0, 80, step_s, ahead_s=-0.3)  # by /clock the faces are late, which says nothing of this computer
    assert rig.faces[-1].state == FaceBlendshapes.STATE_TRACKING
    assert rig.faces[-1].age == pytest.approx(0.3, abs=1e-3)
    served = rig.node._served[0]
    assert (served.skipped, served.source.foreign) == (0, 0)
    silence_s = served.tracker.silence_s(rig.node.now_s())
    simulated.told(clock="stands still")
    simulated.told(clock="stands still")  # a second has passed: ten times what makes a face stale
    assert served.tracker.silence_s(rig.node.now_s()) <= silence_s + 0.26
    simulated.play(80, 100, step_s, ahead_s=-0.3)
    assert rig.faces[-1].state == FaceBlendshapes.STATE_TRACKING
    assert served.source.foreign == 0
    for _ in range(60):  # the clock goes on and no frame comes
        simulated.set(rig.node.get_clock().now().nanoseconds * 1e-9 + 0.1)
    rig.until(lambda: rig.faces[-1].state == FaceBlendshapes.STATE_STALE)


def test_a_clock_that_goes_back_makes_no_age_negative(rig):
    simulated = SimulatedTime(rig)
    simulated.set(1000.0)
    rig.start()
    simulated.play(0, 60, 0.01)
    simulated.set(10.0)
    simulated.told(clock="stands still")
    simulated.play(60, 80, 0.01, ahead_s=0.5)  # a driver whose clock is ahead
    assert rig.faces[-1].header.stamp.sec < 20
    assert min(face.age for face in rig.faces) >= 0.0
    assert rig.node._served[0].source.foreign == 0


def test_the_head_is_on_tf_where_its_parent_is_named(rig, monkeypatch):
    sent = []
    monkeypatch.setattr("imusic_ros.transforms.Transforms.send", lambda self, transforms: sent.extend(transforms))
    rig.node.set_parameters([Parameter("parent_frame", value="robot/neck")])
    rig.start()
    rig.play(0, 5)
    rig.until(lambda: rig.faces[-1].state == FaceBlendshapes.STATE_STALE)  # said again and again, of one moment
    assert [(t.header.frame_id, t.child_frame_id) for t in sent] == [("robot/neck", "face_head")] * 5
    assert [t.header.stamp.nanosec for t in sent] == [10_000_000 * i for i in range(5)]
    turned = {face.sequence: face.head_orientation for face in rig.faces}
    assert sent[-1].transform.rotation == turned[4]


def test_the_head_is_a_topic_of_its_own_while_somebody_listens(rig):
    heads = []
    rig.driver.create_subscription(Imu, "face/head", heads.append, SENSOR_DATA)
    rig.start()
    rig.until(lambda: rig.node._served[0].topics._heads.get_subscription_count() == 1)
    rig.play(0, 80)
    rig.until(lambda: rig.faces[-1].state == FaceBlendshapes.STATE_STALE)  # a face is said again, the head is not
    rig.until(lambda: heads and heads[-1].header.stamp == rig.faces[-1].header.stamp)
    stamps = [(h.header.stamp.sec, h.header.stamp.nanosec) for h in heads]
    assert len(set(stamps)) == len(stamps)
    assert {h.header.frame_id for h in heads} == {"face_head"}
    face = {(f.header.stamp.sec, f.header.stamp.nanosec): f for f in rig.faces}
    assert all(h.orientation == face[stamp].head_orientation for h, stamp in zip(heads, stamps, strict=True))
    last = heads[-1]
    assert last.angular_velocity_covariance[0] == 0.0
    assert last.linear_acceleration_covariance[0] == -1.0
    tracker = rig.node._served[0].tracker
    assert [last.angular_velocity.x, last.angular_velocity.y, last.angular_velocity.z] == tracker.head_rate.tolist()


def test_the_heads_rate_is_that_of_its_orientation(trained, recorded):
    tracker = FaceTracker(trained["model"].description, OnnxRuntimeEngine(trained["model"]))
    take = recorded(seed=5, seconds=8.0)
    tracker.set_layout(layout_of(take))
    tracker.neutral = recorded_neutral(take, tracker.mounts)
    seen = [(tracker.update(s, s.hub_time_s).head_orientation, tracker.head_rate) for s in samples_of(take)]
    heads, rates = (np.array(each) for each in zip(*seen, strict=True))
    step = rotation.to_vector(rotation.multiply(rotation.conjugate(heads[:-2]), heads[2:]))
    # Mid-point differences of a fused orientation against the gyroscope, in the head's own axes.
    assert np.abs(step * 0.5 * take.rate_hz - rates[1:-1]).mean() < 0.03
    assert np.abs(rates).max() > 0.1


def test_without_a_parent_nothing_is_sent_and_a_wrong_one_is_refused(rig):
    rig.start()
    assert rig.node._transforms is None
    assert rig.node.count_publishers("/tf") == 0
    assert rig.node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    assert rig.node.trigger_cleanup() == TransitionCallbackReturn.SUCCESS
    rig.node.set_parameters([Parameter("parent_frame", value="/map")])
    assert rig.node.trigger_configure() == TransitionCallbackReturn.SUCCESS, "a leading slash is left out"
    assert rig.node.trigger_cleanup() == TransitionCallbackReturn.SUCCESS
    rig.node.set_parameters([Parameter("parent_frame", value="my robot")])
    assert rig.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert "parent_frame: expected the name of a frame" in rig.node._current_health().message


def test_what_wear_taught_can_be_forgotten_and_learning_switched_off(rig):
    rig.start()
    values = rig.node.health().values
    assert values["learn_while_worn"] == "waits for a routine or a profile to add to"
    assert values["worn_rounds_kept"] == 0
    client = rig.driver.create_client(Trigger, "face_inference/forget_worn")
    rig.until(client.service_is_ready)
    future = client.call_async(Trigger.Request())
    rig.until(future.done)
    assert future.result().success
    assert "population" in future.result().message
    rig.node.set_parameters([Parameter("learn_while_worn", value=False)])
    assert rig.node.health().values["learn_while_worn"] == "off"


def test_a_node_in_the_place_of_a_killed_one_goes_on_with_its_neutral(trained, recorded, tmp_path):
    folder = tmp_path / "resume"

    def started():
        rig = Rig(trained["model"].path, recorded(seed=5, seconds=6.0))
        rig.node.set_parameters([Parameter("resume_folder", value=str(folder))])
        rig.start()
        return rig

    first = started()
    try:
        first.play(0, 120)
        assert first.faces[-1].state == FaceBlendshapes.STATE_TRACKING
        first.until(lambda: list(folder.glob("*.snapshot")))
        (file,) = folder.glob("*.snapshot")
        left = file.read_bytes()  # a node that is killed leaves it; one that ends in order does not
    finally:
        first.close()
    assert not file.exists()
    file.write_bytes(left)
    second = started()
    try:
        second.play(200, 300)
        states = {face.state for face in second.faces}
        assert FaceBlendshapes.STATE_CALIBRATING not in states
        assert second.faces[-1].state == FaceBlendshapes.STATE_TRACKING
        assert second.node._served[0].tracker.params.calibration.duration_s == 0.5
    finally:
        second.close()
    third = started()
    try:
        third.play(0, 20)
        assert third.faces[-1].state == FaceBlendshapes.STATE_CALIBRATING
    finally:
        third.close()
