"""Whether a unit's orientation turns as its gyroscope says. Samples that do not agree are spikes, or a broken unit."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import rotation
from face_model.saved_arrays import Arrays, SavedArrays, part_of

LEAST_RAD: Final = 0.05
"""Disagreement that is always allowed, per sample. Simulated performances at 50 to 200 Hz reach 0.004."""

LAG_S: Final = 0.005
"""A hub's fusion may be this much older or newer than the rate beside it."""

LONGEST: Final = 4
"""Samples over which a rate is integrated; after a longer gap a sample is taken as it is."""


class Agreement:
    """Compares each sample with the last one that agreed, so that only the spike is refused and not what follows it.

    A sample that disagrees with that one, but agrees with the refused one before it, is a new beginning: the hub's
    fusion started anew.

    Args:
        sensors: how many.
        rate_hz: of the samples.
    """

    def __init__(self, sensors: int, rate_hz: float) -> None:
        self._period_s = 1.0 / rate_hz
        self._good = _Past(sensors)
        self._last = _Past(sensors)

    def disagrees(
        self, orientation: NDArray[np.float32], rates: NDArray[np.float32], usable: NDArray[np.bool_], lost: int
    ) -> NDArray[np.bool_]:
        """(S,) sensors whose sample is not to be used; call it for every sample.

        Args:
            orientation: (S, 4) unit quaternions, sensor to earth.
            rates: (S, 3) rad/s, sensor frame.
            usable: (S,) the others are not judged.
            lost: samples lost just before this one.
        """
        self._good.age += lost + 1
        self._last.age += lost + 1
        refused = usable & self._off(self._good, orientation, rates)
        if np.count_nonzero(refused):
            anew = refused & (self._last.age <= LONGEST) & ~self._off(self._last, orientation, rates)
            refused &= ~anew
        self._last.keep(orientation, rates, usable)
        self._good.keep(orientation, rates, usable & ~refused)
        return refused

    def saved_state(self) -> Arrays:
        """As arrays, for `restore_state`."""
        return part_of("good", vars(self._good)) | part_of("last", vars(self._last))

    def restore_state(self, saved: SavedArrays) -> None:
        """Continue from `saved_state`; raises `SnapshotError`."""
        good, last = (_Past.from_saved(saved.part(name), len(self._good.age)) for name in ("good", "last"))
        saved.end()
        self._good, self._last = good, last

    def _off(self, past: _Past, orientation: NDArray[np.float32], rates: NDArray[np.float32]) -> NDArray[np.bool_]:
        # The vector part of the difference is half the turn while that is small, and tells enough where it is not.
        turn = rotation.multiply(rotation.conjugate(past.orientation), orientation)
        turned = 2.0 * np.where(turn[:, 3:] < 0.0, -turn[:, :3], turn[:, :3])
        span_s = (past.age * self._period_s)[:, None]
        expected = 0.5 * (past.rates + rates) * span_s
        off = np.sqrt(np.square(turned - expected).sum(axis=1))
        change = np.sqrt(np.square(rates - past.rates).sum(axis=1))
        found: NDArray[np.bool_] = off > LEAST_RAD * past.age + LAG_S * change
        return found & past.known & ((past.age <= LONGEST) | (past is self._good) & (self._last.age <= LONGEST))


class _Past:
    """A sample of each sensor and how many samples ago it was."""

    def __init__(self, sensors: int) -> None:
        self.orientation = np.tile(np.array([0.0, 0.0, 0.0, 1.0], np.float32), (sensors, 1))
        self.rates = np.zeros((sensors, 3), np.float32)
        self.age = np.zeros(sensors, np.int64)
        self.known = np.zeros(sensors, np.bool_)

    @classmethod
    def from_saved(cls, saved: SavedArrays, sensors: int) -> _Past:
        past = cls(sensors)
        past.orientation = saved.array("orientation", (sensors, 4), "f4")
        past.rates = saved.array("rates", (sensors, 3), "f4")
        past.age = saved.array("age", (sensors,), "i8")
        past.known = saved.array("known", (sensors,), "b1")
        saved.end()
        return past

    def keep(self, orientation: NDArray[np.float32], rates: NDArray[np.float32], where: NDArray[np.bool_]) -> None:
        self.orientation[where] = orientation[where]
        self.rates[where] = rates[where]
        self.age[where] = 0
        self.known |= where
