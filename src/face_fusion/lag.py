"""How late a source's pictures are against the sensors, from what the face did, picture by picture.

Changes of the source's weights over a tenth of a second are correlated with those of the sensors' weights at a row of
candidate lags; sums are forgotten slowly. Cost and memory do not grow, and nothing is searched in one go. What lies
beside it in the house, `face_model.lag_search`, finds the lag of two whole recordings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_fusion.track import Floats, Track
from face_model.observability import OBSERVABLE

CHANGE_S = 0.12
MOST_S = 0.30
_STEP_S = 0.01
_FORGOTTEN_S = 60.0
_LEAST_MOTION = 4.0
"""Sum of squared changes before a lag is believed: some ten clear movements."""
_LEAST_CORRELATION = 0.35
_MOST_STEP = 0.02
"""s of lag in a second: a lag that leapt would move the face."""
_SEEN = list(OBSERVABLE)


@dataclass
class LagEstimate:
    """What is known.

    Attributes:
        lag_s: in use.
        correlation: of the changes at the best lag; 0 before there is one.
        told: whether the motion told it; else `lag_s` is what was assumed.
    """

    lag_s: float
    correlation: float = 0.0
    told: bool = False


class LagFinder:
    """Fed with pictures in order.

    Args:
        assumed_s: lag to begin with, s.

    Attributes:
        estimate: what is known so far.
    """

    def __init__(self, assumed_s: float) -> None:
        self.estimate = LagEstimate(assumed_s)
        self._lags_s = np.arange(0.0, MOST_S + 0.5 * _STEP_S, _STEP_S)
        self._cross = np.zeros(len(self._lags_s))
        self._power = np.zeros(len(self._lags_s))
        self._own = 0.0

    def add(self, time_s: float, change: Floats, sensors: Track, trust: NDArray[np.floating], passed_s: float) -> None:
        """A picture at `time_s` whose weights changed by (52,) over `CHANGE_S`; `trust` (52,) in 0 to 1, 0 unseen."""
        if time_s - CHANGE_S - MOST_S < sensors.oldest_s or time_s > sensors.newest_s + MOST_S:
            return
        at_s = time_s - self._lags_s
        moved = sensors.at_times(np.concatenate([at_s, at_s - CHANGE_S]))
        felt = (moved[: len(at_s)] - moved[len(at_s) :])[:, _SEEN]
        known = at_s <= sensors.newest_s
        share = np.asarray(trust, dtype=np.float64)[_SEEN]
        seen = change[_SEEN] * share
        keep = np.exp(-passed_s / _FORGOTTEN_S)
        self._cross = keep * self._cross + passed_s * known * (felt @ seen)
        self._power = keep * self._power + passed_s * known * (np.square(felt) @ share)
        self._own = keep * self._own + passed_s * float(seen @ change[_SEEN])
        self._conclude(passed_s)

    def _conclude(self, passed_s: float) -> None:
        # Sums are integrals over time of a change over CHANGE_S: divided by it they count movements.
        if self._own < _LEAST_MOTION * CHANGE_S:
            return
        score = self._cross / np.sqrt(np.maximum(self._power * self._own, 1e-12))
        best = int(np.argmax(score))
        self.estimate.correlation = float(score[best])
        self.estimate.told = score[best] >= _LEAST_CORRELATION and 0 < best < len(score) - 1
        if not self.estimate.told:
            return
        before, peak, after = score[best - 1 : best + 2]
        bend = before - 2.0 * peak + after
        part = float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0.0 else 0.0
        found_s = float(self._lags_s[best]) + part * _STEP_S
        step_s = _MOST_STEP * passed_s
        self.estimate.lag_s += float(np.clip(found_s - self.estimate.lag_s, -step_s, step_s))
