"""What wear teaches of a wearer, in ROS: the service that forgets it."""

from __future__ import annotations

from rclpy.impl.rcutils_logger import RcutilsLogger
from std_srvs.srv import Trigger

from face_inference.tracker import FaceTracker
from imusic_ros.managed_node import ManagedNode


class WearerWear:
    """Made when the node is configured, closed when it is cleaned up.

    Args:
        node: that it belongs to.
        place: what its name begins with: a namespace relative to the node's, with a slash at its end, or nothing.
        tracker: that learns.
        log: where it is told.
    """

    def __init__(self, node: ManagedNode, place: str, tracker: FaceTracker, log: RcutilsLogger) -> None:
        self._node, self._tracker, self._log = node, tracker, log
        self._service = node.create_service(Trigger, f"{place}{node.get_name()}/forget_worn", self._on_forget)

    def close(self) -> None:
        """Withdraw the service."""
        self._node.destroy_service(self._service)

    def _on_forget(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        rounds = self._tracker.wear.kept
        self._tracker.forget_worn()
        source = self._tracker.wearer.source
        response.success = True
        response.message = f"forgot what {rounds} rounds of wear taught; what is known is of {source}"
        self._log.info(response.message)
        return response
