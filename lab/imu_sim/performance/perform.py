"""Performing a script as face motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model import arkit
from imu_sim.head_motion import HeadGesture, HeadTrack, Walk
from imu_sim.motion import FaceMotion, Floats, ease
from imu_sim.performance import eye_motion
from imu_sim.performance.action_units import weights_of
from imu_sim.performance.canvas import RATE_HZ, Canvas
from imu_sim.performance.coupling import couple
from imu_sim.performance.expression import Expression, express
from imu_sim.performance.mouth_actions import Chewing, chew
from imu_sim.performance.speech import Speech, speak, voice
from imu_sim.performance.style import PLAIN, Style
from imu_sim.smooth_noise import smooth_noise, smooth_noises


@dataclass(frozen=True)
class Script:
    """What a performer does.

    Attributes:
        duration_s: length of the performance, s.
        still_s: relaxed, still, neutral rest at the beginning, s: the subject's neutral is learnt from it.
        expressions: in any order; overlapping ones blend.
        speech: sentences.
        chewing: bouts of chewing.
        head: head gestures.
        walks: stretches of walking.
        blink_interval_s: mean time between blinks, s; 0: never.
        liveliness: scales the small involuntary motion of face, eyes and head.
    """

    duration_s: float
    still_s: float = 0.0
    expressions: tuple[Expression, ...] = ()
    speech: tuple[Speech, ...] = ()
    chewing: tuple[Chewing, ...] = ()
    head: tuple[HeadGesture, ...] = ()
    walks: tuple[Walk, ...] = ()
    blink_interval_s: float = eye_motion.BLINK_INTERVAL_S
    liveliness: float = 1.0


_RESTLESS = weights_of(
    {"browInnerUp": 1.0, "browOuterUp": 0.7, "browDown": 0.7, "cheekSquint": 0.6, "noseSneer": 0.6, "mouthPress": 0.8}
    | {"mouthShrugLower": 0.8, "mouthSmile": 0.7, "mouthFunnel": 0.5, "mouthStretch": 0.6, "mouthDimple": 0.4}
    | {"mouthRollLower": 0.4, "mouthLeft": 0.3, "mouthRight": 0.3, "jawOpen": 0.3, "jawForward": 0.3}
)
"""How restless each shape is by itself, (52,): nought to one (guesses)."""

_BEATS = weights_of({"browInnerUp": 0.22, "browOuterUp": 0.2})
"""What brows do on a stressed syllable (some of them; M. Flecha-Garcia, "Eyebrow raises in dialogue and their relation
to discourse structure, utterance function and pitch accents in English", 2010)."""


def perform(
    script: Script, rng: np.random.Generator, name: str, person: str = "performer", style: Style = PLAIN
) -> FaceMotion:
    """Face motion at `canvas.RATE_HZ` that starts and ends in still neutral, so that it loops.

    Raises:
        MotionError: the script names an unknown pose or phoneme.
    """
    times = np.arange(round(script.duration_s * RATE_HZ) + 1) / RATE_HZ
    awake = ease((times - script.still_s) / 0.6) * ease((script.duration_s - times - 0.1) / 0.5)
    talking = voice(script.speech, times)
    head = _head(script, style, talking, times, rng)
    head.angles *= awake[:, None]
    head.shift *= awake[:, None]
    orientation, position = head.pose()

    weights = _face(script, style, talking, times, rng)
    looks, shift_blinks = eye_motion.gaze(
        times, head.angles, rng, style.wander * script.liveliness, style.gaze_down_rad, script.duration_s - 0.5
    )
    weights = 1.0 - (1.0 - weights * awake[:, None]) * (1.0 - looks * awake[:, None])
    if script.blink_interval_s > 0.0:
        weights = 1.0 - (1.0 - weights) * (1.0 - _blinks(script, shift_blinks, times, rng))
    closed = arkit.INDEX["mouthClose"]
    weights[:, closed] = np.minimum(weights[:, closed], weights[:, arkit.INDEX["jawOpen"]])
    weights *= ease((script.duration_s - times) / 0.1)[:, None]
    return FaceMotion(RATE_HZ, weights, orientation, position, name, person)


def _face(script: Script, style: Style, talking: Floats, times: Floats, rng: np.random.Generator) -> Floats:
    """Weights (T, 52) of everything but gaze and blinks, as if awake all the time."""
    felt = Canvas(times)
    for expression in script.expressions:
        express(expression, felt, rng)
    for bout in script.chewing:
        chew(bout, felt, rng)
    feeling = felt.weights
    spoken = Canvas(times)
    for sentence in script.speech:
        speak(sentence, spoken, feeling)
    _undercurrent(spoken, talking, style.play * script.liveliness, rng)
    intended = 1.0 - (1.0 - feeling) * (1.0 - spoken.weights)
    free = 1.0 - couple(intended, style.companions, style.antagonists)
    # Tonus breathes slowly: nobody rests at exactly the same weights twice.
    resting = np.flatnonzero(style.tonus)
    breath = 1.0 + 0.35 * smooth_noises(len(times), len(resting), RATE_HZ, 0.15, rng)
    free[:, resting] *= 1.0 - np.clip(breath, 0.0, 2.0) * style.tonus[resting]
    # A gain that keeps 0 and 1 where they are and has no kink.
    gained: Floats = 1.0 - np.power(np.clip(free, 0.0, 1.0), style.gain)
    return gained


def _undercurrent(canvas: Canvas, talking: Floats, amount: float, rng: np.random.Generator) -> None:
    """Paint what a face does by itself: faint muscle play, and brows that mark stress while talking."""
    whole, count = slice(0, len(canvas.times)), len(canvas.times)
    play = smooth_noises(count, arkit.COUNT, RATE_HZ, 0.4, rng)
    play = (0.75 * play + 0.25 * play[:, list(arkit.MIRROR)]) * (0.035 * amount * _RESTLESS)
    restless = np.flatnonzero(_RESTLESS)
    canvas.add(whole, restless, np.clip(play[:, restless], 0.0, 0.12))
    beats = np.clip(smooth_noise(count, RATE_HZ, 0.8, rng) - 0.3, 0.0, 1.5) * talking
    canvas.add_pose(whole, beats * amount, _BEATS)


def _head(script: Script, style: Style, talking: Floats, times: Floats, rng: np.random.Generator) -> HeadTrack:
    track = HeadTrack(times)
    for gesture in script.head:
        track.gesture(gesture)
    for walk in script.walks:
        track.walk(walk, rng)
    lively = script.liveliness * style.head
    for sentence in script.speech:
        # Strokes of the head go with stressed syllables (K. Munhall et al., "Visual prosody and speech
        # intelligibility", 2004: head motion follows the voice's pitch and loudness); how many and how far is a guess.
        for time_s in sentence.stresses_s:
            if rng.random() < 0.6:
                track.beat(float(time_s), abs(rng.normal(0.0, 0.035)) * lively, rng.normal(0.0, 0.015) * lively)
    track.live(0.15 + 0.85 * talking, lively, rng)
    return track


def _blinks(script: Script, shift_blinks: list[float], times: Floats, rng: np.random.Generator) -> Floats:
    """Weights (T, 52) of spontaneous blinks, some of them moved to shifts of gaze."""
    first_s, last_s = max(0.5, script.still_s), script.duration_s - 1.0
    starts = np.array(eye_motion.blink_times(first_s, last_s, rng, script.blink_interval_s))
    shifts = [time for time in shift_blinks if first_s < time < last_s]
    for time_s in shifts:
        if len(starts):
            starts[int(np.argmin(np.abs(starts - time_s)))] = time_s
    canvas = Canvas(times)
    for start in np.unique(starts):
        eye_motion.blink(float(start), canvas, rng)
    return canvas.weights
