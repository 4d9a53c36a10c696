"""Expressions of emotion as action units with probabilities, and where they lie in valence and arousal.

Published tables, as facts. What expressions mean is another matter: see docs/affect.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

DU_2014: Final = "Du, Tao, Martinez 2014"
"""S. Du, Y. Tao, A. Martinez, "Compound facial expressions of emotion", PNAS 111(15), 2014, table 1: units that more
than 70 % of 230 people showed in a category, and units of some, with their share."""
EMFACS: Final = "EMFACS"
"""W. Friesen, P. Ekman, "EMFACS-7: Emotional Facial Action Coding System", 1983, and the FACS Investigator's Guide,
2002: combinations beside those that people pose for photographs, as a smile with closed lips. The guides give
combinations and no shares: the probabilities are a guess."""
OWN: Final = "own"
"""No publication: a class that must be there so that the others are not claimed."""

CONSISTENT: Final = 0.85
"""Probability of a unit that `DU_2014` lists without a share: it was seen in more than 70 %."""

ONE_SIDED: Final = -1
"""In place of a FACS code: lip corners (12, 14) that differ from side to side."""


@dataclass(frozen=True)
class Prototype:
    """One way to show a class of expression; a class may have several.

    Attributes:
        name: of the class.
        units: FACS code (or `ONE_SIDED`) to the probability that who shows the expression shows the unit.
        parts: of a compound expression, the basic ones it is made of.
        prior: relative probability before anything is seen; a guess, see docs/affect.md.
        source: of `units`.
    """

    name: str
    units: Mapping[int, float]
    parts: tuple[str, ...]
    prior: float
    source: str


def _basic(name: str, consistent: tuple[int, ...], some: Mapping[int, float], prior: float = 0.03) -> Prototype:
    units = dict.fromkeys(consistent, CONSISTENT) | dict(some)
    return Prototype(name, MappingProxyType(units), (name,), prior, DU_2014)


def _guide(name: str, units: Mapping[int, float], prior: float = 0.03) -> Prototype:
    return Prototype(name, MappingProxyType(dict(units)), (name,), prior, EMFACS)


def _compound(name: str, parts: tuple[str, str], consistent: tuple[int, ...], some: Mapping[int, float]) -> Prototype:
    units = dict.fromkeys(consistent, CONSISTENT) | dict(some)
    return Prototype(name, MappingProxyType(units), parts, 0.006, DU_2014)


NEUTRAL, OTHER = "neutral", "other"
HAPPINESS, SADNESS, SURPRISE, FEAR = "happiness", "sadness", "surprise", "fear"
ANGER, DISGUST, CONTEMPT = "anger", "disgust", "contempt"

BASIC: Final = (NEUTRAL, HAPPINESS, SADNESS, SURPRISE, FEAR, ANGER, DISGUST, CONTEMPT)

PROTOTYPES: Final[tuple[Prototype, ...]] = (
    Prototype(NEUTRAL, MappingProxyType({}), (NEUTRAL,), 0.40, OWN),
    _basic(HAPPINESS, (12, 25), {6: 0.51}, prior=0.05),
    _basic(SADNESS, (4, 15), {1: 0.60, 6: 0.50, 11: 0.26, 17: 0.67}),
    _basic(SURPRISE, (1, 2, 25, 26), {5: 0.66}),
    _basic(FEAR, (1, 4, 20, 25), {2: 0.57, 5: 0.63, 26: 0.33}),
    _basic(ANGER, (4, 7, 24), {10: 0.26, 17: 0.52, 23: 0.29}),
    _basic(DISGUST, (9, 10, 17), {4: 0.31, 24: 0.26}),
    _guide(HAPPINESS, {12: 0.9, 6: 0.45, 25: 0.1}, prior=0.05),
    _guide(SADNESS, {1: 0.85, 4: 0.6, 15: 0.6, 17: 0.3}),
    _guide(SADNESS, {15: 0.85, 17: 0.5, 6: 0.25}),
    _guide(SURPRISE, {1: 0.85, 2: 0.9, 5: 0.7, 26: 0.15}),
    _guide(FEAR, {1: 0.85, 2: 0.7, 4: 0.85, 5: 0.8, 20: 0.2}),
    _guide(ANGER, {4: 0.9, 7: 0.75, 5: 0.5, 23: 0.4, 24: 0.2}),
    _guide(DISGUST, {9: 0.9, 10: 0.25, 17: 0.3, 15: 0.15}),
    _guide(DISGUST, {10: 0.9, 17: 0.4, 25: 0.3, 26: 0.15}),
    _guide(CONTEMPT, {ONE_SIDED: 0.9, 14: 0.8, 12: 0.4, 17: 0.15}, prior=0.03),
    _compound("happily surprised", (HAPPINESS, SURPRISE), (1, 2, 12, 25), {5: 0.64, 26: 0.67}),
    _compound("happily disgusted", (HAPPINESS, DISGUST), (10, 12, 25), {4: 0.32, 6: 0.61, 9: 0.59}),
    _compound("sadly fearful", (SADNESS, FEAR), (1, 4, 20, 25), {2: 0.46, 5: 0.24, 6: 0.34, 15: 0.30}),
    _compound("sadly angry", (SADNESS, ANGER), (4, 15), {6: 0.26, 7: 0.48, 11: 0.20, 17: 0.50}),
    _compound("sadly surprised", (SADNESS, SURPRISE), (1, 4, 25, 26), {2: 0.27, 6: 0.31}),
    _compound(
        "sadly disgusted", (SADNESS, DISGUST), (4, 10),
        {1: 0.49, 6: 0.61, 9: 0.20, 11: 0.35, 15: 0.54, 17: 0.47, 25: 0.43},
    ),
    _compound("fearfully angry", (FEAR, ANGER), (4, 20, 25), {5: 0.40, 7: 0.39, 10: 0.30, 11: 0.33}),
    _compound("fearfully surprised", (FEAR, SURPRISE), (1, 2, 5, 20, 25), {4: 0.47, 10: 0.35, 11: 0.22, 26: 0.51}),
    _compound(
        "fearfully disgusted", (FEAR, DISGUST), (1, 4, 10, 20, 25), {2: 0.64, 5: 0.50, 6: 0.26, 9: 0.28, 15: 0.33}
    ),
    _compound("angrily surprised", (ANGER, SURPRISE), (4, 25, 26), {5: 0.35, 7: 0.50, 10: 0.34}),
    _compound("angrily disgusted", (ANGER, DISGUST), (4, 10, 17), {7: 0.60, 9: 0.57, 24: 0.36}),
    _compound("disgustedly surprised", (DISGUST, SURPRISE), (1, 2, 5, 10), {4: 0.45, 9: 0.37, 17: 0.66, 24: 0.33}),
    _compound("appalled", (DISGUST, ANGER), (4, 10), {6: 0.25, 9: 0.56, 17: 0.67, 24: 0.36}),
    _compound("hatred", (ANGER, DISGUST), (4, 10), {7: 0.57, 9: 0.27, 17: 0.63, 24: 0.37}),
    _compound("awed", (SURPRISE, FEAR), (1, 2, 5, 25), {4: 0.21, 20: 0.62, 26: 0.56}),
    # Whatever a face does that is none of these: talking, chewing, a wink, a pout.
    Prototype(OTHER, MappingProxyType({}), (), 0.15, OWN),
)  # fmt: skip

NAMES: Final = tuple(dict.fromkeys(prototype.name for prototype in PROTOTYPES))
"""Classes: the basic ones, the compounds, and `OTHER`."""

RUSSELL_1977: Final = "Russell, Mehrabian 1977"
"""J. Russell, A. Mehrabian, "Evidence for a three-factor theory of emotions", Journal of Research in Personality 11,
1977: mean pleasure and arousal, -1 to 1, that people gave to words for states, here happy, sad, surprised, fearful,
angry and disgusted. One round value is used for all deviations."""

VALENCE_AROUSAL: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        NEUTRAL: (0.0, 0.0),  # the origin of the scale
        HAPPINESS: (0.81, 0.51),
        SADNESS: (-0.63, -0.27),
        SURPRISE: (0.40, 0.67),
        FEAR: (-0.64, 0.60),
        ANGER: (-0.51, 0.59),
        DISGUST: (-0.60, 0.35),
        CONTEMPT: (-0.45, 0.25),  # a guess: like disgust, weaker
        OTHER: (0.0, 0.15),  # a guess: a face that moves is not asleep
    }
)
"""Means of the basic classes by `RUSSELL_1977`; compounds have the mean of their parts."""

DEVIATION: Final = 0.25
"""Standard deviation of either dimension within a class."""

HRI: Final[Mapping[str, str]] = MappingProxyType(
    {
        NEUTRAL: "neutral",
        HAPPINESS: "happy",
        SADNESS: "sad",
        SURPRISE: "surprised",
        FEAR: "scared",
        ANGER: "angry",
        DISGUST: "disgusted",
    }
)
"""Basic classes as hri_msgs/Expression calls them. It has no word for contempt."""
