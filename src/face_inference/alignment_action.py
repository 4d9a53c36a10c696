"""The alignment of the sensors as an action: a nod and a shake, or only a new neutral."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from imusic.action import AlignSensors
from imusic.msg import WearerPrompt
from numpy.typing import NDArray
from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.task import Future
from std_msgs.msg import Header

from face_inference.alignment.run import STAYS, AlignmentOutcome, AlignmentRun
from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.alignment.turned import turned_profile, turning
from face_inference.neutral_calibration import NeutralCalibration
from face_inference.tracker import FaceTracker
from face_inference.wearer.profile import WearerProfile
from face_inference.wearer_wear import WearerWear
from face_model import nod_and_shake
from imusic_ros.managed_node import ManagedNode

PROMPT_PERIOD_S = 0.2
"""How often the time that is left is told; what is asked for is told at once when it changes."""

STILL_SLACK_S = 2.0
"""A neutral that takes this much longer than it should gets no samples."""

MOST_PATIENCE_S = 30.0


class StillRun:
    """A new neutral with the mountings that are known, told of as a nod and a shake are.

    Args:
        tracker: whose neutral is learned.
        now_s: on the clock of `poll`.
    """

    def __init__(self, tracker: FaceTracker, now_s: float) -> None:
        self._tracker = tracker
        self._calibration: NeutralCalibration = tracker.start_calibration()
        self._deadline_s = now_s + tracker.params.calibration.duration_s + STILL_SLACK_S
        self.outcome: AlignmentOutcome | None = None

    @property
    def progress(self) -> float:
        """0 to 1, of the time."""
        return self._calibration.progress

    @property
    def quality(self) -> float:
        """0 to 1, how still the head is."""
        return self._calibration.quality

    @property
    def collecting(self) -> bool:
        """Whether it is not over yet."""
        return self.outcome is None

    def poll(self, now_s: float) -> AlignmentOutcome | None:
        """Go on; how it ended, once it has."""
        if self.outcome is None and now_s > self._deadline_s:
            self._calibration.abort("no samples came in time; the old neutral stays: check the driver and try again")
        result = self._calibration.result
        if self.outcome is None and result is not None:
            alignment = self._tracker.alignment if result.success else None
            self.outcome = AlignmentOutcome(result.success, result.message, result.stillness_rad_s, alignment)
        return self.outcome

    def abort(self, reason: str) -> None:
        """End without a change, if not complete yet."""
        self._calibration.abort(reason)
        self.poll(float("-inf"))


@dataclass
class _Running:
    """One goal under way."""

    run: AlignmentRun | StillRun
    goal: ServerGoalHandle
    done: Future
    told: int | None = None
    told_s: float = float("-inf")


class AlignmentAction:
    """Made when the node is configured, closed when it is cleaned up; `poll` is called with every frame.

    Args:
        node: that it belongs to.
        place: what its name begins with: a namespace relative to the node's, with a slash at its end, or nothing.
        tracker: whose sensors are aligned.
        refusal: why nothing can begin now, or None.
        log: where it is told.
        wear: that knows the profile in use.
        prompt: publishes what is asked for.
    """

    def __init__(
        self,
        node: ManagedNode,
        place: str,
        tracker: FaceTracker,
        refusal: Callable[[], str | None],
        log: RcutilsLogger,
        wear: WearerWear,
        prompt: Callable[[WearerPrompt], None],
    ) -> None:
        self._node, self._tracker, self._refusal, self._log = node, tracker, refusal, log
        self._wear, self._prompt = wear, prompt
        self._running: _Running | None = None
        self._header = Header()
        self.wrong_places = ""
        self._server: Any = ActionServer(
            node,
            AlignSensors,
            f"{place}{node.get_name()}/align_sensors",
            self._on_goal,
            # Reentrant: while a goal waits for samples they must come in, and a second one must be told.
            callback_group=ReentrantCallbackGroup(),
            cancel_callback=lambda _goal: CancelResponse.ACCEPT,
        )

    @property
    def running(self) -> bool:
        """Whether a goal is under way."""
        return self._running is not None

    def close(self) -> None:
        """Withdraw the action."""
        self.abort("the node was cleaned up; configure it and align again")
        self._server.destroy()

    def abort(self, reason: str) -> None:
        """End a goal that is under way; nothing changes."""
        if self._running is not None:
            self._running.run.abort(f"{reason}; {STAYS}")
            self.poll(self._node.now_s(), self._header)

    def poll(self, now_s: float, header: Header) -> None:
        """Go on with a goal that is under way; `now_s` is the node's, `header` that of the newest frame."""
        self._header = header
        running = self._running
        if running is None:
            return
        run = running.run
        if running.goal.is_cancel_requested and run.collecting:
            run.abort(f"cancelled; {STAYS}")
        outcome = run.poll(now_s)
        if run.collecting:
            self._tell(running, now_s, header)
        elif running.told is not None:
            running.told = None
            self._prompt(WearerPrompt(header=header, count=nod_and_shake.PROMPTS))
        if outcome is not None:
            self._running = None
            if isinstance(run, AlignmentRun) and (outcome.success or outcome.exchanged):
                self.wrong_places = outcome.places_message
            running.done.set_result(None)

    async def _on_goal(self, goal: ServerGoalHandle) -> AlignSensors.Result:
        outcome = self._start(goal)
        if outcome is None:
            running = self._running
            assert running is not None
            await running.done
            outcome = running.run.outcome
            assert outcome is not None
        if outcome.success:
            self._log.info(outcome.message)
            goal.succeed()
        elif goal.is_cancel_requested:
            # Another call site: rclpy raises where one site logs with another severity than before.
            self._log.info(f"sensors not aligned: {outcome.message}")
            goal.canceled()
        else:
            self._log.warning(f"sensors not aligned: {outcome.message}")
            goal.abort()
        return self._result(outcome)

    def _start(self, goal: ServerGoalHandle) -> AlignmentOutcome | None:
        """None if it is under way."""
        asked: AlignSensors.Goal = goal.request
        refusal = self._refusal() or ("an alignment is already under way; wait for it" if self._running else None)
        if refusal is not None:
            return AlignmentOutcome(False, refusal)
        if asked.forget:
            self._tracker.forget_alignment()
            return AlignmentOutcome(
                True, "the layout's mountings hold again; a profile keeps its own until it is aligned"
            )
        now_s = self._node.now_s()
        run: AlignmentRun | StillRun
        if asked.still_only:
            run = StillRun(self._tracker, now_s)
        else:
            run = AlignmentRun(self._tracker, self._keep, now_s, bool(asked.tolerant))
        self._running = _Running(run, goal, Future(executor=self._node.executor))
        self._log.info("a new neutral: look ahead, relax, keep still" if asked.still_only else "aligning the sensors")
        return None

    def _keep(self, alignment: SensorAlignment, turn_rad: NDArray[np.floating]) -> None:
        """Into the profile in use, if there is one; raises `ProfileError`."""
        turn = turning(turn_rad, self._tracker.mounts.skin)

        def aligned(profile: WearerProfile) -> WearerProfile:
            # What was learned with aligned boards is in the head's own axes already.
            known = profile if profile.alignment is not None else turned_profile(profile, turn)
            return replace(known, alignment=alignment)

        self._wear.change(aligned)

    def _tell(self, running: _Running, now_s: float, header: Header) -> None:
        run = running.run
        moment = run.moment if isinstance(run, AlignmentRun) else None
        index = -1 if moment is None else moment.index
        if running.told == index and now_s - running.told_s < PROMPT_PERIOD_S:
            return
        running.told, running.told_s = index, now_s
        if moment is None:
            left_s = (1.0 - run.progress) * self._tracker.params.calibration.duration_s
            prompt = WearerPrompt(header=header, text=nod_and_shake.STILL_TEXT, phase_left=left_s, routine_left=left_s)
        else:
            prompt = WearerPrompt(
                header=header,
                hold=moment.hold,
                name=moment.name,
                text=moment.text,
                number=moment.index + 1,
                count=nod_and_shake.PROMPTS,
                phase_left=moment.phase_left_s,
                routine_left=moment.routine_left_s,
            )
        self._prompt(prompt)
        running.goal.publish_feedback(
            AlignSensors.Feedback(prompt=prompt, progress=float(run.progress), quality=float(run.quality))
        )

    def _result(self, outcome: AlignmentOutcome) -> AlignSensors.Result:
        count = len(self._tracker.mounts.names)
        result = AlignSensors.Result(
            success=outcome.success,
            message=outcome.message,
            stillness=float(outcome.stillness_rad_s),
            sensors=list(self._tracker.mounts.names),
            exchanged=list(outcome.exchanged),
            misplaced=list(outcome.misplaced),
        )
        alignment, nothing = outcome.alignment, np.zeros(count)
        known = alignment.aligned if alignment is not None else nothing.astype(bool)
        turn = nothing if outcome.turn_rad is None else outcome.turn_rad
        residual = nothing if alignment is None else alignment.residual_rad
        deviation = nothing if alignment is None else alignment.deviation_rad
        result.aligned = [bool(each) for each in known]
        result.turn = np.asarray(turn, dtype=np.float32)
        result.residual = np.asarray(residual, dtype=np.float32)
        result.deviation = np.asarray(deviation, dtype=np.float32)
        return result
