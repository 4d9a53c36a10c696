"""ROS 2 node `face_hri`: `face/blendshapes` in, the wearer as a face and a person of ROS4HRI (REP-155) out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from geometry_msgs.msg import TransformStamped
from rclpy.exceptions import NameValidationException
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.timer import Timer
from rclpy.validate_topic_name import validate_topic_name

from face_affect.action_units import NAMES
from face_hri import hri_messages
from face_hri.directory import NOBODY, Directory, Part
from face_hri.hri_messages import CURE, HriTypes, hri_types
from face_hri.parameters import PARAMETERS
from face_hri.served_person import ServedPerson
from imusic_ros.graph import GraphError, checked_namespace
from imusic_ros.health import OK, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.parameters import Value
from imusic_ros.process import run
from imusic_ros.qos import LATCHED, RELIABLE
from imusic_ros.transforms import Transforms

FACES = "/humans/faces/tracked"
PARTS = "/imusic/hri/known"
"""Where nodes of this kind tell each other what they know; not of REP-155. The frame of a message is the node's name,
and one without entries says that the node leaves."""
PARTS_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""For the newest of each of many nodes."""
TELL_PERIOD_S = 1.0
LISTS_PERIOD_S = 0.5
"""How often lists are said again: readers that come late do not ask for latched messages."""


class FaceHriNode(ManagedNode):
    """Publishes what ROS4HRI asks of a face; config/face_hri.yaml explains the parameters."""

    def __init__(self, **options: Any) -> None:
        super().__init__("face_hri", PARAMETERS, **options)
        self._types: HriTypes | None = None
        self._served: dict[str, ServedPerson] = {}
        self._transforms: Transforms | None = None
        self._own = self.get_fully_qualified_name()
        self._directory = Directory(self._own, 0.0)
        self._telling: Any = None
        self._kept: list[Any] = []
        self._merged: dict[str, list[str]] = {}
        self._lists: dict[str, Any] = {}
        self._said: Part | None = None
        self._timers_now: list[Timer] = []
        self._heard: Any = None

    # Lifecycle.

    def configure(self) -> None:
        """Find hri_msgs; make subscriptions, and the publishers of persons."""
        try:
            self._types = types = hri_types()
        except ImportError as error:
            raise ConfigurationError(f"ROS4HRI needs hri_msgs, which is not usable ({error}); {CURE}") from error
        places = self._places()
        given = str(self.value("person"))
        if given and places != [""]:
            raise ConfigurationError(
                f"expected no person beside wearers, found {given!r}: the person of each is their namespace; leave "
                "person empty"
            )
        try:
            for place in places:
                self._served[place] = ServedPerson(
                    self,
                    types,
                    f"{place}/" if place else "",
                    given,
                    bool(self.value("parent_frame")),
                    bool(self.value("persons")),
                    float(self.value("lost_after_s")),
                    self._on_change,
                )
        except ValueError as error:
            raise ConfigurationError(f"person: {error}") from error
        self._transforms = Transforms(self, static=False, what="frame of the face")
        self._telling = self.create_lifecycle_publisher(types.ids, PARTS, LATCHED)
        for topic in self._merged_topics():
            heard = partial(self._on_other_detector, topic)
            self._kept.append(self.create_subscription(types.ids, topic, heard, RELIABLE))

    def _places(self) -> list[str]:
        """Namespaces of the wearers, relative to the node's; raises `ConfigurationError`."""
        try:
            places = [checked_namespace(str(name)).strip("/") for name in self.value("wearers")]
        except GraphError as error:
            raise ConfigurationError(f"wearers: {error}") from error
        return [place for place in places if place] or [""]

    def _merged_topics(self) -> list[str]:
        """Topics of other detectors' faces; raises `ConfigurationError`."""
        topics = [str(topic) for topic in self.value("merge_faces") if topic]
        try:
            full = [self.resolve_topic_name(topic) for topic in topics if validate_topic_name(topic)]
        except NameValidationException as error:
            raise ConfigurationError(
                f"merge_faces: expected names of topics, found {', '.join(map(repr, topics))}: {error}"
            ) from error
        if FACES in full:
            raise ConfigurationError(
                f"merge_faces: expected topics other than {FACES}, on which this node publishes; remap the other "
                f"detector's, such as {FACES}:=/camera/faces, and name that"
            )
        return full

    def activate(self) -> None:
        """Begin to look at faces."""
        now_s = time.monotonic()
        self._directory, self._said = Directory(self._own, now_s), None
        assert self._types is not None
        self._heard = self.create_subscription(self._types.ids, PARTS, self._on_part, PARTS_QOS)
        for person in self._served.values():
            person.begin()
        self._start_timers()
        self._tell()

    def deactivate(self) -> None:
        """Say that nobody is tracked, and look at nobody."""
        for timer in self._timers_now:
            self.destroy_timer(timer)
        self._timers_now = []
        for person in self._served.values():
            person.leave()
        self._directory.part = NOBODY
        self._telling.publish(self._ids(()))
        self._publish_lists(time.monotonic(), again=True)
        self._close_lists()
        if self._heard is not None:
            self.destroy_subscription(self._heard)
            self._heard = None

    def cleanup(self) -> None:
        """Release publishers and subscriptions."""
        for person in self._served.values():
            person.close()
        self._served = {}
        for subscription in self._kept:
            self.destroy_subscription(subscription)
        self._kept, self._merged = [], {}
        if self._telling is not None:
            self.destroy_publisher(self._telling)
            self._telling = None
        if self._transforms is not None:
            self._transforms.close()
            self._transforms = None

    def parameter_changed(self, name: str, value: Value) -> None:
        """Rate and patience hold from now on."""
        for person in self._served.values():
            person.presence.lost_after_s = float(self.value("lost_after_s"))
        if name == "rate_hz" and self._timers_now:
            for timer in self._timers_now:
                self.destroy_timer(timer)
            self._start_timers()

    def _start_timers(self) -> None:
        self._timers_now = [
            self.create_timer(1.0 / float(self.value("rate_hz")), self._look),
            self.create_timer(TELL_PERIOD_S, self._tell),
            self.create_timer(LISTS_PERIOD_S, self._say_again),
        ]

    # The loop.

    def _look(self) -> None:
        """Say what each wearer's newest face means."""
        now_s = self.now_s()
        frames: list[TransformStamped] = []
        for person in self._served.values():
            frames += person.look(now_s)
        if self._transforms is not None:
            self._transforms.send(frames)

    def _on_change(self) -> None:
        """A face came or went: the lists say so at once."""
        self._tell()
        self._publish_lists(time.monotonic())

    def _tell(self) -> None:
        """Tell the other nodes of this kind what this one knows."""
        there = [person for person in self._served.values() if person.presence.face]
        tells_persons = bool(self.value("persons"))
        self._directory.part = Part(
            frozenset(person.presence.face for person in there),
            frozenset(person.person for person in there if tells_persons),
            frozenset(p.person for p in self._served.values() if tells_persons and p.presence.known),
        )
        self._telling.publish(self._ids(self._directory.part.entries()))

    def _say_again(self) -> None:
        for topic in [topic for topic in self._merged if not self.count_publishers(topic)]:
            del self._merged[topic]  # whoever published it has gone
        for person in self._served.values():
            person.repeat()
        self._publish_lists(time.monotonic(), again=True)

    # Lists.

    def _on_part(self, message: Any) -> None:
        now_s = time.monotonic()
        owner = str(message.header.frame_id)
        if message.ids:
            self._directory.hear(owner, Part.of(message.ids), now_s)
        else:
            self._directory.forget(owner)
        self._publish_lists(now_s)

    def _on_other_detector(self, topic: str, message: Any) -> None:
        self._merged[topic] = list(message.ids)
        if self.is_active:
            self._publish_lists(time.monotonic())

    def _publish_lists(self, now_s: float, again: bool = False) -> None:
        """Publish what is known together, if that is this node's to do and it changed, or `again`."""
        assert self._types is not None
        if not self._directory.leads(now_s):
            self._close_lists()
            return
        together = self._directory.together(now_s, self._merged)
        if together == self._said and not again:
            return
        self._said = together
        wanted = {FACES: together.faces}
        if self.value("persons"):
            wanted |= {"/humans/persons/tracked": together.persons, "/humans/persons/known": together.known}
        for topic, ids in wanted.items():
            if topic not in self._lists:
                self._lists[topic] = self.create_publisher(self._types.ids, topic, LATCHED)
            self._lists[topic].publish(self._ids(ids))

    def _close_lists(self) -> None:
        """Withdraw the lists: a latched one of before would reach readers who come later."""
        for publisher in self._lists.values():
            self.destroy_publisher(publisher)
        self._lists, self._said = {}, None

    def _ids(self, ids: Any) -> Any:
        assert self._types is not None
        return hri_messages.ids_message(self._types.ids, self.get_clock().now().to_msg(), ids, self._own)

    # Diagnostics.

    def health(self) -> Health:
        """Of the only wearer; for several, how many faces there are."""
        if len(self._served) == 1:
            return self._with_lists(next(iter(self._served.values())))
        there = sum(bool(person.presence.face) for person in self._served.values())
        return Health(OK, f"{there} of {len(self._served)} faces tracked", self._list_values())

    def health_of_places(self) -> Mapping[str, Health]:
        """Of each wearer, where several are served."""
        if len(self._served) < 2:
            return {}
        return {place: _health(person) for place, person in self._served.items()}

    def _with_lists(self, person: ServedPerson) -> Health:
        own = _health(person)
        return Health(own.level, own.message, {**own.values, **self._list_values()})

    def _list_values(self) -> dict[str, object]:
        now_s = time.monotonic()
        together = self._directory.together(now_s, self._merged)
        return {
            "faces_tracked": ", ".join(sorted(together.faces)),
            "publishes_lists": self._directory.leads(now_s),
            "other_nodes": ", ".join(self._directory.others),
            "frames": self._transforms is not None and self._transforms.available,
        }


def _health(person: ServedPerson) -> Health:
    values = {
        "person": person.person,
        "face": person.presence.face,
        "faces_received": person.received,
        "refused": person.refused,
        "action_units_published": person.told,
        "leading_unit": NAMES.get(person.leads, ""),
        "expression": person.word,
    }
    if person.presence.face:
        return Health(OK, f"face {person.presence.face} of {person.person} is tracked", values)
    if not person.received:
        return Health(WARN, "nothing heard on face/blendshapes; is inference running in this namespace?", values)
    return Health(OK, f"no face of {person.person} now: weights do not follow one", values)


def main() -> int:
    """Entry point of the executable `face_hri`."""
    return run(FaceHriNode)


if __name__ == "__main__":
    raise SystemExit(main())
