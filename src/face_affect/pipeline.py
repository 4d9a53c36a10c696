"""A stream of faces to what they show: units, expressions smoothed over time, events, words. No ROS in here."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from face_affect.action_units import ActionUnits, action_units
from face_affect.events import EventDetector, FacialEvent
from face_affect.expressions import Expressions, from_evidence, log_evidence
from face_affect.words import Explanation, explain

RESTING_MOST: Final = 0.25
"""Most of a unit that counts as the wearer's resting face."""
_DOWN_S, _UP_S = 2.0, 300.0
"""Time constants with which the resting face follows a unit that shows less, and one that shows more, s: faces come to
rest often, and expressions seldom last for minutes."""
_MOST_STEP_S = 1.0
"""Longest time between two faces that counts as time in which the first one was there."""
_EVENTS_KEPT_S = 3.0
"""So long an event is spoken of, s."""


class RestingFace:
    """What each unit shows all the time, learned while worn: the lower edge of its intensity, (99,)."""

    def __init__(self) -> None:
        self.level: NDArray[np.float64] | None = None

    def update(self, units: ActionUnits, step_s: float) -> None:
        """Learn from one face that was there for `step_s`; the first one begins at neutral."""
        x = units.intensity
        if self.level is None:
            self.level = np.zeros_like(x)
        rate = np.where(x < self.level, 1.0 - np.exp(-step_s / _DOWN_S), 1.0 - np.exp(-step_s / _UP_S))
        # Who does not see a unit learns nothing of it.
        self.level += rate * units.confidence * (np.minimum(x, RESTING_MOST) - self.level)

    def without(self, units: ActionUnits) -> ActionUnits:
        """Units above the resting face, so that full is still full."""
        if self.level is None:
            return units
        base = self.level
        return replace(
            units,
            intensity=np.maximum(units.intensity - base, 0.0) / (1.0 - base),
            left=np.maximum(units.left - base, 0.0) / (1.0 - base),
            right=np.maximum(units.right - base, 0.0) / (1.0 - base),
        )


@dataclass(frozen=True)
class Shown:
    """What one face shows.

    Attributes:
        stamp_s: when.
        units: as read.
        resting: the same without the wearer's resting face; what expressions are taken from.
        expressions: smoothed over time.
    """

    stamp_s: float
    units: ActionUnits
    resting: ActionUnits
    expressions: Expressions


class AffectStream:
    """Faces in, what they show out, for one wearer.

    Args:
        smoothing_s: time constant of the evidence for expressions, s.
        resting: whether the wearer's resting face is taken out of expressions.
        detector: of brief events; the shipped one by default.
    """

    def __init__(self, smoothing_s: float = 0.3, resting: bool = True, detector: EventDetector | None = None) -> None:
        self.smoothing_s, self.resting = smoothing_s, resting
        self.detector = detector or EventDetector()
        self.reset()

    def reset(self) -> None:
        """Forget everything, the wearer's resting face too."""
        self._rest = RestingFace()
        self.detector.forget()
        self._evidence: NDArray[np.float64] | None = None
        self._then_s = float("nan")
        self._lately: deque[FacialEvent] = deque(maxlen=8)

    def events(self, stamp_s: float, weights: ArrayLike) -> list[FacialEvent]:
        """Take every face; events that became known."""
        found = self.detector.update(stamp_s, weights)
        self._lately.extend(found)
        return found

    def show(
        self, stamp_s: float, weights: ArrayLike, confidence: ArrayLike | None, observable: ArrayLike | None = None
    ) -> Shown:
        """What a face shows. Not every face need be asked for: all is in time. Stamps that go back begin anew."""
        step_s = stamp_s - self._then_s
        if not step_s >= 0.0:
            self._evidence, step_s = None, 0.0
        self._then_s = stamp_s
        units = action_units(weights, confidence, observable)
        self._rest.update(units, min(step_s, _MOST_STEP_S))
        above = self._rest.without(units) if self.resting else units
        fresh = log_evidence(above)
        if self._evidence is None or self.smoothing_s <= 0.0:
            self._evidence = fresh
        else:
            self._evidence = self._evidence + (1.0 - np.exp(-step_s / self.smoothing_s)) * (fresh - self._evidence)
        return Shown(stamp_s, units, above, from_evidence(self._evidence, above))

    def explain(self, shown: Shown) -> Explanation:
        """Words about a face, and about the events of the last seconds."""
        lately = tuple(e for e in self._lately if 0.0 <= shown.stamp_s - e.apex_s <= _EVENTS_KEPT_S)
        return explain(shown.units, shown.expressions, lately)
