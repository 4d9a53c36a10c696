"""How one person moves: habits that stay the same through a performance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from face_model import arkit
from imu_sim.motion import Floats
from imu_sim.performance.action_units import stem, weights_of
from imu_sim.performance.eyes import BLINK_INTERVAL_S


@dataclass(frozen=True)
class Style:
    """Habits of a person.

    Attributes:
        intensity: usual amount of an expression; 1 is full.
        pace: speed of expressions; 2 takes half as long.
        gain: (52,) how strongly each shape answers; sides of a pair differ a little.
        tonus: (52,) weights at which a face rests that is never quite relaxed once it is used.
        companions: (52, 52) weight of the column's shape that comes along with a full weight of the row's.
        play: scales faint muscle play.
        loudness, speech_pace: of the mouth when talking.
        blink_interval_s: mean time between blinks, s.
        head: scales the involuntary motion of the head.
        wander: scales how far the gaze strays.
        gesture_every_s: mean time between head gestures, s.
    """

    intensity: float
    pace: float
    gain: Floats
    tonus: Floats
    companions: Floats
    play: float
    loudness: float
    speech_pace: float
    blink_interval_s: float
    head: float
    wander: float
    gesture_every_s: float


_COMPANIONS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "mouthSmile": {
            "cheekSquint": 0.12,
            "mouthDimple": 0.1,
            "mouthUpperUp": 0.25,
            "mouthLowerDown": 0.15,
            "mouthShrugUpper": 0.15,
        },
        "jawOpen": {
            "mouthLowerDown": 0.4,
            "mouthStretch": 0.28,
            "mouthFunnel": 0.08,
            "mouthUpperUp": 0.08,
            "browInnerUp": 0.08,
        },
        "mouthFunnel": {"mouthPucker": 0.3, "mouthShrugLower": 0.1},
        "mouthPucker": {"mouthFunnel": 0.3, "mouthShrugLower": 0.25, "cheekPuff": 0.15},
        "mouthFrown": {"mouthRollLower": 0.15, "mouthRollUpper": 0.15, "mouthShrugLower": 0.15},
        "mouthStretch": {"mouthLowerDown": 0.3, "jawForward": 0.06},
        "mouthUpperUp": {"noseSneer": 0.35, "mouthShrugUpper": 0.35, "cheekSquint": 0.2},
        "mouthLowerDown": {"mouthUpperUp": 0.2, "mouthStretch": 0.25, "mouthShrugUpper": 0.2, "jawForward": 0.08},
        "mouthPress": {"mouthShrugLower": 0.4, "mouthRollLower": 0.25, "mouthDimple": 0.25},
        "mouthDimple": {"mouthPress": 0.2, "mouthShrugLower": 0.15},
        "mouthRollLower": {"mouthRollUpper": 0.35, "mouthPress": 0.2, "mouthShrugLower": 0.2},
        "mouthRollUpper": {"mouthRollLower": 0.35, "mouthClose": 0.1},
        "mouthShrugLower": {"mouthPress": 0.2, "mouthShrugUpper": 0.3},
        "cheekPuff": {"mouthPucker": 0.2, "mouthFunnel": 0.2, "mouthShrugLower": 0.2},
        "browInnerUp": {"browOuterUp": 0.35},
        "browOuterUp": {"browInnerUp": 0.5, "eyeWide": 0.2},
        "browDown": {"noseSneer": 0.25, "cheekSquint": 0.2, "eyeSquint": 0.2},
        "noseSneer": {
            "browDown": 0.35,
            "cheekSquint": 0.35,
            "eyeSquint": 0.2,
            "mouthUpperUp": 0.25,
            "mouthShrugLower": 0.15,
        },
        "cheekSquint": {"noseSneer": 0.35, "eyeSquint": 0.3, "mouthUpperUp": 0.15},
        "eyeSquint": {"cheekSquint": 0.2, "browDown": 0.15},
        "tongueOut": {"jawOpen": 0.3, "mouthLowerDown": 0.15},
    }
)
"""What comes along with a shape: muscles that people cannot part, and what ARKit's tracker does not tell apart. After
the slopes in recorded takes of one person (see `imusic study`), lowered, because there the companions of companions
are counted too."""

_TONUS: Mapping[str, float] = MappingProxyType(
    {
        "mouthFunnel": 0.1, "mouthStretch": 0.12, "mouthShrugUpper": 0.1, "browInnerUp": 0.05, "noseSneer": 0.05,
        "mouthLowerDown": 0.04, "mouthUpperUp": 0.03, "jawForward": 0.04, "mouthPucker": 0.03, "mouthShrugLower": 0.04,
        "mouthDimple": 0.03, "mouthRollLower": 0.02, "mouthRollUpper": 0.02, "mouthPress": 0.02, "eyeSquint": 0.03,
        "cheekSquint": 0.02, "jawOpen": 0.02, "mouthLeft": 0.02, "mouthRight": 0.01, "cheekPuff": 0.01,
    }
)  # fmt: skip
"""Typical weights of a face at rest in recorded takes (their 10th percentile): the tracker's idea of neutral is not the
person's."""


def _matrix(table: Mapping[str, Mapping[str, float]]) -> Floats:
    matrix = np.zeros((arkit.COUNT, arkit.COUNT))
    for name, companions in table.items():
        for source in stem(name):
            row = weights_of(companions)
            side = next((s for s in ("Left", "Right") if source.endswith(s)), "")
            if side and len(stem(name)) == 2:
                # One side brings its own side along; midline shapes get half from each.
                for index, target in enumerate(arkit.BLENDSHAPES):
                    if target.endswith(("Left", "Right")) and not target.endswith(side):
                        row[index] = 0.0
                    elif not target.endswith(("Left", "Right")):
                        row[index] *= 0.5
            matrix[arkit.INDEX[source]] = row
    return matrix


COMPANIONS = _matrix(_COMPANIONS)
TONUS = weights_of(_TONUS)

PLAIN = Style(
    intensity=1.0,
    pace=1.0,
    gain=np.ones(arkit.COUNT),
    tonus=np.zeros(arkit.COUNT),
    companions=np.zeros((arkit.COUNT, arkit.COUNT)),
    play=1.0,
    loudness=1.0,
    speech_pace=1.0,
    blink_interval_s=BLINK_INTERVAL_S,
    head=1.0,
    wander=1.0,
    gesture_every_s=6.0,
)
"""Nobody in particular: every shape as written, nothing comes along."""


def draw_style(rng: np.random.Generator) -> Style:
    """A random person. Spreads are guesses, wide enough to hold the people of the recorded takes."""
    pairs = list(arkit.MIRROR)
    muscle = rng.lognormal(0.0, 0.18, arkit.COUNT)
    # Sides differ less than muscles: left and right of one pair correlate above 0.94 in recorded takes.
    gain = np.sqrt(muscle * muscle[pairs]) * rng.lognormal(0.0, 0.07, arkit.COUNT)
    habit = rng.lognormal(0.0, 0.5, (arkit.COUNT, arkit.COUNT))
    habit = np.sqrt(habit * habit[np.ix_(pairs, pairs)])
    # One in five keeps every shape apart, as an actor can: isolated shapes must occur in training.
    bound = 0.0 if rng.random() < 0.2 else float(rng.uniform(0.4, 1.2))
    tonus = rng.lognormal(0.0, 0.5, arkit.COUNT)
    return Style(
        intensity=float(np.clip(rng.lognormal(-0.1, 0.25), 0.45, 1.15)),
        pace=float(rng.lognormal(0.0, 0.25)),
        gain=gain,
        tonus=TONUS * np.sqrt(tonus * tonus[pairs]) * float(rng.uniform(0.0, 1.6)),
        companions=np.clip(COMPANIONS * habit * bound, 0.0, 0.7),
        play=float(rng.lognormal(0.0, 0.5)),
        loudness=float(rng.lognormal(-0.05, 0.3)),
        speech_pace=float(np.clip(rng.lognormal(0.0, 0.18), 0.65, 1.6)),
        blink_interval_s=float(np.clip(rng.lognormal(np.log(3.6), 0.4), 1.8, 9.0)),
        # From somebody who sits like a statue to somebody who talks with the head.
        head=float(rng.choice([0.1, 0.5, 1.0, 1.6], p=[0.15, 0.25, 0.4, 0.2]) * rng.uniform(0.7, 1.3)),
        wander=float(rng.uniform(0.4, 1.5)),
        gesture_every_s=float(rng.choice([2.5, 5.0, 10.0, 25.0])),
    )
