"""Taps on a sensor as an action: found while samples stream in, published with the stamps of their samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from builtin_interfaces.msg import Time
from imusic.action import FindTaps
from imusic.msg import Tap
from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.task import Future
from std_msgs.msg import Header

from face_inference.tap_finder import FoundTap, TapFinder
from face_inference.tracker import FaceTracker
from face_model.imu_sample import ImuSample
from imusic_ros.managed_node import ManagedNode
from imusic_ros.qos import EVENTS

SENSOR = "mentalis"
"""The unit on the chin, which a camera sees move."""
TAPS, PATIENCE_S = 3, 20.0
MOST_TAPS, MOST_PATIENCE_S = 50, 300.0
TELL_S = 0.5
"""How often the time that is left is told; a tap is told at once."""


@dataclass
class _Running:
    """One goal under way; stamps and sequences belong to the taps found."""

    goal: ServerGoalHandle
    done: Future
    sensor: str
    wanted: int
    patience_s: float
    began_s: float
    finder: TapFinder = field(default_factory=TapFinder)
    taps: list[FoundTap] = field(default_factory=list)
    told_s: float = float("-inf")
    problem: str = ""


class TapsAction:
    """Made when the node is configured, closed when it is cleaned up.

    `on_sample` is called with every sample, `poll` often.

    Args:
        node: that it belongs to.
        place: what its names begin with: a namespace relative to the node's, with a slash at its end, or nothing.
        tracker: that follows the layout.
        refusal: why nothing can begin now, or None.
        log: where it is told.
    """

    def __init__(
        self,
        node: ManagedNode,
        place: str,
        tracker: FaceTracker,
        refusal: Callable[[], str | None],
        log: RcutilsLogger,
    ) -> None:
        self._node, self._tracker, self._refusal, self._log = node, tracker, refusal, log
        self._running: _Running | None = None
        self._publisher = node.create_lifecycle_publisher(Tap, f"{place}face/tap", EVENTS)
        self._server: Any = ActionServer(
            node,
            FindTaps,
            f"{place}{node.get_name()}/find_taps",
            self._on_goal,
            callback_group=ReentrantCallbackGroup(),
            cancel_callback=lambda _goal: CancelResponse.ACCEPT,
        )

    def close(self) -> None:
        """Withdraw action and topic."""
        self.abort("the node was cleaned up; configure it and tap again")
        self._server.destroy()
        self._node.destroy_publisher(self._publisher)

    def abort(self, reason: str) -> None:
        """End a goal that is under way."""
        if self._running is not None:
            self._end(self._running, reason)

    def on_sample(self, header: Header, sample: ImuSample) -> None:
        """Look at one sample, whose header is that of its frame."""
        running, layout = self._running, self._tracker.layout
        if running is None or layout is None or running.sensor not in layout.names:
            return
        unit = layout.names.index(running.sensor)
        if unit >= len(sample.valid) or not sample.valid[unit]:
            return
        key = header, sample.sequence
        for tap in running.finder.add(sample.hub_time_s, sample.specific_force[unit], key):
            if len(running.taps) < running.wanted:
                running.taps.append(tap)
                self._publish(running, tap)

    def poll(self, now_s: float) -> None:
        """End a goal that is over; `now_s` is the node's."""
        running = self._running
        if running is None:
            return
        left_s = running.began_s + running.patience_s - now_s
        if running.goal.is_cancel_requested:
            self._end(running, "cancelled")
        elif len(running.taps) >= running.wanted:
            self._end(running, "")
        elif left_s < 0.0:
            self._end(
                running,
                f"expected {running.wanted} taps on {running.sensor} within {running.patience_s:g} s, found "
                f"{len(running.taps)}; tap the board itself with a fingertip, short and firm",
            )
        elif now_s - running.told_s >= TELL_S:
            running.told_s = now_s
            self._feed_back(running, left_s)

    def _end(self, running: _Running, problem: str) -> None:
        self._running, running.problem = None, problem
        running.done.set_result(None)

    def _feed_back(self, running: _Running, left_s: float) -> None:
        found = len(running.taps)
        running.goal.publish_feedback(
            FindTaps.Feedback(found=found, progress=found / running.wanted, time_left=float(left_s))
        )

    def _publish(self, running: _Running, tap: FoundTap) -> None:
        header, sequence = tap.key
        self._publisher.publish(
            Tap(
                header=header,
                sensor=running.sensor,
                sequence=int(sequence),
                number=len(running.taps),
                height=float(tap.height),
            )
        )
        running.told_s = float("-inf")

    async def _on_goal(self, goal: ServerGoalHandle) -> FindTaps.Result:
        asked: FindTaps.Goal = goal.request
        sensor, wanted = str(asked.sensor) or SENSOR, int(asked.taps) or TAPS
        patience_s = float(asked.patience) or PATIENCE_S
        refusal = self._refusal_of(sensor, wanted, patience_s)
        if refusal is not None:
            self._log.warning(f"no taps looked for: {refusal}")
            goal.abort()
            return FindTaps.Result(success=False, message=refusal)
        done: Future = Future(executor=self._node.executor)
        running = self._running = _Running(goal, done, sensor, wanted, patience_s, self._node.now_s())
        self._log.info(f"waiting for {wanted} taps on {sensor}")
        await done
        return self._result(running)

    def _result(self, running: _Running) -> FindTaps.Result:
        taps, goal = running.taps, running.goal
        stamps = [tap.key[0].stamp for tap in taps]
        message = running.problem or f"{len(taps)} taps on {running.sensor} found"
        result = FindTaps.Result(success=not running.problem, message=message)
        result.stamps = [Time(sec=stamp.sec, nanosec=stamp.nanosec) for stamp in stamps]
        result.heights = [float(tap.height) for tap in taps]
        result.quality = min((float(tap.clearness) for tap in taps), default=0.0)
        if not running.problem:
            self._log.info(message)
            goal.succeed()
        elif goal.is_cancel_requested:
            # Another call site: rclpy raises where one site logs with another severity than before.
            self._log.info(f"taps: {message}")
            goal.canceled()
        else:
            self._log.warning(f"taps: {message}")
            goal.abort()
        return result

    def _refusal_of(self, sensor: str, wanted: int, patience_s: float) -> str | None:
        refusal = self._refusal()
        if refusal is not None:
            return refusal
        if self._running is not None:
            return "taps are looked for already; wait for them, or cancel"
        layout = self._tracker.layout
        names = layout.names if layout is not None else ()
        if sensor not in names:
            return f"expected a sensor of the layout ({', '.join(names)}), found {sensor[:40]!r}"
        if not 1 <= wanted <= MOST_TAPS or not 1.0 <= patience_s <= MOST_PATIENCE_S:
            expected = f"expected 1 to {MOST_TAPS} taps within 1 to {MOST_PATIENCE_S:g} s"
            return f"{expected}, found {wanted} within {patience_s:g} s"
        return None
