"""FACS action units as ARKit weights, and expressions of emotion as action units.

The units are those of `face_affect.action_units`, which reads faces with the same table.

Notation, as FACS coders write it: `1+2+5D+L14`. A letter A to E after a unit is its intensity (trace, slight, marked,
severe, maximum; C is usual), `L` or `R` before it is one side only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from face_affect.action_units import INTENSITY, UNITS
from face_model import arkit
from imu_sim.errors import MotionError
from imu_sim.motion import Floats

_PERFORMED_OTHERWISE = frozenset({8, 61, 62, 63, 64})
"""Lips that stay together over a moving jaw belong to speech and chewing here, gaze to `eye_motion`."""

ACTION_UNITS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {str(unit.code): unit.shapes for unit in UNITS if unit.code not in _PERFORMED_OTHERWISE}
)
"""Number of the unit to the ARKit shapes that show it, by the table of `face_affect.action_units`; a name that exists
only as a pair means both sides. 30 is always written with its side."""

EMOTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # Prototypes and major variants of the six basic emotions after Ekman and Friesen's EMFACS (1983) and the
        # table of the FACS Investigator's Guide (2002), shortened.
        "happiness": ("6+12", "12", "6+12+25", "6+12+25+26", "6+7+12+25"),
        "surprise": ("1+2+5+26", "1+2+5+27", "1+2+5", "1+2+26", "5+26"),
        "fear": ("1+2+4+5+20+25", "1+2+4+5+20+26", "1+2+4+5", "5+20+25", "1+2+4+5+25+26"),
        "anger": ("4+5+7+23", "4+5+7+24", "4+7+10+23+25", "4+7+17+24", "4+5+7+25+26", "4+7"),
        "disgust": ("9", "9+16+25", "9+17", "10", "10+17", "10+16+25+26", "9+15"),
        "sadness": ("1+4+15+17", "1+4+11+15", "1+4+15", "6+15", "11+17", "1+15"),
        "contempt": ("L14", "R14", "L12B+L14", "R12B+R14", "14B+L10B"),
        # Compound emotions: S. Du, Y. Tao, A. Martinez, "Compound facial expressions of emotion", PNAS 2014, table 1.
        "happily_surprised": ("1+2+12+25", "1+2+5+12+25+26"),
        "happily_disgusted": ("10+12+25", "4+6+9+10+12+25"),
        "sadly_fearful": ("1+4+20+25", "1+2+4+5+15+20+25"),
        "sadly_angry": ("4+15", "4+7+11+15+17"),
        "sadly_surprised": ("1+4+25+26", "1+2+4+6+25+26"),
        "sadly_disgusted": ("4+10", "1+4+6+9+10+11+15+17+25"),
        "fearfully_angry": ("4+20+25", "4+5+7+10+11+15+20+25+26"),
        "fearfully_surprised": ("1+2+5+20+25", "1+2+4+5+10+11+20+25+26"),
        "fearfully_disgusted": ("1+4+10+20+25", "1+2+4+5+6+9+10+15+20+25"),
        "angrily_surprised": ("4+25+26", "4+5+7+10+25+26"),
        "angrily_disgusted": ("4+10+17", "4+7+9+10+17"),
        "disgustedly_surprised": ("1+2+5+10", "4+9+10+11+15+17+25+26"),
        "awed": ("1+2+5+25", "1+2+4+5+20+25+26"),
        # Other states with published units.
        "pain": ("4+6+7+9+25+43", "4+7+10+25+26", "4+6+10+43"),  # Prkachin and Solomon 2008
        "embarrassment": ("12+24B", "12B+14+24", "12+25B"),  # Keltner 1995, without its gaze and head
        # Everyday signals (named after use; their units are a guess).
        "interest": ("1B+2B", "1+2+12A", "5A+12A"),
        "doubt": ("15+17", "1B+2B+15B+17", "L2+R4+24A", "R2+L4+24A"),
        "effort": ("4+7+24", "6+7+20+24", "4+6+28"),
        "concentration": ("4B+7B", "4B+23B", "18A+4B", "L14A+17A"),
    }
)
"""Emotion to the sets of action units that show it."""

_UNIT = re.compile(r"^([LR]?)(\d+)([A-E]?)$")


def stem(name: str) -> tuple[str, ...]:
    """Shapes meant by a name: itself, or both sides where it exists only as a pair.

    Raises:
        MotionError: no ARKit shape or pair has this name.
    """
    if name in arkit.INDEX:
        return (name,)
    sides = (f"{name}Left", f"{name}Right")
    if sides[0] not in arkit.INDEX:
        raise MotionError(f"expected an ARKit shape or the stem of a pair, found {name!r}")
    return sides


def weights_of(pose: Mapping[str, float]) -> Floats:
    """Weight vector (52,) of shapes and stems of pairs.

    Raises:
        MotionError: a name is no ARKit shape or pair.
    """
    weights = np.zeros(arkit.COUNT)
    for name, value in pose.items():
        for each in stem(name):
            weights[arkit.INDEX[each]] = value
    return weights


def action_units(text: str) -> Floats:
    """Weight vector (52,) of action units written like `1+2+5D+L14`; shared shapes join as 1 - (1 - a)(1 - b).

    Raises:
        MotionError: a unit is unknown or its notation is.
    """
    rest = np.ones(arkit.COUNT)
    for token in text.split("+"):
        match = _UNIT.match(token.strip())
        if match is None or match[2] not in ACTION_UNITS or (match[2] == "30" and not match[1]):
            raise MotionError(
                f"expected action units like 6+12D+L14 of {', '.join(ACTION_UNITS)} (30 with its side), "
                f"found {token!r} in {text!r}"
            )
        side, unit, letter = match.groups()
        weights = weights_of(ACTION_UNITS[unit]) * (INTENSITY[letter] if letter else 1.0)
        if side:
            other = "Right" if side == "L" else "Left"
            weights[[i for i, name in enumerate(arkit.BLENDSHAPES) if name.endswith(other)]] = 0.0
        rest *= 1.0 - weights
    return 1.0 - rest
