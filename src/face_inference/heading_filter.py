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

from face_inference.quaternion_matrices import ROTATION
from face_model.saved_arrays import Arrays, SavedArrays

FloatArray = NDArray[np.floating]

_ROTATION_ROWS: FloatArray = ROTATION.reshape(16, 9)


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
    drift; `rows` (n, 9 K + 7): what was seen in the block under way; `rested_s`: how long the face rested before it.
    """

    angle: FloatArray
    covariance: FloatArray
    rows: FloatArray
    rested_s: float

    def saved_state(self) -> Arrays:
        """As arrays, for `from_saved`."""
        return {
            "angle": self.angle,
            "covariance": self.covariance,
            "rows": self.rows,
            "rested_s": np.array(self.rested_s),
        }

    @classmethod
    def from_saved(cls, saved: SavedArrays, sensors: int, block: int) -> HeadingState:
        """Of `sensors` on the skin and blocks of `block` samples, from `saved_state`.

        Raises:
            SnapshotError: it is damaged, or of other sensors or another rate.
        """
        state = cls(
            saved.array("angle", (2, sensors)),
            saved.array("covariance", (3, sensors)),
            saved.array("rows", (None, 9 * sensors + 7), most_rows=block - 1),
            saved.number("rested_s", 0.0),
        )
        saved.end()
        return state


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
        ends = np.cumsum([4 * sensors + 4, 3 * sensors + 3, sensors])
        self._rows = np.zeros((self._block, 9 * sensors + 7))
        head, rate, self._upright, self._valid = np.split(self._rows, ends, axis=1)
        self._head, self._rate = head.reshape(-1, sensors + 1, 4), rate.reshape(-1, sensors + 1, 3)
        self.state = self.fresh()

    @property
    def state(self) -> HeadingState:
        """To be saved."""
        return HeadingState(self._angle, self._covariance, self._rows[: self._count].copy(), self._rested_s)

    @state.setter
    def state(self, state: HeadingState) -> None:
        self._angle, self._covariance, self._rested_s = state.angle, state.covariance, state.rested_s
        self._count = len(state.rows)
        self._rows[: self._count] = state.rows

    def saved(self, saved: SavedArrays) -> HeadingState:
        """What `HeadingState.saved_state` saved, for this filter; raises `SnapshotError`."""
        return HeadingState.from_saved(saved, self._sensors, self._block)

    def fresh(self) -> HeadingState:
        """State at the moment of a neutral: no drift yet."""
        covariance = np.zeros((3, self._sensors))
        covariance[0] = self.params.mounting_rad**2
        return HeadingState(np.zeros((2, self._sensors)), covariance, np.zeros((0, 9 * self._sensors + 7)), 0.0)

    def remounted(self) -> HeadingState:
        """State now, the constant part forgotten: the mountings are known otherwise from here on."""
        covariance = np.zeros_like(self._covariance)
        covariance[0], covariance[2] = self.params.mounting_rad**2, self._covariance[2]
        angle = np.stack([np.zeros(self._sensors), self._angle[1]])
        return replace(self.fresh(), angle=angle, covariance=covariance)

    @property
    def drift(self) -> FloatArray:
        """(K,) rad about the vertical, to be taken back from the next `remaining` samples."""
        drift: FloatArray = self._angle[1]
        return drift

    @property
    def remaining(self) -> int:
        """Samples until `drift` changes, at least 1."""
        return self._block - self._count

    def add(
        self,
        head: NDArray[np.floating],
        rate: NDArray[np.floating],
        upright: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> bool:
        """Learn from N samples, 1 to `remaining`; whether `drift` changed.

        Args:
            head: (N, K + 1, 4) unit quaternions, the head frames of the skull and of each skin sensor to one earth
                frame, with `drift` taken back.
            rate: (N, K + 1, 3) rad/s, angular velocity of the skull and of each skin sensor in its own head frame.
            upright: (N, K) cosine of the angle between gravity as each sensor and as the skull sees it.
            valid: (N, K).
        """
        rows = slice(self._count, self._count + len(valid))
        self._head[rows] = head
        self._rate[rows] = rate
        self._upright[rows] = upright
        self._valid[rows] = valid
        self._count = rows.stop
        if self._count < self._block:
            return False
        self._end_block()
        return True

    def _end_block(self) -> None:
        """Measure with the samples of the block, and begin the next."""
        p, there = self.params, self._valid > 0.5
        turned, squared, slow = self._compare(there)
        resting = bool((~there | (slow & (self._upright > self._cosine))).all())
        self._count = 0
        angle, covariance = self._angle.copy(), self._covariance.copy()
        covariance[2] += p.drift_rad_rt_s**2 * self._elapsed_s
        # Mean squared rate over the whole block: a block used in part says less.
        evidence = squared / self._block
        error = p.wobble_rad_s**2 / np.maximum(evidence, 1e-12)
        constant, shared, drift = covariance
        # Measured is the sum of both states, but the drift is taken back already.
        innovation = _wrapped(np.arctan2(turned.imag, turned.real) - angle[0])
        gains = np.stack([constant + shared, shared + drift])
        _correct(angle, covariance, gains, gains[0] + gains[1] + error, innovation, evidence > 0.0)
        self._rested_s = self._rested_s + self._elapsed_s if resting else 0.0
        if self._rested_s >= p.rest_s:
            # At rest, what is left of the turn about the vertical is drift.
            x, y, z, w = self._head[-1, 0]
            turn = self._head[-1, 1:] @ np.array([[-y, x], [x, y], [w, z], [-z, w]])  # sine and cosine of its half
            gains = covariance[1:].copy()
            total = gains[1] + p.rest_error_rad**2
            left = self._angle[1] - angle[1] - 2.0 * np.arctan2(turn[:, 0], turn[:, 1])
            _correct(angle, covariance, gains, total, _wrapped(left), there[-1])
        self._angle, self._covariance = angle, covariance

    def _compare(self, valid: NDArray[np.bool_]) -> tuple[NDArray[np.complexfloating], FloatArray, NDArray[np.bool_]]:
        """What the horizontal rates of skin and skull say in this block; as complex numbers, east + i north.

        Returns:
            (K,) their product, whose argument is the angle from skin to skull, and
            (K,) the skull's square, both summed where skin and skull turn as one;
            (n, K) whether their rates hardly differ, as the orientations say before drift is taken back.
        """
        p = self.params
        products = self._head[..., :, None] * self._head[..., None, :]
        to_earth = (products.reshape(-1, 16) @ _ROTATION_ROWS).reshape(*self._rate.shape, 3)
        rate = (to_earth @ self._rate[..., None])[..., 0]  # (n, K + 1, 3) in earth axes
        horizontal = rate[..., 0] + 1j * rate[..., 1]
        skull, skin, speed = horizontal[:, :1], horizontal[:, 1:], np.abs(horizontal)
        climbing = np.abs(rate[:, 1:, 2] - rate[:, :1, 2])
        used = valid & (speed[:, :1] > p.least_rate_rad_s) & (climbing < p.agreement_rad_s)
        used &= np.abs(speed[:, 1:] - speed[:, :1]) < p.agreement_rad_s
        product = (used * skull * skin.conj()).sum(axis=0)
        squared = (used * np.square(speed[:, :1])).sum(axis=0)
        apart = np.square(np.abs(skin * np.exp(-1j * self.drift) - skull)) + np.square(climbing)
        return product, squared, apart < p.rest_rate_rad_s**2


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
