"""Uniform quintic B-splines of many channels, evaluated with exact derivatives on regular samplings.

A cardinal B-spline of degree 5 has four continuous derivatives, stays within the range of its control points and is a
polynomial between neighbouring ones (M. Unser, "Splines: a perfect fit for signal and image processing", 1999). On a
regular sampling whose rate is a simple fraction of the control points' rate the polynomials' arguments repeat, so that
evaluation is a polyphase filter: one small matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, PPoly
from scipy.ndimage import spline_filter1d

Floats = NDArray[np.float64]

DEGREE = 5
_TAPS = DEGREE + 1
_REACH = 2
"""Control points before the one at or before a time that take part."""
_FORGOTTEN = 32
"""Samples after which the filter that finds control points has forgotten a boundary: 0.43 for each, 1e-12 in all."""
_LONGEST_PATTERN = 600
"""Samples after which the arguments must repeat for the polyphase filter to pay."""


def _pieces() -> Floats:
    """Coefficients (3, 6, 6) of value, first and second derivative: by tap, of rising powers."""
    whole = PPoly.from_spline(BSpline.basis_element(np.arange(DEGREE + 2.0)))
    # Tap j is the control point at j - 2: its basis function is in piece 5 - j of 6.
    inner = whole.c[:, (whole.x[:-1] >= 0.0) & (whole.x[:-1] < DEGREE + 1.0)]
    out = np.zeros((3, _TAPS, _TAPS))
    out[0] = inner[::-1, ::-1].T
    for d in (1, 2):
        out[d, :, :-1] = out[d - 1, :, 1:] * np.arange(1.0, _TAPS)
    return out


_PIECES = _pieces()


def _basis(u: Floats, derivative: int) -> Floats:
    """Weights (6, N) of the control points around times at a share `u` (N,) between two; time in control points."""
    return np.asarray(_PIECES[derivative] @ u[None, :] ** np.arange(_TAPS)[:, None])


@dataclass(frozen=True)
class Sampling:
    """Regular times: sample `k` is at `start_s + k / rate_hz`."""

    start_s: float
    rate_hz: float

    def times(self, first: int, count: int) -> Floats:
        """Times (count,) of samples `first` and following, s."""
        return self.start_s + np.arange(first, first + count) / self.rate_hz


@dataclass(frozen=True)
class UniformSpline:
    """`C` curves with a control point at every `k / rate_hz`, `k` from `first` to `first + K - 1`.

    Attributes:
        points: (C, K) control points.
        rate_hz: control points per second.
        loop: they repeat for ever; otherwise the first and the last stand for all before and after.
        first: `k` of the first control point.
    """

    points: Floats
    rate_hz: float
    loop: bool = False
    first: int = 0

    @classmethod
    def through(cls, values: Floats, rate_hz: float, loop: bool = False) -> UniformSpline:
        """Curves that pass through `values` (C, K) at every `k / rate_hz`.

        Without `loop` the values are continued beyond both ends by odd reflection, which keeps their slope.
        """
        if loop:
            return cls(spline_filter1d(values, DEGREE, axis=-1, mode="grid-wrap"), rate_hz, loop)
        pad = min(_FORGOTTEN, values.shape[1] - 1)
        longer = np.pad(values, ((0, 0), (pad, pad)), mode="reflect", reflect_type="odd")
        return cls(spline_filter1d(longer, DEGREE, axis=-1, mode="nearest"), rate_hz, first=-pad)

    def __call__(self, times_s: Floats, derivative: int = 0) -> Floats:
        """Values (C, T) at `times_s` (T,), or their first or second derivative by time."""
        position = np.asarray(times_s, dtype=np.float64) * self.rate_hz
        knot = np.floor(position).astype(np.int64)
        basis = _basis(position - knot, derivative)
        taps = self.points_at(knot[None, :] + np.arange(_TAPS)[:, None] - _REACH)
        return np.asarray(np.einsum("cjn,jn->cn", taps, basis) * self.rate_hz**derivative)

    def on(self, sampling: Sampling) -> SampledSpline:
        """An evaluator for many samples of one sampling."""
        return SampledSpline(self, sampling)

    def points_at(self, index: NDArray[np.int64]) -> Floats:
        """Control points of any numbers `k` (...), (C, ...)."""
        count = self.points.shape[1]
        index = index - self.first
        index = np.mod(index, count) if self.loop else np.clip(index, 0, count - 1)
        return np.asarray(self.points[:, index])


class SampledSpline:
    """A spline on a regular sampling."""

    def __init__(self, spline: UniformSpline, sampling: Sampling) -> None:
        self._spline = spline
        self._sampling = sampling
        ratio = Fraction(sampling.rate_hz / spline.rate_hz).limit_denominator(_LONGEST_PATTERN)
        self._samples, self._knots = ratio.numerator, ratio.denominator
        exact = abs(float(ratio) * spline.rate_hz / sampling.rate_hz - 1.0) < 1e-12
        self._regular = exact and self._samples <= _LONGEST_PATTERN
        start = sampling.start_s * spline.rate_hz
        self._first_knot = int(np.floor(start))
        position = start - self._first_knot + np.arange(self._samples) * self._knots / self._samples
        self._filters = [self._filter(position, derivative) for derivative in range(3)] if self._regular else []

    def __call__(self, first: int, count: int, derivatives: Sequence[int] = (0,)) -> list[Floats]:
        """Values or derivatives by time at samples `first` and following, (C, count) for each of `derivatives`."""
        if not self._regular:
            times = self._sampling.times(first, count)
            return [self._spline(times, derivative) for derivative in derivatives]
        m, q = self._samples, self._knots
        low, high = first // m, -(-(first + count) // m)
        width = q + _TAPS
        start = self._first_knot + low * q - _REACH
        windows = self._spline.points_at(start + q * np.arange(high - low)[:, None] + np.arange(width))
        inside = slice(first - low * m, first - low * m + count)
        # One small product for each curve: a large one would be shared among threads, which costs more than it saves.
        return [(windows @ self._filters[d]).reshape(len(windows), -1)[:, inside] for d in derivatives]

    def _filter(self, position: Floats, derivative: int) -> Floats:
        """Weights (q + 6, m) of the control points of one round of the pattern in its samples."""
        knot = np.floor(position).astype(np.int64)
        out = np.zeros((self._knots + _TAPS, self._samples))
        rows = knot[None, :] + np.arange(_TAPS)[:, None]
        out[rows, np.arange(self._samples)] = _basis(position - knot, derivative)
        return np.asarray(out * self._spline.rate_hz**derivative)
