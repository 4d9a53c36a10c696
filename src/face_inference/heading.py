"""Heading of each skin sensor against the skull, followed without a magnetometer.

Orientations fused from gyroscope and accelerometer know the vertical, but their headings drift apart. Skull and skin
turn together, so that the horizontal parts of their angular velocities, each in its own earth frame, are the same
vector seen under two headings: the angle between them is what the headings differ by. A small Kalman filter for each
sensor splits that angle into a constant (the mounting's own turn about the vertical, which the neutral took for
heading) and the drift since the neutral, which is what must be taken back. A face at rest tells the drift directly.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    drift; `rows` (n, 9 K + 6): what was seen in the block under way; `rested_s`: how long the face rested before it.
    """

    angle: FloatArray
    covariance: FloatArray
    rows: FloatArray
    rested_s: float


class HeadingFilter:
    """Follows `K` sensors; blocks of any number of samples give the same corrections.

    Samples are only kept until a block is complete, and looked at together: one at a time would cost ten times more.
    """

    def __init__(self, sensors: int, rate_hz: float, params: HeadingParams | None = None) -> None:
        self.params = params or HeadingParams()
        self._sensors = sensors
        self._block = max(1, round(self.params.block_s * rate_hz))
        self._elapsed_s = self._block / rate_hz
        self._cosine = float(np.cos(self.params.rest_tilt_rad))
        self.state = self.fresh()

    @property
    def state(self) -> HeadingState:
        """To be saved."""
        return HeadingState(self._angle, self._covariance, self._rows[: self._count].copy(), self._rested_s)

    @state.setter
    def state(self, state: HeadingState) -> None:
        self._angle, self._covariance, self._rested_s = state.angle, state.covariance, state.rested_s
        self._count = len(state.rows)
        self._rows = np.zeros((self._block, 9 * self._sensors + 6))
        self._rows[: self._count] = state.rows

    def fresh(self) -> HeadingState:
        """State at the moment of a neutral: no drift yet."""
        covariance = np.zeros((3, self._sensors))
        covariance[0] = self.params.mounting_rad**2
        return HeadingState(np.zeros((2, self._sensors)), covariance, np.zeros((0, 9 * self._sensors + 6)), 0.0)

    def advance(
        self,
        relative: NDArray[np.floating],
        rate: NDArray[np.floating],
        skull: NDArray[np.floating],
        up: NDArray[np.floating],
        upright: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> FloatArray:
        """Drift to be taken back at each of N samples, (N, K) rad about the vertical, found from the past alone.

        Args:
            relative: (N, K, 4) quaternion, each skin sensor's head frame to the skull's, before correction.
            rate: (N, K, 3) rad/s, angular velocity of each skin sensor in its own head frame.
            skull: (N, 3) rad/s, the skull's.
            up: (N, 3) the vertical in the skull's frame.
            upright: (N, K) cosine of the angle between gravity as each sensor and as the skull sees it.
            valid: (N, K).
        """
        count = len(valid)
        flat = (x.reshape(count, -1) for x in (relative, rate, upright, valid, skull, up))
        rows = np.concatenate(list(flat), axis=1)
        out = np.empty(valid.shape)
        row = 0
        while row < count:
            taken = min(count - row, self._block - self._count)
            out[row : row + taken] = self._angle[1]
            self._rows[self._count : self._count + taken] = rows[row : row + taken]
            self._count += taken
            row += taken
            if self._count == self._block:
                self._end_block()
        return out

    def _end_block(self) -> None:
        """Measure with the samples of the block, and begin the next."""
        p, k = self.params, self._sensors
        ends = np.cumsum([4 * k, 3 * k, k, k, 3])
        relative, rate, upright, valid, skull, up = np.split(self._rows, ends, axis=1)
        relative, there = relative.reshape(-1, k, 4), valid > 0.5
        skin = rotation.rotate(relative, rate.reshape(-1, k, 3))  # (n, K, 3) in the skull's frame
        cross, dot, squared = self._products(skin, skull, up, there).sum(axis=0)
        apart = skin - skull[:, None]
        slow = np.einsum("nki,nki->nk", apart, apart) < p.rest_rate_rad_s**2
        resting = bool((~there | (slow & (upright > self._cosine))).all())
        self._count = 0
        angle, covariance = self._angle.copy(), self._covariance.copy()
        covariance[2] += p.drift_rad_rt_s**2 * self._elapsed_s
        # Mean squared rate over the whole block: a block used in part says less.
        evidence = squared / self._block
        error = p.wobble_rad_s**2 / np.maximum(evidence, 1e-12)
        constant, shared, drift = covariance
        innovation = _wrapped(np.arctan2(cross, dot) - angle[0] - angle[1])
        # Measured is the sum of both states.
        gains = np.stack([constant + shared, shared + drift])
        _correct(angle, covariance, gains, constant + 2.0 * shared + drift + error, innovation, evidence > 0.0)
        self._rested_s = self._rested_s + self._elapsed_s if resting else 0.0
        if self._rested_s >= p.rest_s:
            # At rest, what is left of the turn about the vertical is drift.
            about_up = np.einsum("ki,i->k", relative[-1, :, :3], up[-1])
            turn = 2.0 * np.arctan2(about_up, relative[-1, :, 3])
            gains = covariance[1:].copy()
            total = gains[1] + p.rest_error_rad**2
            _correct(angle, covariance, gains, total, _wrapped(-turn - angle[1]), there[-1])
        self._angle, self._covariance = angle, covariance

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
