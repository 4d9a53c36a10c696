"""One wearer's topics under `/humans`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from imusic.msg import FaceBlendshapes
from std_msgs.msg import Bool, Float32, Header, String

from face_affect.action_units import action_units, leading
from face_affect.pipeline import AffectStream
from face_hri import hri_messages
from face_hri.hri_messages import FOLLOWING, HriTypes
from face_hri.presence import WEARER, Presence, checked_person
from face_model.face_message import FaceMessage, FaceMessageError, read_face
from imusic_ros.managed_node import ManagedNode
from imusic_ros.qos import LATCHED, RELIABLE, SENSOR_DATA

MOST_WEIGHT = 2.0
"""No face has weights beyond this; ARKit's pass 1 slightly."""


class ServedPerson:
    """Listens to one wearer's `face/blendshapes` and says what it means in the topics of one face and one person.

    Args:
        node: that serves.
        types: of hri_msgs.
        place: namespace relative to the node's, with a slash at its end, or nothing.
        given: identifier of the person; empty: made of the namespace.
        located: whether the head has a place.
        persons: whether `/humans/persons` is published; otherwise whose the face is goes to a person manager.
        lost_after_s: as `Presence` takes it.
        changed: called when a face came or went.

    Raises:
        ValueError: no such identifier is possible.

    Attributes:
        person: identifier of the person.
        presence: of the face.
        received: messages that came.
        refused: of these, with values that no face has.
        told: action units that were published.
        word: expression that was published last; empty: none.
        leads: FACS code of the strongest unit in the newest that were published; -1: none.
    """

    def __init__(
        self,
        node: ManagedNode,
        types: HriTypes,
        place: str,
        given: str,
        located: bool,
        persons: bool,
        lost_after_s: float,
        changed: Callable[[], None],
    ) -> None:
        self._node, self._types, self._located, self._changed = node, types, located, changed
        self.person = checked_person(given, f"{node.get_namespace()}/{place}")
        self.presence = Presence(lost_after_s)
        self.received = self.refused = self.told = 0
        self.leads, self.word = -1, ""
        self._affect = AffectStream()
        self._anonymous = not given and self.person == WEARER
        self._newest: bytes | None = None
        self._units: Any = None
        self._expression: Any = None
        self._matches: Any = None
        self._of_person: dict[str, Any] = {}
        if persons:
            kinds = {"anonymous": Bool, "face_id": String, "location_confidence": Float32}
            self._of_person = {
                name: node.create_lifecycle_publisher(kind, f"/humans/persons/{self.person}/{name}", LATCHED)
                for name, kind in kinds.items()
            }
        else:
            self._matches = node.create_lifecycle_publisher(types.match, "/humans/candidate_matches", RELIABLE)
        self._subscription = node.create_subscription(
            FaceBlendshapes, f"{place}face/blendshapes", self._on_face, SENSOR_DATA, raw=True
        )

    def begin(self) -> None:
        """Say what holds before the first face; the node is active from now on."""
        self._newest = None
        if self._of_person:
            self._of_person["anonymous"].publish(Bool(data=self._anonymous))
            self._of_person["face_id"].publish(String())
        self.repeat()

    def look(self, now_s: float) -> list[TransformStamped]:
        """Say what the newest face means, if there is a new one, and whether there is a face at all.

        Returns:
            The frames of the face; none without a new one.
        """
        raw, self._newest = self._newest, None
        frames = [] if raw is None else self._take(raw, now_s)
        lost = self.presence.look(now_s).lost
        if lost:
            self._close_face(lost)
        return frames

    def repeat(self) -> None:
        """Say again what a reader that does not ask for latched messages may have missed."""
        if self._of_person:
            here = 1.0 if self._located and self.presence.face else 0.0
            self._of_person["location_confidence"].publish(Float32(data=here))
        elif self.presence.face:
            self._tell_match(self.presence.face, 1.0)

    def leave(self) -> None:
        """The face is not looked at any more."""
        lost = self.presence.leave().lost
        if lost:
            self._close_face(lost)

    def close(self) -> None:
        """Withdraw everything."""
        self._node.destroy_subscription(self._subscription)
        for publisher in (*self._of_person.values(), self._matches, self._units, self._expression):
            if publisher is not None:
                self._node.destroy_publisher(publisher)
        self._of_person, self._matches, self._units, self._expression = {}, None, None, None

    def _on_face(self, raw: bytes) -> None:
        self.received += 1
        self._newest = raw

    def _take(self, data: bytes, now_s: float) -> list[TransformStamped]:
        try:
            face = read_face(data)
        except FaceMessageError:
            self.refused += 1
            return []
        if face.state not in FOLLOWING:
            return []
        weights, confidence = face.weights, face.confidence
        # NaN compares false.
        if not (np.abs(weights) <= MOST_WEIGHT).all() or not (np.abs(confidence) <= 1.0).all():
            self.refused += 1
            return []
        if self.presence.follows(now_s).found:
            self._open_face()
        header = Header(stamp=Time(sec=face.sec, nanosec=face.nanosec), frame_id=face.frame_id)
        self._tell_face(face, header)
        person = self.person if self._located and self._of_person else ""
        return hri_messages.frames_message(header, self.presence.face, person)

    def _tell_face(self, face: FaceMessage, header: Header) -> None:
        """Action units and expression, where somebody listens."""
        units = None
        if self._expression.get_subscription_count():
            shown = self._affect.show(face.stamp_s, face.weights, face.confidence, face.observable)
            message = hri_messages.expression_message(self._types.expression, header, shown.expressions)
            self._expression.publish(message)
            units, self.word = shown.units, message.expression
        if self._units.get_subscription_count():
            units = units or action_units(face.weights, face.confidence, face.observable)
            self._units.publish(hri_messages.units_message(self._types.units, header, units))
            self.told += 1
            self.leads = int(leading(units.intensity * (units.confidence > 0.0)))

    def _open_face(self) -> None:
        # Not of the lifecycle: it is there only while the node is active and the face is.
        face = self.presence.face
        self._units = self._node.create_publisher(self._types.units, f"/humans/faces/{face}/facs", RELIABLE)
        self._expression = self._node.create_publisher(
            self._types.expression, f"/humans/faces/{face}/expression", RELIABLE
        )
        self._affect.reset()  # who wears the sensors now may be somebody else
        self._node.get_logger().info(f"face {face} of {self.person} appeared")
        if self._of_person:
            self._of_person["face_id"].publish(String(data=face))
        self.repeat()
        self._changed()

    def _close_face(self, face: str) -> None:
        self._node.destroy_publisher(self._units)
        self._node.destroy_publisher(self._expression)
        self._units, self._expression, self.leads, self.word = None, None, -1, ""
        self._node.get_logger().info(f"face {face} of {self.person} is lost")
        if self._of_person:
            self._of_person["face_id"].publish(String())
        else:
            self._tell_match(face, 0.0)
        self.repeat()
        self._changed()

    def _tell_match(self, face: str, confidence: float) -> None:
        self._matches.publish(hri_messages.match_message(self._types, face, self.person, confidence))
