"""The service that learns the neutral anew and answers when that is done."""

from __future__ import annotations

from collections.abc import Callable

from imusic.srv import CalibrateNeutral
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.task import Future

from face_inference.neutral_calibration import NeutralCalibration
from face_inference.tracker import FaceTracker
from imusic_ros.managed_node import ManagedNode

CALIBRATION_SLACK_S = 2.0
"""A calibration that takes this much longer than asked for gets no samples."""


class NeutralService:
    """Made when the node is configured, closed when it is cleaned up; `poll` is called with every frame.

    Args:
        node: that it belongs to.
        place: what its name begins with: a namespace relative to the node's, with a slash at its end, or nothing.
        tracker: whose neutral is learned.
        refusal: why a calibration cannot start now, or None.
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
        self._running: tuple[NeutralCalibration, Future[None], float] | None = None
        # Reentrant: while a calibration waits for samples they must come in, and a second call must be told.
        group = ReentrantCallbackGroup()
        name = f"{place}{node.get_name()}/calibrate_neutral"
        self._service = node.create_service(CalibrateNeutral, name, self._on_call, callback_group=group)

    @property
    def running(self) -> bool:
        """Whether the neutral is being learned because the service was called."""
        return self._running is not None

    def poll(self, now_s: float) -> None:
        """Answer if the calibration is over; `now_s` is the node's."""
        if self._running is None:
            return
        calibration, done, deadline_s = self._running
        if now_s > deadline_s:
            calibration.abort("no samples came in time; the old neutral stays: check the driver and try again")
        if calibration.complete:
            self._running = None
            done.set_result(None)

    def abort(self, reason: str) -> None:
        """End a calibration that is under way; nothing changes."""
        if self._running is not None:
            self._running[0].abort(reason)
            self.poll(self._node.now_s())

    def close(self) -> None:
        """Withdraw the service."""
        self.abort("the node was cleaned up; configure it and calibrate again")
        self._node.destroy_service(self._service)

    async def _on_call(
        self, request: CalibrateNeutral.Request, response: CalibrateNeutral.Response
    ) -> CalibrateNeutral.Response:
        duration_s = float(request.duration) or self._tracker.params.calibration.duration_s
        refusal = self._refusal_of(duration_s)
        if refusal is not None:
            response.success, response.message = False, refusal
            return response
        calibration = self._tracker.start_calibration(duration_s)
        done: Future[None] = Future(executor=self._node.executor)
        self._running = (calibration, done, self._node.now_s() + duration_s + CALIBRATION_SLACK_S)
        self._log.info(f"calibrating the neutral for {duration_s:g} s: look ahead, relax, keep still")
        await done
        result = calibration.result
        response.success = result is not None and result.success
        response.message = result.message if result is not None else "ended without a result"
        response.stillness = float(result.stillness_rad_s) if result is not None else 0.0
        # Two call sites: rclpy raises where one site logs with another severity than before.
        if response.success:
            self._log.info(response.message)
        else:
            self._log.warning(response.message)
        return response

    def _refusal_of(self, duration_s: float) -> str | None:
        refusal = self._refusal()
        if refusal is not None:
            return refusal
        if not 0.5 <= duration_s <= 30.0:
            return f"expected a duration of 0.5 to 30 s, or 0 for the default, found {duration_s:g} s"
        if self._running is not None:
            return "a calibration is already under way; wait for it"
        return None
