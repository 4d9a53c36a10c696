"""Snapshots of one wearer as messages: published while somebody subscribes, and taken over in a replay."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable

from imusic.msg import Snapshot
from std_msgs.msg import Header

from face_inference.model_folder import ModelDescription
from face_inference.snapshot import KIND, check_origin, restore_snapshot, snapshot_of
from face_inference.tracker import FaceTracker
from face_model.version import version
from imusic_ros.managed_node import ManagedNode
from imusic_ros.qos import SNAPSHOTS

PERIOD_S = 10.0
"""A replay can begin this exactly: it goes on from the snapshot before the moment that is asked for."""

LEAST_S = 0.1
"""Samples that are lost make no more snapshots than this, however many they are."""


AGAIN_S = 0.5
"""After a new subscriber, here or of the samples, another follows: who found this topic before the samples, as
`ros2 bag record` does by seconds, lacks those that follow the first one."""

LOOK_S = 0.5
"""How often it is looked who subscribes to the samples."""


class WearerSnapshots:
    """Publishes `face/snapshot`. While nobody subscribes, a frame costs the question whether anybody does.

    Args:
        node: that it belongs to.
        place: what its name begins with: a namespace relative to the node's, with a slash at its end, or nothing.
        tracker: of the wearer.
        description: of the model that it runs.
        engine: that runs it, in words.
        profile: name of the profile in use, or nothing.
    """

    def __init__(
        self,
        node: ManagedNode,
        place: str,
        tracker: FaceTracker,
        description: ModelDescription,
        engine: Callable[[], str],
        profile: Callable[[], str],
    ) -> None:
        self._node, self._tracker, self._description = node, tracker, description
        self._engine, self._profile = engine, profile
        self._subscribers = 0
        self._changes = self._breaks = -1
        self._published_s = float("-inf")
        self._again_s = float("inf")
        self._samples, self._listeners, self._looked_s = f"{place}imu/frame", 0, float("-inf")
        self._publisher = node.create_lifecycle_publisher(Snapshot, f"{place}face/snapshot", SNAPSHOTS)

    def close(self) -> None:
        """Withdraw the topic."""
        self._node.destroy_publisher(self._publisher)

    def look(self, header: Header, now_s: float) -> None:
        """Look who subscribes, several times a second; publish at once for whoever is new.

        Args:
            header: of the newest frame that became a face.
            now_s: monotonic.
        """
        self._welcome(header, now_s)
        if self._subscribers and now_s - self._looked_s >= LOOK_S:
            listeners, self._looked_s = self._node.count_subscribers(self._samples), now_s
            if listeners > self._listeners:
                self._again_s = now_s + AGAIN_S
            self._listeners = listeners
        self.after_frame(header, now_s)

    def before_frame(self, header: Header, now_s: float) -> None:
        """Publish what changed since the frame before, so that the next one is replayed with it; see `look`."""
        self._welcome(header, now_s)
        if self._subscribers and self._changes != self._tracker.changes:
            self._publish(header, now_s)

    def after_frame(self, header: Header, now_s: float) -> None:
        """Publish where something happened that who records the frames may not see, and every ten seconds."""
        if not self._subscribers:
            return
        since_s, tracker = now_s - self._published_s, self._tracker
        broken = self._breaks != tracker.breaks and since_s >= LEAST_S
        if broken or since_s >= PERIOD_S or now_s >= self._again_s or self._changes != tracker.changes:
            self._publish(header, now_s)

    def _welcome(self, header: Header, now_s: float) -> None:
        count = self._publisher.get_subscription_count()
        if count > self._subscribers:
            if not self._subscribers:
                self._tracker.missed.clear()  # nobody was there to receive it
            self._publish(header, now_s)
            self._again_s = now_s + AGAIN_S
        self._subscribers = count

    def _publish(self, header: Header, now_s: float) -> None:
        tracker = self._tracker
        self._changes, self._breaks, self._published_s = tracker.changes, tracker.breaks, now_s
        if now_s >= self._again_s:
            self._again_s = float("inf")
        layout = tracker.layout
        self._publisher.publish(
            Snapshot(
                header=header,
                after=tracker.newest_sequence or 0,
                layout_id=0 if layout is None else layout.layout_id,
                kind=KIND,
                version=version(),
                model=self._description.title,
                model_hash=self._description.digest,
                engine=self._engine(),
                wearer=self._profile(),
                data=array("B", snapshot_of(tracker)),
            )
        )
        tracker.missed.clear()

    def restore(self, message: Snapshot) -> str:
        """Go on from a snapshot; what keeps results from being equal bit for bit, or nothing.

        Raises:
            SnapshotError: it cannot be used; nothing has changed then.
            EngineError: the device failed.
        """
        check_origin(message.kind, message.model_hash, self._description)
        restore_snapshot(self._tracker, bytes(message.data))
        self._changes, self._breaks = self._tracker.changes, self._tracker.breaks
        self._published_s = time.monotonic()
        notes = [
            f"recorded with {what} {then[:200]}, replayed with {now}: results may differ in their last bits"
            for what, then, now in (("engine", message.engine, self._engine()), ("imusic", message.version, version()))
            if then != now
        ]
        return "; ".join(notes)
