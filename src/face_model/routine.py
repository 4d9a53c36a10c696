"""The guided routine: what a new wearer is asked to do once, so that a model learns how this face moves its sensors.

Some seconds of relaxed neutral, then one prompt after the other: take up a pose, hold it, relax. Together the prompts
move every shape that face IMUs see (`observability.OBSERVABLE`), and one side alone where most people can.

Which poses, their order, texts, amounts and times are this project's own choice; nothing here was tried on people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit

REST_S: Final = 2.8
"""Relaxed, still, neutral face at the beginning, s."""
PROMPT_S: Final = 2.6
"""From one prompt to the next, s."""
POSE_S: Final = 1.7
"""The pose is asked for from the prompt on for this long; then the wearer is told to relax, s."""

REST_TEXT: Final = "Relax your face, look ahead and keep still."
"""Instruction before the first prompt."""
RELAX_TEXT: Final = "Relax."
"""Instruction between a pose and the next prompt."""

REACHED: Final = (0.5, 1.0)
"""Share of a prompt's weights that people reach, from and to: they are told what to do, not how much (a guess)."""

_HOLD_S: Final = (1.15, 1.75)
"""After the prompt, s: people react after 0.25 to 0.7 s, take up to 0.45 s to get there, and leave when told to."""
_RELAXED_S: Final = (-0.15, 0.25)
"""About the prompt, s: the pose before has gone, and nobody reacts so soon."""


@dataclass(frozen=True)
class Prompt:
    """One thing that the wearer is asked to do.

    Attributes:
        name: for files and reports, unique.
        text: instruction to the wearer, in plain English; left and right are the wearer's own.
        weights: ARKit shape to the weight of somebody who does it fully; shapes that are not named stay at rest.
    """

    name: str
    text: str
    weights: Mapping[str, float]


@dataclass(frozen=True)
class Cue:
    """When a prompt is given, and when what can be expected; s from the start of the routine.

    Attributes:
        prompt: what is asked for.
        start_s: when its text appears.
        relax_s: when the wearer is told to relax.
        hold_s: from and to: the pose is expected to stand.
        rest_s: from and to, just before the pose: a relaxed face is expected.
    """

    prompt: Prompt
    start_s: float
    relax_s: float
    hold_s: tuple[float, float]
    rest_s: tuple[float, float]


def _prompt(name: str, text: str, **weights: float) -> Prompt:
    """A prompt whose weights may name a pair by its stem: `mouthSmile` means both sides."""
    named: dict[str, float] = {}
    for stem, weight in weights.items():
        named |= dict.fromkeys([stem] if stem in arkit.INDEX else [f"{stem}Left", f"{stem}Right"], weight)
    return Prompt(name, text, named)


ROUTINE: Final[tuple[Prompt, ...]] = (
    _prompt("smile", "Smile broadly.", mouthSmile=0.9, cheekSquint=0.5),
    _prompt("brows_up", "Raise your eyebrows high.", browInnerUp=0.9, browOuterUp=0.9),
    _prompt("jaw_open", "Open your mouth wide.", jawOpen=0.9),
    _prompt("brows_down", "Frown: pull your eyebrows down and together.", browDown=0.9),
    _prompt("smile_left", "Smile with the left half of your mouth only.", mouthSmileLeft=0.8, cheekSquintLeft=0.35),
    _prompt("smile_right", "Now with the right half only.", mouthSmileRight=0.8, cheekSquintRight=0.35),
    _prompt("eyes_squeezed", "Squeeze your eyes shut.", eyeBlink=1.0, eyeSquint=0.8, cheekSquint=0.7),
    _prompt("nose_wrinkled", "Wrinkle your nose.", noseSneer=0.9, mouthUpperUp=0.3, browDown=0.2),
    _prompt("upper_teeth", "Show your upper teeth: lift your upper lip.", mouthUpperUp=0.85, noseSneer=0.2),
    _prompt("lower_teeth", "Show your lower teeth: pull your lower lip down.", mouthLowerDown=0.85, mouthStretch=0.15),
    _prompt("pucker", "Pucker your lips, as for a kiss.", mouthPucker=0.9),
    _prompt("funnel", "Make your lips round, as for a silent oh.", mouthFunnel=0.85, jawOpen=0.25),
    _prompt("jaw_forward", "Push your lower jaw forward.", jawForward=0.8),
    _prompt("jaw_left", "Move your lower jaw to the left.", jawLeft=0.8),
    _prompt("jaw_right", "Now your lower jaw to the right.", jawRight=0.8),
    _prompt("mouth_left", "Pull your closed lips to the left.", mouthLeft=0.8),
    _prompt("mouth_right", "Now your lips to the right.", mouthRight=0.8),
    _prompt("cheeks_puffed", "Puff up your cheeks.", cheekPuff=0.9, jawOpen=0.2, mouthClose=0.2),
    _prompt("lips_in", "Press your lips together and roll them in.",
            mouthRollLower=0.7, mouthRollUpper=0.7, mouthPress=0.7, mouthDimple=0.4),
    _prompt("corners_down", "Pull the corners of your mouth down.", mouthFrown=0.85, mouthShrugLower=0.3),
    _prompt("chin_up", "Push your chin and lower lip up.", mouthShrugLower=0.85, mouthShrugUpper=0.7),
    _prompt("corners_back", "Pull the corners of your mouth straight back.", mouthStretch=0.8, mouthDimple=0.4),
)  # fmt: skip
"""The prompts, in order."""

DURATION_S: Final = round(REST_S + len(ROUTINE) * PROMPT_S, 6)
"""Length of the whole routine, s; not more than a minute."""


def schedule() -> tuple[Cue, ...]:
    """When each prompt of `ROUTINE` is given; the windows of one prompt overlap with none of another."""
    starts = [REST_S + number * PROMPT_S for number in range(len(ROUTINE))]
    return tuple(
        Cue(
            prompt,
            start_s,
            start_s + POSE_S,
            (start_s + _HOLD_S[0], start_s + _HOLD_S[1]),
            (start_s + _RELAXED_S[0], start_s + _RELAXED_S[1]),
        )
        for prompt, start_s in zip(ROUTINE, starts, strict=True)
    )


def nominal_weights() -> NDArray[np.float64]:
    """Weights (P, 52) of somebody who does every prompt fully; most people reach a part of them, see `REACHED`."""
    weights = np.zeros((len(ROUTINE), arkit.COUNT))
    for row, prompt in zip(weights, ROUTINE, strict=True):
        for name, weight in prompt.weights.items():
            row[arkit.INDEX[name]] = weight
    return weights
