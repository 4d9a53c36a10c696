"""One person of the node: the topics, services and health of a namespace."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from imusic.msg import FaceBlendshapes, ImuFrame, SensorLayout
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Header

from face_inference.errors import InferenceError, LayoutMismatchError
from face_inference.gauge import Gauge
from face_inference.messages import fill, layout_of, sample_of
from face_inference.model_folder import ModelDescription
from face_inference.neutral_service import NeutralService
from face_inference.samples import FaceEstimate, TrackingState
from face_inference.tracker import FaceTracker
from face_inference.wearer.profile import ProfileFolder
from face_inference.wearer_action import WearerAction
from face_model.frames import HEAD_FRAME
from face_model.imu_sample import ImuSample
from imusic_ros.health import ERROR, OK, WARN, Health
from imusic_ros.managed_node import ManagedNode
from imusic_ros.qos import LATCHED, SENSOR_DATA

FRAMES = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=20, reliability=ReliabilityPolicy.BEST_EFFORT)
"""0.2 s at 100 Hz: a busy machine may stall the process for so long, and a gap would cost the network its memory, while
catching up takes 1 ms a sample. Bounded, so that delay cannot grow."""

Deliver = Callable[[int, Header, ImuSample], None]
"""Told the face, the frame's header and the sample."""


class PersonPort:
    """Names are those of a node that runs in the person's namespace, so that nobody who listens needs to know better.

    Args:
        node: that it belongs to.
        person: namespace relative to the node's; empty: the node's own.
        tracker: of this person.
        description: of the model.
        deliver: takes samples; the estimate comes back by `publish`.
    """

    def __init__(
        self, node: ManagedNode, person: str, tracker: FaceTracker, description: ModelDescription, deliver: Deliver
    ) -> None:
        self._node, self.person, self.tracker, self._title = node, person, tracker, description.title
        self._deliver = deliver
        self.layout_problem: str | None = "no imu/layout yet; is the driver running?"
        self._header = Header(frame_id=HEAD_FRAME)
        self._gauge = Gauge()
        self._state = TrackingState.CALIBRATING
        self._clock = node.get_clock()
        self._log = node.get_logger().get_child(person) if person else node.get_logger()
        self._place = f"{person}/" if person else ""
        self._frames: Any = None
        self._message = FaceBlendshapes(model=self._title)
        self._publisher = node.create_lifecycle_publisher(
            FaceBlendshapes, f"{self._place}face/blendshapes", SENSOR_DATA
        )
        self._layouts = node.create_subscription(SensorLayout, f"{self._place}imu/layout", self._on_layout, LATCHED)
        service = f"{self._place}{node.get_name()}/calibrate_neutral"
        self.neutral = NeutralService(node, service, tracker, lambda: self.layout_problem, self._log)
        self.wearer = WearerAction(node, self._place, tracker, description, self._routine_refusal, self._log)

    def use_profile(self, name: str) -> None:
        """Use the profile of this name; empty: what is known of anybody.

        Raises:
            ProfileError: there is no such profile, it is damaged, or does not fit the model.
        """
        self.wearer.use(name)

    def use_own_profile(self) -> None:
        """Use the profile of the person's name, if there is one that can be used: it must not stop the others."""
        if self.person not in ProfileFolder().names():
            return
        try:
            self.wearer.use(self.person)
        except InferenceError as error:
            self._log.warning(f"goes on with what is known of anybody: {error}")

    def activate(self) -> None:
        """Take frames."""
        self._frames = self._node.create_subscription(ImuFrame, f"{self._place}imu/frame", self._on_frame, FRAMES)

    def deactivate(self) -> None:
        """Take no frames; neutral and wearer stay."""
        self._node.destroy_subscription(self._frames)
        self.neutral.abort("the node was deactivated; activate it and calibrate again")
        self.wearer.abort("the node was deactivated; activate it and start the routine again")

    def close(self) -> None:
        """Withdraw everything."""
        self.wearer.close()
        self.neutral.close()
        self._node.destroy_subscription(self._layouts)
        self._node.destroy_publisher(self._publisher)

    def publish(self, estimate: FaceEstimate, header: Header, began_s: float) -> None:
        """A new estimate, of the frame with this header, that was worked on since `began_s` (`time.monotonic`)."""
        self._header = header
        age_s = self._send(estimate)
        now_s = time.monotonic()
        self._gauge.add(age_s, now_s - began_s)
        self._look_after_wishes(now_s)

    def idle(self, now_s: float) -> None:
        """Say what is true while no frames come; `now_s` is `time.monotonic`."""
        self._look_after_wishes(now_s)
        estimate = self.tracker.idle(now_s)
        if estimate is not None:
            self._send(estimate)

    def health(self, engine: str, trouble: str | None) -> Health:
        """State, rate, latency, losses, model; `trouble` is of the engine that runs all people."""
        tracker, counters = self.tracker, self.tracker.counters
        now_s = time.monotonic()
        values: dict[str, object] = {"state": self._state.name, **self._gauge.report(now_s, counters.samples)}
        if tracker.estimate is not None:
            values["confidence_mean"] = float(tracker.estimate.confidence.mean())
        values |= {
            "lost": counters.lost,
            "refused": counters.refused,
            "masked": counters.masked,
            "resets": counters.resets,
            "not_finite": counters.not_finite,
            "model": self._title,
            "engine": engine,
            "missing_sensors": ", ".join(tracker.missing_sensors) or "none",
            "wearer": tracker.wearer.source,
            "person": self.wearer.person,
        }
        level, text = self._verdict(now_s, trouble)
        return Health(level, text, values)

    def _verdict(self, now_s: float, trouble: str | None) -> tuple[int, str]:
        tracker, params = self.tracker, self.tracker.params
        if self.layout_problem:
            return WARN, self.layout_problem
        age_s = tracker.silence_s(now_s)
        if age_s is None:
            return WARN, "no samples on imu/frame yet; is the driver active?"
        if age_s > params.neutral_after_s:
            return ERROR, f"no samples for {age_s:.1f} s: the face is neutral; look at the driver"
        if age_s > params.stale_after_s:
            return WARN, f"no samples for {age_s:.1f} s"
        if trouble is not None:
            return WARN, trouble
        if self._state == TrackingState.CALIBRATING:
            return OK, f"calibrating: {tracker.calibration_hint}"
        if self._state == TrackingState.DEGRADED:
            return WARN, "sensors are missing or faulty: weights follow with lower confidence"
        if tracker.wearer.source == "population":
            return OK, "tracking anybody: the guided routine (`imusic wearer routine NAME`) makes it more accurate"
        return OK, "tracking"

    # Details.

    def _on_layout(self, message: SensorLayout) -> None:
        layout = layout_of(message)
        try:
            self.tracker.set_layout(layout)
        except LayoutMismatchError as error:
            self.layout_problem = str(error)
            self._log.error(str(error))
            return
        self.layout_problem = None
        missing = self.tracker.missing_sensors
        self._log.info(
            f"layout {message.name} of {len(layout.names)} sensors at {layout.rate_hz:g} Hz"
            + (f"; missing and masked: {', '.join(missing)}" if missing else "")
        )

    def _on_frame(self, message: ImuFrame) -> None:
        if self.layout_problem is not None:
            return
        sample = sample_of(message)
        if sample is None:
            self.tracker.counters.refused += 1
            return
        self._deliver(self.tracker.face, message.header, sample)

    def _look_after_wishes(self, now_s: float) -> None:
        self.neutral.look_after(now_s)
        self.wearer.look_after(now_s, self._header)

    def _routine_refusal(self) -> str | None:
        if not self._node.is_active:
            return "expected the node to be active, found it is not; activate it first"
        if self.neutral.running:
            return "the neutral is being learned; wait for it"
        return self.layout_problem

    def _send(self, estimate: FaceEstimate) -> float:
        """Publish with the sample's own stamp; its age in s."""
        self._state, stamp = estimate.state, self._header.stamp
        age_s: float = 1e-9 * (self._clock.now().nanoseconds - stamp.sec * 1_000_000_000 - stamp.nanosec)
        fill(self._message, estimate, self._header, age_s)
        self._publisher.publish(self._message)
        return age_s
