"""One wearer whom the node serves: the tracker, and all that is theirs in ROS."""

from __future__ import annotations

from imusic.msg import SensorLayout
from std_msgs.msg import Header

from face_inference.errors import LayoutMismatchError
from face_inference.face_estimate import TrackingState
from face_inference.latency import LatencyStatistics
from face_inference.model_folder import ModelDescription
from face_inference.neutral_service import NeutralService
from face_inference.tracker import FaceTracker
from face_inference.wearer_action import WearerAction
from face_inference.wearer_topics import WearerTopics, layout_of
from face_model.frames import HEAD_FRAME
from imusic_ros.managed_node import ManagedNode


class ServedWearer:
    """What the node keeps of a wearer. The node itself feeds the tracker and publishes the faces.

    Args:
        node: that serves.
        name: namespace relative to the node's; empty: the node's own.
        tracker: of this wearer.
        description: of the model.

    Attributes:
        face: row of the wearer's face in the engine.
        layout_problem: why frames cannot be used; None if they can.
        header: of the newest frame that became a face.
        state: of the newest face.
        latency: of the newest faces.
    """

    def __init__(self, node: ManagedNode, name: str, tracker: FaceTracker, description: ModelDescription) -> None:
        self.name, self.tracker, self.face, self.model = name, tracker, tracker.face, description.title
        self.layout_problem: str | None = "no imu/layout yet; is the driver running?"
        self.header = Header(frame_id=HEAD_FRAME)
        self.state = TrackingState.CALIBRATING
        self.latency = LatencyStatistics()
        self._node = node
        self._log = node.get_logger().get_child(name) if name else node.get_logger()
        place = f"{name}/" if name else ""
        self.topics = WearerTopics(node, place, self.model, self._on_layout)
        self.neutral = NeutralService(node, place, tracker, self._refusal, self._log)
        self.action = WearerAction(node, place, tracker, description, self._routine_refusal, self._log)

    def poll(self, now_s: float) -> None:
        """Go on with a neutral or a routine that was asked for; `now_s` is `time.monotonic`."""
        self.neutral.poll(now_s)
        self.action.poll(now_s, self.header)

    def abort(self) -> None:
        """End a neutral or a routine under way, because the node was deactivated; what was known stays."""
        self.neutral.abort("the node was deactivated; activate it and calibrate again")
        self.action.abort("the node was deactivated; activate it and start the routine again")

    def close(self) -> None:
        """Withdraw everything."""
        self.action.close()
        self.neutral.close()
        self.topics.close()

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

    def _refusal(self) -> str | None:
        """Why nothing can be learned now."""
        if not self._node.is_active:
            return "expected the node to be active, found it is not; activate it first"
        return self.layout_problem

    def _routine_refusal(self) -> str | None:
        return "the neutral is being learned; wait for it" if self.neutral.running else self._refusal()
