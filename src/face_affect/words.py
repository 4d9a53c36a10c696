"""A short explanation of what a face shows, built from the evidence and from nothing else.

Observations first, then what they are usually taken for, then a conclusion that is as sure as the numbers. Fixed
phrases, so that each sentence can be traced to a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from face_affect.action_units import INTENSITY, NAMES, READ, ActionUnits, letter
from face_affect.events import EventKind, FacialEvent
from face_affect.expressions import Expressions
from face_affect.prototypes import NAMES as CLASSES
from face_affect.prototypes import NEUTRAL, ONE_SIDED, OTHER, PROTOTYPES

DEGREES: Final = {"A": "a trace of", "B": "slight", "C": "marked", "D": "strong", "E": "the fullest"}
LIKELY, POSSIBLE = 0.75, 0.45
"""Probabilities from which a conclusion is called likely, and possible; below it nothing is concluded."""
SEEN: Final = 0.3
"""Confidence from which a unit is an observation."""
TOLD: Final = 0.12
"""Intensity from which it is worth a word."""
_MOST = 5
_ONE_SIDE = 0.4
"""A side that shows less than this share of the other is said not to take part."""
_FACE: Final = tuple(code for code in READ if code < 60)
_REGIONS: Final = {
    "brows": (1, 2, 4),
    "upper lids": (5,),
    "cheeks and lower lids": (6, 7),
    "nose and upper lip": (9, 10),
    "lip corners": (12, 14, 15, 20),
    "lips": (17, 18, 22, 23, 24, 28),
    "jaw": (26, 27, 29, 30),
}


@dataclass(frozen=True)
class Explanation:
    """Words about one face at one time.

    Attributes:
        observations: units that were seen, the strongest first, and brief events.
        not_seen: regions of the face that nothing tells enough of.
        interpretation: what such units are usually taken for; empty where nothing is.
        conclusion: one sentence, no surer than the probabilities.
    """

    observations: tuple[str, ...]
    not_seen: tuple[str, ...]
    interpretation: str
    conclusion: str

    @property
    def text(self) -> str:
        """All of it, for people."""
        seen = "; ".join(self.observations) or "nothing that moves"
        blind = f"Not seen: {', '.join(self.not_seen)}." if self.not_seen else ""
        return " ".join(part for part in (f"Seen: {seen}.", blind, self.interpretation, self.conclusion) if part)


def explain(units: ActionUnits, shown: Expressions, events: tuple[FacialEvent, ...] = ()) -> Explanation:
    """Words for one face.

    Args:
        units: what is read.
        shown: what follows from it.
        events: that ended lately.
    """
    x, sure = units.intensity, units.confidence
    seen = sorted((c for c in _FACE if sure[c] >= SEEN and x[c] >= TOLD), key=lambda c: -float(x[c] * sure[c]))
    observations = [_observed(code, units) for code in seen[:_MOST]]
    observations += [_happened(event) for event in events if event.kind == EventKind.MICRO_EXPRESSION]
    hidden = tuple(name for name, codes in _REGIONS.items() if max(float(sure[c]) for c in codes) < SEEN)
    if len(hidden) == len(_REGIONS):
        return Explanation((), hidden, "", "Nothing can be said: no sensor tells enough.")
    return Explanation(tuple(observations), hidden, _interpretation(shown, seen), _conclusion(shown, bool(hidden)))


def _observed(code: int, units: ActionUnits) -> str:
    x, left, right = units.intensity[code], units.left[code], units.right[code]
    degree = DEGREES[letter(float(x)) or "A"]
    side = ""
    if min(left, right) < _ONE_SIDE * max(left, right):
        left_leads = left > right
        unseen = units.right_confidence[code] if left_leads else units.left_confidence[code]
        side = f" on the {'left' if left_leads else 'right'}"
        side += " (the other side is not seen)" if unseen < SEEN else " only"
    return f"{degree} {NAMES[code]} (AU {code}, {x:.2f}){side}, confidence {units.confidence[code]:.2f}"


def _happened(event: FacialEvent) -> str:
    names = " and ".join(f"{NAMES[code]} (AU {code})" for code in event.codes[:3]) or "unknown units"
    return f"a brief movement of {1e3 * event.duration_s:.0f} ms: {names}, confidence {event.confidence:.2f}"


def _interpretation(shown: Expressions, seen: list[int]) -> str:
    best = CLASSES[int(np.argmax(shown.probability))]
    if best == NEUTRAL or not seen:
        return ""
    if best == OTHER:
        return "This fits none of the known prototypes of emotion; talking or eating may look so."
    units = {c for p in PROTOTYPES if p.name == best for c, share in p.units.items() if share >= 0.5}
    named = [NAMES[c] for c in seen[:_MOST] if c in units]
    if ONE_SIDED in units and not named:
        named = ["lip corners that differ"]
    if not named:
        return ""
    verb = "belongs" if len(named) == 1 else "belong"
    return f"{_listed(named).capitalize()} {verb} to the published prototype of {_noun(best)}."


def _conclusion(shown: Expressions, partly: bool) -> str:
    order = np.argsort(-shown.probability)
    best, second = CLASSES[int(order[0])], CLASSES[int(order[1])]
    p, q = float(shown.probability[order[0]]), float(shown.probability[order[1]])
    limit = " of what is seen" if partly else ""
    dimensions = f"valence {shown.valence:+.2f}, arousal {shown.arousal:+.2f}"
    if best == OTHER or p < POSSIBLE:
        return f"No conclusion{limit}: {_noun(best)} {p:.0%}, {_noun(second)} {q:.0%}; {dimensions}."
    word = "likely" if p >= LIKELY else "possibly"
    what = "a neutral face" if best == NEUTRAL else f"an expression of {_noun(best)}"
    return f"By the model{limit} {word} {what} ({p:.0%}; next {_noun(second)} {q:.0%}); {dimensions}."


_NOUNS: Final = {OTHER: "something else", NEUTRAL: "neutral", "awed": "awe", "appalled": "being appalled"}


def _noun(name: str) -> str:
    if name in _NOUNS:
        return _NOUNS[name]
    adverb, _, rest = name.partition(" ")
    return f"{adverb} {rest}" if rest else name


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


assert set(DEGREES) == set(INTENSITY)
