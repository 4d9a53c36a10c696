"""Noise of a sensor: white noise behind its low-pass, flicker noise of its bias, and the warming of a unit on skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, toeplitz

from imu_sim.motion import Floats

KNOT_S = 1.0
"""Flicker noise is drawn this often and interpolated: anything faster drowns in white noise."""

_TIME_CONSTANTS_S = 3.0 * 4.0 ** np.arange(6)
"""3 s to 51 min; between neighbours the sum of the spectra stays within 4 % of 1/f."""

ALLAN_FLOOR = float(np.sqrt(2.0 * np.log(2.0) / np.pi))
"""Allan deviation of flicker noise with coefficient B = 1 (IEEE 952-1997, C.3.2.3: 0.664 B)."""

REFERENCE_C = 25.0
"""Temperature at which datasheets state offset and sensitivity, degrees Celsius."""


class FilteredNoise:
    """White noise that went through a filter of which every m-th output is kept, drawn at the rate of those.

    Its autocovariance is r[k] = sum_n h[n] h[n + k m] with the filter's impulse response h. The last row of the
    Cholesky factor of the Toeplitz matrix of r is the minimum-phase moving average that makes it from independent
    draws: the same noise as filtering at the full rate, for a fifth of the draws.

    Args:
        sigma: standard deviation of the noise ahead of the filter, any unit.
        impulse_response: (L,) of the filter, at the full rate.
        decimation: m.
        shape: of one value.
        rng: of the draws; used by nobody else.
    """

    def __init__(
        self, sigma: float, impulse_response: Floats, decimation: int, shape: tuple[int, ...], rng: np.random.Generator
    ) -> None:
        lags = range(0, len(impulse_response), decimation)
        covariance = np.array([impulse_response[: len(impulse_response) - k] @ impulse_response[k:] for k in lags])
        # Four times the memory of the filter, for the rows of the factor to settle.
        padded = np.pad(covariance, (0, 3 * len(covariance)))
        row = cholesky(toeplitz(padded), lower=True)[-1, ::-1]
        taps = row[: np.flatnonzero(np.abs(row) > 1e-4 * row[0])[-1] + 1]
        self._taps = (sigma * taps).astype(np.float32)
        self._rng = rng
        self._shape = shape
        self._past = rng.standard_normal((len(taps) - 1, *shape), dtype=np.float32)

    def draw(self, count: int) -> NDArray[np.float32]:
        """The next `count` values, (count, *shape)."""
        white = self._rng.standard_normal((count, *self._shape), dtype=np.float32)
        white = np.concatenate([self._past, white])
        past = len(self._past)
        self._past = white[count:]
        out: NDArray[np.float32] = self._taps[0] * white[past:]
        # Tap by tap, in one order: sums of any split are equal to the last bit.
        for lag, tap in enumerate(self._taps[1:], start=1):
            out += tap * white[past - lag : past - lag + count]
        return out


class Flicker:
    """Bias instability: noise with a power density that falls as 1/f, as a sum of first-order Gauss-Markov processes.

    Processes of equal variance v, with time constants spaced by a factor r, have together the one-sided density
    v / (f ln r) between their corner frequencies; flicker noise of coefficient B has B^2 / (pi f). Hence
    v = B^2 ln(r) / pi. They begin in their stationary distribution.

    Args:
        floor: floor of the Allan deviation, of any unit.
        shape: of one value.
        rng: of the draws; used by nobody else.
    """

    def __init__(self, floor: float, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self._rng = rng
        ratio = _TIME_CONSTANTS_S[1] / _TIME_CONSTANTS_S[0]
        sigma = floor / ALLAN_FLOOR * np.sqrt(np.log(ratio) / np.pi)
        column = (-1, *(1 for _ in shape))
        self._keep = np.exp(-KNOT_S / _TIME_CONSTANTS_S).reshape(column)
        self._kick = sigma * np.sqrt(1.0 - self._keep**2)
        self._state = sigma * rng.standard_normal((len(_TIME_CONSTANTS_S), *shape))
        self._first = 0
        self._knots = self._state.sum(axis=0)[None]

    def at(self, times_s: Floats) -> Floats:
        """Values (N, *shape) at times (N,), s, 0 or more, never before those of an earlier call."""
        if not len(times_s):
            return np.empty((0, *self._knots.shape[1:]))
        index = np.floor(times_s / KNOT_S).astype(np.int64)
        self._reach(int(index[0]), int(index[-1]) + 1)
        weight = (times_s / KNOT_S - index).reshape(-1, *(1 for _ in self._knots.shape[1:]))
        start, step = self._knots[:-1], np.diff(self._knots, axis=0)
        return np.asarray(start[index - self._first] + weight * step[index - self._first])

    def _reach(self, first: int, last: int) -> None:
        """Keep the knots from `first` to `last`, drawing those that are missing."""
        knots = list(self._knots)
        for _ in range(self._first + len(knots), last + 1):
            self._state = self._keep * self._state + self._kick * self._rng.standard_normal(self._state.shape)
            knots.append(self._state.sum(axis=0))
        self._knots = np.stack(knots[first - self._first :])
        self._first = first


@dataclass(frozen=True)
class Warming:
    """A unit takes on the temperature of the skin it is glued to.

    The time constant is a guess from a unit of 0.3 g with 1 J/(g K) that meets the skin on 0.6 cm2 through tape and
    tissue of 50 W/(m2 K).

    Attributes:
        room_c: temperature before gluing, degrees Celsius (a guess).
        skin_c: temperature of facial skin, degrees Celsius (33 to 35 is usual).
        time_constant_s: of the first-order change, s.
        worn_s: how long the unit had been glued at time 0, s (a guess: putting twelve on takes some minutes).
    """

    room_c: float = 23.0
    skin_c: float = 34.0
    time_constant_s: float = 100.0
    worn_s: float = 300.0

    def above_reference(self, times_s: Floats) -> Floats:
        """Temperature above `REFERENCE_C` at times (N,), s: (N,) K."""
        left = np.exp(-(times_s + self.worn_s) / self.time_constant_s)
        return np.asarray(self.skin_c + (self.room_c - self.skin_c) * left - REFERENCE_C)
