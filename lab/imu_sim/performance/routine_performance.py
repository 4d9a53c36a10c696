"""Random people who do the guided routine of `face_model.routine`, as people do: late, unevenly and in part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from face_model import arkit
from face_model.routine import DURATION_S, REACHED, REST_S, Cue, nominal_weights, schedule
from imu_sim.head_motion import HeadGesture, random_gestures
from imu_sim.motion import FaceMotion, Floats
from imu_sim.performance.expression import Expression
from imu_sim.performance.perform import Script, perform
from imu_sim.performance.style import Style, draw_style

_STREAM = 0x60D
"""Stream of random numbers for the routine, apart from those of the person's other performances."""

_REACTION_S = (0.25, 0.7)
"""From the prompt to the first movement, s: choices between several answers take 0.3 to 0.6 s (a guess from there)."""
_RELEASE_S = (0.05, 0.3)
"""From being told to relax to the first movement, s: it is expected, so this is faster."""
_ONSET_S, _OFFSET_S = (0.2, 0.4), (0.2, 0.38)
"""Lengths of coming and going, s (guesses about the medians of posed expressions)."""
_LIVELINESS = 0.6
"""Involuntary motion of somebody who attends to a task, relative to usual (a guess)."""
_FOLLOWS = 0.35
"""Probability that the other side moves along where one side is asked for (a guess: winking with one eye is rarer)."""


def perform_routine(seed: int) -> FaceMotion:
    """A random person doing the guided routine, `DURATION_S` at the times of `schedule`; same seed, same motion.

    The person is the one of `generator.generate` with this seed: the same gains, tonus and couplings of shapes. Each
    pose reaches a share of its nominal weights in `REACHED` before these; reaction, asymmetry and holding vary, blinks
    and small movements of the head go on, and some people cannot move one side alone.
    """
    style = draw_style(np.random.default_rng(seed))
    rng = np.random.default_rng([seed, _STREAM])
    usual = float(rng.uniform(REACHED[0] + 0.05, REACHED[1] - 0.05))
    poses = zip(schedule(), nominal_weights(), strict=True)
    script = Script(
        duration_s=DURATION_S,
        still_s=REST_S - 0.1,
        expressions=tuple(_answer(cue, pose, usual, rng) for cue, pose in poses),
        head=_small_gestures(style, rng),
        blink_interval_s=style.blink_interval_s,
        liveliness=_LIVELINESS,
    )
    return perform(script, rng, f"routine_{seed}", f"generated_{seed}", style)


def _answer(cue: Cue, pose: Floats, usual: float, rng: np.random.Generator) -> Expression:
    """What a person whose `usual` share this is does when prompted."""
    share = float(np.clip(rng.normal(usual, 0.1), *REACHED))
    start_s = cue.start_s + float(rng.uniform(*_REACTION_S))
    onset_s, offset_s = float(rng.uniform(*_ONSET_S)), float(rng.uniform(*_OFFSET_S))
    leave_s = cue.relax_s + float(rng.uniform(*_RELEASE_S))
    # Some hold a pose like a statue, others let it sag and take it up again.
    waver = 0.03 if rng.random() < 0.4 else float(rng.uniform(0.04, 0.15))
    return Expression(start_s, _uneven(pose, rng), share, onset_s, leave_s - start_s - onset_s, offset_s, waver)


def _uneven(pose: Floats, rng: np.random.Generator) -> Floats:
    """A pose (52,) with one side weaker; where one side of a pair was asked for, some move the other one along."""
    weaker = str(rng.choice(["Left", "Right"]))
    loss, follows = float(rng.uniform(0.0, 0.15)), float(rng.uniform(0.3, 0.9)) * float(rng.random() < _FOLLOWS)
    weights = pose.copy()
    for index, name in enumerate(arkit.BLENDSHAPES):
        # Jaw and mouth go to one side of the middle at a time: theirs are no sides of a pair.
        if name.startswith(("jaw", "mouthLeft", "mouthRight")):
            continue
        if pose[index] == 0.0:
            weights[index] = follows * pose[arkit.MIRROR[index]]
        if name.endswith(weaker):
            weights[index] *= 1.0 - loss
    return weights


def _small_gestures(style: Style, rng: np.random.Generator) -> tuple[HeadGesture, ...]:
    """The head keeps to the screen: fewer and smaller movements than in this person's talk."""
    gestures = random_gestures(REST_S, DURATION_S, rng, 2.0 * style.gesture_every_s)
    return tuple(replace(gesture, amount=0.4 * gesture.amount) for gesture in gestures)
