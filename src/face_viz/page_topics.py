"""What the page tells of other nodes: prompts, recording, player, reference face, troubles."""

from __future__ import annotations

import time
from typing import Any, Final

from diagnostic_msgs.msg import DiagnosticArray
from imusic.msg import FaceReference, RecordingStatus, ReplayStatus, WearerPrompt
from rclpy.node import Node

from face_viz.page import FacePage, Trouble
from face_viz.viewer_messages import prompt_of, recording_of, reference_of, replay_of
from imusic_ros.health import ERROR, WARN
from imusic_ros.qos import LATCHED, SENSOR_DATA

PROMPT_S: Final = 3.0
"""A prompt that is not told anew for this long is of a routine that has ended with its node."""
PLAYER_S: Final = 3.0
"""A player that says nothing for this long, though it should four times a second, has ended."""
WATCHED: Final = ("imu_driver", "face_inference", "recorder")
"""Nodes whose trouble the page shows; they are in the wearer's namespace, or speak for it."""
LEVELS: Final = {WARN: "warning", ERROR: "error"}


class PageTopics:
    """Listens while somebody looks and tells the page; made when the page is opened.

    Args:
        node: that the subscriptions belong to.
        page: that is told.
    """

    def __init__(self, node: Node, page: FacePage) -> None:
        self._node, self._page = node, page
        self._listening: list[Any] = []
        self._prompted_s: float | None = None
        self._player_s: float | None = None
        self._troubles: dict[str, Trouble | None] = dict.fromkeys(WATCHED)

    def listen(self, on: bool) -> None:
        """Begin or end."""
        if on and not self._listening:
            subscribe = self._node.create_subscription
            self._listening = [
                subscribe(WearerPrompt, "face/prompt", self._on_prompt, LATCHED),
                subscribe(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10),
                subscribe(RecordingStatus, "recording/status", self._on_recording, LATCHED),
                subscribe(FaceReference, "face/reference", self._on_reference, SENSOR_DATA),
                subscribe(ReplayStatus, "player/status", self._on_player, LATCHED),
            ]
        elif not on and self._listening:
            for subscription in self._listening:
                self._node.destroy_subscription(subscription)
            self._listening = []
            self._troubles = dict.fromkeys(WATCHED)

    def forget_silent(self) -> None:
        """A routine or a player whose node has ended cannot say so."""
        now_s = time.monotonic()
        if self._prompted_s is not None and now_s - self._prompted_s > PROMPT_S:
            self._prompted_s = None
            self._page.tell("prompt", None)
        if self._player_s is not None and now_s - self._player_s > PLAYER_S:
            self._player_s = None
            self._page.tell("player", None)

    def _on_prompt(self, message: WearerPrompt) -> None:
        """What the wearer is asked to do, and the time that is left for it."""
        self._prompted_s = time.monotonic() if message.text else None
        self._page.tell("prompt", prompt_of(message))

    def _on_recording(self, message: RecordingStatus) -> None:
        self._page.tell("recording", recording_of(message))

    def _on_player(self, message: ReplayStatus) -> None:
        self._player_s = time.monotonic()
        self._page.tell("player", replay_of(message))

    def _on_reference(self, message: FaceReference) -> None:
        reference = reference_of(message)
        self._page.tell("reference", {"source": reference.source})
        self._page.show_reference(reference)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        """What driver and estimator of this wearer say of themselves, where not all is well."""
        place = self._node.get_namespace().strip("/")
        for status in message.status:
            node = status.name.removeprefix(f"{place}/") if place else status.name
            if node in WATCHED:
                level = LEVELS.get(status.level[0])
                self._troubles[node] = None if level is None else Trouble(node, level, status.message)
        self._page.set_troubles(tuple(trouble for trouble in self._troubles.values() if trouble is not None))
