"""Heading of each skin sensor against the skull, followed without a magnetometer.

Orientations fused from gyroscope and accelerometer know the vertical, but their headings drift apart. Skull and skin
turn together, so that the horizontal parts of their angular velocities, each in its own earth frame, are the same
vector seen under two headings: the angle between them is what the headings differ by. A small Kalman filter for each
sensor splits that angle into a constant (the mounting's own turn about the vertical, which the neutral took for
heading) and the drift since the neutral, which is what must be taken back. A face at rest tells the drift directly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from face_model import rotation

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class HeadingParams:
    """What the filter believes; angles in rad.

    Attributes:
        block_s: samples of this much time make one measurement; about as long as tissue wobble stays correlated, s.
        least_rate_rad_s: slower turns of the head say nothing (6 deg/s).
        agreement_rad_s: a sensor that turns otherwise than the skull by more than this moves by itself (4 deg/s).
        wobble_rad_s: error of a block's horizontal angular velocity: tissue and noise.
        mounting_rad: standard deviation of the constant part.
        drift_rad_rt_s: drift's random walk in one second; 13 degrees in ten minutes of simulated wear.
        rest_rate_rad_s: a face whose sensors all turn slower than this against the skull is still,
        rest_tilt_rad: and at rest if none is tilted further than this,
        rest_s: for so long.
        rest_error_rad: how far a face at rest is turned from the neutral, for one block; neighbouring blocks err alike.
    """

    block_s: float = 0.1
    least_rate_rad_s: float = 0.105
    agreement_rad_s: float = 0.07
    wobble_rad_s: float = 0.12
    mounting_rad: float = 0.2
    drift_rad_rt_s: float = 0.008
    rest_rate_rad_s: float = 0.05
    rest_tilt_rad: float = 0.03
    rest_s: float = 1.0
    rest_error_rad: float = 0.12


@dataclass(frozen=True)
class HeadingState:
    """All that the filter remembers of `K` sensors; replaced, never changed.

    `angle` (2, K): constant and drift, rad; `covariance` (3, K): variance of the constant, covariance, variance of the
    drift. The others belong to the block under way: `samples` in it, sums of the horizontal rates' cross and dot
    products, of the squared rate and of the skull's, and whether the face was still; `rested_s` before it.
    """

    angle: FloatArray
    covariance: FloatArray
    samples: int
    sums: FloatArray
    resting: bool
    rested_s: float


class HeadingFilter:
    """Follows `K` sensors; blocks of any number of samples give the same corrections."""

    def __init__(self, sensors: int, rate_hz: float, params: HeadingParams | None = None) -> None:
        self.params = params or HeadingParams()
        self._sensors = sensors
        self._period_s = 1.0 / rate_hz
        self._block = max(1, round(self.params.block_s * rate_hz))
        self.state = self.fresh()

    def fresh(self) -> HeadingState:
        """State at the moment of a neutral: no drift yet."""
        covariance = np.zeros((3, self._sensors))
        covariance[0] = self.params.mounting_rad**2
        return HeadingState(np.zeros((2, self._sensors)), covariance, 0, np.zeros((3, self._sensors)), True, 0.0)

    def advance(
        self,
        skin: NDArray[np.floating],
        skull: NDArray[np.floating],
        up: NDArray[np.floating],
        turn: NDArray[np.floating],
        tilt: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> FloatArray:
        """Drift to be taken back at each of N samples, (N, K) rad about the vertical, found from the past alone.

        Args:
            skin: (N, K, 3) rad/s, angular velocity of each skin sensor, carried into the skull's frame by its
                orientation relative to the skull, before correction.
            skull: (N, 3) rad/s, the skull's.
            up: (N, 3) the vertical in the skull's frame.
            turn: (N, K) rad, heading of each sensor relative to the skull since the neutral, before correction.
            tilt: (N, K) rad, angle between gravity as each sensor and as the skull sees it.
            valid: (N, K).
        """
        sums = self._products(skin, skull, up, valid)
        apart = skin - skull[:, None]
        slow = np.einsum("nki,nki->nk", apart, apart) < self.params.rest_rate_rad_s**2
        rest = (~valid | (slow & (tilt < self.params.rest_tilt_rad))).all(axis=1)
        out = np.empty(valid.shape)
        row = 0
        while row < len(out):
            state = self.state
            stop = min(len(out), row + self._block - state.samples)
            out[row:stop] = state.angle[1]
            self.state = replace(
                state,
                samples=state.samples + stop - row,
                sums=state.sums + sums[row:stop].sum(axis=0),
                resting=state.resting and bool(rest[row:stop].all()),
            )
            if self.state.samples == self._block:
                self._end_block(turn[stop - 1], valid[stop - 1])
            row = stop
        return out

    def _products(self, skin: FloatArray, skull: FloatArray, up: FloatArray, valid: NDArray[np.bool_]) -> FloatArray:
        """(N, 3, K): cross and dot product of the horizontal rates, squared rate, where skin and skull turn as one."""
        p = self.params
        vertical = np.einsum("nki,ni->nk", skin, up)
        skull_vertical = np.einsum("ni,ni->n", skull, up)[:, None]
        squared = np.maximum(np.einsum("ni,ni->n", skull, skull)[:, None] - skull_vertical**2, 0.0)
        own = np.sqrt(np.maximum(np.einsum("nki,nki->nk", skin, skin) - vertical**2, 0.0))
        rate = np.sqrt(squared)
        used = valid & (rate > p.least_rate_rad_s) & (np.abs(own - rate) < p.agreement_rad_s)
        used &= np.abs(vertical - skull_vertical) < p.agreement_rad_s
        # (skin x skull) . up = skin . (skull x up)
        cross = np.einsum("nki,ni->nk", skin, rotation.cross(skull, up))
        dot = np.einsum("nki,ni->nk", skin, skull) - vertical * skull_vertical
        return np.where(used[:, None], np.stack([cross, dot, np.broadcast_to(squared, dot.shape)], axis=1), 0.0)

    def _end_block(self, turn: FloatArray, valid: NDArray[np.bool_]) -> None:
        p, state = self.params, self.state
        elapsed_s = self._block * self._period_s
        angle, covariance = state.angle.copy(), state.covariance.copy()
        covariance[2] += p.drift_rad_rt_s**2 * elapsed_s
        cross, dot, squared = state.sums
        # Mean squared rate over the whole block: a block used in part says less.
        evidence = squared / self._block
        error = p.wobble_rad_s**2 / np.maximum(evidence, 1e-12)
        seen = evidence > 0.0
        constant, shared, drift = covariance
        innovation = _wrapped(np.arctan2(cross, dot) - angle[0] - angle[1])
        # Measured is the sum of both states.
        gains = np.stack([constant + shared, shared + drift])
        _correct(angle, covariance, gains, constant + 2.0 * shared + drift + error, innovation, seen)
        rested_s = state.rested_s + elapsed_s if state.resting else 0.0
        if rested_s >= p.rest_s:
            # At rest, what is left of the turn is drift.
            gains = covariance[1:].copy()
            _correct(angle, covariance, gains, gains[1] + p.rest_error_rad**2, _wrapped(-turn - angle[1]), valid)
        self.state = HeadingState(angle, covariance, 0, np.zeros_like(state.sums), True, rested_s)


def _correct(
    angle: FloatArray,
    covariance: FloatArray,
    shared: FloatArray,
    total: FloatArray,
    innovation: FloatArray,
    seen: NDArray[np.bool_],
) -> None:
    """Kalman update in place: `shared` (2, K) covariance of the states with the measurement, `total` its variance."""
    gain = np.where(seen, shared / total, 0.0)
    angle += gain * innovation
    covariance[0] -= gain[0] * shared[0]
    covariance[1] -= gain[0] * shared[1]
    covariance[2] -= gain[1] * shared[1]


def _wrapped(angle: FloatArray) -> FloatArray:
    """To -pi..pi."""
    return np.asarray(np.remainder(angle + np.pi, 2.0 * np.pi) - np.pi)
