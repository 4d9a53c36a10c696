"""Probabilities of expressions, and valence and arousal that follow from the same probabilities.

One joint model: a class k, units u that are present or not given the class, intensities given presence, and valence and
arousal given class and intensity.

    p(k)                      PROTOTYPES.prior; a class that has several ways to be shown is the sum of them
    p(unit u present | k)     PROTOTYPES.units, a little for every other unit
    p(x_u | present or not)   intensity read, with an error that the confidence tells
    valence, arousal | k, I   normal about s(I) mean_k, deviation 0.25; I: how intense the class's own units are

Given the class, units are taken as independent, which they are not; the sum of evidence is therefore tempered. A unit
of confidence 0 has the same density present or not, so that it drops out: what is not seen is marginalised, never
taken as zero. Probabilities return to the priors as confidence falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_affect.action_units import ActionUnits
from face_affect.prototypes import (
    BASIC,
    DEVIATION,
    HRI,
    NAMES,
    NEUTRAL,
    ONE_SIDED,
    OTHER,
    PROTOTYPES,
    VALENCE_AROUSAL,
)

SEEN_UNITS: Final = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26, ONE_SIDED, 8, 18, 22, 28, 29, 30, 34)
"""FACS codes that classes differ by, and `ONE_SIDED`. 26 stands for a jaw that drops or stretches; 11, 13 and 16 are
left out: the first two cannot be read, the third comes with parted lips in every class."""
_EMOTIONAL: Final = 18
"""So many of them belong to expressions; the others speak for `OTHER`."""

_BY_CHANCE, _BY_CHANCE_NEUTRAL = 0.05, 0.002
"""Probability of a unit that a class does not ask for, and of any unit in a neutral face (guesses)."""
_IN_OTHER, _IN_OTHER_ONLY = 0.06, 0.15
"""Probability of units in a face that does something else: of those of expressions, and of the rest (guesses)."""
_REST_SCALE: Final = 0.05
"""Mean intensity that a unit which is not meant has by tonus and idle play: between the traces of recorded rest
(guess)."""
_LEAST: Final = 0.08
"""Intensity from which a unit counts as present: half of FACS's trace."""
_WITHIN: Final = 0.1
"""What confidence is the probability of: an error below this, see imusic/FaceBlendshapes."""
_MOST_SURE, _LEAST_SURE = 0.97, 0.02
TEMPER: Final = 0.7
"""Power of the evidence, for units that are not independent."""


def _probabilities() -> NDArray[np.float64]:
    table = np.full((len(PROTOTYPES), len(SEEN_UNITS)), _BY_CHANCE)
    table[:, _EMOTIONAL:] = _BY_CHANCE_NEUTRAL
    for row, prototype in zip(table, PROTOTYPES, strict=True):
        if prototype.name == NEUTRAL:
            row[:] = _BY_CHANCE_NEUTRAL
        if prototype.name == OTHER:
            row[:_EMOTIONAL], row[_EMOTIONAL:] = _IN_OTHER, _IN_OTHER_ONLY
        for code, share in prototype.units.items():
            if code in SEEN_UNITS:
                row[SEEN_UNITS.index(code)] = share
    return table


def _means() -> NDArray[np.float64]:
    return np.array(
        [
            np.mean([VALENCE_AROUSAL[part] for part in prototype.parts or (prototype.name,)], axis=0)
            for prototype in PROTOTYPES
        ]
    )


def _parts() -> NDArray[np.float64]:
    """(ways, basic): what each class gives to the basic ones it is made of."""
    table = np.zeros((len(PROTOTYPES), len(BASIC)))
    for row, prototype in zip(table, PROTOTYPES, strict=True):
        for part in prototype.parts:
            row[BASIC.index(part)] += 1.0 / len(prototype.parts)
    return table


def _classes() -> NDArray[np.float64]:
    """(ways, classes): which class each way shows."""
    return np.array([[float(prototype.name == name) for name in NAMES] for prototype in PROTOTYPES])


_PRESENT: Final = _probabilities()
_PRIOR: Final = np.array([prototype.prior for prototype in PROTOTYPES])
_LOG_PRIOR: Final = np.log(_PRIOR / _PRIOR.sum())
_MEAN: Final = _means()
_OWN: Final = np.where(_PRESENT >= 0.5, _PRESENT, 0.0)
_PARTS: Final = _parts()
_CLASSES: Final = _classes()
_CODES: Final = np.array([max(code, 0) for code in SEEN_UNITS])
_JAW, _SIDED = SEEN_UNITS.index(26), SEEN_UNITS.index(ONE_SIDED)
_HRI_COLUMNS: Final = tuple(BASIC.index(name) for name in HRI)
_HRI_WORDS: Final = tuple(HRI.values())


@dataclass(frozen=True)
class Expressions:
    """What one face, or N, may express. Probabilities are of what the face shows, not of what anybody feels.

    Attributes:
        probability: (24,) or (N, 24) of the classes in the order of `prototypes.NAMES`; they add up to 1.
        basic: (8,) or (N, 8) in the order of `prototypes.BASIC`, where a compound counts half to each of its parts;
            with the probability of `other` they add up to 1.
        valence, arousal: -1 to 1, mean of the joint posterior.
        valence_deviation, arousal_deviation: standard deviation of it.
        intensity: 0 to 1, of the units of what is shown, mean over classes.
    """

    probability: NDArray[np.float64]
    basic: NDArray[np.float64]
    valence: NDArray[np.float64]
    arousal: NDArray[np.float64]
    valence_deviation: NDArray[np.float64]
    arousal_deviation: NDArray[np.float64]
    intensity: NDArray[np.float64]

    @property
    def name(self) -> str:
        """Most probable class of one face."""
        return NAMES[int(np.argmax(self.probability))]

    @property
    def confidence(self) -> float:
        """Its probability."""
        return float(np.max(self.probability))

    @property
    def hri(self) -> tuple[str, float]:
        """The most probable word of hri_msgs/Expression for one face, and its probability.

        Compounds count to their parts; there is no word for contempt, nor for `other`.
        """
        best = max(range(len(_HRI_WORDS)), key=lambda i: self.basic[_HRI_COLUMNS[i]])
        return _HRI_WORDS[best], float(self.basic[_HRI_COLUMNS[best]])


def log_evidence(units: ActionUnits) -> NDArray[np.float64]:
    """(32,) or (N, 32): log likelihood of the units in each of `PROTOTYPES`, up to a constant, before it is
    tempered."""
    x, sure = _seen(units)
    ratio = _presence_ratio(x, sure)
    return np.asarray(np.log1p(_PRESENT * (ratio[..., None, :] - 1.0)).sum(axis=-1))


def expressions(units: ActionUnits) -> Expressions:
    """What the units of one face or of N express."""
    return from_evidence(log_evidence(units), units)


def from_evidence(evidence: NDArray[np.float64], units: ActionUnits) -> Expressions:
    """The same of evidence that was smoothed over time."""
    score = _LOG_PRIOR + TEMPER * evidence
    score -= score.max(axis=-1, keepdims=True)
    p = np.exp(score)
    p /= p.sum(axis=-1, keepdims=True)
    x, sure = _seen(units)
    asked = _OWN * sure[..., None, :]
    strength = (asked * x[..., None, :]).sum(axis=-1) / (asked.sum(axis=-1) + 1e-9)
    # A slight smile is less pleasant than a broad one: the mean moves along its ray from neutral.
    at = np.minimum(0.4 + 0.8 * strength, 1.2)[..., None] * _MEAN
    mean = np.einsum("...k,...kd->...d", p, at)
    spread = np.einsum("...k,...kd->...d", p, at * at) - mean * mean + DEVIATION**2
    mean, deviation = np.clip(mean, -1.0, 1.0), np.sqrt(np.maximum(spread, 0.0))
    return Expressions(
        p @ _CLASSES,
        p @ _PARTS,
        mean[..., 0],
        mean[..., 1],
        deviation[..., 0],
        deviation[..., 1],
        (p * strength).sum(axis=-1),
    )


def _seen(units: ActionUnits) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intensity and confidence of `SEEN_UNITS`, (..., 25)."""
    x, sure = units.intensity[..., _CODES], units.confidence[..., _CODES]
    x[..., _JAW] = units.intensity[..., 26] + units.intensity[..., 27]
    np.minimum(x[..., _JAW], 1.0, out=x[..., _JAW])
    apart = np.abs(units.left[..., (12, 14)] - units.right[..., (12, 14)])
    x[..., _SIDED] = apart.max(axis=-1)
    # A side that is not seen says nothing about how the sides differ.
    sure[..., _SIDED] = (units.left_confidence[..., (12, 14)] * units.right_confidence[..., (12, 14)]).min(axis=-1)
    return x, sure


def _presence_ratio(x: NDArray[np.float64], sure: NDArray[np.float64]) -> NDArray[np.float64]:
    """Density of a reading where the unit is present over that where it is not.

    The error of a reading is Laplace with the scale at which it is below 0.1 with probability `sure`. A present unit
    has any intensity from `_LEAST` to 1, an absent one a trace about 0. At `sure` 0 the ratio is 1.
    """
    scale = _WITHIN / -np.log1p(-np.clip(sure, _LEAST_SURE, _MOST_SURE))
    present = (_below((x - _LEAST) / scale) - _below((x - 1.0) / scale)) / (1.0 - _LEAST)
    wide = np.sqrt(scale * scale + _REST_SCALE**2)
    absent = 0.5 * np.exp(-x / wide) / wide
    ratio = np.minimum(present / np.maximum(absent, 1e-9), 100.0)
    return np.asarray(np.where(sure <= _LEAST_SURE, 1.0, ratio))


def _below(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distribution function of the unit Laplace distribution."""
    tail = 0.5 * np.exp(-np.abs(z))
    return np.where(z < 0.0, tail, 1.0 - tail)
