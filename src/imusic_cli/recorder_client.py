"""Talks to a recorder: start, stop, and what it tells of itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import rclpy
from imusic.msg import RecordingStatus
from imusic.srv import StartRecording
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import Trigger

from face_recording.recorded_topics import FACES, NOTHING_PUBLISHED, absolute, nothing_published
from imusic_cli.errors import CommandError
from imusic_ros.enclaves import command_line_arguments
from imusic_ros.qos import LATCHED

ANSWER_S = 20.0
"""A recorder answers at once, and a slow disk takes seconds to end a file."""


class RecorderClient:
    """One recorder of a namespace; use as a context manager.

    Args:
        place: namespace of the recorder, absolute.

    Attributes:
        status: the last that it told of the recording that was started here, or None.
    """

    def __init__(self, place: str) -> None:
        self.status: RecordingStatus | None = None
        self._place = place
        self._path = ""
        self._heard_s = 0.0
        self._news = False
        self._name = ""
        self._gids: set[bytes] = set()
        self._successor = ""

    def __enter__(self) -> RecorderClient:
        # Without rclpy's handlers Ctrl-C is ours.
        rclpy.init(args=command_line_arguments(), signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node(f"record_{os.getpid()}", namespace=self._place, enable_rosout=False)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._node.create_subscription(RecordingStatus, "recording/status", self._on_status, LATCHED)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown()

    @property
    def silent_s(self) -> float:
        """How long the recorder has told nothing."""
        return time.monotonic() - self._heard_s

    def wait_for_faces(self, places: list[str], patience_s: float, given_up: Callable[[], bool]) -> None:
        """Wait until somebody publishes what can be recorded.

        Raises:
            CommandError: nobody does, for `patience_s`.
        """
        topics = [absolute(place, name) for place in places for name in FACES]

        def there() -> bool:
            return any(self._node.count_publishers(topic) for topic in topics)

        if not self._spin(patience_s, lambda: there() or given_up()):
            raise CommandError(nothing_published(places))

    def find(self, name: str, patience_s: float, given_up: Callable[[], bool] = lambda: False) -> bool:
        """Whether a recorder of this name is there, waiting for it so long."""
        start = self._node.create_client(StartRecording, f"{name}/start")
        stop = self._node.create_client(Trigger, f"{name}/stop")
        if not self._spin(patience_s, lambda: (start.service_is_ready() and stop.service_is_ready()) or given_up()):
            return False
        self._start, self._stop, self._name = start, stop, name
        return not given_up()

    def start(self, name: str, wearer: str, notes: str, patience_s: float, given_up: Callable[[], bool]) -> str:
        """Begin a recording; its folder, or nothing where it was given up.

        Raises:
            CommandError: the recorder refused, or there is nothing to record for `patience_s`.
        """
        end_s = time.monotonic() + patience_s
        request = StartRecording.Request(name=name, wearer=wearer, notes=notes)
        while not given_up():
            response = self._answer(self._start.call_async(request))
            if response.success:
                self._path, self._heard_s = str(response.path), time.monotonic()
                self._gids = self._publishers()
                return self._path
            if not response.message.startswith(NOTHING_PUBLISHED) or time.monotonic() > end_s:
                raise CommandError(response.message)
            self._spin(0.3, given_up)
        return ""

    @property
    def gone(self) -> bool:
        """Whether the process that records has ended: nobody tells of it any more, or one that was started after it."""
        now = self._publishers()
        if not self._gids:
            self._gids = now  # found late
            return False
        return not now or not now <= self._gids  # one that was killed is known for a while

    def wait_for_successor(self, patience_s: float, given_up: Callable[[], bool]) -> str:
        """After a recorder was killed: the folder into which one that took its place records on, or nothing."""
        self._spin(patience_s, lambda: bool(self._successor) or given_up())
        if self._successor:
            self._path, self._successor, self._gids = self._successor, "", set()
            return self._path
        return ""

    def _publishers(self) -> set[bytes]:
        """Of the recorder's status: one that is started again is another one."""
        found = self._node.get_publishers_info_by_topic(self._node.resolve_topic_name("recording/status"))
        return {bytes(publisher.endpoint_gid) for publisher in found if publisher.node_name == self._name}

    def wait(self, seconds: float) -> RecordingStatus | None:
        """Listen for a while; what the recorder told of this recording, None if nothing."""
        self._news = False
        self._spin(seconds, lambda: self._news)
        return self.status if self._news else None

    def stop(self) -> str:
        """End the recording where it has not ended by itself; what went wrong with it, or nothing.

        Raises:
            CommandError: the recorder does not answer.
        """
        if self.status is not None and self.status.state != RecordingStatus.STATE_RECORDING:
            return str(self.status.message) if self.status.state == RecordingStatus.STATE_FAILED else ""
        response = self._answer(self._stop.call_async(Trigger.Request()))
        self._spin(1.0, lambda: self.status is not None and self.status.state != RecordingStatus.STATE_RECORDING)
        if self.status is not None and self.status.state == RecordingStatus.STATE_FAILED:
            return str(self.status.message)
        return "" if response.success else str(response.message)

    def _on_status(self, status: RecordingStatus) -> None:
        if self._path and status.path == self._path:
            self.status, self._news, self._heard_s = status, True, time.monotonic()
        elif self._path and status.continues == self._path:
            self._successor = str(status.path)

    def _answer(self, future: Any) -> Any:
        if not self._spin(ANSWER_S, future.done):
            raise CommandError(
                f"expected the recorder to answer within {ANSWER_S:g} s, found silence; look at what it printed"
            )
        return future.result()

    def _spin(self, seconds: float, done: Callable[[], bool]) -> bool:
        end_s = time.monotonic() + seconds
        try:
            while not done() and time.monotonic() < end_s:
                self._executor.spin_once(timeout_sec=0.1)
        except ExternalShutdownException as error:
            raise CommandError("ended from outside") from error
        return done()
