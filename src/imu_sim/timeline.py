"""A score of expressions, sentences and head gestures, and how it is performed as face motion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from face_model import arkit
from imu_sim import eyes, head_motion, visemes
from imu_sim.errors import MotionError
from imu_sim.head_motion import HeadGesture, smooth_noise
from imu_sim.motion import FaceMotion, Floats, ease
from imu_sim.poses import POSE_WEIGHTS, weights_of
from imu_sim.visemes import Speech

RATE_HZ = 60.0
"""Rate of performed motion: the frame rate of recorded ARKit takes."""


@dataclass(frozen=True)
class Expression:
    """A pose that comes, stays and goes.

    Attributes:
        start_s: when the face begins to move, s.
        pose: name in `poses.POSES`, or a mapping of ARKit shapes to weights.
        amount: scales the pose.
        onset_s, apex_s, offset_s: lengths of coming, staying and going, s. Real expressions leave more slowly than
            they come.
    """

    start_s: float
    pose: str | Mapping[str, float]
    amount: float = 1.0
    onset_s: float = 0.35
    apex_s: float = 1.0
    offset_s: float = 0.55

    @property
    def end_s(self) -> float:
        """When the face is back, s."""
        return self.start_s + self.onset_s + self.apex_s + self.offset_s


@dataclass(frozen=True)
class Score:
    """What a performer does.

    Attributes:
        duration_s: length of the performance, s.
        still_s: relaxed, still, neutral rest at the beginning, s: the wearer's neutral is learnt from it.
        expressions: in any order; overlapping ones blend.
        speech: sentences.
        head: head gestures.
        blink_interval_s: mean time between blinks, s; 0: never.
        liveliness: scales the small involuntary motion of face, eyes and head.
    """

    duration_s: float
    still_s: float = 0.0
    expressions: tuple[Expression, ...] = ()
    speech: tuple[Speech, ...] = ()
    head: tuple[HeadGesture, ...] = ()
    blink_interval_s: float = eyes.BLINK_INTERVAL_S
    liveliness: float = 1.0


def perform(score: Score, rng: np.random.Generator, name: str, person: str = "performer") -> FaceMotion:
    """Face motion at `RATE_HZ` that starts and ends in still neutral, so that it loops.

    Raises:
        MotionError: the score names an unknown pose or phoneme.
    """
    count = round(score.duration_s * RATE_HZ) + 1
    times = np.arange(count) / RATE_HZ
    awake = ease((times - score.still_s) / 0.6) * ease((score.duration_s - times - 0.1) / 0.5)
    voice = _voice(score.speech, times)
    angles, shift = head_motion.gesture_angles(score.head, times)
    involuntary = head_motion.liveliness(times, 0.15 + 0.85 * voice, rng) * score.liveliness
    angles = (angles + involuntary) * awake[:, None]
    free = np.ones((count, arkit.COUNT))
    for expression in score.expressions:
        free *= 1.0 - np.clip(_expressed(expression, times, rng), 0.0, 1.0)
    for sentence in score.speech:
        free *= 1.0 - np.clip(visemes.mouth(sentence, times), 0.0, 1.0)
    free *= 1.0 - _undercurrent(times, voice, rng) * score.liveliness
    weights = (1.0 - free) * awake[:, None]
    weights = _union(weights, eyes.gaze(times, angles, rng, wander=score.liveliness) * awake[:, None])
    if score.blink_interval_s > 0.0:
        starts = eyes.blink_times(score.duration_s, rng, max(0.5, score.still_s - 0.6), score.blink_interval_s)
        weights = np.maximum(weights, eyes.blinks(times, starts, rng))
    closed = arkit.INDEX["mouthClose"]
    weights[:, closed] = np.minimum(weights[:, closed], weights[:, arkit.INDEX["jawOpen"]])
    weights *= ease((score.duration_s - times) / 0.1)[:, None]
    orientation, position = head_motion.compose(angles, shift * awake)
    return FaceMotion(RATE_HZ, weights, orientation, position, name, person)


def _union(a: Floats, b: Floats) -> Floats:
    # Like the probability of either: adds small amounts, never passes 1, has no kink.
    return 1.0 - (1.0 - a) * (1.0 - b)


def _expressed(expression: Expression, times: Floats, rng: np.random.Generator) -> Floats:
    """Weights (T, 52) of one expression: muscles start a little apart, tremble a little at the apex, and are uneven."""
    pose = expression.pose
    if isinstance(pose, str):
        if pose not in POSE_WEIGHTS:
            raise MotionError(f"expected a pose of {', '.join(sorted(POSE_WEIGHTS))}, found {pose!r}")
        target = POSE_WEIGHTS[pose]
    else:
        target = weights_of(pose)
    weights = np.zeros((len(times), arkit.COUNT))
    inside = (times > expression.start_s) & (times < expression.end_s + 0.2)
    if not inside.any():
        return weights
    moving = np.flatnonzero(target)
    lag, uneven = _per_muscle(0.08, rng)[moving], (1.0 + 0.06 * (2.0 * rng.random(arkit.COUNT) - 1.0))[moving]
    now = times[inside, None] - expression.start_s
    onset = ease((now - lag) / expression.onset_s)
    offset = 1.0 - ease((now - lag - expression.onset_s - expression.apex_s) / expression.offset_s)
    tremble = 1.0 + 0.03 * smooth_noise(len(now), RATE_HZ, 1.0, rng)[:, None]
    weights[np.ix_(inside, moving)] = onset * offset * tremble * target[moving] * uneven * expression.amount
    return weights


def _per_muscle(most: float, rng: np.random.Generator) -> Floats:
    """Random amounts (52,) between 0 and `most`, alike on both sides to a fifth: sides differ less than muscles."""
    amounts = rng.uniform(0.0, most, arkit.COUNT)
    paired = 0.5 * (amounts + amounts[list(arkit.MIRROR)])
    return np.asarray(0.8 * paired + 0.2 * amounts)


def _voice(speech: tuple[Speech, ...], times: Floats) -> Floats:
    """Share of talking (T,), 0 to 1, rising and falling over a third of a second."""
    voice = np.zeros(len(times))
    for sentence in speech:
        into = ease((times - sentence.start_s + 0.15) / 0.35)
        out = ease((sentence.start_s + sentence.duration_s + 0.25 - times) / 0.4)
        voice = np.maximum(voice, into * out)
    return voice


_RESTLESS = ("browInnerUp", "mouthPress", "mouthShrugLower", "mouthSmile", "cheekSquint", "browDown", "noseSneer")
_BEATS = weights_of({"browInnerUp": 0.22, "browOuterUp": 0.2})


def _undercurrent(times: Floats, voice: Floats, rng: np.random.Generator) -> Floats:
    """Weights (T, 52) of what a face does by itself: faint muscle play, and brows that mark stress while talking."""
    weights = np.zeros((len(times), arkit.COUNT))
    for stem in _RESTLESS:
        play = np.clip(0.025 * smooth_noise(len(times), RATE_HZ, 0.4, rng), 0.0, 0.1)
        weights += play[:, None] * weights_of({stem: 1.0})
    beats = np.clip(smooth_noise(len(times), RATE_HZ, 0.8, rng) - 0.3, 0.0, 1.5) * voice
    return weights + beats[:, None] * _BEATS
