"""Heading of each skin sensor against the skull, and the turn of its mounting, without a magnetometer.

Orientations fused from gyroscope and accelerometer know the vertical, but their headings drift apart. At the neutral
gravity tells each mounting up to a turn m about the vertical: the true one is R(m) M, with R a rotation about the
vertical and M the one that the neutral assumed. What a board's orientation then differs by from the skull's is called
heading, m included, so that the difference is zero at the neutral whatever m is. Carried over by its orientation, the
angular velocity of a board that rides on the skull is

    R(-(m + d)) w,    w the skull's in its own earth frame, d the drift of the heading since then (to be taken back),

so that the angle from the board's horizontal rate to the skull's is y = m + d. Both parts are told apart by what is
known of them: d is 0 at the neutral and goes from there at random and at a rate that changes slowly (what is left of
two gyroscopes' biases); m is constant, N(0, `mounting_rad`^2) beforehand, or what an alignment left open. And d alone
is seen at every moment: the angle about the vertical from the board to the skull is

    z = d - e,        e how far the face has turned the board about the vertical,

which gravity does not tell, but bounds: skin that turns about the vertical also tilts, so that e is at most a share of
how far the boards are tilted (`turn_share`), of which a part is a habit of the face (b, constant: e is b times the tilt
on average) and the rest lasts as long as an expression (`turn_s`). A face at rest tells d best, one that moves still
tells it; expressions that pass are left to the face. So a Kalman filter of four states for each sensor (m, d, the rate
of d, b) is all of the Bayesian estimate. Errors that keep one sign for seconds and that its deviations do not explain,
as of a gyroscope that fails, are told (`told_deviations`); where they are larger still, as after a heading that leapt,
d is found anew (`doubt_deviations`).

What m does: with the head turned by H from its level neutral and the skin by E against the skull, the orientations say
H^-1 R(-m) H E R(m) in place of E. While the head is level that is E in axes turned by -m, which is what a wearer's
Jacobian was learned in. A head that is tilted adds a rotation of about m times the sine of the tilt that no face made.
`features.py` takes m into the mounting and the heading, which gives E, and then turns rotation, tilt, rate and force
back by -m: what was learned before m was known, or in another neutral of the same gluing, stays true as it is, and at a
level head nothing changes when m gets known. So no turn need be kept with a wearer: boards that are glued on anew begin
with a new neutral, that knows none.

Where headings began anew, as in a hub that was restarted, the drift is what the face shows at once, and z tells the
rest within seconds: skin turns little about the vertical, an unknown heading by anything.
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

_MOST_SURPRISE = 1e4
"""Of a surprise: half a turn in the least that is believed of a face is less than a twentieth of it."""

_MOST_DOUBT = 50.0
"""Of the square of a surprise: a variance at most doubles within a fiftieth of `surprise_s`."""

_STATES = 4
_MOUNTING, _DRIFT, _RATE, _HABIT = range(_STATES)

_PAIRS = ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2), (0, 3), (1, 3), (2, 3), (3, 3))
"""Which states each row of a saved covariance is of."""

_ONE, _OTHER = (np.array(states) for states in zip(*_PAIRS, strict=True))

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
        turn_rad: how far a face at rest is turned about the vertical from the neutral,
        turn_share: how much further for each rad by which it is tilted, and the boards on average,
        turn_s: and how long it stays so.
        habit_share: standard deviation of the part of that share which is always the same.
        surprise_s: errors of what the orientations say pass within this time,
        told_deviations: and where their mean over it is more than this many of their standard deviations, the drift is
            said to be known so much worse,
        doubt_deviations: and beyond this many is found anew.
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
    turn_rad: float = 0.007
    turn_share: float = 0.25
    turn_s: float = 5.0
    habit_share: float = 0.25
    surprise_s: float = 5.0
    told_deviations: float = 1.5
    doubt_deviations: float = 3.0


@dataclass(frozen=True)
class HeadingState:
    """All that the filter remembers of `K` sensors; replaced, never changed.

    `angle` (4, K): constant and drift, rad, the drift's rate, rad/s, and the face's habit; `covariance` (4, 4, K) of
    these; `turn` (K,): what features take for the constant, rad; `rows` (n, 9 K + 7): what was seen in the block under
    way; `surprise` (2, K): mean error of what the orientations said, in standard deviations, and what it adds to the
    drift's variance, rad^2, in what is told of it.
    """

    angle: FloatArray
    covariance: FloatArray
    turn: FloatArray
    rows: FloatArray
    surprise: FloatArray

    def saved_state(self) -> Arrays:
        """As arrays, for `from_saved`."""
        return {
            "angle": self.angle,
            "covariance": self.covariance[_ONE, _OTHER],
            "turn": self.turn,
            "rows": self.rows,
            "surprise": self.surprise,
        }

    @classmethod
    def from_saved(cls, saved: SavedArrays, sensors: int, block: int, params: HeadingParams) -> HeadingState:
        """Of `sensors` on the skin and blocks of `block` samples, from `saved_state`.

        `params`: what is believed of states that it has not, since it is of an older version.

        Raises:
            SnapshotError: it is damaged, or of other sensors or another rate.
        """
        angle, covariance = saved.array("angle", (None, sensors)), saved.array("covariance", (None, sensors))
        known = len(angle)
        if (known, len(covariance)) not in {(n, n * (n + 1) // 2) for n in range(2, _STATES + 1)}:
            raise saved.refuse(f"{_STATES} states of headings", f"{known} with {len(covariance)} rows of covariance")
        for variance in (params.rate_rad_s**2, params.habit_share**2)[known - 2 :]:
            angle = np.concatenate([angle, np.zeros((1, sensors))])
            nothing = np.zeros((len(angle) - 1, sensors))
            covariance = np.concatenate([covariance, nothing, np.full((1, sensors), variance)])
        matrix = np.empty((_STATES, _STATES, sensors))
        matrix[_ONE, _OTHER] = matrix[_OTHER, _ONE] = covariance
        state = cls(
            angle,
            matrix,
            # Of before mountings were turned: not at all.
            saved.array("turn", (sensors,), most=_MOST_TURN_RAD) if "turn" in saved else np.zeros(sensors),
            saved.array("rows", (None, 9 * sensors + 7), most_rows=block - 1),
            saved.array("surprise", (2, sensors), most=_MOST_SURPRISE)
            if "surprise" in saved
            else np.zeros((2, sensors)),
        )
        # Of before a face told the drift at every moment.
        if "rested_s" in saved:
            saved.number("rested_s", 0.0)
        if "finding" in saved:
            saved.array("finding", (sensors,), "i8")
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
        self._follow = 1.0 - float(np.exp(-self._elapsed_s / self.params.settle_s))
        self._surprised = 1.0 - float(np.exp(-self._elapsed_s / self.params.surprise_s))
        # Neighbouring blocks err alike: so many together say as much as one.
        self._alike = max(1.0, 2.0 * self.params.turn_s / self._elapsed_s)
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
            self._surprise,
        )

    @state.setter
    def state(self, state: HeadingState) -> None:
        self._angle, self._covariance = state.angle, state.covariance
        self._turn, self._surprise = state.turn, state.surprise
        self._count = len(state.rows)
        self._rows[: self._count] = state.rows

    def saved(self, saved: SavedArrays) -> HeadingState:
        """What `HeadingState.saved_state` saved, for this filter; raises `SnapshotError`."""
        return HeadingState.from_saved(saved, self._sensors, self._block, self.params)

    def fresh(self, mounting_rad: NDArray[np.floating] | None = None) -> HeadingState:
        """State at the moment of a neutral: no drift yet.

        `mounting_rad` (K,): standard deviation of each mounting's turn, where something is known of it.
        """
        covariance, nothing = np.zeros((_STATES, _STATES, self._sensors)), np.zeros(self._sensors)
        covariance[_MOUNTING, _MOUNTING] = np.square(self.params.mounting_rad if mounting_rad is None else mounting_rad)
        covariance[_RATE, _RATE] = self.params.rate_rad_s**2
        covariance[_HABIT, _HABIT] = self.params.habit_share**2
        rows = np.zeros((0, 9 * self._sensors + 7))
        surprise = np.zeros((2, self._sensors))
        return HeadingState(np.zeros((_STATES, self._sensors)), covariance, nothing, rows, surprise)

    def begin_anew(self, sensors: NDArray[np.bool_], head: NDArray[np.floating]) -> None:
        """Headings of these `sensors` (K,) are other ones; `head` (K + 1, 4) is what they show now, as in `add`.

        What is known of mountings and face stays; what was known of the drift's rate was that of another fusion.
        """
        angle, covariance = self._angle.copy(), self._covariance.copy()
        angle[_DRIFT] -= np.where(sensors, turn_between(head), 0.0)
        angle[_RATE, sensors] = 0.0
        for state, variance in ((_DRIFT, _UNKNOWN_RAD**2), (_RATE, self.params.rate_rad_s**2)):
            covariance[state, :, sensors] = covariance[:, state, sensors] = 0.0
            covariance[state, state, sensors] = variance
        self._angle, self._covariance = angle, covariance
        self._surprise = np.where(sensors, 0.0, self._surprise)
        self._count = 0  # the block under way saw them under the old headings

    def remounted(self, mounting_rad: NDArray[np.floating] | None = None) -> HeadingState:
        """State now, the constant part forgotten: the mountings are known otherwise from here on; see `fresh`."""
        fresh = self.fresh(mounting_rad)
        covariance = self._covariance.copy()
        covariance[_MOUNTING], covariance[:, _MOUNTING] = fresh.covariance[_MOUNTING], fresh.covariance[:, _MOUNTING]
        angle = np.concatenate([fresh.angle[:1], self._angle[1:]])
        return replace(fresh, angle=angle, covariance=covariance, surprise=self._surprise)

    @property
    def drift(self) -> FloatArray:
        """(K,) rad about the vertical, to be taken back from the next `remaining` samples."""
        drift: FloatArray = self._angle[_DRIFT]
        return drift

    @property
    def turn(self) -> FloatArray:
        """(K,) rad about the vertical, of the mountings against those of the neutral, for as many samples."""
        return self._turn

    @property
    def deviation_rad(self) -> FloatArray:
        """(2, K) standard deviation of the constant and of the drift, as the filter believes, surprises included."""
        variances = self._covariance[_MOUNTING, _MOUNTING], self._covariance[_DRIFT, _DRIFT] + self._surprise[1]
        deviation: FloatArray = np.sqrt(np.maximum(variances, 0.0))
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
        turned, squared = self._compare(there)
        self._count = 0
        angle, covariance = self._angle.copy(), self._covariance.copy()
        self._predict(angle, covariance)
        # Mean squared rate over the whole block: a block used in part says less.
        evidence = squared / self._block
        error = p.wobble_rad_s**2 / np.maximum(evidence, 1e-12)
        # Measured is the sum of both states, less what is taken back already.
        known = angle[_MOUNTING] + angle[_DRIFT] - self._angle[_DRIFT] - self._turn
        innovation = wrapped(np.arctan2(turned.imag, turned.real) - known)
        shared = covariance[_MOUNTING] + covariance[_DRIFT]
        _correct(angle, covariance, shared, shared[_MOUNTING] + shared[_DRIFT] + error, innovation, evidence > 0.0)
        self._look(angle, covariance, there[-1])
        self._angle, self._covariance = angle, covariance
        self._turn = self._turn + self._follow * (angle[_MOUNTING] - self._turn)

    def _look(self, angle: FloatArray, covariance: FloatArray, seen: NDArray[np.bool_]) -> None:
        """Correct, in place, by how far the boards of the last sample are turned about the vertical."""
        p = self.params
        tilted = np.where(seen, np.maximum(2.0 - 2.0 * self._upright[-1], 0.0), 0.0)  # squared angle
        tilted += tilted.sum() / max(1, np.count_nonzero(seen))
        tilt = np.sqrt(tilted)
        spread = p.turn_rad**2 + p.turn_share**2 * tilted
        known = self._angle[_DRIFT] - angle[_DRIFT] + tilt * angle[_HABIT]
        left = wrapped(known - turn_between(self._head[-1]))
        once = covariance[_DRIFT, _DRIFT] + spread
        shared = covariance[_DRIFT] - tilt * covariance[_HABIT]
        total = shared[_DRIFT] - tilt * shared[_HABIT] + self._alike * spread
        _correct(angle, covariance, shared, total, left, seen)
        self._surprise = self._surprise.copy()
        surprise, told = self._surprise
        surprise += np.where(seen, self._surprised * (left / np.sqrt(once) - surprise), 0.0)
        squared = np.square(surprise)
        told[:] = 0.0
        largest = float(squared.max())
        if largest > p.told_deviations**2:
            told += np.minimum(np.maximum(squared - p.told_deviations**2, 0.0), _MOST_DOUBT) * once
        if largest > p.doubt_deviations**2:
            doubt = np.minimum(np.maximum(squared - p.doubt_deviations**2, 0.0), _MOST_DOUBT)
            covariance[_DRIFT, _DRIFT] += np.where(seen, self._surprised * doubt * once, 0.0)

    def _predict(self, angle: FloatArray, covariance: FloatArray) -> None:
        """From one block to the next, in place: the drift goes on at its rate."""
        p, elapsed_s = self.params, self._elapsed_s
        kept = float(np.exp(-elapsed_s / p.rate_s))
        angle[_DRIFT] += elapsed_s * angle[_RATE]
        angle[_RATE] *= kept
        covariance[_DRIFT] += elapsed_s * covariance[_RATE]
        covariance[:, _DRIFT] += elapsed_s * covariance[:, _RATE]
        covariance[_RATE] *= kept
        covariance[:, _RATE] *= kept
        covariance[_DRIFT, _DRIFT] += p.drift_rad_rt_s**2 * elapsed_s
        covariance[_RATE, _RATE] += (1.0 - kept**2) * p.rate_rad_s**2

    def _compare(self, valid: NDArray[np.bool_]) -> tuple[NDArray[np.complexfloating], FloatArray]:
        """What the horizontal rates of skin and skull say in this block; as complex numbers, east + i north.

        Returns:
            (K,) their product, whose argument is the angle from skin to skull, and
            (K,) the skull's square, both summed where skin and skull turn as one.
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
        return product, squared


_UNKNOWN_RAD = 1.0
"""Standard deviation of a heading of which one sample is known: much more than skin turns."""


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
    """Kalman update in place: `shared` (4, K) covariance of the states with the measurement, `total` its variance."""
    scale = np.where(seen, 1.0 / np.sqrt(total), 0.0)
    scaled = scale * shared
    angle += scaled * (scale * innovation)
    covariance -= scaled[:, None] * scaled
