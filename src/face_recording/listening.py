"""Subscriptions of a recorder: messages as bytes, reliable and latched where their publishers are."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from face_recording.bag_metadata import BagTopic, qos_text
from face_recording.errors import RecordingError
from face_recording.message_definitions import definition_of, hash_of
from face_recording.recorded_topics import FACES_NAME, OTHERS_DEPTH, SNAPSHOT, SNAPSHOTS, TopicKind, numbers_samples

OnTopic = Callable[[BagTopic, str, TopicKind], Callable[[bytes], None] | None]
"""Called with a topic and its definition before the first message; answers what takes its messages, or None."""


@dataclass
class _Listening:
    subscription: Any
    kind: TopicKind
    heard: bool = False


class Listener:
    """Subscribes to topics as soon as it is known how.

    Args:
        node: that subscribes.
        kinds: how topics are published, by absolute name; None where publishers have to tell.
        on_topic: see `OnTopic`.

    Attributes:
        refused: why topics are not listened to, by name.
    """

    def __init__(self, node: Node, kinds: Mapping[str, TopicKind | None], on_topic: OnTopic) -> None:
        self.refused: dict[str, str] = {}
        self._node, self._kinds, self._on_topic = node, kinds, on_topic
        self._listening: dict[str, _Listening] = {}

    def look(self, snapshots: bool = True, faces: bool = True) -> None:
        """Subscribe to what is published by now; again where it is published otherwise than was thought.

        Args:
            snapshots: whether to those too: their publishers answer with a new one at once, and what comes after it
                must be heard already.
            faces: whether to those too whose wearer's snapshots have not come yet: a replay cannot compute them.
        """
        for name, known in self._kinds.items():
            current = self._listening.get(name)
            if name in self.refused or (current is not None and current.heard):
                continue
            if known is not None and known.type == SNAPSHOT and not snapshots:
                continue
            computed = known is not None and numbers_samples(name, known.type)
            if computed and current is None and not (faces or self._are_known(name)):
                continue
            kind = self._offered(name, known)
            if kind is None or (current is not None and current.kind == kind):
                continue
            if current is not None:
                self._node.destroy_subscription(current.subscription)
                del self._listening[name]
            self._subscribe(name, kind)

    def _are_known(self, faces: str) -> bool:
        """Whether a snapshot came of everybody who publishes them for the wearer with these faces."""
        place = faces.removesuffix(FACES_NAME)
        told = [n for n in (f"{place}{name}" for name in SNAPSHOTS) if n in self._kinds and n not in self.refused]
        heard = {name for name in told if (listening := self._listening.get(name)) is not None and listening.heard}
        return heard.issuperset(told) or (
            bool(heard) and heard.issuperset(name for name in told if self._node.count_publishers(name))
        )

    def close(self) -> None:
        """End all subscriptions."""
        for listening in self._listening.values():
            self._node.destroy_subscription(listening.subscription)
        self._listening.clear()

    def _offered(self, name: str, known: TopicKind | None) -> TopicKind | None:
        """How a topic is published: as its publishers say, or as it is known to be."""
        offers = self._node.get_publishers_info_by_topic(name)
        types = {offer.topic_type for offer in offers}
        if not offers or (known is not None and known.type not in types):
            return known
        type_name = known.type if known is not None else sorted(types)[0]
        qos = [offer.qos_profile for offer in offers if offer.topic_type == type_name]
        latched = all(q.durability == DurabilityPolicy.TRANSIENT_LOCAL for q in qos)
        return TopicKind(
            type_name,
            reliable=all(q.reliability == ReliabilityPolicy.RELIABLE for q in qos),
            latched=latched,
            depth=OTHERS_DEPTH if known is None else known.depth,
            repeats=int(latched) if known is None else known.repeats,
        )

    def _subscribe(self, name: str, kind: TopicKind) -> None:
        package, _, message = kind.type.partition("/msg/")
        try:
            message_type = getattr(importlib.import_module(f"{package}.msg"), message)
            topic = BagTopic(name, kind.type, qos_text(kind.reliable, kind.latched, kind.depth), hash_of(kind.type))
            take = self._on_topic(topic, definition_of(kind.type), kind)
        except (ImportError, AttributeError, RecordingError) as error:
            self.refused[name] = f"its type {kind.type} is not installed ({error})"
            return
        if take is None:
            return
        # Snapshots of the time before are nobody's here, and perhaps another wearer's: a new one is published for us.
        latched = kind.latched and kind.type != SNAPSHOT
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=kind.depth,
            reliability=ReliabilityPolicy.RELIABLE if kind.reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        listening = _Listening(None, kind)

        def hear(data: bytes) -> None:
            listening.heard = True
            take(data)

        listening.subscription = self._node.create_subscription(message_type, name, hear, qos, raw=True)
        self._listening[name] = listening
