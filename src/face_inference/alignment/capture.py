"""The short routine while frames stream in: what the wearer is told now, and what the units gave so far."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from face_inference.alignment.solve import AlignmentParams, Motion
from face_inference.wearer.routine_capture import Moment
from face_model import nod_and_shake, rotation

KEPT_HZ = 200.0
"""Most frames a second that are kept: heads turn at 1 Hz."""


class AlignmentCapture:
    """Collects from its first frame on until the routine is over, in memory of bounded size.

    Args:
        sensors: how many units there are.
        reference: index of the one on the skull.
        params: how much motion is needed.
    """

    def __init__(self, sensors: int, reference: int, params: AlignmentParams | None = None) -> None:
        self._reference = reference
        self._params = params or AlignmentParams()
        self._began_s: float | None = None
        self._slot = -1
        most = math.floor(nod_and_shake.DURATION_S * KEPT_HZ) + 2
        # Room for all frames from the start: putting it together at the end would hold up that frame.
        self._time_s = np.empty(most)
        self._orientation = np.empty((most, sensors, 4))
        self._rates = np.empty((most, sensors, 3))
        self._valid = np.empty((most, sensors), dtype=bool)
        self._kept = 0
        self._elapsed_s = 0.0
        self._sums = np.zeros(2)
        self._moving_s = self._still_square = 0.0
        self._still_count = 0
        self.result: Motion | None = None
        self.problem = ""

    @property
    def complete(self) -> bool:
        """Whether no more frames are wanted: there is a `result`, or a `problem`."""
        return self.result is not None or bool(self.problem)

    @property
    def moment(self) -> Moment:
        """What the wearer is asked for at the newest frame."""
        elapsed_s = self._elapsed_s
        number, phase = nod_and_shake.phase_at(elapsed_s)
        left_s = max(0.0, nod_and_shake.DURATION_S - elapsed_s)
        return Moment(number - 1, phase.name, phase.text, bool(phase.name), max(0.0, phase.end_s - elapsed_s), left_s)

    @property
    def progress(self) -> float:
        """0 to 1, of the time."""
        return min(1.0, self._elapsed_s / nod_and_shake.DURATION_S)

    @property
    def quality(self) -> float:
        """0 to 1: while moving, how much of the motion that is needed was seen; before, how still the head is."""
        p = self._params
        if self._moving_s <= 0.0:
            if not self._still_count:
                return 0.0
            stillness = math.sqrt(self._still_square / self._still_count)
            return max(0.0, min(1.0, 1.5 - 0.5 * stillness / p.still_skull_rad_s))
        whole_s = nod_and_shake.DURATION_S - nod_and_shake.STILL_S
        shares = np.minimum(1.0, np.sqrt(self._sums / whole_s) / p.least_rate_rad_s)
        return float(shares.mean())

    def add(
        self,
        time_s: float,
        orientation: NDArray[np.floating],
        rates: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> None:
        """One frame at hub time `time_s`, which increases: (S, 4), (S, 3) rad/s and (S,)."""
        if self.complete:
            return
        if self._began_s is None:
            self._began_s = time_s
        before_s, self._elapsed_s = self._elapsed_s, time_s - self._began_s
        if self._elapsed_s >= nod_and_shake.DURATION_S:
            kept = slice(self._kept)
            self.result = Motion(
                self._time_s[kept], self._orientation[kept], self._rates[kept], self._valid[kept], nod_and_shake.STILL_S
            )
            return
        slot = math.floor(self._elapsed_s * KEPT_HZ + 0.5)
        if slot <= self._slot:
            return
        self._slot = slot
        good = valid & np.isfinite(orientation).all(axis=-1) & np.isfinite(rates).all(axis=-1)
        row, self._kept = self._kept, self._kept + 1
        self._time_s[row] = self._elapsed_s
        self._orientation[row] = np.where(good[:, None], orientation, 0.0)
        self._rates[row] = np.where(good[:, None], rates, 0.0)
        self._valid[row] = good
        if good[self._reference]:
            self._follow(row, self._elapsed_s - before_s)

    def abort(self, reason: str) -> None:
        """End without a result, if not complete yet."""
        if not self.complete:
            self.problem = reason

    def _follow(self, row: int, step_s: float) -> None:
        rate = self._rates[row, self._reference]
        if self._elapsed_s < nod_and_shake.STILL_S:
            self._still_square += float(rate @ rate)
            self._still_count += 1
            return
        turning = rotation.rotate(rotation.normalise(self._orientation[row, self._reference]), rate)
        self._sums += step_s * np.array([turning[0] ** 2 + turning[1] ** 2, turning[2] ** 2])
        self._moving_s += step_s
