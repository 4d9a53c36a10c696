"""Heading of each skin sensor against the skull, and the turn of its mounting, without a magnetometer.

Orientations fused from gyroscope and accelerometer know the vertical, but their headings drift apart. At the neutral
gravity tells each mounting up to a turn m about the vertical: the true one is R(m) M, with R a rotation about the
vertical and M the one that the neutral assumed. What a board's orientation then differs by from the skull's is called
heading, m included, so that the difference is zero at the neutral whatever m is. Carried over by its orientation, the
angular velocity of a board that rides on the skull is

    R(-(m + d)) w,    w the skull's in its own earth frame, d the drift of the heading since then (to be taken back),

so that the angle from the board's horizontal rate to the skull's is y = m + d. Both parts are told apart by what is
known of them: d is 0 at the neutral and goes from there at random and at a rate that changes slowly (what is left of
two gyroscopes' biases); m is constant, N(0, `mounting_rad`^2) beforehand, or what an alignment left open. A face at
rest, turned from its neutral, tells d alone. So a Kalman filter of three states for each sensor (m, d, the rate of d)
is all of the Bayesian estimate.

What m does: with the head turned by H from its level neutral and the skin by E against the skull, the orientations say
H^-1 R(-m) H E R(m) in place of E. While the head is level that is E in axes turned by -m, which is what a wearer's
Jacobian was learned in. A head that is tilted adds a rotation of about m times the sine of the tilt that no face made.
`features.py` takes m into the mounting and the heading, which gives E, and then turns rotation, tilt, rate and force
back by -m: what was learned before m was known, or in another neutral of the same gluing, stays true as it is, and at a
level head nothing changes when m gets known. So no turn need be kept with a wearer: boards that are glued on anew begin
with a new neutral, that knows none.

Where headings began anew, as in a hub that was restarted, the drift is what the face shows at once and on average over
the next two seconds, whatever it does meanwhile: skin turns little about the vertical, an unknown heading by anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from face_inference.quaternion_matrices import ROTATION
from face_model.rotation import wrapped
from face_model.saved_arrays import Arrays, SavedArrays

FloatArray = NDArray[np.floating]

_MOST_TURN_RAD = 10.0
"""Beyond any angle that a filter finds."""

_PAIRS = ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2))
"""Which states each row of a covariance is of."""

_ROTATION_ROWS: FloatArray = ROTATION.reshape(16, 9)


@dataclass(frozen=True)
class HeadingParams:
    """What the filter believes; angles in rad.

    Attributes:
        block_s: samples of this much time make one measurement; about as long as tissue wobble stays correlated, s.
        least_rate_rad_s: slower turns of the head say nothing (6 deg/s).
        agreement_rad_s: a sensor that turns otherwise than the skull by more than this moves by itself (4 deg/s).
        wobble_rad_s: error of a block's horizontal angular velocity: tissue and noise.
        mounting_rad: standard deviation of the constant part, of a skin sensor's mounting against the skull unit's:
            14.6 degrees over three wearers of each of three simulated families.
        settle_s: time constant in which what features take for the mounting follows what is known of it.
        drift_rad_rt_s: drift's random walk in one second, beside the following.
        rate_rad_s: standard deviation of the drift's rate, which is what is left of two gyroscopes' biases,
        rate_s: and time constant in which it becomes another one.
        rest_rate_rad_s: a face whose sensors all turn slower than this against the skull is still,
        rest_tilt_rad: and at rest if none is tilted further than this,
        rest_s: for so long.
        rest_error_rad: how far a face at rest is turned from the neutral, for one block; neighbouring blocks err alike.
        anew_s: a heading that began anew is that which the face shows on average over so long,
        anew_error_rad: which is wrong by this much in the end: the mean turn of the skin of somebody who talks.
    """

    block_s: float = 0.1
    least_rate_rad_s: float = 0.105
    agreement_rad_s: float = 0.07
    wobble_rad_s: float = 0.12
    mounting_rad: float = 0.25
    settle_s: float = 0.5
    drift_rad_rt_s: float = 0.003
    rate_rad_s: float = 0.002
    rate_s: float = 120.0
    rest_rate_rad_s: float = 0.05
    rest_tilt_rad: float = 0.03
    rest_s: float = 1.0
    rest_error_rad: float = 0.12
    anew_s: float = 2.0
    anew_error_rad: float = 0.06


@dataclass(frozen=True)
class HeadingState:
    """All that the filter remembers of `K` sensors; replaced, never changed.

    `angle` (3, K): constant and drift, rad, and the drift's rate, rad/s; `covariance` (6, K): of constant and constant,
    constant and drift, drift and drift, constant and rate, drift and rate, rate and rate; `turn` (K,): what features
    take for the constant, rad; `rows` (n, 9 K + 7): what was seen in the block under way; `rested_s`: how long the face
    rested before it; `finding` (K,): blocks for which a heading that began anew is still looked for.
    """

    angle: FloatArray
    covariance: FloatArray
    turn: FloatArray
    rows: FloatArray
    rested_s: float
    finding: NDArray[np.integer]

    def saved_state(self) -> Arrays:
        """As arrays, for `from_saved`."""
        return {
            "angle": self.angle,
            "covariance": self.covariance,
            "turn": self.turn,
            "rows": self.rows,
            "rested_s": np.array(self.rested_s),
            "finding": self.finding,
        }

    @classmethod
    def from_saved(cls, saved: SavedArrays, sensors: int, block: int, rate_rad_s: float) -> HeadingState:
        """Of `sensors` on the skin and blocks of `block` samples, from `saved_state`.

        `rate_rad_s`: `HeadingParams`', for states that have no rate.

        Raises:
            SnapshotError: it is damaged, or of other sensors or another rate.
        """
        angle, covariance = saved.array("angle", (None, sensors)), saved.array("covariance", (None, sensors))
        if (len(angle), len(covariance)) == (2, 3):  # of before rates were followed
            angle = np.concatenate([angle, np.zeros((1, sensors))])
            covariance = np.concatenate([covariance, np.zeros((2, sensors)), np.full((1, sensors), rate_rad_s**2)])
        if (len(angle), len(covariance)) != (3, 6):
            raise saved.refuse("three states of headings", f"{len(angle)} and {len(covariance)} rows")
        state = cls(
            angle,
            covariance,
            # Of before mountings were turned: not at all.
            saved.array("turn", (sensors,), most=_MOST_TURN_RAD) if "turn" in saved else np.zeros(sensors),
            saved.array("rows", (None, 9 * sensors + 7), most_rows=block - 1),
            saved.number("rested_s", 0.0),
            # Not in what was saved before headings could begin anew.
            saved.array("finding", (sensors,), "i8") if "finding" in saved else np.zeros(sensors, np.int64),
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
        self._follow = 1.0 - float(np.exp(-self._elapsed_s / self.params.settle_s))
        ends = np.cumsum([4 * sensors + 4, 3 * sensors + 3, sensors])
        self._rows = np.zeros((self._block, 9 * sensors + 7))
        head, rate, self._upright, self._valid = np.split(self._rows, ends, axis=1)
        self._head, self._rate = head.reshape(-1, sensors + 1, 4), rate.reshape(-1, sensors + 1, 3)
        self.state = self.fresh()

    @property
    def state(self) -> HeadingState:
        """To be saved."""
        return HeadingState(
            self._angle,
            self._covariance,
            self._turn,
            self._rows[: self._count].copy(),
            self._rested_s,
            self._finding,
        )

    @state.setter
    def state(self, state: HeadingState) -> None:
        self._angle, self._covariance, self._rested_s = state.angle, state.covariance, state.rested_s
        self._turn, self._finding = state.turn, state.finding
        self._count = len(state.rows)
        self._rows[: self._count] = state.rows

    def saved(self, saved: SavedArrays) -> HeadingState:
        """What `HeadingState.saved_state` saved, for this filter; raises `SnapshotError`."""
        return HeadingState.from_saved(saved, self._sensors, self._block, self.params.rate_rad_s)

    def fresh(self, mounting_rad: NDArray[np.floating] | None = None) -> HeadingState:
        """State at the moment of a neutral: no drift yet.

        `mounting_rad` (K,): standard deviation of each mounting's turn, where something is known of it.
        """
        covariance, nothing = np.zeros((6, self._sensors)), np.zeros(self._sensors)
        covariance[0] = np.square(self.params.mounting_rad if mounting_rad is None else mounting_rad)
        covariance[5] = self.params.rate_rad_s**2
        rows = np.zeros((0, 9 * self._sensors + 7))
        finding = np.zeros(self._sensors, np.int64)
        return HeadingState(np.zeros((3, self._sensors)), covariance, nothing, rows, 0.0, finding)

    def begin_anew(self, sensors: NDArray[np.bool_], head: NDArray[np.floating]) -> None:
        """Headings of these `sensors` (K,) are other ones; `head` (K + 1, 4) is what they show now, as in `add`.

        What is known of their mountings stays; what was known of the drift's rate was that of another fusion.
        """
        angle, covariance = self._angle.copy(), self._covariance.copy()
        angle[1] -= np.where(sensors, turn_between(head), 0.0)
        angle[2, sensors] = 0.0
        covariance[1:, sensors] = 0.0
        covariance[2, sensors] = _UNKNOWN_RAD**2
        covariance[5, sensors] = self.params.rate_rad_s**2
        blocks = max(1, round(self.params.anew_s / self._elapsed_s))
        self._angle, self._covariance = angle, covariance
        self._finding = np.where(sensors, blocks, self._finding)
        self._count = 0  # the block under way saw them under the old headings

    def remounted(self, mounting_rad: NDArray[np.floating] | None = None) -> HeadingState:
        """State now, the constant part forgotten: the mountings are known otherwise from here on; see `fresh`."""
        fresh = self.fresh(mounting_rad)
        covariance = fresh.covariance.copy()
        covariance[[2, 4, 5]] = self._covariance[[2, 4, 5]]
        return replace(fresh, angle=np.concatenate([fresh.angle[:1], self._angle[1:]]), covariance=covariance)

    @property
    def drift(self) -> FloatArray:
        """(K,) rad about the vertical, to be taken back from the next `remaining` samples."""
        drift: FloatArray = self._angle[1]
        return drift

    @property
    def turn(self) -> FloatArray:
        """(K,) rad about the vertical, of the mountings against those of the neutral, for as many samples."""
        return self._turn

    @property
    def deviation_rad(self) -> FloatArray:
        """(2, K) standard deviation of the constant and of the drift, as the filter believes."""
        deviation: FloatArray = np.sqrt(np.maximum(self._covariance[[0, 2]], 0.0))
        return deviation

    @property
    def remaining(self) -> int:
        """Samples until `drift` and `turn` change, at least 1."""
        return self._block - self._count

    def add(
        self,
        head: NDArray[np.floating],
        rate: NDArray[np.floating],
        upright: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> bool:
        """Learn from N samples, 1 to `remaining`; whether `drift` and `turn` changed.

        Args:
            head: (N, K + 1, 4) unit quaternions, the head frames of the skull and of each skin sensor to one earth
                frame, with `drift` taken back and the mounting turned by `turn`.
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
        self._predict(angle, covariance)
        # Mean squared rate over the whole block: a block used in part says less.
        evidence = squared / self._block
        error = p.wobble_rad_s**2 / np.maximum(evidence, 1e-12)
        constant, shared, drift, *with_rate, _ = covariance
        # Measured is the sum of both states, less what is taken back already.
        innovation = wrapped(np.arctan2(turned.imag, turned.real) + self._turn + self._angle[1] - angle[0] - angle[1])
        gains = np.stack([constant + shared, shared + drift, with_rate[0] + with_rate[1]])
        _correct(angle, covariance, gains, gains[0] + gains[1] + error, innovation, evidence > 0.0)
        self._rested_s = self._rested_s + self._elapsed_s if resting else 0.0
        if self._rested_s >= p.rest_s:
            # At rest, what is left of the turn about the vertical is drift.
            gains = covariance[[1, 2, 4]]
            total = gains[1] + p.rest_error_rad**2
            left = self._angle[1] - angle[1] - turn_between(self._head[-1])
            _correct(angle, covariance, gains, total, wrapped(left), there[-1])
        if self._finding.any():
            gains = covariance[[1, 2, 4]]
            blocks = p.anew_s / self._elapsed_s
            total = gains[1] + blocks * p.anew_error_rad**2  # so that all of them together err by `anew_error_rad`
            left = self._angle[1] - angle[1] - turn_between(self._head[-1])
            seen = (self._finding > 0) & there[-1]
            _correct(angle, covariance, gains, total, wrapped(left), seen)
            self._finding = self._finding - seen
        self._angle, self._covariance = angle, covariance
        self._turn = self._turn + self._follow * (angle[0] - self._turn)

    def _predict(self, angle: FloatArray, covariance: FloatArray) -> None:
        """From one block to the next, in place: the drift goes on at its rate."""
        p, elapsed_s = self.params, self._elapsed_s
        kept = float(np.exp(-elapsed_s / p.rate_s))
        angle[1] += elapsed_s * angle[2]
        angle[2] *= kept
        covariance[2] += elapsed_s * (2.0 * covariance[4] + elapsed_s * covariance[5]) + p.drift_rad_rt_s**2 * elapsed_s
        covariance[1] += elapsed_s * covariance[3]
        covariance[4] += elapsed_s * covariance[5]
        covariance[3:5] *= kept
        covariance[5] = kept**2 * covariance[5] + (1.0 - kept**2) * p.rate_rad_s**2

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


_UNKNOWN_RAD = 1.0
"""Standard deviation of a heading of which one sample is known: much more than `HeadingParams.anew_error_rad`."""


def turn_between(head: NDArray[np.floating]) -> FloatArray:
    """(K,) rad, turn of each skin sensor against the skull about the vertical, of their frames `head` (K + 1, 4)."""
    x, y, z, w = head[0]
    half = head[1:] @ np.array([[-y, x], [x, y], [w, z], [-z, w]])  # its sine and cosine
    return wrapped(2.0 * np.arctan2(half[:, 0], half[:, 1]))


def _correct(
    angle: FloatArray,
    covariance: FloatArray,
    shared: FloatArray,
    total: FloatArray,
    innovation: FloatArray,
    seen: NDArray[np.bool_],
) -> None:
    """Kalman update in place: `shared` (3, K) covariance of the states with the measurement, `total` its variance."""
    gain = np.where(seen, shared / total, 0.0)
    angle += gain * innovation
    for row, (one, other) in enumerate(_PAIRS):
        covariance[row] -= gain[one] * shared[other]
