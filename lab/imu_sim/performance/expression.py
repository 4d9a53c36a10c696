"""One expression: a pose that comes, stays and goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from face_model import arkit
from imu_sim.errors import MotionError
from imu_sim.motion import Floats, ease
from imu_sim.performance.action_units import weights_of
from imu_sim.performance.canvas import RATE_HZ, Canvas
from imu_sim.performance.poses import POSE_WEIGHTS
from imu_sim.smooth_noise import smooth_noise

_MOST_LAG_S = 0.08
"""Muscles of one expression start up to this far apart (a guess)."""

_WAVER_HZ = 0.8
"""Cut-off of the wandering at the apex, Hz (set by eye after recorded takes)."""

FASTEST_S = 0.1
"""Shortest onset or offset of a full-size movement, s: a facial muscle's twitch takes nearly that long to its peak."""


@dataclass(frozen=True)
class Expression:
    """A pose that comes, stays and goes.

    Attributes:
        start_s: when the face begins to move, s.
        pose: name in `poses.POSES`, a mapping of ARKit shapes to weights, or the weights (52,).
        amount: scales the pose.
        onset_s, apex_s, offset_s: lengths of coming, staying and going, s. Real expressions leave more slowly than
            they come.
        waver: how far the amount wanders while it stays, relative: real apexes are no plateaus.
    """

    start_s: float
    pose: str | Mapping[str, float] | Floats
    amount: float = 1.0
    onset_s: float = 0.35
    apex_s: float = 1.0
    offset_s: float = 0.55
    waver: float = 0.03

    @property
    def end_s(self) -> float:
        """When the face is back, s."""
        return self.start_s + self.onset_s + self.apex_s + self.offset_s

    @property
    def target(self) -> Floats:
        """Weights (52,) of the pose at amount 1.

        Raises:
            MotionError: the pose is unknown.
        """
        if isinstance(self.pose, str):
            if self.pose not in POSE_WEIGHTS:
                raise MotionError(f"expected a pose of {', '.join(sorted(POSE_WEIGHTS))}, found {self.pose!r}")
            return POSE_WEIGHTS[self.pose]
        return weights_of(self.pose) if isinstance(self.pose, Mapping) else self.pose


def express(expression: Expression, canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint one expression: muscles start a little apart, wander at the apex, and are uneven."""
    target = expression.target
    window = canvas.window(expression.start_s, expression.end_s + _MOST_LAG_S)
    now = canvas.times[window, None] - expression.start_s
    moving = np.flatnonzero(target)
    if not now.size or not moving.size:
        return
    # In a very short expression the muscles keep together, or it would be gone before the last of them has come.
    most_lag_s = min(_MOST_LAG_S, 0.25 * expression.onset_s)
    lag, uneven = _per_muscle(most_lag_s, rng)[moving], (1.0 + rng.uniform(-0.06, 0.06, arkit.COUNT))[moving]
    onset = ease((now - lag) / expression.onset_s)
    offset = 1.0 - ease((now - lag - expression.onset_s - expression.apex_s) / expression.offset_s)
    wander = expression.waver * smooth_noise(len(now), RATE_HZ, _WAVER_HZ, rng)[:, None]
    canvas.add(
        window, moving, onset * offset * np.clip(1.0 + wander, 0.3, 1.7) * (target[moving] * uneven * expression.amount)
    )


def _per_muscle(most: float, rng: np.random.Generator) -> Floats:
    """Random amounts (52,) between 0 and `most`, alike on both sides to a fifth: sides differ less than muscles."""
    amounts = rng.uniform(0.0, most, arkit.COUNT)
    paired = 0.5 * (amounts + amounts[list(arkit.MIRROR)])
    return np.asarray(0.8 * paired + 0.2 * amounts)


def felt(
    start_s: float, pose: str | Floats, amount: float, apex_s: float, pace: float, rng: np.random.Generator
) -> Expression:
    """An expression that is felt: slow to come and slower to go.

    Spontaneous smiles take 0.4 to 0.7 s to come and longer to go (K. Schmidt, J. Cohn, Y. Tian, "Signal characteristics
    of spontaneous facial expressions", 2003). The spread and the ratio of offset to onset are guesses.
    """
    onset_s = float(rng.lognormal(np.log(0.5), 0.4)) / pace
    return Expression(start_s, pose, amount, onset_s, apex_s, onset_s * float(rng.uniform(1.2, 2.2)), _waver(rng))


def posed(
    start_s: float, pose: str | Floats, amount: float, apex_s: float, pace: float, rng: np.random.Generator
) -> Expression:
    """A deliberate expression: faster and larger than a felt one (Schmidt, Ambadar, Cohn, Reed, "Movement differences
    between deliberate and spontaneous facial expressions", 2006); medians are guesses in that direction.
    """
    onset_s = max(FASTEST_S, float(rng.lognormal(np.log(0.21), 0.5)) / pace)
    offset_s = max(FASTEST_S, onset_s * float(rng.uniform(1.0, 1.9)))
    return Expression(start_s, pose, amount, onset_s, apex_s, offset_s, _waver(rng))


def _waver(rng: np.random.Generator) -> float:
    """Two in five are held nearly still; the others wander by up to a quarter (guesses)."""
    return 0.03 if rng.random() < 0.4 else float(rng.uniform(0.05, 0.25))


def micro(start_s: float, pose: str | Floats, rng: np.random.Generator) -> Expression:
    """A micro-expression of 1/25 to 1/2 s (P. Ekman, W. Friesen, "Nonverbal leakage and clues to deception", 1969).

    The shorter, the smaller, because no muscle moves faster; the amount is a guess.
    """
    total_s = float(rng.uniform(0.04, 0.5))
    amount = float(rng.uniform(0.2, 0.6)) * min(1.0, total_s / 0.25)
    onset_s = total_s * float(rng.uniform(0.3, 0.45))
    apex_s = total_s * float(rng.uniform(0.0, 0.2))
    return Expression(start_s, pose, amount, onset_s, apex_s, total_s - onset_s - apex_s)
