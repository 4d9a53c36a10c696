"""The guided routine while frames stream in: what the wearer is told now, and what the sensors did so far."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.wearer.observations import Observations
from face_model import routine

KEPT_HZ = 50.0
"""Most frames per second that are kept: held poses need no more, and a phone's weights come at 30 or 60."""


@dataclass(frozen=True)
class Moment:
    """Where the routine is.

    Attributes:
        index: of the prompt in `ROUTINE`; -1 in the rest before the first.
        name: of the prompt; empty in the rest before the first.
        text: what to tell the wearer.
        hold: whether a pose is asked for, else a relaxed face.
        phase_left_s: until the wearer is told something else.
        routine_left_s: until the end.
    """

    index: int
    name: str
    text: str
    hold: bool
    phase_left_s: float
    routine_left_s: float


def moment_at(time_s: float) -> Moment:
    """What is asked for `time_s` after the routine's start."""
    left_s = max(0.0, routine.DURATION_S - time_s)
    cues = routine.schedule()
    index = sum(cue.start_s <= time_s for cue in cues) - 1
    if index < 0:
        return Moment(-1, "", routine.REST_TEXT, False, cues[0].start_s - time_s, left_s)
    cue = cues[index]
    if time_s < cue.relax_s:
        return Moment(index, cue.prompt.name, cue.prompt.text, True, cue.relax_s - time_s, left_s)
    end_s = cues[index + 1].start_s if index + 1 < len(cues) else routine.DURATION_S
    return Moment(index, cue.prompt.name, routine.RELAX_TEXT, False, max(0.0, end_s - time_s), left_s)


class RoutineCapture:
    """Collects observations from its first frame on until the routine is over, in memory of bounded size."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._began_s: float | None = None
        self._slot = -1
        # Room for all frames from the start: putting a minute together at its end would hold up that frame for long.
        most = math.floor(routine.DURATION_S * KEPT_HZ + 0.5) + 1
        self._time_s = np.empty(most)
        self._features = np.empty((most, channels.size), dtype=np.float32)
        self._kept = 0
        self._elapsed_s = 0.0
        self.result: Observations | None = None
        self.problem = ""

    @property
    def complete(self) -> bool:
        """Whether no more frames are wanted: there is a `result`, or a `problem`."""
        return self.result is not None or bool(self.problem)

    @property
    def moment(self) -> Moment:
        """What the wearer is asked for at the newest frame."""
        return moment_at(self._elapsed_s)

    def add(self, time_s: float, features: NDArray[np.float32]) -> None:
        """One frame's features (F,) at hub time `time_s`, which increases."""
        if self.complete:
            return
        if self._began_s is None:
            self._began_s = time_s
        self._elapsed_s = elapsed_s = time_s - self._began_s
        if elapsed_s >= routine.DURATION_S:
            kept = slice(self._kept)
            self.result = Observations.of(self._features[kept], self._channels, self._time_s[kept])
            return
        # The nearest slot, so that frames at just this rate are all kept.
        slot = math.floor(elapsed_s * KEPT_HZ + 0.5)
        if slot > self._slot:
            self._slot = slot
            self._time_s[self._kept] = elapsed_s
            self._features[self._kept] = features
            self._kept += 1

    def abort(self, reason: str) -> None:
        """End without a result, if not complete yet."""
        if not self.complete:
            self.problem = reason
            self._features = self._features[:0].copy()
