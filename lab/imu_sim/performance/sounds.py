"""The sounds of English as seen on a mouth: targets, how firmly each is held, and how long it lasts.

Phonemes are ARPAbet. Sounds that look alike share a target (visemes; C. Fisher, "Confusions among visually perceived
consonants", 1968). Targets are ARKit weights set by eye. Each target counts only as far as its articulator is needed
for the sound: lips must shut for M whatever comes next, while for T they take any shape, and the tongue does the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from face_model import arkit
from imu_sim.motion import Floats
from imu_sim.performance.action_units import weights_of
from imu_sim.performance.spelling import VOWELS

ARTICULATORS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "jaw": ("jawOpen", "jawForward"),
        "rounding": ("mouthFunnel", "mouthPucker"),
        "parting": ("mouthLowerDown", "mouthUpperUp"),
        "spreading": ("mouthStretch", "mouthSmile", "mouthDimple"),
        "sealing": ("mouthPress", "mouthRollLower", "mouthRollUpper", "mouthClose", "mouthShrugLower"),
        "tongue": ("tongueOut",),
    }
)
"""What moves independently in speech, and the shapes that show it."""

ARTICULATOR_OF: Final = np.full(arkit.COUNT, -1)
for _row, _shapes in enumerate(ARTICULATORS.values()):
    ARTICULATOR_OF[np.flatnonzero(weights_of(dict.fromkeys(_shapes, 1.0)))] = _row

LAX: Final = 0.25
"""Dominance over an articulator that a sound has no use for."""


@dataclass(frozen=True)
class Sound:
    """One sound.

    Attributes:
        target: (52,) weights of the mouth at ordinary loudness.
        dominance: (articulators,) how firmly the sound holds each of `ARTICULATORS` against its neighbours.
        seals: whether the lips must meet.
    """

    target: Floats
    dominance: Floats
    seals: bool = False


def _sound(dominance: Mapping[str, float], *, seals: bool = False, **target: float) -> Sound:
    firmness = np.array([dominance.get(name, LAX) for name in ARTICULATORS])
    return Sound(weights_of(target), firmness, seals)


_VOWEL = {"jaw": 1.0, "rounding": 1.0, "parting": 1.0, "spreading": 1.0, "sealing": 1.0}
_ROUNDED = _VOWEL | {"rounding": 2.2}

_OPEN = _sound(_VOWEL, jawOpen=0.45, mouthLowerDown=0.25, mouthUpperUp=0.1)  # father
_CUT = _sound(_VOWEL, jawOpen=0.28, mouthLowerDown=0.2, mouthUpperUp=0.08)
_FRONT = _sound(_VOWEL, jawOpen=0.34, mouthLowerDown=0.27, mouthUpperUp=0.13, mouthStretch=0.2)  # cat, bed
_SPREAD = _sound(_VOWEL, jawOpen=0.12, mouthSmile=0.22, mouthStretch=0.28, mouthLowerDown=0.2, mouthUpperUp=0.1)  # see
_MIDDLE = _sound(_VOWEL, jawOpen=0.15, mouthFunnel=0.2, mouthLowerDown=0.15, mouthUpperUp=0.06)  # bird
_ROUND = _sound(_ROUNDED, jawOpen=0.28, mouthFunnel=0.45, mouthPucker=0.22)  # law
_TIGHT = _sound(_ROUNDED, jawOpen=0.1, mouthPucker=0.6, mouthFunnel=0.32)  # you
_HOOK = _sound(_ROUNDED, jawOpen=0.14, mouthPucker=0.35, mouthFunnel=0.32)  # book
_W = _sound({"rounding": 4.0, "jaw": 0.8, "parting": 1.5}, jawOpen=0.07, mouthPucker=0.68, mouthFunnel=0.3)
_LIPS_SHUT = _sound(
    {"jaw": 7.0, "parting": 25.0, "sealing": 25.0, "rounding": 3.0},
    seals=True,
    jawOpen=0.06,
    mouthClose=0.055,
    mouthPress=0.3,
    mouthRollLower=0.15,
    mouthRollUpper=0.12,
)
_LIP_TEETH = _sound(
    {"jaw": 4.0, "parting": 8.0, "sealing": 10.0, "rounding": 1.0},
    jawOpen=0.07,
    mouthRollLower=0.3,
    mouthUpperUp=0.2,
    mouthShrugLower=0.1,
)
_HISS = _sound(
    {"jaw": 3.0, "parting": 1.4, "spreading": 1.2, "sealing": 0.8},
    jawOpen=0.05,
    jawForward=0.06,
    mouthStretch=0.22,
    mouthLowerDown=0.26,
    mouthUpperUp=0.12,
)
_SHUSH = _sound(
    {"jaw": 2.5, "rounding": 2.5, "parting": 1.2},
    jawOpen=0.07,
    jawForward=0.08,
    mouthFunnel=0.48,
    mouthPucker=0.22,
    mouthUpperUp=0.1,
)
_R = _sound({"rounding": 1.4, "jaw": 0.8}, jawOpen=0.12, mouthFunnel=0.36, mouthPucker=0.2)
_TONGUE = _sound({"jaw": 0.9, "parting": 0.5}, jawOpen=0.12, mouthLowerDown=0.15, mouthUpperUp=0.05)
_BETWEEN_TEETH = _sound(
    {"jaw": 1.6, "parting": 1.2, "tongue": 2.0}, jawOpen=0.1, mouthLowerDown=0.2, mouthUpperUp=0.08, tongueOut=0.12
)
_THROAT = _sound({"jaw": 0.5, "parting": 0.4}, jawOpen=0.18, mouthLowerDown=0.1)
_BREATH = _sound({"jaw": 0.4}, jawOpen=0.2, mouthLowerDown=0.1)
_GLIDE = _sound({"jaw": 0.8, "spreading": 0.8, "parting": 0.5}, jawOpen=0.1, mouthStretch=0.22, mouthSmile=0.12)
_SILENCE = _sound(dict.fromkeys(ARTICULATORS, 0.8))

SOUNDS: Mapping[str, Sound] = MappingProxyType(
    {"AA": _OPEN, "AH": _CUT, "ER": _MIDDLE, "AO": _ROUND, "UW": _TIGHT, "UH": _HOOK}
    | dict.fromkeys(("AE", "EH"), _FRONT)
    | dict.fromkeys(("IY", "IH"), _SPREAD)
    | dict.fromkeys(("M", "B", "P"), _LIPS_SHUT)
    | dict.fromkeys(("F", "V"), _LIP_TEETH)
    | dict.fromkeys(("S", "Z"), _HISS)
    | dict.fromkeys(("SH", "CH", "JH", "ZH"), _SHUSH)
    | dict.fromkeys(("T", "D", "N", "L"), _TONGUE)
    | dict.fromkeys(("TH", "DH"), _BETWEEN_TEETH)
    | dict.fromkeys(("K", "G", "NG"), _THROAT)
    | {"HH": _BREATH, "R": _R, "W": _W, "Y": _GLIDE, "_": _SILENCE}
)
"""Phoneme (and `_`, a pause) to its sound; diphthongs are made of two."""

DIPHTHONGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"AY": ("AA", "IY"), "AW": ("AA", "UW"), "OY": ("AO", "IY"), "EY": ("EH", "IY"), "OW": ("AO", "UW")}
)
"""Diphthong to the vowels that it begins and ends as."""

CONSONANTS = tuple(name for name in SOUNDS if name not in (*VOWELS, "_"))

INHERENT_MS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "AA": (240, 100), "AE": (230, 80), "AH": (140, 60), "AO": (240, 100), "AW": (260, 100), "AY": (250, 150),
        "EH": (150, 70), "ER": (180, 80), "EY": (190, 100), "IH": (135, 40), "IY": (155, 55), "OW": (220, 80),
        "OY": (280, 150), "UH": (160, 60), "UW": (210, 70), "HH": (80, 20), "L": (80, 40), "R": (80, 30),
        "W": (80, 60), "Y": (80, 40), "M": (70, 60), "N": (60, 50), "NG": (95, 60), "CH": (120, 70), "JH": (120, 70),
        "DH": (50, 30), "F": (100, 80), "S": (105, 60), "SH": (105, 80), "TH": (90, 60), "V": (60, 40),
        "Z": (75, 40), "ZH": (70, 40), "B": (85, 60), "D": (75, 50), "G": (80, 60), "K": (80, 60), "P": (90, 50),
        "T": (75, 50), "_": (260, 160),
    }
)  # fmt: skip
"""Phoneme to its inherent and its least duration, ms: after D. Klatt, "Synthesis by rule of segmental durations in
English sentences", 1979, in J. Allen, S. Hunnicutt, D. Klatt, "From text to speech", 1987; affricates, R-coloured
vowels and the pause are ours."""
