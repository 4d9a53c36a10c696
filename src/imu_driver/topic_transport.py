"""Messages of `sensor_msgs/Imu` topics for a hub, taken in the hub's own thread: the edge between ROS and the seam.

An executor would wake up for each of 1200 messages a second and make Python objects of them; to look at all topics a
few hundred times a second and take the bytes as they are costs a quarter of that.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from rclpy.exceptions import InvalidHandle
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import Imu

from imu_driver.message_pieces import MOST_BYTES, Piece, packed
from imu_driver.transport import IsHub
from imusic_ros.managed_node import ManagedNode

LOOK_S: Final = 0.004
"""Between two looks; a message waits half of it on the average."""

QUEUE: Final = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=100,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)
"""Sensor data, and enough to bridge a stall of 0.1 s at 1000 Hz."""

LONGEST_WAIT_S: Final = 1.0
"""A time of reception further back than this is of another clock."""


class TopicTransport:
    """A `Transport` of `message_pieces`. Made, opened up and closed down by the node; read in the hub's thread.

    The node's executor must not wait for its subscriptions: see `subscriptions`.

    Args:
        node: that subscribes.
        topics: by index of the sensor.

    Attributes:
        foreign: see `Transport`; 0, whoever publishes on the topic is taken.
        datagrams: see `Transport`.
        description: see `Transport`.
        names: of the topics, absolute.
        subscriptions: those of it, for the node to leave out of what executors see.
    """

    foreign = 0
    datagrams = True

    def __init__(self, node: ManagedNode, topics: Mapping[int, str]) -> None:
        self.names = [node.resolve_topic_name(topic) for topic in topics.values()]
        more = f" and {len(self.names) - 1} more topics" if len(self.names) > 1 else ""
        self.description = f"{self.names[0]}{more}"
        self.subscriptions: list[Subscription[Any]] = []
        self._node, self._topics = node, dict(topics)
        self._by_sensor: list[tuple[int, Subscription[Any]]] = []
        self._clock = node.get_clock()
        self._simulated = False

    def subscribe(self) -> None:
        """Begin to listen; in the executor's thread, before the hub's thread starts."""
        self._simulated = self._node.is_simulated
        for sensor, topic in self._topics.items():
            subscription = self._node.create_subscription(Imu, topic, _never, QUEUE, raw=True)
            self.subscriptions.append(subscription)
            self._by_sensor.append((sensor, subscription))

    def unsubscribe(self) -> None:
        """Listen no more; in the executor's thread, after the hub's thread ended."""
        self._by_sensor = []
        while self.subscriptions:
            self._node.destroy_subscription(self.subscriptions.pop())

    @property
    def publishers(self) -> dict[int, int]:
        """How many publish for each sensor."""
        return {sensor: self._node.count_publishers(topic) for sensor, topic in self._topics.items()}

    def now_s(self) -> float:
        """The clock of arrivals, s: the host's monotonic one, or `/clock`, by which bags may be played at any speed."""
        return 1e-9 * self._clock.now().nanoseconds if self._simulated else time.monotonic()

    def open(self, is_hub: IsHub | None = None) -> None:
        """It is open as long as it is subscribed."""

    def read(self, timeout_s: float) -> bytes:
        """All messages that wait, or those that come first within `timeout_s`."""
        end_s = time.monotonic() + timeout_s
        while True:
            found = self._take_all()
            if found or time.monotonic() >= end_s:
                return found
            time.sleep(LOOK_S)

    def write(self, data: bytes) -> None:
        """There is nobody to send anything to."""

    def close(self) -> None:
        """See `unsubscribe`."""

    def _take_all(self) -> bytes:
        pieces: list[bytes] = []
        for sensor, subscription in self._by_sensor:
            try:
                handle = subscription.handle
                with handle:
                    for _ in range(QUEUE.depth):
                        taken = handle.take_message(Imu, True)
                        if taken is None:
                            break
                        piece = self._piece(sensor, *taken)
                        # While nobody says what time it is, nobody knows when it was measured.
                        if len(piece.data) <= MOST_BYTES and piece.ros_ns > 0:
                            pieces.append(packed(piece))
            except InvalidHandle:  # destroyed meanwhile
                continue
        return b"".join(pieces)

    def _piece(self, sensor: int, data: bytes, info: Any) -> Piece:
        ros_ns = self._clock.now().nanoseconds
        if self._simulated:
            return Piece(sensor, 1e-9 * ros_ns, ros_ns, data, stepping=True)
        arrival_s = time.monotonic()
        received_ns = info.get("received_timestamp", 0) if isinstance(info, dict) else 0
        waited_s = 1e-9 * (time.time_ns() - received_ns)
        if 0.0 < waited_s < LONGEST_WAIT_S:
            arrival_s -= waited_s
            ros_ns -= round(1e9 * waited_s)
        return Piece(sensor, arrival_s, ros_ns, data)


def _never(message: object) -> None:
    """No executor delivers these messages."""
