"""ROS 2 node `face_inference`: `imu/frame` in, `face/blendshapes` out, at the sample rate."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from imusic.msg import FaceBlendshapes, ImuFrame, SensorLayout
from imusic.srv import CalibrateNeutral
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from std_msgs.msg import Header

from face_inference.calibration import CalibrationParams, NeutralCalibration
from face_inference.engines.choice import ENGINES, create_engine
from face_inference.errors import InferenceError, LayoutMismatchError
from face_inference.gauge import Gauge
from face_inference.model_folder import load_model
from face_inference.samples import FaceEstimate, ImuSample, InputLayout, TrackingState
from face_inference.tracker import FaceTracker, TrackerParams
from face_inference.wearer_action import WearerAction
from face_model.frames import HEAD_FRAME
from imusic_ros.health import ERROR, OK, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.parameters import ParameterSpec
from imusic_ros.process import run
from imusic_ros.qos import LATCHED, SENSOR_DATA

PARAMETERS = (
    ParameterSpec("model", "imusic", "Model to run: a name in any package that ships models, or a folder's path."),
    ParameterSpec("engine", "auto", "What runs the model; auto takes the fastest that works here.", choices=ENGINES),
    ParameterSpec("wearer", "", "Whose profile is used from the start; empty: what is known of anybody."),
    ParameterSpec("neutral_duration_s", 2.0, "Length of the neutral calibration, s.", 0.5, 30.0),
    ParameterSpec("still_skull_rad_s", 0.1, "RMS turning rate of the skull that counts as still, rad/s.", 0.005, 2.0),
    ParameterSpec("still_face_rad_s", 0.15, "RMS turning rate of the skin that counts as relaxed, rad/s.", 0.005, 2.0),
    ParameterSpec("neutral_patience_s", 15.0, "At start, take the stillest window after this long, s.", 1.0, 600.0),
    ParameterSpec("max_gap_s", 0.25, "A longer gap between samples starts the network anew, s.", 0.02, 2.0),
    ParameterSpec(
        "stale_after_s", 0.1, "Without input for this long, confidence falls and the state is stale, s.", 0.02, 5.0
    ),
    ParameterSpec("neutral_after_s", 1.0, "Without input for this long, weights fall to neutral, s.", 0.05, 60.0),
    ParameterSpec("fade_s", 0.5, "Time that the fall of confidence and of weights takes, s.", 0.0, 10.0),
)

FRAMES = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=20, reliability=ReliabilityPolicy.BEST_EFFORT)
"""0.2 s at 100 Hz: a busy machine may stall the process for so long, and a gap would cost the network its memory, while
catching up takes 1 ms a sample. Bounded, so that delay cannot grow."""

IDLE_PERIOD_S = 0.05
CALIBRATION_SLACK_S = 2.0
"""A calibration that takes this much longer than asked for gets no samples."""

_USABLE = ImuFrame.STATUS_VALID | ImuFrame.STATUS_ORIENTATION_VALID
_UNUSABLE = ImuFrame.STATUS_MISSING | ImuFrame.STATUS_FAULT


class FaceInferenceNode(ManagedNode):
    """Runs a model on the incoming samples; see the package's configuration file for its parameters."""

    def __init__(self, **options: Any) -> None:
        super().__init__("face_inference", PARAMETERS, **options)
        self._entities: list[tuple[Any, Any]] = []
        self._tracker: FaceTracker | None = None
        self._layout_problem: str | None = "no imu/layout yet; is the driver running?"
        self._header = Header(frame_id=HEAD_FRAME)
        self._gauge = Gauge()
        self._state = TrackingState.CALIBRATING
        self._asked: tuple[NeutralCalibration, Future, float] | None = None
        self._wearer: WearerAction | None = None

    # Lifecycle.

    def configure(self) -> None:
        """Load and warm up the model; make publisher, service and the layout's subscription."""
        try:
            model = load_model(str(self.value("model")))
            choice = create_engine(model, str(self.value("engine")))
        except InferenceError as error:
            raise ConfigurationError(str(error)) from error
        self._engine = choice.engine
        self.get_logger().info(choice.announcement)
        self._title = model.description.title
        self._tracker = FaceTracker(model.description, self._engine, self._tracker_params())
        self._message = FaceBlendshapes(model=self._title)
        self._publisher = self.create_lifecycle_publisher(FaceBlendshapes, "face/blendshapes", SENSOR_DATA)
        self._keep(self.destroy_publisher, self._publisher)
        # Reentrant: while a calibration waits for samples they must come in, and a second call must be told.
        service = self.create_service(
            CalibrateNeutral, "~/calibrate_neutral", self._on_calibrate_neutral, callback_group=ReentrantCallbackGroup()
        )
        self._keep(self.destroy_service, service)
        self._keep(
            self.destroy_subscription, self.create_subscription(SensorLayout, "imu/layout", self._on_layout, LATCHED)
        )
        self._wearer = WearerAction(self, self._tracker, model.description, self._routine_refusal)
        try:
            self._wearer.use(str(self.value("wearer")))
        except InferenceError as error:
            raise ConfigurationError(str(error)) from error

    def activate(self) -> None:
        """Take samples."""
        self._frames = self.create_subscription(ImuFrame, "imu/frame", self._on_frame, FRAMES)
        self._idle_timer = self.create_timer(IDLE_PERIOD_S, self._on_idle)

    def deactivate(self) -> None:
        """Take no samples; model and neutral stay."""
        self.destroy_subscription(self._frames)
        self.destroy_timer(self._idle_timer)
        self._end_calibration("the node was deactivated; activate it and calibrate again")
        if self._wearer is not None:
            self._wearer.abort("the node was deactivated; activate it and start the routine again")

    def cleanup(self) -> None:
        """Release the model and everything else."""
        self._end_calibration("the node was cleaned up; configure it and calibrate again")
        if self._wearer is not None:
            self._wearer.close()
            self._wearer = None
        for destroy, entity in reversed(self._entities):
            destroy(entity)
        self._entities.clear()
        self._tracker = None
        self._layout_problem = "no imu/layout yet; is the driver running?"
        self._gauge = Gauge()

    def health(self) -> Health:
        """State, rate, latency, losses, model."""
        tracker = self._tracker
        if tracker is None:
            return Health(ERROR, "no model is loaded")
        counters = tracker.counters
        values: dict[str, object] = {
            "state": self._state.name,
            **self._gauge.report(time.monotonic(), counters.samples),
            "lost": counters.lost,
            "refused": counters.refused,
            "masked": counters.masked,
            "resets": counters.resets,
            "not_finite": counters.not_finite,
            "model": self._title,
            "engine": self._engine.description,
            "missing_sensors": ", ".join(tracker.missing_sensors) or "none",
            "wearer": tracker.wearer.source,
            "person": self._wearer.person if self._wearer else "",
        }
        level, text = self._verdict(tracker)
        return Health(level, text, values)

    def _verdict(self, tracker: FaceTracker) -> tuple[int, str]:
        if self._layout_problem:
            return WARN, self._layout_problem
        age_s = tracker.silence_s(time.monotonic())
        if age_s is None:
            return WARN, "no samples on imu/frame yet; is the driver active?"
        if age_s > self.value("neutral_after_s"):
            return ERROR, f"no samples for {age_s:.1f} s: the face is neutral; look at the driver"
        if age_s > self.value("stale_after_s"):
            return WARN, f"no samples for {age_s:.1f} s"
        if self._state == TrackingState.CALIBRATING:
            return OK, f"calibrating: {tracker.calibration_hint}"
        if self._state == TrackingState.DEGRADED:
            return WARN, "sensors are missing or faulty: weights follow with lower confidence"
        if tracker.wearer.source == "population":
            return OK, "tracking anybody: the guided routine (`imusic wearer routine NAME`) makes it more accurate"
        return OK, "tracking"

    def _tracker_params(self) -> TrackerParams:
        calibration = CalibrationParams(
            duration_s=self.value("neutral_duration_s"),
            max_skull_rate_rad_s=self.value("still_skull_rad_s"),
            max_face_rate_rad_s=self.value("still_face_rad_s"),
            patience_s=self.value("neutral_patience_s"),
        )
        return TrackerParams(
            calibration=calibration,
            max_gap_s=self.value("max_gap_s"),
            stale_after_s=self.value("stale_after_s"),
            neutral_after_s=self.value("neutral_after_s"),
            fade_s=self.value("fade_s"),
        )

    def _keep(self, destroy: Any, entity: Any) -> None:
        self._entities.append((destroy, entity))

    # Messages in.

    def _on_layout(self, message: SensorLayout) -> None:
        if self._tracker is None:
            return
        layout = InputLayout(message.layout_id, tuple(sensor.name for sensor in message.sensors), float(message.rate))
        try:
            self._tracker.set_layout(layout)
        except LayoutMismatchError as error:
            self._layout_problem = str(error)
            self.get_logger().error(str(error))
            return
        self._layout_problem = None
        missing = self._tracker.missing_sensors
        self.get_logger().info(
            f"layout {message.name} of {len(layout.names)} sensors at {layout.rate_hz:g} Hz"
            + (f"; missing and masked: {', '.join(missing)}" if missing else "")
        )

    def _on_frame(self, message: ImuFrame) -> None:
        tracker = self._tracker
        if tracker is None or self._layout_problem is not None:
            return
        began_s = time.monotonic()
        sample = sample_of(message)
        estimate = None if sample is None else tracker.update(sample, began_s)
        if estimate is None:
            return
        self._header = message.header
        age_s = self._publish(estimate)
        self._gauge.add(age_s, time.monotonic() - began_s, float(estimate.confidence.mean()))
        self._look_after_wishes(began_s)

    def _on_idle(self) -> None:
        now_s = time.monotonic()
        self._look_after_wishes(now_s)
        estimate = self._tracker.idle(now_s) if self._tracker is not None else None
        if estimate is not None:
            self._publish(estimate)

    # Calibration.

    async def _on_calibrate_neutral(
        self, request: CalibrateNeutral.Request, response: CalibrateNeutral.Response
    ) -> CalibrateNeutral.Response:
        duration_s = float(request.duration) or float(self.value("neutral_duration_s"))
        refusal = self._calibration_refusal(duration_s)
        if refusal is not None or self._tracker is None:
            response.success, response.message = False, refusal or "no model is loaded"
            return response
        calibration = self._tracker.start_calibration(duration_s)
        done: Future = Future(executor=self.executor)
        self._asked = (calibration, done, time.monotonic() + duration_s + CALIBRATION_SLACK_S)
        self.get_logger().info(f"calibrating the neutral for {duration_s:g} s: look ahead, relax, keep still")
        await done
        result = calibration.result
        response.success = result is not None and result.success
        response.message = result.message if result is not None else "ended without a result"
        response.stillness = float(result.stillness_rad_s) if result is not None else 0.0
        (self.get_logger().info if response.success else self.get_logger().warning)(response.message)
        return response

    def _routine_refusal(self) -> str | None:
        if not self.is_active:
            return "expected the node to be active, found it is not; activate it first"
        if self._asked is not None:
            return "the neutral is being learned; wait for it"
        return self._layout_problem

    def _calibration_refusal(self, duration_s: float) -> str | None:
        if not self.is_active:
            return "expected the node to be active, found it is not; activate it first"
        if not 0.5 <= duration_s <= 30.0:
            return f"expected a duration of 0.5 to 30 s, or 0 for the default, found {duration_s:g} s"
        if self._asked is not None:
            return "a calibration is already under way; wait for it"
        return self._layout_problem

    def _look_after_wishes(self, now_s: float) -> None:
        if self._asked is not None:
            self._look_after_calibration(now_s)
        if self._wearer is not None:
            self._wearer.look_after(now_s, self._header)

    def _look_after_calibration(self, now_s: float) -> None:
        if self._asked is None:
            return
        calibration, done, deadline_s = self._asked
        if now_s > deadline_s:
            calibration.abort("no samples came in time; the old neutral stays: check the driver and try again")
        if calibration.complete:
            self._asked = None
            done.set_result(None)

    def _end_calibration(self, reason: str) -> None:
        if self._asked is not None:
            self._asked[0].abort(reason)
            self._look_after_calibration(time.monotonic())

    # Messages out.

    def _publish(self, estimate: FaceEstimate) -> float:
        """Publish with the sample's own stamp; its age in s."""
        self._state = estimate.state
        message, stamp = self._message, self._header.stamp
        message.header = self._header
        message.sequence = estimate.sequence
        message.state = int(estimate.state)
        message.weights = estimate.weights
        message.confidence = estimate.confidence
        q = message.head_orientation
        q.x, q.y, q.z, q.w = estimate.head_orientation.tolist()
        age_s: float = 1e-9 * (self.get_clock().now().nanoseconds - stamp.sec * 1_000_000_000 - stamp.nanosec)
        message.age = age_s
        self._publisher.publish(message)
        return age_s


def sample_of(message: ImuFrame) -> ImuSample | None:
    """A message as a sample; None if its arrays do not fit together."""
    status = np.asarray(message.status, dtype=np.uint8)
    count = len(status)
    orientation = np.asarray(message.orientation, dtype=np.float32)
    angular_velocity = np.asarray(message.angular_velocity, dtype=np.float32)
    specific_force = np.asarray(message.specific_force, dtype=np.float32)
    if orientation.size != 4 * count or angular_velocity.size != 3 * count or specific_force.size != 3 * count:
        return None
    return ImuSample(
        layout_id=message.layout_id,
        sequence=message.sequence,
        hub_time_s=1e-6 * message.hub_time_us,
        orientation=orientation.reshape(count, 4),
        angular_velocity=angular_velocity.reshape(count, 3),
        specific_force=specific_force.reshape(count, 3),
        valid=((status & _USABLE) == _USABLE) & ((status & _UNUSABLE) == 0),
    )


def main() -> int:
    """Entry point of the executable `face_inference`."""
    return run(FaceInferenceNode)


if __name__ == "__main__":
    raise SystemExit(main())
