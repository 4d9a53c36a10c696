"""What mouths do besides expressing and talking: chewing, swallowing, licking, yawning, sniffing, sneezing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from imu_sim.motion import ease
from imu_sim.performance.action_units import weights_of
from imu_sim.performance.canvas import RATE_HZ, Canvas
from imu_sim.performance.expression import Expression
from imu_sim.smooth_noise import smooth_noise


@dataclass(frozen=True)
class Chewing:
    """Chewing with sealed lips.

    People chew at 1 to 2 Hz, steadily for one person and food (J. Po et al., "Time-frequency analysis of chewing
    activity in the natural environment", 2011: 1.6 Hz); seen from the front the jaw opens straight and closes from the
    working side, an ellipse. How far, and what cheek and lips do beside it, is set by eye.

    Attributes:
        start_s, duration_s: when and how long, s.
        rate_hz: cycles a second.
        side: 1 works on the subject's left, -1 on the right.
        amount: scales it; 1 opens the jaw to a weight of about 0.3.
    """

    start_s: float
    duration_s: float
    rate_hz: float = 1.5
    side: int = 1
    amount: float = 1.0


_JAW = weights_of({"jawOpen": 0.3, "mouthClose": 0.285, "mouthShrugLower": 0.08})
_SEAL = weights_of({"mouthPress": 0.15, "mouthRollLower": 0.08})
_CRUSH = {
    side: weights_of({f"cheekSquint{side}": 0.18, f"mouthDimple{side}": 0.25, f"mouth{side}": 0.1, "mouthPucker": 0.08})
    for side in ("Left", "Right")
}
_SIDEWAYS = {side: weights_of({f"jaw{side}": 0.22}) for side in ("Left", "Right")}


def chew(chewing: Chewing, canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint a bout of chewing; cycles differ in length and size."""
    window = canvas.window(chewing.start_s, chewing.start_s + chewing.duration_s)
    now = canvas.times[window] - chewing.start_s
    if not now.size:
        return
    going = ease(now / 0.4) * ease((chewing.duration_s - now) / 0.4) * chewing.amount
    rate_hz = chewing.rate_hz * (1.0 + 0.06 * smooth_noise(len(now), RATE_HZ, 0.5, rng))
    phase = 2.0 * np.pi * np.cumsum(rate_hz) / RATE_HZ
    size = going * np.clip(1.0 + 0.25 * smooth_noise(len(now), RATE_HZ, 0.4, rng), 0.3, 1.7)
    working, other = ("Left", "Right") if chewing.side > 0 else ("Right", "Left")
    open_, closing = 0.5 - 0.5 * np.cos(phase), 0.5 - 0.5 * np.cos(phase - 0.5 * np.pi)
    canvas.add_pose(window, size * open_, _JAW)
    canvas.add_pose(window, going * (1.0 - 0.5 * open_), _SEAL)
    # Squares keep the sideways path smooth where it changes sides.
    canvas.add_pose(window, size * closing * closing * open_ * 1.6, _SIDEWAYS[working])
    canvas.add_pose(window, size * (1.0 - closing) ** 2 * open_ * 0.5, _SIDEWAYS[other])
    canvas.add_pose(window, size * (1.0 - open_), _CRUSH[working])


def swallow(start_s: float) -> tuple[Expression, ...]:
    """Jaw shut, lips and chin pressed, for the length of an oral and pharyngeal swallow (about 1 s)."""
    pose = {
        "mouthPress": 0.45,
        "mouthShrugLower": 0.35,
        "mouthRollLower": 0.2,
        "mouthRollUpper": 0.15,
        "mouthDimple": 0.1,
    }
    return (Expression(start_s, pose, 1.0, 0.25, 0.25, 0.4),)


def lick_lips(start_s: float) -> tuple[Expression, ...]:
    """The tongue comes out, passes, and the lips roll in behind it."""
    return (
        Expression(start_s, {"jawOpen": 0.14, "mouthLowerDown": 0.1, "tongueOut": 0.5}, 1.0, 0.22, 0.3, 0.25),
        Expression(start_s + 0.15, {"mouthLeft": 0.12, "mouthPucker": 0.15}, 1.0, 0.2, 0.05, 0.25),
        Expression(
            start_s + 0.7, {"mouthRollUpper": 0.4, "mouthRollLower": 0.45, "mouthPress": 0.2}, 1.0, 0.22, 0.15, 0.3
        ),
    )


def press_lips(start_s: float) -> tuple[Expression, ...]:
    """Lips pressed and rolled in, as when waiting."""
    pose = {
        "mouthPress": 0.6,
        "mouthRollLower": 0.35,
        "mouthRollUpper": 0.25,
        "mouthDimple": 0.15,
        "mouthShrugLower": 0.2,
    }
    return (Expression(start_s, pose, 1.0, 0.3, 0.7, 0.45),)


def bite_lip(start_s: float) -> tuple[Expression, ...]:
    """The lower lip behind the upper teeth, a little to one side."""
    pose = {"mouthRollLower": 0.75, "mouthUpperUp": 0.15, "jawOpen": 0.06, "mouthRight": 0.12, "mouthDimpleRight": 0.2}
    return (Expression(start_s, pose, 1.0, 0.3, 1.0, 0.35),)


def yawn(start_s: float) -> tuple[Expression, ...]:
    """A yawn of about six seconds, a long way up and a shorter one down (R. Provine, "Yawning as a stereotyped action
    pattern and releasing stimulus", 1986)."""
    wide = {"jawOpen": 0.9, "mouthStretch": 0.25, "mouthLowerDown": 0.3, "mouthFunnel": 0.15, "noseSneer": 0.2}
    eyes = {"eyeBlink": 0.85, "eyeSquint": 0.45, "cheekSquint": 0.35, "browDown": 0.25, "browInnerUp": 0.3}
    return (
        Expression(start_s, wide, 1.0, 2.4, 1.4, 1.3),
        Expression(start_s + 1.6, eyes, 1.0, 1.0, 1.3, 1.0),
        Expression(start_s + 5.2, {"mouthPress": 0.3, "mouthShrugLower": 0.2}, 1.0, 0.3, 0.2, 0.4),
    )


def sniff(start_s: float) -> tuple[Expression, ...]:
    """The nose wrinkles twice."""
    pose = {"noseSneer": 0.4, "mouthUpperUp": 0.12, "mouthShrugUpper": 0.1, "cheekSquint": 0.1}
    return (Expression(start_s, pose, 1.0, 0.15, 0.05, 0.2), Expression(start_s + 0.5, pose, 0.7, 0.15, 0.05, 0.25))


def sneeze(start_s: float) -> tuple[Expression, ...]:
    """A breath with raised brow and open mouth, then everything shuts at once."""
    breath = {
        "browInnerUp": 0.6,
        "browOuterUp": 0.3,
        "jawOpen": 0.4,
        "mouthUpperUp": 0.25,
        "noseSneer": 0.3,
        "eyeBlink": 0.4,
    }
    burst = {
        "eyeBlink": 0.95, "eyeSquint": 0.7, "browDown": 0.7, "noseSneer": 0.7, "cheekSquint": 0.5, "mouthStretch": 0.35,
        "mouthPress": 0.3, "jawOpen": 0.12,
    }  # fmt: skip
    return (
        Expression(start_s, breath, 1.0, 0.9, 0.25, 0.15),
        Expression(start_s + 1.1, burst, 1.0, 0.14, 0.15, 0.5),
    )


def blow(start_s: float) -> tuple[Expression, ...]:
    """Cheeks fill and empty through a small mouth: a sigh of boredom."""
    return (
        Expression(start_s, {"cheekPuff": 0.65, "mouthPress": 0.2, "mouthPucker": 0.2}, 1.0, 0.4, 0.4, 0.5),
        Expression(start_s + 0.8, {"mouthFunnel": 0.45, "mouthPucker": 0.3, "jawOpen": 0.08}, 1.0, 0.25, 0.35, 0.3),
    )


ACTIONS: Mapping[str, Callable[[float], tuple[Expression, ...]]] = MappingProxyType(
    {
        "swallow": swallow,
        "lick_lips": lick_lips,
        "press_lips": press_lips,
        "bite_lip": bite_lip,
        "yawn": yawn,
        "sniff": sniff,
        "sneeze": sneeze,
        "blow": blow,
    }
)
"""Name to what makes the expressions of an action from its start in s. Poses, amounts and times are set by eye."""
