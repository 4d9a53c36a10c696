"""Whether a head rests: one decision for all units, which tells their fusion when it may learn gyroscope biases.

Filters that decide each for itself do not end their rest at the same moment: some take a slow turn of the head for bias
that others do not, and their headings drift apart by up to a hundred degrees in ten minutes of quiet sitting.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter

FloatArray = NDArray[np.float64]

RATE_RAD_S, FORCE_M_S2 = float(np.deg2rad(2.0)), 0.5
_FILTER_S = 0.5
"""Thresholds and time constant of VQF's own rest detection."""

_DECISION_S = 0.1
"""It is decided anew this often."""

_EVERY = 4
"""Every fourth sample is looked at: rest lasts seconds."""

SHARED, OWN = 5, 12
"""Numbers that are saved: of the decision, and of each unit."""


class HeadRest:
    """Fed sample by sample; `resting` holds for the samples after those that it was decided by.

    Args:
        units: how many.
        rate_hz: of the samples.
    """

    def __init__(self, units: int, rate_hz: float) -> None:
        # A second-order Butterworth filter with VQF's definition of the time constant.
        numerator, denominator = butter(2, np.sqrt(2.0) / (2.0 * np.pi * _FILTER_S), fs=max(rate_hz / _EVERY, 2.0))
        self._b, self._a = numerator.tolist(), denominator.tolist()
        self._block = max(1, round(_DECISION_S * rate_hz / _EVERY))
        self._memory = np.zeros((2, units, 6))
        self._begun = self._resting = False
        self._quiet = True
        self._into = self._since = 0
        self._limits = np.array([RATE_RAD_S**2, FORCE_M_S2**2])

    @property
    def resting(self) -> bool:
        """Whether most units rest."""
        return self._resting

    def add(self, rates: FloatArray, forces: FloatArray, usable: NDArray[np.bool_]) -> bool:
        """One sample, (S, 3) each; whether `resting` changed. Units that are not `usable` (S,) have no vote."""
        self._since = (self._since + 1) % _EVERY
        if self._since:
            return False
        values = np.concatenate([rates, forces], axis=1)
        (b0, b1, b2), (_, a1, a2), memory = self._b, self._a, self._memory
        if not self._begun:
            self._begun = True
            memory[0], memory[1] = (1.0 - b0) * values, (b2 - a2) * values
        smooth = b0 * values + memory[0]
        memory[0] = b1 * values - a1 * smooth + memory[1]
        memory[1] = b2 * values - a2 * smooth
        apart, level = np.square(values - smooth).reshape(-1, 2, 3).sum(axis=2), np.square(smooth[:, :3]).sum(axis=1)
        quiet = (apart < self._limits).all(axis=1) & (level < RATE_RAD_S**2)
        count = int(np.count_nonzero(usable))
        self._quiet = self._quiet and count > 0 and 2 * int(np.count_nonzero(quiet & usable)) >= count
        self._into += 1
        if self._into < self._block:
            return False
        before, self._resting, self._quiet, self._into = self._resting, self._quiet, True, 0
        return before != self._resting

    def saved_state(self) -> FloatArray:
        """(S, `SHARED` + `OWN`), the shared numbers in each row."""
        shared = [self._begun, self._resting, self._quiet, self._into, self._since]
        own = self._memory.transpose(1, 0, 2).reshape(-1, OWN)
        return np.concatenate([np.tile(np.array(shared, dtype=np.float64), (len(own), 1)), own], axis=1)

    def restore_state(self, saved: FloatArray) -> None:
        """Continue from `saved_state`."""
        begun, resting, quiet, into, since = saved[0, :SHARED].tolist()
        self._begun, self._resting, self._quiet = bool(begun), bool(resting), bool(quiet)
        self._into, self._since = int(into) % self._block, int(since) % _EVERY
        self._memory = saved[:, SHARED:].reshape(-1, 2, 6).transpose(1, 0, 2).copy()
