"""From the first prompt to mountings that the tracker uses: collecting, solving beside the stream, keeping."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_inference.alignment.capture import AlignmentCapture
from face_inference.alignment.places import Places, examine
from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.alignment.solve import Solved, solve_alignment
from face_inference.errors import InferenceError
from face_inference.mounts import NominalMounts
from face_inference.tracker import FaceTracker
from face_inference.wearer.routine_capture import Moment
from face_model import nod_and_shake

FloatArray = NDArray[np.floating]

SLACK_S = 3.0
"""A routine that takes this much longer than it should gets no samples."""

STAYS = "what was known stays"

Keep = Callable[[SensorAlignment, FloatArray], None]
"""Writes mountings into the profile in use, which turn by (S,) rad; raises `ProfileError`."""


@dataclass(frozen=True)
class AlignmentOutcome:
    """How it ended.

    Attributes:
        success: whether anything changed.
        message: what was found; or why not, and what to do.
        stillness_rad_s: of the skull in the still seconds.
        alignment: what is used now; None where it failed, or only the neutral was learned.
        turn_rad: (S,) by which the layout's mountings were wrong.
        exchanged, misplaced: names of sensors, see `Places`.
        places_message: the same in words; empty where all sit where they should.
    """

    success: bool
    message: str
    stillness_rad_s: float = 0.0
    alignment: SensorAlignment | None = None
    turn_rad: FloatArray | None = None
    exchanged: tuple[str, ...] = ()
    misplaced: tuple[str, ...] = ()
    places_message: str = ""


@dataclass(frozen=True)
class _Found:
    solved: Solved
    places: Places


class AlignmentRun:
    """One nod and shake; call `poll` often, from the thread that feeds the tracker.

    What the tracker knows changes at the very end, all at once, and only if all went well. Solving has a thread of its
    own, so that samples go on being tracked.

    Args:
        tracker: whose sensors are aligned.
        keep: what is called just before the change; what it raises, an `InferenceError`, prevents it.
        now_s: on the clock of `poll`.
        tolerant: go on without sensors that disagree, and with such as seem to be exchanged.
    """

    def __init__(self, tracker: FaceTracker, keep: Keep, now_s: float, tolerant: bool = False) -> None:
        self._tracker, self._keep, self._tolerant = tracker, keep, tolerant
        self._deadline_s = now_s + nod_and_shake.DURATION_S + SLACK_S
        self._capture: AlignmentCapture = tracker.start_alignment()
        self._solving: Future[_Found] | None = None
        self.outcome: AlignmentOutcome | None = None

    @property
    def moment(self) -> Moment:
        """What the wearer is asked for now."""
        return self._capture.moment

    @property
    def progress(self) -> float:
        """0 to 1, of the time."""
        return self._capture.progress

    @property
    def quality(self) -> float:
        """0 to 1, see `AlignmentCapture.quality`."""
        return self._capture.quality

    @property
    def collecting(self) -> bool:
        """Whether the routine is not over yet."""
        return self.outcome is None and self._solving is None

    def poll(self, now_s: float) -> AlignmentOutcome | None:
        """Go on as far as possible without waiting; how it ended, once it has."""
        if self.outcome is None and self._solving is None:
            self._follow_capture(now_s)
        if self.outcome is None and self._solving is not None and self._solving.done():
            self._take_over(self._solving)
        return self.outcome

    def abort(self, reason: str) -> None:
        """End without a change, if not complete yet."""
        if self.outcome is None:
            self._capture.abort(reason)
            self.outcome = AlignmentOutcome(False, reason)

    def _follow_capture(self, now_s: float) -> None:
        capture = self._capture
        if capture.result is not None:
            solver = ThreadPoolExecutor(1, thread_name_prefix="align")
            self._solving = solver.submit(_solve, self._tracker.mounts, capture, self._tolerant)
            solver.shutdown(wait=False)
        elif capture.complete:
            self.outcome = AlignmentOutcome(False, f"{capture.problem}; {STAYS}")
        elif now_s > self._deadline_s:
            self.abort(f"no samples came in time; {STAYS}: check the driver and try again")

    def _take_over(self, solving: Future[_Found]) -> None:
        solved, places = solving.result().solved, solving.result().places
        alignment, neutral, turn = solved.alignment, solved.neutral, solved.turn_rad
        if alignment is None or neutral is None or turn is None:
            self.outcome = AlignmentOutcome(False, f"{solved.message}; {STAYS}")
            return
        where, still = (places.exchanged, places.misplaced, places.message), neutral.stillness_rad_s
        if places.exchanged and not self._tolerant:
            message = f"{places.message}; {STAYS}: change them over and try again, or accept them (tolerant)"
            self.outcome = AlignmentOutcome(False, message, still, None, None, *where)
            return
        try:
            self._keep(alignment, self._tracker.turn_of(neutral))
        except InferenceError as error:
            self.outcome = AlignmentOutcome(False, f"{error}; {STAYS}", still, None, None, *where)
            return
        self._tracker.align(alignment, neutral)
        message = f"{solved.message}; {places.message}" if places.message else solved.message
        self.outcome = AlignmentOutcome(True, message, still, alignment, turn, *where)


def _solve(mounts: NominalMounts, capture: AlignmentCapture, tolerant: bool) -> _Found:
    assert capture.result is not None
    solved = solve_alignment(mounts, capture.result, tolerant=tolerant)
    return _Found(solved, examine(mounts, solved.alignment))
