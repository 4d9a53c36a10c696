"""ROS 2 node `face_affect`: `face/blendshapes` in, action units, expressions, brief events and words out."""

from __future__ import annotations

import time
from array import array
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from imusic.msg import ActionUnits as ActionUnitsMessage
from imusic.msg import Explanation as ExplanationMessage
from imusic.msg import Expression as ExpressionMessage
from imusic.msg import FaceBlendshapes, FacialEvent
from numpy.typing import NDArray
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Header

from face_affect import events
from face_affect.errors import AffectError
from face_affect.parameters import PARAMETERS
from face_affect.pipeline import AffectStream, Shown
from face_affect.prototypes import NAMES
from face_model.face_message import FaceMessage, FaceMessageError, read_face
from face_model.face_state import FaceState
from face_model.observability import OBSERVABLE
from imusic_ros.health import OK, STALE, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.parameters import Value
from imusic_ros.process import run
from imusic_ros.qos import RELIABLE, SENSOR_DATA

EXPLAINED_EVERY_S = 1.0
SILENT_S = 1.0
"""Without a face for so long, the node says so."""
UNREAD_S = 0.2
"""Where nobody reads units, expressions or words, a face is looked at so often, for the wearer's resting face."""
UNSURE = 0.3
"""Mean confidence of the observable weights below which the node says that it cannot tell much."""
_EVENTS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=50, reliability=ReliabilityPolicy.RELIABLE)
"""Rare, and each one counts."""


class FaceAffectNode(ManagedNode):
    """What a wearer's face shows; config/face_affect.yaml explains the parameters, docs/affect.md what it means."""

    def __init__(self, **options: Any) -> None:
        super().__init__("face_affect", PARAMETERS, **options)
        self._subscription: Any = None
        self._topics: dict[str, Any] = {}
        self._stream: AffectStream | None = None

    def configure(self) -> None:
        """Load what neutral wear looks like; make topics."""
        try:
            self._stream = AffectStream()
        except AffectError as error:
            raise ConfigurationError(str(error)) from error
        for name in ("rate_hz", "smoothing_s", "resting", "event_strength"):
            self.parameter_changed(name, self.value(name))
        make = self.create_lifecycle_publisher
        self._topics = {
            "units": make(ActionUnitsMessage, "face/action_units", SENSOR_DATA),
            "expression": make(ExpressionMessage, "face/expression", SENSOR_DATA),
            "events": make(FacialEvent, "face/events", _EVENTS),
            "explanation": make(ExplanationMessage, "face/explanation", RELIABLE),
        }

    def activate(self) -> None:
        """Begin to listen."""
        self._heard_s: float | None = None
        self._shown_s = self._explained_s = float("-inf")
        self._state, self._sure = int(FaceState.STALE), 1.0
        self._faces = self._refused = self._micro = self._blinks = self._worked_ns = 0
        self._model = self._noise_model = ""
        if self._stream is not None:
            self._stream.reset()
        self._subscription = self.create_subscription(
            FaceBlendshapes, "face/blendshapes", self._on_face, SENSOR_DATA, raw=True
        )

    def deactivate(self) -> None:
        """Stop listening."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self.destroy_subscription(subscription)

    def cleanup(self) -> None:
        """Release the publishers."""
        for publisher in self._topics.values():
            self.destroy_publisher(publisher)
        self._topics, self._stream = {}, None

    def parameter_changed(self, name: str, value: Value) -> None:
        """All but `enabled` are taken over at once."""
        if self._stream is None:
            return
        if name == "rate_hz":
            self._period_s = 1.0 / float(str(value))
        elif name == "smoothing_s":
            self._stream.smoothing_s = float(str(value))
        elif name == "resting":
            self._stream.resting = bool(value)
        elif name == "event_strength":
            self._stream.detector.threshold = float(str(value))

    def health(self) -> Health:
        """Whether faces come, how sure they are, what was found, and what a face costs."""
        worked_us = 1e-3 * self._worked_ns / max(1, self._faces)
        values: dict[str, object] = {
            "faces": self._faces,
            "refused": self._refused,
            "micro_expressions": self._micro,
            "blinks": self._blinks,
            "confidence": self._sure,
            "cost_us": worked_us,
            "model": self._model,
        }
        if self._heard_s is None:
            return Health(STALE, "no face/blendshapes was heard yet: start inference in this namespace", values)
        silent_s = self.now_s() - self._heard_s
        if silent_s > SILENT_S:
            return Health(WARN, f"no face/blendshapes for {silent_s:.0f} s: nothing is published", values)
        if self._state == FaceState.CALIBRATING:
            return Health(OK, "the neutral is being learned: nothing is read meanwhile", values)
        if self._state == FaceState.STALE:
            return Health(WARN, "faces are stale: sensors are silent, nothing is read", values)
        if self._sure < UNSURE:
            return Health(WARN, f"mean confidence of weights {self._sure:.2f}: little can be told", values)
        if self._state == FaceState.DEGRADED:
            return Health(OK, "reading, with sensors missing: brief events are not told", values)
        return Health(OK, "reading", values)

    def _on_face(self, data: bytes) -> None:
        began_ns = time.perf_counter_ns()
        stream = self._stream
        if stream is None:
            return
        try:
            message = read_face(data)
        except FaceMessageError:
            self._refused += 1
            return
        self._heard_s, self._state, self._model = self.now_s(), message.state, message.model
        if message.state in (FaceState.CALIBRATING, FaceState.STALE):
            if message.state == FaceState.CALIBRATING:
                stream.reset()  # another neutral: what was learned of this face was relative to the old one
            else:
                stream.detector.reset()
            return
        stamp_s, weights = message.stamp_s, message.weights
        if message.state == FaceState.DEGRADED:
            # A sensor that comes and goes is no expression.
            stream.detector.reset()
        else:
            for event in stream.events(stamp_s, weights):
                self._publish_event(event, message)
        due, period_s = stamp_s - self._shown_s, self._period_s
        if due >= period_s - 1e-3 and not any(map(self._listened, ("units", "expression", "explanation"))):
            period_s = max(period_s, UNREAD_S)
        if due >= period_s - 1e-3 or due < 0.0:
            # On time's own grid, so that a rate that divides the input's is kept.
            on_grid = 0.0 <= due < 2.0 * period_s
            self._shown_s = self._shown_s + period_s if on_grid else stamp_s
            self._show(stream, stamp_s, weights, message)
        self._faces += 1
        self._worked_ns += time.perf_counter_ns() - began_ns

    def _show(self, stream: AffectStream, stamp_s: float, weights: NDArray[np.float32], message: FaceMessage) -> None:
        confidence = message.confidence
        self._sure = float(confidence[_OBSERVABLE].mean())
        shown = stream.show(stamp_s, weights, confidence, message.observable)
        if self._listened("units"):
            self._publish_units(shown, message)
        if self._listened("expression"):
            self._publish_expression(shown, message)
        if not 0.0 <= stamp_s - self._explained_s < EXPLAINED_EVERY_S:
            self._explained_s = stamp_s
            if self._listened("explanation"):
                said = stream.explain(shown)
                self._topics["explanation"].publish(
                    ExplanationMessage(
                        header=_header(message),
                        observations=list(said.observations),
                        not_seen=list(said.not_seen),
                        interpretation=said.interpretation,
                        conclusion=said.conclusion,
                        text=said.text,
                    )
                )

    def _listened(self, name: str) -> bool:
        return bool(self._topics[name].get_subscription_count())

    def _publish_units(self, shown: Shown, face: FaceMessage) -> None:
        units = shown.units
        self._topics["units"].publish(
            ActionUnitsMessage(
                header=_header(face),
                intensity=units.intensity.astype(np.float32),
                confidence=units.confidence.astype(np.float32),
                left=units.left.astype(np.float32),
                right=units.right.astype(np.float32),
            )
        )

    def _publish_expression(self, shown: Shown, face: FaceMessage) -> None:
        found = shown.expressions
        self._topics["expression"].publish(
            ExpressionMessage(
                header=_header(face),
                expression=found.name,
                confidence=found.confidence,
                names=list(NAMES),
                probabilities=array("f", found.probability.astype(np.float32).tobytes()),
                valence=float(found.valence),
                arousal=float(found.arousal),
                valence_deviation=float(found.valence_deviation),
                arousal_deviation=float(found.arousal_deviation),
                intensity=float(found.intensity),
            )
        )

    def _publish_event(self, event: events.FacialEvent, face: FaceMessage) -> None:
        micro = event.kind == events.EventKind.MICRO_EXPRESSION
        self._micro += micro
        self._blinks += not micro
        message = FacialEvent(kind=int(event.kind))
        message.header.frame_id = face.frame_id
        seconds, nanoseconds = divmod(round(1e9 * event.apex_s), 1_000_000_000)
        message.header.stamp.sec, message.header.stamp.nanosec = seconds, nanoseconds
        message.onset = event.apex_s - event.onset_s
        message.offset = event.offset_s - event.apex_s
        message.duration = event.duration_s
        message.units = array("B", event.codes)
        message.sides = array("b", event.sides)
        message.intensity = array("f", event.intensity)
        message.confidence = event.confidence
        self._topics["events"].publish(message)


_OBSERVABLE = list(OBSERVABLE)


def _header(face: FaceMessage) -> Header:
    return Header(stamp=Time(sec=face.sec, nanosec=face.nanosec), frame_id=face.frame_id)


def main() -> int:
    """Entry point of the executable `face_affect`."""
    return run(FaceAffectNode)


if __name__ == "__main__":
    raise SystemExit(main())
