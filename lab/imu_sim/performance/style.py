"""How one person moves: habits that stay the same through a performance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model import arkit
from imu_sim.motion import Floats
from imu_sim.performance.coupling import ANTAGONISTS, COMPANIONS, TONUS
from imu_sim.performance.eye_motion import BLINK_INTERVAL_S


@dataclass(frozen=True)
class Style:
    """Habits of a person.

    Attributes:
        intensity: usual amount of an expression; 1 is full.
        pace: speed of expressions; 2 takes half as long.
        gain: (52,) how strongly each shape answers; sides of a pair differ a little.
        tonus: (52,) weights at which a face rests that is never quite relaxed once it is used.
        companions: (52, 52) weight of the column's shape that comes along with a full weight of the row's.
        antagonists: (52, 52) share by which a full weight of the row's shape holds the column's down.
        play: scales faint muscle play.
        loudness, speech_pace: of the mouth when talking.
        blink_interval_s: mean time between blinks, s.
        head: scales the involuntary motion of the head.
        wander: scales how far the gaze strays.
        gaze_down_rad: how far below straight ahead this person's partner or screen is, rad.
        gesture_every_s: mean time between head gestures, s.
    """

    intensity: float
    pace: float
    gain: Floats
    tonus: Floats
    companions: Floats
    antagonists: Floats
    play: float
    loudness: float
    speech_pace: float
    blink_interval_s: float
    head: float
    wander: float
    gaze_down_rad: float
    gesture_every_s: float


PLAIN = Style(
    intensity=1.0,
    pace=1.0,
    gain=np.ones(arkit.COUNT),
    tonus=np.zeros(arkit.COUNT),
    companions=np.zeros((arkit.COUNT, arkit.COUNT)),
    antagonists=np.zeros((arkit.COUNT, arkit.COUNT)),
    play=1.0,
    loudness=1.0,
    speech_pace=1.0,
    blink_interval_s=BLINK_INTERVAL_S,
    head=1.0,
    wander=1.0,
    gaze_down_rad=0.0,
    gesture_every_s=6.0,
)
"""Nobody in particular: every shape as written, nothing comes along or is held down."""


def draw_style(rng: np.random.Generator) -> Style:
    """A random person. Spreads are guesses, wide enough to hold the people of the recorded takes."""
    pairs = list(arkit.MIRROR)
    muscle = rng.lognormal(0.0, 0.18, arkit.COUNT)
    # Sides differ less than muscles: left and right of one pair correlate above 0.94 in recorded takes.
    gain = np.sqrt(muscle * muscle[pairs]) * rng.lognormal(0.0, 0.07, arkit.COUNT)
    habit = rng.lognormal(0.0, 0.5, (arkit.COUNT, arkit.COUNT))
    habit = np.sqrt(habit * habit[np.ix_(pairs, pairs)])
    # Three in ten keep every shape apart, as an actor can: isolated shapes must occur in training.
    bound = 0.0 if rng.random() < 0.3 else float(rng.uniform(0.5, 1.25))
    tonus = rng.lognormal(0.0, 0.5, arkit.COUNT)
    return Style(
        intensity=float(np.clip(rng.lognormal(0.0, 0.25), 0.5, 1.2)),
        pace=float(rng.lognormal(0.08, 0.28)),
        gain=gain,
        tonus=TONUS * np.sqrt(tonus * tonus[pairs]) * float(rng.uniform(0.0, 1.6)),
        companions=np.clip(COMPANIONS * habit * bound, 0.0, 0.8),
        antagonists=np.clip(ANTAGONISTS * bound, 0.0, 1.0),
        play=float(rng.lognormal(0.0, 0.5)),
        loudness=float(rng.lognormal(-0.05, 0.3)),
        speech_pace=float(np.clip(rng.lognormal(0.0, 0.18), 0.65, 1.6)),
        blink_interval_s=float(np.clip(rng.lognormal(np.log(4.2), 0.4), 2.0, 10.0)),
        # From somebody who sits like a statue to somebody who talks with the head.
        head=float(rng.choice([0.1, 0.5, 1.0, 1.6], p=[0.15, 0.25, 0.4, 0.2]) * rng.uniform(0.7, 1.3)),
        wander=float(rng.uniform(0.4, 1.5)),
        # Phones and screens are below the eyes: recorded takes look down by 0.05 to 0.2 rad.
        gaze_down_rad=float(rng.uniform(-0.03, 0.22)),
        gesture_every_s=float(rng.choice([2.5, 5.0, 10.0, 25.0])),
    )
