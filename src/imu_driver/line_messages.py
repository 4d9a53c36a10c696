"""What goes over a hub's line, and what the driver knows, as messages; published while somebody subscribes."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable

from imusic.msg import HubBytes, Snapshot
from rclpy.time import Time
from std_msgs.msg import Header

from face_model.layout import SensorLayout
from face_model.version import version
from imu_driver.hub import FROM_HUB, JOINED, Hub, RecordableHub
from imu_driver.replay import KIND, hub_snapshot
from imusic_ros.managed_node import ManagedNode
from imusic_ros.qos import REPLAYED, SNAPSHOTS

PERIOD_S = 10.0
"""Between snapshots: a replay goes on from the one before the moment that is asked for."""


class LineMessages:
    """Publishes `imu/bytes` and `imu/snapshot`, in the hub's thread but for `look`.

    Without a subscriber a piece costs one look at the ROS clock, which the stamp of its samples needs anyway.

    Args:
        node: that they belong to.
        frame_id: of the wearer's head.

    Attributes:
        read: when the newest piece was read, on the host's monotonic clock (s) and on the ROS clock (ns).
    """

    def __init__(self, node: ManagedNode, frame_id: str) -> None:
        self.read = (0.0, 0)
        self._node, self._clock, self._frame_id = node, node.get_clock(), frame_id
        self._number = 0
        self._wanted = self._snapshot_wanted = False
        self._subscribers = (0, 0)
        self._made_s = float("-inf")
        self._save: Callable[[], bytes] | None = None
        self._hub: RecordableHub | None = None
        self._bytes = node.create_lifecycle_publisher(HubBytes, "imu/bytes", REPLAYED)
        self._snapshots = node.create_lifecycle_publisher(Snapshot, "imu/snapshot", SNAPSHOTS)
        self._newest = Header(frame_id=frame_id)

    def follow(
        self, hub: Hub, kind: str, layout: SensorLayout, rate_hz: int, by_arrival: bool, names: tuple[str, ...] = ("",)
    ) -> bool:
        """Tell of this hub from now on, before it is stepped; whether it can be told of. `names`: see `Made`."""
        if not isinstance(hub, RecordableHub):
            return False
        hub.tap = self.on_piece
        self._hub = hub
        self._save = lambda: hub_snapshot(hub, kind, layout, rate_hz, by_arrival, names)
        self._subscribers, self._snapshot_wanted = (0, 0), False
        self.look()
        return True

    def close(self) -> None:
        """Withdraw the topics."""
        self._node.destroy_publisher(self._bytes)
        self._node.destroy_publisher(self._snapshots)

    def look(self) -> None:
        """Look who subscribes, several times a second."""
        counts = self._bytes.get_subscription_count(), self._snapshots.get_subscription_count()
        now_s = time.monotonic()
        # For whoever is new on either topic: what is read from now on can be gone on with.
        new = counts[0] > self._subscribers[0] or counts[1] > self._subscribers[1]
        self._wanted = counts[0] > 0
        if counts[1] and (new or now_s - self._made_s >= PERIOD_S):
            self._made_s, self._snapshot_wanted = now_s, True
        self._subscribers = counts

    def on_piece(self, direction: int, time_s: float, data: bytes, hub: int = 0) -> None:
        """The next piece of the line; see `hub.Tap`."""
        now_ns = self._clock.now().nanoseconds
        if direction in (FROM_HUB, JOINED):
            self.read = time_s, now_ns
        self._number += 1
        if self._wanted:
            header = Header(stamp=Time(nanoseconds=now_ns).to_msg(), frame_id=self._frame_id)
            piece = array("B", data)
            self._bytes.publish(
                HubBytes(header=header, number=self._number, arrival=time_s, direction=direction, data=piece, hub=hub)
            )

    def after_step(self, newest: Header) -> None:
        """Publish a snapshot, if one is wanted and the hub is quiet; `newest` is the header of the newest frame."""
        hub, save = self._hub, self._save
        if not self._snapshot_wanted or hub is None or save is None or not hub.quiet:
            return
        self._snapshot_wanted = False
        self._snapshots.publish(
            Snapshot(
                header=newest,
                after=self._number,
                layout_id=hub.layout_id,
                kind=KIND,
                version=version(),
                data=array("B", save()),
            )
        )
