"""One source beside the sensors: what it says of now, how far to trust it, and how it differs from them.

A picture is late, by a lag that is estimated (`lag`). What it says of now is its weights, carried on by what the
sensors felt since the moment that it shows. Trust falls, shape by shape, with

- what the source's kind is wrong by at rest and in full motion, or the confidence that it tells,
- how much many shapes tremble at once, as in the dark,
- the age of the moment it shows,

and region by region with the probability that its weights there have anything to do with the face: two hypotheses are
weighed with every picture, that they are the sensors' within both claims, and that they are any of those which this
source says. A face that is lost, pictures that repeat while the sensors move, and pictures that are too late have no
share.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_fusion.deviation import MOST_VARIANCE, variance_of
from face_fusion.faces import Floats, Picture
from face_fusion.lag import CHANGE_S, LagFinder
from face_fusion.regions import MEMBERS, REGION, REGIONS
from face_fusion.track import Track
from face_model import arkit

SAME = 1e-6
"""Weights that differ by less are the same picture again."""
MOVED = 0.08
"""Motion of the sensors' face from which a picture that is the same again is an old one."""
FROZEN_S = 0.25

_OFFSET_S = 20.0
_HELD_S = 8.0
_USED_S = 3.0
_BEND_S = 0.05
_JITTER_S = 0.7
_MANY = 0.6
_MISSED_S = 0.15
_SPREAD_S = 30.0
_BELIEF_S = 6.0
_EVIDENCE_S = 0.35
"""So long two pictures tell the same: what differs lasts."""
_USUAL, _MOST_ODDS, _LEAST_ODDS = 3.0, 4.0, -6.0
_FOR, _AGAINST = 1.0, -5.0
_PACE_S = 30.0
_LITTLE = 1e-4
_AHEAD_S = 0.03
_CHRONIC_S = 60.0
_MOST_RATIO = 9.0


@dataclass(frozen=True)
class WitnessParams:
    """What is assumed of a source.

    Attributes:
        rest: standard deviation of its weights at rest, where it tells no confidence.
        gain: standard deviation of its weights as a share of them.
        lag_s: from the face to its stamps, until that is known better, s.
        find_lag: whether the lag is estimated.
        patience_s: what it shows is not used when it is older, s.
    """

    rest: float = 0.05
    gain: float = 0.2
    lag_s: float = 0.06
    find_lag: bool = True
    patience_s: float = 0.6


class Witness:
    """Follows one source.

    Attributes:
        params: what is assumed of it.
        lag: its lag against the sensors.
        offset: (52,) how far its weights lie over the sensors' on average while both see the face.
        usual: (52,) variance of its error as it counted lately while it was seen; its share follows from it.
        pictures, refused: taken, and dropped because they were older than one before or not finite.
        missed: (52,) squared distance from the sensors beyond what it may err by: what the sensors are likely to miss.
        condition: silent, lost, frozen, late, or seen.
    """

    def __init__(self, params: WitnessParams = WitnessParams()) -> None:
        self.params = params
        self.lag = LagFinder(params.lag_s)
        self.offset = np.zeros(arkit.COUNT)
        self.usual = np.full(arkit.COUNT, MOST_VARIANCE)
        self.pictures = self.refused = 0
        self.condition = "silent"
        self._own = Track()
        self._seen = np.zeros(arkit.COUNT, dtype=bool)
        self._claimed = np.full(arkit.COUNT, MOST_VARIANCE)
        self._learned_s = np.zeros(arkit.COUNT)
        self._both_s = -math.inf
        self.missed = np.zeros(arkit.COUNT)
        self._bend, self._jitter = np.zeros(arkit.COUNT), 0.0
        self._chronic, self._compared_s = np.ones(arkit.COUNT), 0.0
        self._mean = np.full(arkit.COUNT, 0.08)
        self._spread = np.full(arkit.COUNT, 0.15**2)
        self._odds = np.full(len(REGIONS), _USUAL)
        self._face_seen = False
        self._fresh_s = -math.inf
        self._same_since: tuple[float, Floats] | None = None
        self._changes: deque[tuple[float, Floats]] = deque()
        self._following = np.full(arkit.COUNT, 0.02**2)
        self._moving = np.full(arkit.COUNT, 0.04**2)
        self._leaving = np.full(arkit.COUNT, 0.04**2)
        self._changing = np.full(arkit.COUNT, 0.04**2)

    @property
    def trusted(self) -> Floats:
        """(3,) probability for each of `REGIONS` that what it says there is of the face."""
        return np.asarray(1.0 / (1.0 + np.exp(-self._odds)), dtype=np.float64)

    @property
    def chronic(self) -> Floats:
        """(52,) 1 or more: how often the variance that both claim the two lie apart, over a minute."""
        return np.maximum(self._chronic, 1.0)

    @property
    def lag_s(self) -> float:
        """From the face to its stamps as it is used, s."""
        return self.lag.estimate.lag_s

    @property
    def shows_s(self) -> float:
        """The moment of the face that its newest picture shows, s; minus infinity before the first."""
        return self._own.newest_s - self.lag_s

    @property
    def newest_s(self) -> float:
        """Stamp of its newest picture, s; minus infinity before the first."""
        return self._own.newest_s

    def restart(self) -> None:
        """Time went back: what it says is forgotten, what was learned of it stays."""
        self._own.clear()
        self._same_since, self._fresh_s, self._both_s = None, -math.inf, -math.inf
        self._face_seen = False

    def add(self, picture: Picture, sensors: Track, sensed: Floats, observable: NDArray[np.bool_]) -> bool:
        """Take a picture; False: it was refused.

        Args:
            picture: newer than the one before.
            sensors: what they said lately.
            sensed: (52,) variance of the error that they claim.
            observable: (52,) shapes that they can tell; none while they cannot tell any.
        """
        weights = np.asarray(picture.weights, dtype=np.float64)
        if weights.shape != (arkit.COUNT,) or not math.isfinite(picture.time_s) or picture.time_s <= self.newest_s:
            self.refused += 1
            return False
        self._face_seen = bool(picture.face_seen)
        if not self._face_seen:
            self.pictures += 1
            return True
        if not np.isfinite(weights).all():
            self.refused += 1
            return False
        self.pictures += 1
        weights = np.clip(weights, 0.0, 1.2)
        passed_s = min(picture.time_s - self.newest_s, 0.5) if len(self._own) else 0.0
        again = self._is_again(picture.time_s, weights, sensors)
        self._own.add(picture.time_s, weights)
        if again:
            return True
        self._fresh_s = picture.time_s
        self._seen = np.asarray(picture.seen, dtype=bool)
        told = np.asarray(picture.confidence, dtype=np.float64)
        assumed = self.params.rest**2 + np.square(self.params.gain * weights)
        known = np.isfinite(told) & (told > 0.0)
        self._claimed = np.where(known, variance_of(np.where(known, told, 0.0)), assumed)
        if passed_s > 0.0 and sensors.oldest_s <= self.shows_s <= sensors.newest_s + _AHEAD_S:
            self._compare(picture.time_s, weights, sensors, sensed, observable & self._seen, passed_s)
        else:
            self.missed *= math.exp(-passed_s / _MISSED_S)
            self._odds += (1.0 - math.exp(-passed_s / _BELIEF_S)) * (_USUAL - self._odds)
        return True

    def says(self, now_s: float, sensors: Track) -> tuple[Floats, Floats, Floats]:
        """What it says of now (52,), the variance of that, and the probability (52,) that it is of the face."""
        late_s = now_s - self._fresh_s
        # Its own lag is no reason for refusing it, but more than that is.
        if not len(self._own):
            self.condition = "silent"
        elif not self._face_seen:
            self.condition = "lost"
        elif late_s > self.params.patience_s:
            self.condition = "frozen" if self.newest_s - self._fresh_s > FROZEN_S else "late"
        elif self._same_since is not None and self.newest_s - self._fresh_s > FROZEN_S:
            self.condition = "frozen"
        elif late_s < -self.params.patience_s:
            self.condition = "ahead"
        else:
            self.condition = "seen"
        if not len(self._own):
            nothing = np.zeros(arkit.COUNT)
            return nothing, np.full(arkit.COUNT, MOST_VARIANCE), nothing
        shown_s = min(self._fresh_s, now_s) - self.lag_s
        carried = np.zeros(arkit.COUNT)
        if len(sensors):  # what was felt before the first row that is kept is not there to be added
            carried = np.clip(self._following / self._moving, 0.0, 1.0) * (sensors.newest - sensors.at(shown_s))
        weights = np.maximum(self._own.newest + carried, 0.0)
        age_s = max(0.0, now_s - shown_s)
        variance = self._claimed + self._jitter
        variance += self._leaving * (min(age_s, 2.0) / CHANGE_S) ** 2
        there = self.trusted[REGION] * self._seen if self.condition == "seen" else np.zeros(arkit.COUNT)
        return weights, np.minimum(variance, MOST_VARIANCE), there

    def offset_at(self, now_s: float) -> Floats:
        """(52,) what is left of the offset when both were last seen together some time ago."""
        if not math.isfinite(self._both_s):
            return np.zeros(arkit.COUNT)
        return self.offset * math.exp(-max(0.0, now_s - self._both_s) / _HELD_S)

    def used(self, variance: Floats, there: Floats, passed_s: float) -> None:
        """It counted with this variance (52,) of its error and this probability (52,) for so long."""
        variance = np.minimum(variance / np.maximum(there, 1e-3), MOST_VARIANCE)
        self.usual += min(1.0, passed_s / _USED_S) * (variance - self.usual)

    def _is_again(self, time_s: float, weights: Floats, sensors: Track) -> bool:
        """Whether it is the picture before, though the face moved since."""
        if not len(self._own) or np.abs(weights - self._own.newest).max() > SAME:
            self._same_since = None
            return False
        if not len(sensors):
            return False
        if self._same_since is None:
            self._same_since = (self.newest_s, sensors.at(self.shows_s))
        moved = np.abs(sensors.at(time_s - self.lag_s) - self._same_since[1]).max()
        return bool(moved > MOVED)

    def _compare(
        self,
        time_s: float,
        weights: Floats,
        sensors: Track,
        sensed: Floats,
        both: NDArray[np.bool_],
        passed_s: float,
    ) -> None:
        felt = sensors.at(self.shows_s)
        apart = weights - felt
        self._follow(time_s, weights, sensors, both, passed_s)
        self._tremble(time_s, weights, passed_s)
        keep = math.exp(-passed_s / _SPREAD_S)
        self._mean = keep * self._mean + (1.0 - keep) * weights
        self._spread = keep * self._spread + (1.0 - keep) * np.square(weights - self._mean)
        if not both.any():
            return
        variance = self._claimed + sensed
        off = np.square(apart - self.offset)
        self._compared_s += passed_s
        # Those who always differ more than they claim are not covered: either may be the one who is wrong.
        rate = passed_s / min(self._compared_s + 10.0, _CHRONIC_S) * np.maximum(self.trusted[REGION], 0.1) * both
        self._chronic += np.minimum(rate, 1.0) * (np.minimum(off / variance, _MOST_RATIO) - self._chronic)
        variance = variance * np.maximum(self._chronic, 1.0)
        self._weigh(off, variance, weights, both, passed_s)
        keep = math.exp(-passed_s / _MISSED_S)
        beyond = np.maximum(off - self._claimed - self._jitter, 0.0) * np.square(self.trusted[REGION]) * both
        self.missed = keep * self.missed + (1.0 - keep) * beyond
        trusted = self.trusted[REGION] * both * variance / (variance + self._jitter)
        self._learned_s += passed_s * trusted
        gain = np.minimum(passed_s * trusted / np.minimum(self._learned_s + 1.0, _OFFSET_S), 1.0)
        self.offset += gain * (apart - self.offset)
        self._both_s = time_s

    def _weigh(self, off: Floats, variance: Floats, weights: Floats, both: NDArray[np.bool_], passed_s: float) -> None:
        """Log odds of each region that its weights are of the face."""
        spread = np.maximum(self._spread, 0.05**2) + variance
        told_of = self._told_by(off, np.square(weights - self._mean), variance, spread, both)
        back = 1.0 - math.exp(-passed_s / _BELIEF_S)
        self._odds += back * (_USUAL - self._odds) + passed_s / _EVIDENCE_S * told_of
        self._odds = np.clip(self._odds, _LEAST_ODDS, _MOST_ODDS)

    @staticmethod
    def _told_by(off: Floats, any_: Floats, variance: Floats, spread: Floats, both: NDArray[np.bool_]) -> Floats:
        """(3,) log odds of each region that what is off by `off`, squared, errs with `variance`, and not that it is
        `any_`, squared, from its mean with a variance of `spread`."""
        told = 0.5 * (any_ / spread - off / variance + np.log(spread / variance))
        # Shapes of a region err together: the root of their number is how many tell by themselves.
        told = np.clip(told, _AGAINST, _FOR) * both
        return np.asarray((MEMBERS @ told) / np.sqrt(np.maximum(MEMBERS @ both, 1.0)), dtype=np.float64)

    def _tremble(self, time_s: float, weights: Floats, passed_s: float) -> None:
        """Variance of what comes and goes in a tenth of a second in many shapes at once: faces move few so fast."""
        if self._own.oldest_s > time_s - 2.0 * _BEND_S or not self._seen.any():
            return
        before, middle = self._own.at_times(np.array([time_s - 2.0 * _BEND_S, time_s - _BEND_S]))
        keep = math.exp(-passed_s / _JITTER_S)
        self._bend = keep * self._bend + (1.0 - keep) * np.square(weights - 2.0 * middle + before)
        # Half of what trembles about nought is cut off.
        self._jitter = float(np.quantile(self._bend[self._seen], _MANY))

    def _follow(self, time_s: float, weights: Floats, sensors: Track, both: NDArray[np.bool_], passed_s: float) -> None:
        """Its lag, and how far its motion follows the sensors' within a lag's time."""
        if self._own.oldest_s > time_s - CHANGE_S:
            return
        change = weights - self._own.at(time_s - CHANGE_S)
        if self.params.find_lag:
            self.lag.add(time_s, change, sensors, self.trusted[REGION] * both, passed_s)
        shows_s = self.shows_s
        if shows_s - CHANGE_S < sensors.oldest_s:
            return
        first, last = sensors.at_times(np.array([shows_s - CHANGE_S, shows_s]))
        felt = last - first
        followed = np.clip(self._following / self._moving, 0.0, 1.0) * felt
        left = np.square(change - followed)
        odds = self._told_by(left, np.square(change), self._leaving, self._changing, both)
        self._odds = np.clip(self._odds + passed_s / _EVIDENCE_S * odds, _LEAST_ODDS, _MOST_ODDS)
        gain = (1.0 - math.exp(-passed_s / _PACE_S)) * np.maximum(self.trusted[REGION], 0.1)
        # Begins as if half of what is felt were seen, and as if faces moved a little, forgotten as motion comes.
        self._following += gain * (felt * change + _LITTLE / 2.0 - self._following)
        self._moving += gain * (np.square(felt) + _LITTLE - self._moving)
        self._leaving += gain * (left + _LITTLE - self._leaving)
        self._changing += gain * (np.square(change) + _LITTLE - self._changing)
