"""Action units of FACS from ARKit weights, and the one table that ties the two.

Action units (AU) are the visible effects of single muscles or few: P. Ekman, W. Friesen, J. Hager, "Facial Action
Coding System", 2002. ARKit's shapes were drawn after them, so most correspond one to one. The table says which shapes a
unit shows, and how far at full intensity; the simulator draws faces with it, `action_units` reads them by its inverse.

Arrays are 99 long and indexed by FACS code, the layout of hri_msgs/FacialActionUnits. A unit that cannot be read has
intensity 0 and confidence 0: that message has no other word for it, and a NaN would end up in somebody's mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from face_affect.errors import AffectError
from face_model import arkit

CODES: Final = 99
"""Length of arrays indexed by FACS code, as in hri_msgs/FacialActionUnits."""

INTENSITY: Final[Mapping[str, float]] = MappingProxyType({"A": 0.15, "B": 0.35, "C": 0.65, "D": 0.85, "E": 1.0})
"""FACS letter (trace, slight, marked, severe, maximum) to intensity. The manual orders the letters and gives them no
numbers; these are a guess."""

FACS: Final = "FACS"
"""Source: the unit's definition in the FACS manual of 2002, and the ARKit shape that was drawn after it: M. Ozel,
"ARKit to FACS: Blendshape Cheat Sheet", melindaozel.com; Apple's pictures of `ARFaceAnchor.BlendShapeLocation`."""
COUPLED: Final = "FACS, coupled"
"""Source: as `FACS` for the first shape; the other shapes move along on faces by the manual's list of what the unit
changes, by an amount set by eye."""
SHARED: Final = "FACS, shared"
"""Source: the manual's definition; ARKit has no shape of its own for it, so it is a pattern of shapes that belong to
other units first, by an amount set by eye."""


@dataclass(frozen=True)
class Unit:
    """One row of the table.

    Attributes:
        code: FACS code.
        name: as FACS calls it.
        muscle: what moves it, by the FACS manual.
        shapes: stem of an ARKit shape to its weight at full intensity. A stem without `Left` or `Right` that exists as
            a pair means both sides.
        source: of the row: `FACS`, `COUPLED` or `SHARED`.
        lead: stem to its share in the reading; empty where the unit is read from a pattern instead, or not at all.
        read: whether ARKit weights tell it from other units.
    """

    code: int
    name: str
    muscle: str
    shapes: Mapping[str, float]
    source: str
    lead: Mapping[str, float]
    read: bool = True


def _row(
    code: int,
    name: str,
    muscle: str,
    shapes: Mapping[str, float],
    source: str = FACS,
    lead: Mapping[str, float] | None = None,
    read: bool = True,
) -> Unit:
    first = {next(iter(shapes)): 1.0} if lead is None else lead
    return Unit(code, name, muscle, MappingProxyType(dict(shapes)), source, MappingProxyType(dict(first)), read)


_PATTERN: Final[Mapping[str, float]] = {}

UNITS: Final[tuple[Unit, ...]] = (
    _row(1, "inner brow raiser", "frontalis, medial part", {"browInnerUp": 0.9}),
    _row(2, "outer brow raiser", "frontalis, lateral part", {"browOuterUp": 0.9}),
    _row(4, "brow lowerer", "corrugator and depressor supercilii", {"browDown": 0.9}),
    _row(5, "upper lid raiser", "levator palpebrae superioris", {"eyeWide": 0.9}),
    _row(6, "cheek raiser", "orbicularis oculi, outer part", {"cheekSquint": 0.6, "eyeSquint": 0.3}, COUPLED),
    _row(7, "lid tightener", "orbicularis oculi, inner part", {"eyeSquint": 0.7}),
    _row(8, "lips toward each other", "orbicularis oris", {"mouthClose": 0.9}),
    _row(
        9, "nose wrinkler", "levator labii superioris alaeque nasi",
        {"noseSneer": 0.9, "mouthUpperUp": 0.2, "browDown": 0.2}, COUPLED,
    ),
    _row(10, "upper lip raiser", "levator labii superioris", {"mouthUpperUp": 0.85, "noseSneer": 0.25}, COUPLED),
    _row(
        11, "nasolabial deepener", "zygomaticus minor",
        {"mouthUpperUp": 0.3, "noseSneer": 0.2}, SHARED, _PATTERN, read=False,
    ),
    _row(12, "lip corner puller", "zygomaticus major", {"mouthSmile": 0.95, "mouthDimple": 0.1}, COUPLED),
    _row(
        13, "sharp lip puller", "levator anguli oris",
        {"mouthSmile": 0.5, "cheekPuff": 0.15, "mouthDimple": 0.2}, SHARED, _PATTERN, read=False,
    ),
    _row(14, "dimpler", "buccinator", {"mouthDimple": 0.9}),
    _row(15, "lip corner depressor", "depressor anguli oris", {"mouthFrown": 0.9}),
    _row(16, "lower lip depressor", "depressor labii inferioris", {"mouthLowerDown": 0.9}),
    _row(
        17, "chin raiser", "mentalis", {"mouthShrugLower": 0.9, "mouthShrugUpper": 0.5}, COUPLED,
        {"mouthShrugLower": 0.8, "mouthShrugUpper": 0.2},
    ),
    _row(18, "lip pucker", "incisivii labii, orbicularis oris", {"mouthPucker": 0.95}),
    _row(19, "tongue show", "tongue", {"tongueOut": 0.9, "jawOpen": 0.35}, COUPLED),
    _row(20, "lip stretcher", "risorius", {"mouthStretch": 0.9}),
    _row(22, "lip funneler", "orbicularis oris", {"mouthFunnel": 0.9}),
    _row(
        23, "lip tightener", "orbicularis oris",
        {"mouthPress": 0.5, "mouthRollUpper": 0.3, "mouthRollLower": 0.3}, SHARED, _PATTERN,
    ),
    _row(24, "lip presser", "orbicularis oris", {"mouthPress": 0.9}),
    _row(
        25, "lips part", "depressor labii inferioris, or relaxed mentalis and orbicularis oris",
        {"mouthLowerDown": 0.3, "mouthUpperUp": 0.15}, SHARED, _PATTERN,
    ),
    _row(26, "jaw drop", "masseter, relaxed", {"jawOpen": 0.4}, FACS, _PATTERN),
    _row(27, "mouth stretch", "pterygoids, digastric", {"jawOpen": 0.9}, FACS, _PATTERN),
    _row(
        28, "lip suck", "orbicularis oris", {"mouthRollUpper": 0.85, "mouthRollLower": 0.85}, FACS,
        {"mouthRollUpper": 0.5, "mouthRollLower": 0.5},
    ),
    _row(29, "jaw thrust", "pterygoids", {"jawForward": 0.85}),
    _row(30, "jaw sideways", "pterygoids", {"jaw": 0.8}),
    _row(34, "cheek puff", "air against closed lips", {"cheekPuff": 0.9}),
    _row(43, "eyes closed", "levator palpebrae superioris, relaxed", {"eyeBlink": 1.0}),
    _row(61, "eyes turn left", "eye muscles", {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}, FACS, _PATTERN),
    _row(62, "eyes turn right", "eye muscles", {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0}, FACS, _PATTERN),
    _row(63, "eyes up", "eye muscles", {"eyeLookUp": 1.0}),
    _row(64, "eyes down", "eye muscles", {"eyeLookDown": 1.0}),
)  # fmt: skip
"""The table, by code. What FACS knows beside these (21, 31 to 42 but 34, 44, the head and gross behaviour) has no ARKit
shape. mouthLeft and mouthRight belong to no unit. A blink (45) and a wink (46) are closed eyes (43) in time and on one
side: see `face_affect.events`."""

NAMES: Final[Mapping[int, str]] = MappingProxyType(
    {0: "neutral face"} | {unit.code: unit.name for unit in UNITS} | {45: "blink", 46: "wink"}
)
"""FACS code to name, of all codes that are ever reported."""

READ: Final[tuple[int, ...]] = tuple(unit.code for unit in UNITS if unit.read)
"""Codes that `action_units` reads."""

BOTH_AT_ONCE: Final[tuple[int, ...]] = (8, 18, 19, 22, 25, 26, 27, 29, 34, 61, 62)
"""Codes that have no sides; 1 has in FACS, but ARKit's shape of it has none, so its sides are always equal."""


def _stems() -> dict[str, tuple[int, int]]:
    """Stem to the indices of its left and right shape; both are the same on the midline."""
    stems: dict[str, tuple[int, int]] = {}
    for i, name in enumerate(arkit.BLENDSHAPES):
        other = arkit.MIRROR[i]
        if other == i:
            stems[name] = (i, i)
        elif name.endswith("Left"):
            stems[name.removesuffix("Left")] = (i, other)
    return stems


_STEMS: Final = _stems()


def _columns(table: Mapping[str, float], side: int) -> NDArray[np.float64]:
    """(52,) of one row of the table on one side."""
    row = np.zeros(arkit.COUNT)
    for name, value in table.items():
        row[_STEMS[name][side] if name in _STEMS else arkit.INDEX[name]] = value
    return row


def _inverse(side: int) -> NDArray[np.float64]:
    """(units with a lead, 52): reads each unit alone as it was drawn, and what others draw as none of it."""
    led = [unit for unit in UNITS if unit.lead]
    reading = np.stack([_columns(unit.lead, side) for unit in led])
    drawing = np.stack([_columns(unit.shapes, side) for unit in led])
    return np.asarray(np.linalg.solve(reading @ drawing.T, reading), dtype=np.float64)


_PATTERNS: Final[Mapping[int, Mapping[str, float]]] = MappingProxyType(
    {
        61: {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5},
        62: {"eyeLookInLeft": 0.5, "eyeLookOutRight": 0.5},
        26: {"jawOpen": 1.0},
        27: {"jawOpen": 1.0},
        25: {"mouthClose": -1.0, "jawOpen": 1.0, "mouthUpperUp": 0.7, "mouthLowerDown": 0.7},
        23: {"mouthPress": 0.5, "mouthRollUpper": 0.25, "mouthRollLower": 0.25},
    }
)
"""What units without a lead look at; how the numbers are used says `action_units`."""

_COMPUTED: Final = np.array([unit.code for unit in UNITS if unit.lead] + list(_PATTERNS))
"""Codes in the order in which they are computed."""
_COLUMN: Final = {int(code): i for i, code in enumerate(_COMPUTED)}
_PRESS, _SUCK, _TIGHT, _PART, _DROP, _STRETCH = (_COLUMN[code] for code in (24, 28, 23, 25, 26, 27))
_FACIAL: Final = np.flatnonzero(_COMPUTED < 60)

_GAINS: Final = np.concatenate(
    [np.concatenate([_inverse(side), np.stack([_columns(row, side) for row in _PATTERNS.values()])]) for side in (0, 1)]
).T.copy()
"""(52, 2 * computed): first all of the left, then all of the right."""
_SHARES: Final = (np.abs(_GAINS) / np.abs(_GAINS).sum(axis=0)).copy()
"""How much each shape takes part in a reading."""

_TIGHT_PRESS, _TIGHT_ROLL = 0.5, 0.3  # the row of unit 23
_PRESS_FULL, _ROLL_FULL = 0.9, 0.85  # the rows of 24 and 28
_JAW_DROP, _JAW_STRETCH = 0.4, 0.9  # the rows of 26 and 27
_JAW_PULLED = (0.5, 0.75)
"""jawOpen between which a dropped jaw becomes a stretched mouth: FACS tells them by whether the jaw is pulled, which a
weight does not show; between the two amounts of the table."""
_PARTED = 0.315
"""Opening of the lips at which unit 25 is full: what its row of the table draws."""
_EVEN = 0.05
"""Intensity below which both sides count alike in the confidence."""


@dataclass(frozen=True)
class ActionUnits:
    """Action units of one face or of N; all arrays (99,) or (N, 99), indexed by FACS code.

    Attributes:
        intensity: 0 to 1. Of a unit with sides that of the stronger one: FACS scores a one-sided action in full, and a
            mean would halve a wink. A side of low confidence does not lead: intensity times confidence decides.
        confidence: 0 to 1, mean of the shapes' confidences by how much each takes part in the reading. Hidden shapes
            count as 0: a weight that nobody measured is no evidence. Where both sides show a unit it lies between
            theirs, else near that of the side that does. 0: not read.
        left: intensity on the wearer's left; units without sides have the same on both.
        right: intensity on the wearer's right.
        left_confidence, right_confidence: of each side alone.
    """

    intensity: NDArray[np.float64]
    confidence: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    left_confidence: NDArray[np.float64]
    right_confidence: NDArray[np.float64]

    @property
    def asymmetry(self) -> NDArray[np.float64]:
        """Left minus right, -1 to 1; 0 for units without sides."""
        return self.left - self.right


def action_units(
    weights: ArrayLike, confidence: ArrayLike | None = None, observable: ArrayLike | None = None
) -> ActionUnits:
    """Action units that a face shows.

    Args:
        weights: (52,) or (N, 52) in ARKit order, relative to the wearer's neutral. Values beyond 0 to 1 are clipped.
        confidence: of the weights, same shape or (52,), 0 to 1; 1 where absent. What is not a number is 0.
        observable: same shape or (52,): whether a weight was measured; all, where absent. As in
            imusic/FaceBlendshapes.observable.

    Raises:
        AffectError: a shape is not as above.
    """
    given = np.asarray(weights, dtype=np.float64)
    if given.ndim not in (1, 2) or given.shape[-1] != arkit.COUNT:
        raise AffectError(f"expected weights of shape (52,) or (N, 52), found {given.shape}")
    trust = _trust(given, confidence, observable)
    lost = np.isnan(given)
    if lost.any():
        given, trust = np.where(lost, 0.0, given), np.where(lost, 0.0, trust)
    shape = (*given.shape[:-1], 2, len(_COMPUTED))
    read = (given.clip(0.0, 1.0) @ _GAINS).reshape(shape)
    certain = (trust @ _SHARES).reshape(shape)
    # Pressed and rolled together is tightened; what is left of either is its own.
    press, roll = _PRESS_FULL * read[..., _PRESS], _ROLL_FULL * read[..., _SUCK]
    tight = np.minimum(press / _TIGHT_PRESS, roll / _TIGHT_ROLL).clip(0.0, 1.0)
    read[..., _TIGHT] = tight
    read[..., _PRESS] -= tight * (_TIGHT_PRESS / _PRESS_FULL)
    read[..., _SUCK] -= tight * (_TIGHT_ROLL / _ROLL_FULL)
    jaw = read[..., _DROP]
    pulled = ((jaw - _JAW_PULLED[0]) / (_JAW_PULLED[1] - _JAW_PULLED[0])).clip(0.0, 1.0)
    read[..., _STRETCH] = jaw * pulled / _JAW_STRETCH
    read[..., _DROP] = (jaw / _JAW_DROP).clip(0.0, 1.0) * (1.0 - pulled)
    read[..., _PART] /= _PARTED
    np.clip(read, 0.0, 1.0, out=read)
    left, right = read[..., 0, :], read[..., 1, :]
    if not np.array_equal(left[..., _PART], right[..., _PART]):  # a lip that is drawn away on one side opens the mouth
        left[..., _PART] = right[..., _PART] = np.maximum(left[..., _PART], right[..., _PART])
    pull = read * certain
    lead = pull[..., 0, :] - pull[..., 1, :]
    stronger = np.where(lead > 0.0, left, np.where(lead < 0.0, right, np.maximum(left, right)))
    pull += _EVEN
    sure = (pull * certain).sum(axis=-2) / pull.sum(axis=-2)
    out = np.zeros((6, *given.shape[:-1], CODES))
    for row, found in enumerate((stronger, sure, left, right, certain[..., 0, :], certain[..., 1, :])):
        out[row][..., _COMPUTED] = found
    # FACS 0: nothing moves. It is as sure as what was looked at is on the whole.
    out[(0, 2, 3), ..., 0] = np.prod(1.0 - stronger[..., _FACIAL], axis=-1)
    out[(1, 4, 5), ..., 0] = sure[..., _FACIAL].mean(axis=-1)
    return ActionUnits(*out)


def leading(intensity: NDArray[np.float64]) -> NDArray[np.intp]:
    """Code of the strongest unit of (..., 99); 0 where nothing moves.

    Unit 25 leads only where no other unit is half as strong: lips part along with a jaw that drops and with a lip that
    is drawn away, which FACS scores beside it.
    """
    others = np.array(intensity, dtype=np.float64)
    others[..., (0, 25)] = 0.0
    best = others.argmax(axis=-1)
    value = others.max(axis=-1)
    parted = np.asarray(intensity)[..., 25]
    found = np.where(2.0 * value >= parted, best, 25)
    return np.asarray(np.where(np.maximum(value, parted) > 0.0, found, 0))


def _trust(
    weights: NDArray[np.float64], confidence: ArrayLike | None, observable: ArrayLike | None
) -> NDArray[np.float64]:
    trust = np.ones_like(weights)
    if confidence is not None:
        given = _checked(weights, np.asarray(confidence, dtype=np.float64), "confidence")
        trust *= np.where(np.isnan(given), 0.0, given).clip(0.0, 1.0)
    if observable is not None:
        trust *= _checked(weights, np.asarray(observable, dtype=np.float64), "observable")
    return trust


def _checked(weights: NDArray[np.float64], found: NDArray[np.float64], what: str) -> NDArray[np.float64]:
    if found.shape not in (weights.shape, (arkit.COUNT,)):
        raise AffectError(f"expected {what} of shape {weights.shape} or (52,), found {found.shape}")
    return found


def letter(intensity: float) -> str:
    """FACS letter of an intensity, "" below half a trace: the nearest of `INTENSITY`."""
    if intensity < 0.5 * INTENSITY["A"]:
        return ""
    return min(INTENSITY, key=lambda name: abs(INTENSITY[name] - intensity))
