"""Weights of a face to angles of a robot head's joints, over time that is passed in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_retarget.motion_limit import MotionLimit
from face_retarget.robot import TURNS, Lost, RobotSettings, Term

Floats = NDArray[np.float64]

IDENTITY = (0.0, 0.0, 0.0, 1.0)


class RobotHead:
    """Follows a face with the joints of a robot.

    `observe` takes a face when there is one, `step` moves the joints; both take the time in s of any clock that does
    not go back. A time that does go back, or is no number, is taken for no time at all. Nothing that comes in, NaN
    included, moves a joint beyond its limits, faster than its speed, or with more than its acceleration.

    Args:
        settings: the robot's file.
    """

    def __init__(self, settings: RobotSettings) -> None:
        self.settings = settings
        self.names = tuple(joint.name for joint in settings.joints)
        joints, unit = settings.joints, settings.rad
        self._limit = MotionLimit(joints, unit)
        self._neutral = unit * np.array([joint.neutral for joint in joints])
        self._band = unit * np.array([joint.dead_band for joint in joints])
        self._smoothing_s = np.array([joint.smoothing_s for joint in joints])
        self._inputs = _Inputs(settings)
        # Straight through where a gain says it: rows joints, columns 52 weights and 3 turns.
        self._gains = np.zeros((len(joints), arkit.COUNT + len(TURNS)))
        self._bent: list[tuple[int, Floats, Floats, Floats]] = []
        for row, joint in enumerate(joints):
            for term in joint.moved_by:
                mean = _mean_of(term)
                if term.gain is not None:
                    self._gains[row] += mean * term.gain * (unit if term.weight is not None else 1.0)
                else:
                    inputs, angles = np.array(term.points, dtype=np.float64).T
                    # A turn of the head in the file is in the file's unit, as is the angle.
                    self._bent.append((row, mean, inputs * (1.0 if term.weight is not None else unit), unit * angles))
        self._smooth = self._followed = self._neutral.copy()
        self._last_s: float | None = None

    @property
    def places(self) -> Floats:
        """(J,) rad."""
        return self._limit.place

    @property
    def velocities(self) -> Floats:
        """(J,) rad/s, over the last step."""
        return self._limit.velocity

    @property
    def trusted(self) -> int:
        """How many of the 52 weights are followed now."""
        return int(self._inputs.followed.sum())

    def observe(
        self,
        now_s: float,
        weights: Sequence[float] | NDArray[np.floating],
        confidence: Sequence[float] | NDArray[np.floating] | None = None,
        observable: Sequence[bool] | NDArray[np.bool_] | None = None,
        head: Sequence[float] | NDArray[np.floating] | None = None,
    ) -> None:
        """A face.

        Args:
            now_s: time.
            weights: (52,) in `arkit.BLENDSHAPES` order; read as 0 to 1.
            confidence: (52,); None: all are certain.
            observable: (52,) whether sensors see the shape; None: all.
            head: (4,) quaternion x, y, z, w, `face_head` to a frame with z up; None: not known.

        Raises:
            ValueError: an array of another length.
        """
        self._inputs.pass_time(now_s)
        self._inputs.take(weights, confidence, observable, head)

    def lose(self, now_s: float) -> None:
        """The face has gone, or is not to be followed."""
        self._inputs.pass_time(now_s)
        self._inputs.forget()

    def look_ahead(self) -> None:
        """The head's yaw counts from zero again, as after a neutral was learned; call it while that is done."""
        self._inputs.look_ahead()

    def wish(self) -> Floats:
        """(J,) rad: where the joints would be if they were as fast as faces, within their limits."""
        values = self._inputs.values()
        wish = self._neutral + self._gains @ values
        for row, mean, inputs, angles in self._bent:
            wish[row] += np.interp(mean @ values, inputs, angles)
        return np.clip(wish, self._limit.low, self._limit.high)

    def step(self, now_s: float) -> Floats:
        """Move on to a time; the places then, (J,) rad."""
        self._inputs.pass_time(now_s)
        passed_s = 0.0 if self._last_s is None or not np.isfinite(now_s) else max(0.0, now_s - self._last_s)
        if np.isfinite(now_s):
            self._last_s = now_s
        wish = self.wish()
        with np.errstate(divide="ignore", over="ignore"):
            share = 1.0 - np.exp(-passed_s / self._smoothing_s) if passed_s > 0.0 else np.zeros(len(wish))
        self._smooth = np.where(self._smoothing_s > 0.0, self._smooth + share * (wish - self._smooth), wish)
        # As gears with play: a wish drags what is followed along, so that a slow one moves no joint in steps.
        dragged = np.clip(self._followed, self._smooth - self._band, self._smooth + self._band)
        # Neutral is followed exactly, so that a head at rest is at rest.
        self._followed = np.where(wish == self._neutral, self._smooth, dragged)
        return self._limit.step(self._followed, passed_s)


class _Inputs:
    """52 weights and three turns of the head as far as they can be trusted, and what becomes of them when not."""

    def __init__(self, settings: RobotSettings) -> None:
        self._trust, self._lost, self._recentre_s = settings.trust, settings.lost, settings.recentre_yaw_s
        self._sides = list(arkit.MIRROR if settings.mirror else range(arkit.COUNT))
        self._turned = np.array([-1.0, 1.0, -1.0]) if settings.mirror else np.ones(len(TURNS))
        self._held = np.zeros(arkit.COUNT + len(TURNS))
        self._age_s = np.full(arkit.COUNT + len(TURNS), np.inf)
        self.followed = np.zeros(arkit.COUNT, dtype=bool)
        self._head_followed = False
        self._ahead_rad = 0.0
        self._last_s: float | None = None
        self._since_head_s = 0.0

    def pass_time(self, now_s: float) -> None:
        if not np.isfinite(now_s):
            return
        passed_s = 0.0 if self._last_s is None else max(0.0, now_s - self._last_s)
        self._last_s = now_s
        self._age_s += passed_s
        self._since_head_s += passed_s

    def take(self, weights: object, confidence: object, observable: object, head: object) -> None:
        sides = self._sides
        given = _row(weights, "weights")[sides]
        sure = np.ones(arkit.COUNT) if confidence is None else _row(confidence, "confidence")[sides]
        trust = self._trust
        with np.errstate(invalid="ignore"):
            good = np.where(self.followed, sure >= trust.leave, sure >= trust.follow) & np.isfinite(given)
        if observable is not None and not trust.hidden:
            good &= _row(observable, "observable")[sides] > 0.0
        self.followed = good
        self._held[: arkit.COUNT][good] = np.clip(given[good], 0.0, 1.0)
        self._age_s[: arkit.COUNT][good] = 0.0
        turns = None if head is None else _turns(np.asarray(head, dtype=np.float64))
        self._head_followed = turns is not None
        if turns is not None:
            turns[0] = self._recentred(float(turns[0]))
            self._held[arkit.COUNT :] = turns * self._turned
            self._age_s[arkit.COUNT :] = 0.0

    def look_ahead(self) -> None:
        self._ahead_rad = 0.0

    def forget(self) -> None:
        self.followed[:] = False
        self._head_followed = False

    def values(self) -> Floats:
        """(55,): held while followed and for a while after, then eased to neutral."""
        # What is followed stays as it was told until the next face, which may be late; then it ages like the rest.
        return np.asarray(self._held * _left(self._age_s, self._lost))

    def _recentred(self, yaw: float) -> float:
        off = float(np.arctan2(np.sin(yaw - self._ahead_rad), np.cos(yaw - self._ahead_rad)))
        if self._recentre_s > 0.0:
            drawn = off * (1.0 - float(np.exp(-self._since_head_s / self._recentre_s)))
            self._ahead_rad, off = self._ahead_rad + drawn, off - drawn
        self._since_head_s = 0.0
        return off


def _left(age_s: Floats, lost: Lost) -> Floats:
    """Share of what was held that is left, smooth at both ends."""
    over = age_s - lost.hold_s
    if lost.ease_s <= 0.0:
        return (over <= 0.0).astype(np.float64)
    gone = np.clip(over / lost.ease_s, 0.0, 1.0)
    return np.asarray(1.0 - gone * gone * (3.0 - 2.0 * gone))


def _mean_of(term: Term) -> Floats:
    """(55,) what takes a term's input from all inputs."""
    row = np.zeros(arkit.COUNT + len(TURNS))
    if term.head is not None:
        row[arkit.COUNT + TURNS.index(term.head)] = 1.0
    for name in term.names:
        row[arkit.INDEX[name]] += 1.0 / len(term.names)
    return row


def _row(values: object, what: str) -> Floats:
    row = np.asarray(values, dtype=np.float64)
    if row.shape != (arkit.COUNT,):
        raise ValueError(f"{what}: expected {arkit.COUNT} values, found shape {row.shape}")
    return row


def _turns(q: Floats) -> Floats | None:
    """Yaw, pitch, roll in this order, rad; None where it is no orientation."""
    if q.shape != (4,) or not np.abs(q).max() < 1e3:
        return None
    length = float(np.linalg.norm(q))
    if length < 1e-6:
        return None
    x, y, z, w = q / length
    return np.array(
        [
            np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z)),
            np.arcsin(np.clip(2.0 * (w * y - z * x), -1.0, 1.0)),
            np.arctan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y)),
        ]
    )
