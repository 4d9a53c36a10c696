"""Speech-like mouth motion: phonemes to mouth shapes, blended as neighbouring sounds blend in real speech.

Phonemes are ARPAbet. Coarticulation follows Cohen and Massaro, "Modeling coarticulation in synthetic visual speech",
1993: every sound has a target and a dominance that falls off with time, and the mouth is the dominance-weighted mean
of the targets. Gaussian dominance instead of their exponential keeps velocity continuous. Targets and durations are
set by eye.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from face_model import arkit
from imu_sim.errors import MotionError
from imu_sim.motion import Floats
from imu_sim.poses import weights_of


@dataclass(frozen=True)
class Sound:
    """One phoneme: mouth target (52,), usual length in s and how strongly it insists on its target."""

    target: Floats
    duration_s: float
    strength: float


def _sound(duration_s: float, strength: float, **target: float) -> Sound:
    return Sound(weights_of(target), duration_s, strength)


_OPEN = _sound(0.12, 1.0, jawOpen=0.5, mouthLowerDown=0.25, mouthUpperUp=0.1)  # father, cut
_FRONT = _sound(0.12, 1.0, jawOpen=0.33, mouthLowerDown=0.27, mouthUpperUp=0.13, mouthStretch=0.22)  # cat, bed
_SPREAD = _sound(0.11, 1.0, jawOpen=0.12, mouthSmile=0.3, mouthStretch=0.3, mouthLowerDown=0.2, mouthUpperUp=0.1)  # see
_ROUND = _sound(0.13, 1.4, jawOpen=0.26, mouthFunnel=0.5, mouthPucker=0.25)  # law, go
_TIGHT = _sound(0.12, 1.8, jawOpen=0.1, mouthPucker=0.65, mouthFunnel=0.35)  # you, we
_LIPS_SHUT = _sound(0.09, 6.0, jawOpen=0.06, mouthClose=0.06, mouthPress=0.32, mouthRollLower=0.22, mouthRollUpper=0.2)
_LIP_TEETH = _sound(0.09, 3.0, jawOpen=0.08, mouthRollLower=0.4, mouthUpperUp=0.22, mouthShrugLower=0.12)
_TEETH = _sound(0.09, 1.6, jawOpen=0.05, mouthStretch=0.25, mouthLowerDown=0.28, mouthUpperUp=0.12)
_SHUSH = _sound(0.1, 2.0, jawOpen=0.08, mouthFunnel=0.5, mouthPucker=0.25, mouthUpperUp=0.1)
_TONGUE = _sound(0.07, 0.7, jawOpen=0.14, mouthLowerDown=0.15, mouthUpperUp=0.05)
_THROAT = _sound(0.07, 0.4, jawOpen=0.18, mouthLowerDown=0.1)
_SILENCE = _sound(0.3, 1.0)

SOUNDS: Mapping[str, Sound] = MappingProxyType(
    dict.fromkeys(("AA", "AH", "AY", "AW", "HH"), _OPEN)
    | dict.fromkeys(("AE", "EH", "EY", "ER"), _FRONT)
    | dict.fromkeys(("IY", "IH"), _SPREAD)
    | dict.fromkeys(("AO", "OW", "OY"), _ROUND)
    | dict.fromkeys(("UW", "UH", "W"), _TIGHT)
    | dict.fromkeys(("M", "B", "P"), _LIPS_SHUT)
    | dict.fromkeys(("F", "V"), _LIP_TEETH)
    | dict.fromkeys(("S", "Z"), _TEETH)
    | dict.fromkeys(("SH", "CH", "JH", "ZH", "R"), _SHUSH)
    | dict.fromkeys(("T", "D", "N", "L", "TH", "DH"), _TONGUE)
    | dict.fromkeys(("K", "G", "NG", "Y"), _THROAT)
    | {"_": _SILENCE}
)
"""ARPAbet phoneme (and `_`, a pause) to its sound."""

VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
CONSONANTS = tuple(name for name in SOUNDS if name not in (*VOWELS, "_"))


@dataclass(frozen=True)
class Speech:
    """A sentence.

    Attributes:
        start_s: when the mouth begins to move, s.
        phonemes: ARPAbet, separated by spaces; a digit 1 stresses a vowel (`AH1`), `_` is a pause.
        loudness: scales the mouth's movement; 1 is ordinary.
        pace: 1 is ordinary, 1.3 is fast.
    """

    start_s: float
    phonemes: str
    loudness: float = 1.0
    pace: float = 1.0

    @property
    def duration_s(self) -> float:
        """Length in s."""
        return float(sum(_segments(self)[1]))


def _segments(speech: Speech) -> tuple[list[Sound], list[float], list[float]]:
    sounds, lengths, sizes = [], [], []
    for token in f"_ {speech.phonemes} _".split():
        name, stressed = token.rstrip("012"), token.endswith("1")
        if name not in SOUNDS:
            raise MotionError(f"expected ARPAbet phonemes, found {token!r} in {speech.phonemes!r}")
        sounds.append(SOUNDS[name])
        lengths.append(SOUNDS[name].duration_s * (1.25 if stressed else 1.0) / speech.pace)
        sizes.append(speech.loudness * (1.2 if stressed else 1.0))
    return sounds, lengths, sizes


def mouth(speech: Speech, times: Floats) -> Floats:
    """Weights (T, 52) of a sentence at `times` (T,), s; zero before and after it."""
    sounds, lengths, sizes = _segments(speech)
    ends = speech.start_s + np.cumsum(lengths)
    centres = ends - 0.5 * np.array(lengths)
    weights = np.zeros((len(times), arkit.COUNT))
    inside = (times > speech.start_s) & (times < ends[-1])
    if not inside.any():
        return weights
    # A little wider than the sound itself: the mouth is on its way to the next one before this one ends.
    widths = 0.55 * np.array(lengths) + 0.015
    distance = (times[inside, None] - centres) / widths
    dominance = np.array([s.strength for s in sounds]) * np.exp(-0.5 * distance**2) + 1e-12
    dominance /= dominance.sum(axis=1, keepdims=True)
    targets = np.stack([s.target * size for s, size in zip(sounds, sizes, strict=True)])
    weights[inside] = dominance @ targets
    return weights


def random_phonemes(syllables: int, rng: np.random.Generator) -> str:
    """A sentence of random syllables: consonant, vowel, sometimes a final consonant, now and then a pause."""
    tokens: list[str] = []
    for index in range(syllables):
        if rng.random() < 0.85:
            tokens.append(str(rng.choice(CONSONANTS)))
        tokens.append(str(rng.choice(VOWELS)) + ("1" if rng.random() < 0.3 else ""))
        if rng.random() < 0.4:
            tokens.append(str(rng.choice(CONSONANTS)))
        if index and rng.random() < 0.06:
            tokens.append("_")
    return " ".join(tokens)
