"""The page's button for a neutral: asks whoever learns it, and announces the answer."""

from __future__ import annotations

from collections.abc import Callable

from imusic.srv import CalibrateNeutral
from rclpy.node import Node
from rclpy.task import Future


class NeutralRequest:
    """Client of a service `imusic/srv/CalibrateNeutral`.

    Args:
        node: that it belongs to.
        service: its name.
        announce: tells every viewer a line and whether it is good news; called from any thread.
    """

    def __init__(self, node: Node, service: str, announce: Callable[[str, bool], None]) -> None:
        self._node, self._announce = node, announce
        self._asked: Future[CalibrateNeutral.Response] | None = None
        self._client = node.create_client(CalibrateNeutral, service)

    def close(self) -> None:
        """Give the client back."""
        self._node.destroy_client(self._client)

    @property
    def is_offered(self) -> bool:
        """Whether somebody is there to answer."""
        return bool(self._client.service_is_ready())

    def ask(self) -> None:
        """Returns at once, the answer is announced. Called in the page's thread."""
        if not self.is_offered:
            name = self._client.srv_name
            self._announce(f"Cannot calibrate: no node offers {name}; is face_inference running?", False)
            return
        self._announce("Calibrating: relax your face and look ahead", True)
        if self._asked is not None and not self._asked.done():
            self._client.remove_pending_request(self._asked)  # whose node has ended meanwhile
        self._asked = self._client.call_async(CalibrateNeutral.Request())
        self._asked.add_done_callback(self._on_answer)

    def _on_answer(self, future: Future) -> None:
        if future.exception() is not None:
            self._announce(f"Calibration failed: {future.exception()}", False)
            return
        response = future.result()
        text = response.message or ("Neutral face calibrated" if response.success else "Calibration failed")
        self._announce(text, response.success)
