"""The stage of a replay in ROS: publishers as they were recorded, `/clock`, and inference that is waited for."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from imusic.msg import FaceBlendshapes, ImuFrame, Snapshot
from imusic.srv import RestoreSnapshot
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from rosgraph_msgs.msg import Clock

from face_recording.bag_reader import FACES, FRAMES, Bag, BagTopic
from face_recording.replay.errors import ReplayError
from face_recording.replay.face_check import FaceBits, FaceCheck
from face_recording.replay.flight import MOST, Flight
from face_recording.replay.recorded_events import DERIVED, LATCHED

RELIABLE_FRAMES: Final = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=2000, reliability=ReliabilityPolicy.RELIABLE)
"""What inference reads and publishes in a replay (its parameter `replay`)."""
LATCHED_QOS: Final = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=50,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
CLOCK: Final = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.RELIABLE)

DISCOVERY_S: Final = 1.2
LOOK_S: Final = 1.0
"""How often it is looked whether somebody else publishes: who began at the same time, or is found late."""
"""Nodes of a machine find each other within half a second."""
VIEWERS_S: Final = 6.0
"""Without inference: so long somebody is waited for who looks at the faces, such as the page."""
ACKNOWLEDGED_EVERY: Final = 200
"""Messages of a topic after which reliable subscribers are waited for: far fewer than a publisher keeps."""
ACKNOWLEDGE_S: Final = 1.0
"""A subscriber that is slower than this loses messages."""
READY_S: Final = 120.0
"""Inference may compile an engine for minutes where it meets a GPU for the first time; it then says so itself."""
RESTORE_S: Final = 20.0


class RosStage:
    """See `Stage`. Made in the executor's thread; `run` of the player calls it in its own.

    Args:
        node: that publishes; its namespace is the one that is played into.
        bag: that is played.
        topics: full name in the bag, and the name that it is published under.
        begin_ns: the time that is told while inference is waited for.
        inference: whether frames are answered: then it is waited for.
        check: compares faces; None: no comparison.
        say: tells people a line.
    """

    def __init__(
        self,
        node: Node,
        bag: Bag,
        topics: dict[str, str],
        *,
        begin_ns: int,
        inference: bool,
        check: FaceCheck | None,
        say: Callable[[str], None],
    ) -> None:
        self._node, self._bag, self._check, self._say = node, bag, check, say
        self._begin_ns = begin_ns
        self._check_lock = threading.Lock()
        self._awake = threading.Event()
        self._ending = threading.Event()
        self._inference = inference
        self._told_ns = -1
        self._looked_s = 0.0
        self._began_s = time.monotonic()
        self._notes: set[str] = set()
        self._taken: frozenset[str] = frozenset()
        self._published: dict[str, int] = {}
        self.flight = Flight()
        self.left_out: list[str] = []
        self._clock_message = Clock()
        self._clock = node.create_publisher(Clock, "/clock", CLOCK)
        self._publishers: dict[str, Any] = {}
        for name, played in topics.items():
            self._add(bag.topics[name], played)
        if inference and FRAMES not in self._publishers:
            self._publishers[FRAMES] = node.create_publisher(ImuFrame, FRAMES, RELIABLE_FRAMES)
        self._faces: Any = None
        self._restore: Any = None
        if inference:
            self._faces = node.create_subscription(FaceBlendshapes, FACES, self._on_face, RELIABLE_FRAMES)
            self._restore = node.create_client(RestoreSnapshot, "face_inference/restore")

    @property
    def notes(self) -> tuple[str, ...]:
        """What keeps this replay from being bit for bit, each once."""
        return tuple(sorted(self._notes))

    def add_publisher(self, kind: Any, topic: str) -> None:
        """Publish a topic that is computed here and was not recorded, or not as it is now."""
        if topic not in self._publishers:
            qos = LATCHED_QOS if topic in LATCHED else RELIABLE_FRAMES
            self._publishers[topic] = self._node.create_publisher(kind, topic, qos)

    def close(self) -> None:
        """Withdraw everything."""
        self.stop()
        for publisher in (*self._publishers.values(), self._clock):
            self._node.destroy_publisher(publisher)
        if self._faces is not None:
            self._node.destroy_subscription(self._faces)
            self._node.destroy_client(self._restore)

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._ending.set()
        self.wake()

    def wake(self) -> None:
        """Let who waits look again."""
        self._awake.set()
        self.flight.wake()

    # Before the first event.

    def await_inference(self) -> None:
        """Wait until nobody else publishes here and inference reads frames, with the time standing at the beginning.

        Raises:
            ReplayError: a capture runs in this namespace, or inference does not come.
        """
        self._began_s = began_s = time.monotonic()
        while not self._ending.is_set():
            passed_s = time.monotonic() - began_s
            if passed_s > DISCOVERY_S:
                self._look()
                if self._inference:
                    if self._reads_frames() and self._restore.service_is_ready():
                        return
                elif passed_s > VIEWERS_S or self._publishers[FACES].get_subscription_count():
                    return
                if passed_s > READY_S:
                    raise ReplayError(
                        f"expected inference with `replay` on to read {self._frames_name}, found none for "
                        f"{READY_S:g} s; see its log, or start it: ros2 launch imusic replay.launch.py"
                    )
            self.tell(self._begin_ns)
            self.wait(0.1)

    def _look(self) -> None:
        """Look who else publishes here: a capture is refused, and what a node computes from faces is left to it."""
        self._refuse_capture()
        taken = frozenset(
            topic
            for topic, publisher in self._publishers.items()
            if topic in DERIVED and self._node.count_publishers(publisher.topic_name) > 1
        )
        if taken - self._taken:
            self._say(f"not played, because somebody else publishes it: {', '.join(sorted(taken - self._taken))}")
        self._taken = taken

    def _refuse_capture(self) -> None:
        for topic, publisher in self._publishers.items():
            if topic.startswith("/"):
                continue
            own = 1 if topic != FACES or FACES in self._publishers else 0
            others = self._node.count_publishers(publisher.topic_name) - own
            if topic in (FRAMES, FACES) and others > 0:
                raise ReplayError(
                    f"expected nobody else to publish {publisher.topic_name}, found a capture or another replay; "
                    "end it, or replay into another namespace: --into NAME, or namespace:=NAME"
                )

    @property
    def _frames_name(self) -> str:
        return str(self._publishers[FRAMES].topic_name)

    def _reads_frames(self) -> bool:
        return bool(self._publishers[FRAMES].get_subscription_count())

    # The stage.

    def begin(self, at_ns: int) -> None:
        """See `Stage`."""
        self.flight.forget()

    def tell(self, time_ns: int) -> None:
        """See `Stage`."""
        stamp = self._clock_message.clock
        stamp.sec, stamp.nanosec = divmod(time_ns, 1_000_000_000)
        self._clock.publish(self._clock_message)
        self._told_ns = time_ns
        now_s = time.monotonic()
        if now_s - self._looked_s > LOOK_S:
            self._looked_s = now_s
            if now_s - self._began_s > DISCOVERY_S:
                self._look()

    @property
    def told_ns(self) -> int:
        """The time that was told last."""
        return self._told_ns

    def publish(self, topic: str, message: Any) -> None:
        """See `Stage`."""
        publisher = self._publishers.get(topic)
        if publisher is None or topic in self._taken:
            return
        publisher.publish(message)
        self._published[topic] = self._published.get(topic, 0) + 1
        if self._published[topic] % ACKNOWLEDGED_EVERY == 0:
            publisher.wait_for_all_acked(Duration(seconds=ACKNOWLEDGE_S))

    def frame(self, topic: str, message: Any, sequence: int, exact: bool) -> None:
        """See `Stage`."""
        self.flight.wait_for(MOST - 1, self._reads_frames, self._ending.is_set)
        if self._ending.is_set():
            return
        self.flight.sent(sequence)
        if self._check is not None:
            with self._check_lock:
                self._check.played(sequence, exact)
        self._publishers[topic].publish(message)

    def take_over(self, message: Any) -> None:
        """See `Stage`."""
        self.drain()
        if self._ending.is_set():
            return
        request = RestoreSnapshot.Request(snapshot=deserialize_message(message, Snapshot))
        done = threading.Event()
        future = self._restore.call_async(request)
        future.add_done_callback(lambda _: done.set())
        end_s = time.monotonic() + RESTORE_S
        while not done.wait(0.05):
            if self._ending.is_set():
                return
            if time.monotonic() > end_s:
                raise ReplayError(
                    f"expected inference to take a snapshot over, found no answer within {RESTORE_S:g} s; see its log"
                )
        answer = future.result()
        if not answer.success:
            note = f"not bit for bit, inference goes on from what it knows: {answer.message}"
        else:
            note = answer.message
        if note and note not in self._notes:
            self._notes.add(note)
            self._say(note)

    def recorded(self, message: Any, exact: bool) -> None:
        """See `Stage`."""
        if self._check is not None:
            face = FaceBits.of(message)
            with self._check_lock:
                self._check.recorded(face, exact)

    def drain(self) -> None:
        """See `Stage`."""
        if self._inference:
            self.flight.wait_for(0, self._reads_frames, self._ending.is_set)

    def wait(self, seconds: float) -> None:
        """See `Stage`."""
        self._awake.wait(seconds)
        self._awake.clear()

    # In the executor.

    def _on_face(self, message: FaceBlendshapes) -> None:
        if self._check is not None:
            with self._check_lock:
                self._check.computed(FaceBits.of(message))
        self.flight.answered(int(message.sequence))

    def _add(self, topic: BagTopic, played: str) -> None:
        kind = message_class(topic.kind)
        if kind is None:
            self.left_out.append(f"{topic.name} ({topic.kind} is not installed)")
            return
        if self._bag.same_definition(topic.name) is False:
            self.left_out.append(f"{topic.name} ({topic.kind} had other fields when it was recorded)")
            return
        qos = LATCHED_QOS if played in LATCHED else RELIABLE_FRAMES
        self._publishers[played] = self._node.create_publisher(kind, played, qos)


def message_class(kind: str) -> Any:
    """The ROS class of a message type such as `std_msgs/msg/Header`; None where its package is not installed."""
    package, _, name = kind.partition("/msg/")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), name, None) if name else None
    except ModuleNotFoundError:
        return None
