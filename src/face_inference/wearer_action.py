"""The guided routine as an action, its prompts as a topic, and profiles as a service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from imusic.action import CalibrateWearer
from imusic.msg import WearerPrompt
from imusic.srv import UseWearer
from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.task import Future
from std_msgs.msg import Header

from face_inference.errors import InferenceError
from face_inference.model_folder import ModelDescription
from face_inference.tracker import FaceTracker
from face_inference.wearer.profile import prior_digest
from face_inference.wearer.profile_folder import ProfileFolder
from face_inference.wearer.wearer_calibration import CalibrationOutcome, WearerCalibration, kept_wearer
from face_inference.wearer_wear import WearerWear
from face_model.routine import ROUTINE
from imusic_ros.managed_node import ManagedNode
from imusic_ros.qos import LATCHED

PROMPT_PERIOD_S = 0.2
"""How often the time that is left is told; what is asked for is told at once when it changes."""


@dataclass
class _Running:
    """One goal under way."""

    calibration: WearerCalibration
    goal: ServerGoalHandle
    done: Future
    told: tuple[int, bool] | None = None
    told_s: float = 0.0


class WearerAction:
    """Made when the node is configured, closed when it is cleaned up; `poll` is called with every frame."""

    def __init__(
        self,
        node: ManagedNode,
        place: str,
        tracker: FaceTracker,
        description: ModelDescription,
        refusal: Callable[[], str | None],
        log: RcutilsLogger,
        wear: WearerWear,
    ) -> None:
        """Offer action, topic and service.

        Args:
            node: that they belong to.
            place: what their names begin with: a namespace relative to the node's, with a slash at its end, or nothing.
            tracker: whose wearer is learned.
            description: of the model that it runs.
            refusal: why a routine cannot start now, or None.
            log: where it is told.
            wear: what keeps what wear adds to the profile in use.
        """
        self._node, self._tracker, self._description, self._refusal = node, tracker, description, refusal
        self._log, self._wear = log, wear
        self._folder = ProfileFolder()
        self._running: _Running | None = None
        self.profile = ""
        self.wrong_places = ""
        self._header = Header()
        self._publisher = node.create_lifecycle_publisher(WearerPrompt, f"{place}face/prompt", LATCHED)
        group = ReentrantCallbackGroup()
        home = f"{place}{node.get_name()}"
        self._service = node.create_service(UseWearer, f"{home}/use_wearer", self._on_use_wearer, callback_group=group)
        self._server: Any = ActionServer(
            node,
            CalibrateWearer,
            f"{home}/calibrate_wearer",
            self._on_goal,
            callback_group=group,
            cancel_callback=lambda _goal: CancelResponse.ACCEPT,
        )

    def close(self) -> None:
        """Withdraw them."""
        self.abort("the node was cleaned up; configure it and start the routine again")
        self._server.destroy()
        self._node.destroy_service(self._service)
        self._node.destroy_publisher(self._publisher)

    def use(self, name: str) -> None:
        """Use the profile of this name; an empty one means the prior.

        Raises:
            ProfileError: there is no such profile, it is damaged, or does not fit the model.
        """
        self._wear.keep()
        if name:
            profile, told = kept_wearer(name, self._description, self._folder)
            self._tracker.use_wearer(profile.jacobian, profile.worn, profile.alignment)
            same = profile.label.prior == prior_digest(self._description.prior)
            self._wear.follow(profile.label if same else None)
            if told:
                self._log.warning(told)
        else:
            self._tracker.use_wearer(self._description.prior.unknown_wearer)
            self._wear.follow(None)
        self.profile = name

    def use_if_kept(self, name: str) -> None:
        """Use the profile of this name if there is one that can be used; else the log says what is wrong with it."""
        if name not in self._folder.names():
            return
        try:
            self.use(name)
        except InferenceError as error:
            self._log.warning(f"goes on with the prior, as for an unknown wearer: {error}")

    @property
    def running(self) -> bool:
        """Whether a routine is under way."""
        return self._running is not None

    def prompt(self, prompt: WearerPrompt) -> None:
        """Publish what somebody else asks of the wearer."""
        self._publisher.publish(prompt)

    def poll(self, now_s: float, header: Header) -> None:
        """Go on with a routine that is under way; `now_s` is the node's, `header` that of the newest frame."""
        self._header = header
        running = self._running
        if running is None:
            return
        calibration = running.calibration
        if running.goal.is_cancel_requested and calibration.collecting:
            calibration.abort("cancelled; what was known stays")
        outcome = calibration.poll(now_s)
        if calibration.collecting:
            self._tell(running, now_s, header)
        elif running.told is not None:
            running.told = None
            self._publisher.publish(WearerPrompt(header=header, count=len(ROUTINE)))
        if outcome is not None:
            self._running = None
            if outcome.success:
                self.profile = str(running.goal.request.wearer)
                self.wrong_places = outcome.places.message
                self._wear.follow(calibration.label)
            running.done.set_result(None)

    def abort(self, reason: str) -> None:
        """End a routine that is under way; nothing changes."""
        if self._running is not None:
            self._running.calibration.abort(reason)
            self.poll(self._node.now_s(), self._header)

    async def _on_goal(self, goal: ServerGoalHandle) -> CalibrateWearer.Result:
        name = str(goal.request.wearer)
        outcome = self._start(goal, name)
        if outcome is None:
            running = self._running
            assert running is not None
            await running.done
            outcome = running.calibration.outcome
            assert outcome is not None
        log = self._log
        if outcome.success:
            log.info(f"wearer learned: {outcome.message}")
            goal.succeed()
        elif goal.is_cancel_requested:
            log.info(outcome.message)
            goal.canceled()
        else:
            log.warning(f"wearer not learned: {outcome.message}")
            goal.abort()
        return CalibrateWearer.Result(
            success=outcome.success, message=outcome.message, seen=outcome.seen, not_seen=outcome.not_seen
        )

    def _start(self, goal: ServerGoalHandle, name: str) -> CalibrationOutcome | None:
        """None if the routine is under way."""
        refusal = self._refusal() or ("a routine is already under way; wait for it" if self._running else None)
        if refusal is not None:
            return CalibrationOutcome(False, refusal)
        try:
            calibration = WearerCalibration(self._tracker, self._description, name, self._folder, self._node.now_s())
        except InferenceError as error:
            return CalibrationOutcome(False, str(error))
        self._running = _Running(calibration, goal, Future(executor=self._node.executor))
        self._log.info("the guided routine begins")
        return None

    def _tell(self, running: _Running, now_s: float, header: Header) -> None:
        moment = running.calibration.moment
        if running.told == (moment.index, moment.hold) and now_s - running.told_s < PROMPT_PERIOD_S:
            return
        running.told, running.told_s = (moment.index, moment.hold), now_s
        prompt = WearerPrompt(
            header=header,
            hold=moment.hold,
            name=moment.name,
            text=moment.text,
            number=moment.index + 1,
            count=len(ROUTINE),
            phase_left=moment.phase_left_s,
            routine_left=moment.routine_left_s,
        )
        self._publisher.publish(prompt)
        running.goal.publish_feedback(CalibrateWearer.Feedback(prompt=prompt))

    def _on_use_wearer(self, request: UseWearer.Request, response: UseWearer.Response) -> UseWearer.Response:
        try:
            self.use(str(request.wearer))
        except InferenceError as error:
            response.success, response.message = False, str(error)
            return response
        source = self._tracker.wearer.source
        response.success = True
        response.message = (
            f"using what is known of {self.profile} from {source}"
            if self.profile
            else "using the prior, as for an unknown wearer"
        )
        return response
