"""From the first prompt to a wearer whom the tracker knows: collecting, learning beside the stream, keeping."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from face_inference.alignment.places import Places, examine, response_likelihoods
from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.errors import InferenceError
from face_inference.model_folder import ModelDescription
from face_inference.neutral import Neutral
from face_inference.tracker import FaceTracker
from face_inference.wearer.adapt import adapt
from face_inference.wearer.guided import GuidedRows, check_followed, guided_rows
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import Prior, WearerJacobian
from face_inference.wearer.profile import ProfileLabel, WearerProfile, checked_name, fitted, new_profile
from face_inference.wearer.profile_folder import ProfileFolder
from face_inference.wearer.routine_capture import Moment, RoutineCapture
from face_model import routine

SLACK_S = 3.0
"""A routine that takes this much longer than it should gets no samples."""


@dataclass(frozen=True)
class CalibrationOutcome:
    """How it ended."""

    success: bool
    message: str
    seen: tuple[str, ...] = ()
    not_seen: tuple[str, ...] = ()
    places: Places = field(default_factory=Places)


class _Learned(NamedTuple):
    jacobian: WearerJacobian
    guided: GuidedRows
    places: Places


class WearerCalibration:
    """One guided routine; call `poll` often, from the thread that feeds the tracker.

    Learning takes about a second of one core, so it has a thread of its own and samples go on being tracked. What the
    tracker knows of the wearer changes at the very end, and only if all went well.
    """

    def __init__(
        self, tracker: FaceTracker, description: ModelDescription, name: str, folder: ProfileFolder, now_s: float
    ) -> None:
        """Start collecting.

        Args:
            tracker: with a neutral.
            description: of the model it runs.
            name: whose profile is written; empty: none is.
            folder: where.
            now_s: on the clock of `poll`.

        Raises:
            InferenceError: the tracker has no neutral yet.
            ProfileError: the name cannot be a file's, or the folder cannot be written.
        """
        self._name = checked_name(name) if name else ""
        if name:
            folder.check()
        self._tracker, self._description, self._folder = tracker, description, folder
        self._deadline_s = now_s + routine.DURATION_S + SLACK_S
        self._capture: RoutineCapture = tracker.start_routine()
        self._learner: ThreadPoolExecutor | None = None
        self._learned: Future[_Learned] | None = None
        self.outcome: CalibrationOutcome | None = None
        self.label: ProfileLabel | None = None

    @property
    def moment(self) -> Moment:
        """What the wearer is asked for now."""
        return self._capture.moment

    @property
    def collecting(self) -> bool:
        """Whether the routine is not over yet."""
        return self.outcome is None and self._learned is None

    def poll(self, now_s: float) -> CalibrationOutcome | None:
        """Go on as far as possible without waiting; how it ended, once it has."""
        if self.outcome is None and self._learned is None:
            self._follow_capture(now_s)
        if self.outcome is None and self._learned is not None and self._learned.done():
            self._take_over(self._learned)
        return self.outcome

    def abort(self, reason: str) -> None:
        """End without a change, if not complete yet."""
        if self.outcome is None:
            self._capture.abort(reason)
            self._end(CalibrationOutcome(False, reason))

    def _follow_capture(self, now_s: float) -> None:
        capture = self._capture
        if capture.result is not None:
            self._learner = ThreadPoolExecutor(1, thread_name_prefix="learn_wearer")
            self._learned = self._learner.submit(
                _learn, self._description, capture.result, self._tracker.neutral, self._tracker.alignment
            )
        elif capture.complete:
            self._end(CalibrationOutcome(False, capture.problem))
        elif now_s > self._deadline_s:
            self.abort("no samples came in time; what was known stays: check the driver and try again")

    def _take_over(self, learned: Future[_Learned]) -> None:
        try:
            jacobian, guided, places = learned.result()
            if self._name:
                profile = self._profile(jacobian, guided)
                self._folder.save(profile)
                self.label = profile.label
        except InferenceError as error:
            self._end(CalibrationOutcome(False, f"{error}; what was known stays"))
            return
        self._tracker.wearer = jacobian
        kept = f"; kept as {self._name}" if self._name else ""
        wrong = f"; {places.message}: change them over and do the routine again" if places.exchanged else ""
        message = f"{guided.summary}{kept}{wrong}"
        self._end(CalibrationOutcome(True, message, guided.seen, guided.not_seen, places))

    def _profile(self, jacobian: WearerJacobian, guided: GuidedRows) -> WearerProfile:
        description, mounts = self._description, self._description.mounts
        return new_profile(
            self._name,
            jacobian,
            description.prior,
            mounts.names,
            mounts.names[mounts.reference],
            description.title,
            f"{guided.summary}; held within {guided.scatter_rad:.4f} rad",
            self._capture.result,
            self._tracker.alignment,
        )

    def _end(self, outcome: CalibrationOutcome) -> None:
        self.outcome = outcome
        if self._learner is not None:
            self._learner.shutdown(wait=False)


def learn(prior: Prior, observations: Observations) -> tuple[WearerJacobian, GuidedRows]:
    """The wearer's Jacobian after the routine, and what was seen of it.

    Raises:
        WearerError: hardly a prompt moved the sensors, or they moved at other times.
    """
    guided = guided_rows(observations)
    check_followed(observations, prior)
    return adapt(prior, guided.rows, "prompts"), guided


def _learn(
    description: ModelDescription,
    observations: Observations,
    neutral: Neutral | None,
    alignment: SensorAlignment | None,
) -> _Learned:
    jacobian, guided = learn(description.prior, observations)
    if neutral is None:
        return _Learned(jacobian, guided, Places())
    mounts = description.mounts
    known = np.zeros(len(mounts.names), dtype=bool) if alignment is None else alignment.aligned
    responses = response_likelihoods(description.prior, guided.rows, mounts, neutral, known)
    return _Learned(jacobian, guided, examine(mounts, alignment, responses))


def kept_wearer(name: str, description: ModelDescription, folder: ProfileFolder) -> tuple[WearerProfile, str]:
    """The profile of this name for a model, and what is to be said of it, or nothing; see `fitted`.

    Raises:
        ProfileError: there is no such profile, it is damaged, it was learned for other sensors, or with another prior
            and without a routine; or the name cannot be a file's.
    """
    mounts = description.mounts
    return fitted(folder.load(name), description.prior, mounts.names, mounts.names[mounts.reference])
