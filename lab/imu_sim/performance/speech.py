"""Sentences as mouth motion.

Coarticulation follows M. Cohen and D. Massaro, "Modeling coarticulation in synthetic visual speech", 1993: every sound
has a target and, for each articulator, a dominance that rises before and falls off after it; the mouth is the
dominance-weighted mean of the targets. Gaussian dominance instead of their exponential keeps acceleration continuous.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from imu_sim.errors import MotionError
from imu_sim.motion import Floats, ease
from imu_sim.performance.action_units import weights_of
from imu_sim.performance.canvas import Canvas
from imu_sim.performance.sounds import ARTICULATOR_OF, ARTICULATORS, DIPHTHONGS, INHERENT_MS, SOUNDS, Sound
from imu_sim.performance.spelling import VOWELS, phonemes_of

_SPEAKING = np.flatnonzero(ARTICULATOR_OF >= 0)
"""Shapes that speech moves."""

_PASSING = 0.5
"""Share of the room between a sound's least and inherent duration that it takes without stress (a guess)."""

_FINAL = 1.4
"""The last vowel before a pause is longer by this (Klatt's clause-final lengthening)."""

_SECOND_HALF = 0.45
"""Share of a diphthong taken by its end (a guess)."""

_WIDTH = np.array([0.5, 0.75, 0.5, 0.6, 0.45, 0.5])
"""Standard deviation of the dominance by articulator, in lengths of the sound: rounding spreads to its neighbours,
sealing hardly (set by eye)."""


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
        return float(self._segments.ends_s[-1])

    @property
    def end_s(self) -> float:
        """When the mouth rests again, s."""
        return self.start_s + self.duration_s

    @property
    def stresses_s(self) -> Floats:
        """Times at which stressed vowels are in their middle, (K,) s."""
        return np.asarray(self.start_s + self._segments.stresses_s)

    @cached_property
    def _segments(self) -> _Segments:
        return _segments(self.phonemes, self.loudness, self.pace)


def say(start_s: float, text: str, loudness: float = 1.0, pace: float = 1.0) -> Speech:
    """The sentence of an English text.

    Raises:
        MotionError: nothing in the text can be said, or the dictionary that spells it is missing.
    """
    return Speech(start_s, phonemes_of(text), loudness, pace)


@dataclass(frozen=True)
class _Segments:
    """Sounds of a sentence: ends (P,), lengths (P,), sizes (P,) and the times of stress (K,), s from the start."""

    sounds: list[Sound]
    ends_s: Floats
    lengths_s: Floats
    sizes: Floats
    stresses_s: Floats


def _segments(phonemes: str, loudness: float, pace: float) -> _Segments:
    tokens = f"_ {phonemes} _".split()
    sounds, lengths, sizes, stresses = [], [], [], []
    now = 0.0
    for index, token in enumerate(tokens):
        name, stressed = token.rstrip("012"), token.endswith("1")
        if name not in INHERENT_MS:
            raise MotionError(f"expected ARPAbet phonemes, found {token!r} in {phonemes!r}")
        inherent, least = INHERENT_MS[name]
        length = 1e-3 * (least + (inherent - least) * (1.0 if stressed else _PASSING)) / pace
        if name in VOWELS and "_" in tokens[index + 1 : index + 3]:
            length *= _FINAL
        if stressed:
            stresses.append(now + 0.5 * length)
        size = loudness * (1.2 if stressed else 0.95)
        parts = DIPHTHONGS.get(name, (name,))
        for part, share in zip(parts, (1.0 - _SECOND_HALF, _SECOND_HALF) if len(parts) == 2 else (1.0,), strict=True):
            sounds.append(SOUNDS[part])
            lengths.append(length * share)
            # Loud speech must not open a mouth that has to shut.
            sizes.append(min(size, 1.0) if SOUNDS[part].seals else size)
        now += length
    return _Segments(sounds, np.cumsum(lengths), np.array(lengths), np.array(sizes), np.array(stresses))


def mouth(speech: Speech, times: Floats) -> tuple[Floats, Floats]:
    """A sentence at `times` (T,), s.

    Returns:
        weights (T, 52), zero before and after; seal (T,), 0 to 1: how far the lips must meet.
    """
    segments = speech._segments
    weights, seal = np.zeros((len(times), arkit.COUNT)), np.zeros(len(times))
    inside = (times > speech.start_s) & (times < speech.end_s)
    if not inside.any():
        return weights, seal
    now = times[inside] - speech.start_s
    centres = segments.ends_s - 0.5 * segments.lengths_s
    shares = _shares(now, centres, segments)
    targets = np.stack([s.target for s in segments.sounds]) * segments.sizes[:, None]
    articulation = np.zeros((len(now), arkit.COUNT))
    for row in range(len(ARTICULATORS)):
        shapes = np.flatnonzero(np.equal(ARTICULATOR_OF, row))
        articulation[:, shapes] = shares[row] @ targets[:, shapes]
    seals = np.array([s.seals for s in segments.sounds], dtype=np.float64)
    closure = shares[list(ARTICULATORS).index("sealing")] @ seals
    edge = ease(now / 0.1) * ease((speech.duration_s - now) / 0.1)
    weights[inside] = articulation * edge[:, None]
    seal[inside] = closure * edge
    return weights, seal


def _shares(now: Floats, centres: Floats, segments: _Segments) -> Floats:
    """Share of each sound in each articulator, (articulators, T, P), summing to 1 over P."""
    widths = _WIDTH[:, None] * segments.lengths_s + 0.015
    # Sounds further away than this many have no say: the matrices stay narrow for long sentences.
    distance = (now[:, None] - centres) / widths[:, None, :]
    firmness = np.stack([s.dominance for s in segments.sounds], 1)[:, None, :]
    dominance = firmness * np.exp(-0.5 * np.minimum(distance * distance, 80.0)) + 1e-18
    shares: Floats = dominance / dominance.sum(axis=-1, keepdims=True)
    return shares


_YIELDING: NDArray[np.int64] = np.flatnonzero(
    weights_of(
        dict.fromkeys(
            (
                "jawOpen",
                "mouthLowerDown",
                "mouthUpperUp",
                "mouthFunnel",
                "mouthPucker",
                "mouthStretch",
                "mouthShrugUpper",
            ),
            1.0,
        )
    )
)
"""Shapes of a feeling that give way to speech: one cannot say M with the mouth open in surprise."""


def speak(speech: Speech, canvas: Canvas, feeling: Floats) -> None:
    """Paint a sentence and make the `feeling` (T, 52), which is painted elsewhere, leave the lips to it."""
    window = canvas.window(speech.start_s, speech.end_s)
    weights, seal = mouth(speech, canvas.times[window])
    canvas.add(window, _SPEAKING, weights[:, _SPEAKING])
    edge = canvas.times[window]
    talking = ease((edge - speech.start_s) / 0.3) * ease((speech.end_s - edge) / 0.3)
    feeling[window, _YIELDING] *= ((1.0 - 0.45 * talking) * (1.0 - 0.85 * seal))[:, None]


def voice(speeches: tuple[Speech, ...], times: Floats) -> Floats:
    """Share of talking (T,), 0 to 1, rising and falling over a third of a second."""
    talking = np.zeros(len(times))
    for speech in speeches:
        first, last = np.searchsorted(times, [speech.start_s - 0.2, speech.end_s + 0.3])
        now = times[first:last]
        into = ease((now - speech.start_s + 0.15) / 0.35)
        out = ease((speech.end_s + 0.25 - now) / 0.4)
        talking[first:last] = np.maximum(talking[first:last], into * out)
    return talking
