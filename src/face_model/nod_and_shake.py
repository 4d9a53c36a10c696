"""The short routine that aligns the sensors: keep still, nod, shake the head; all sensors turn with the skull.

Which phases, their order, texts and times are this project's own choice; nothing here was tried on people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Phase:
    """One thing that the wearer is asked to do.

    Attributes:
        name: for files and reports, unique; empty while nothing is to be done but keeping still.
        text: instruction to the wearer, in plain English.
        start_s, end_s: since the routine's beginning, s.
    """

    name: str
    text: str
    start_s: float
    end_s: float


STILL_S: Final = 2.6
"""Relaxed, still face that looks ahead, at the beginning, s: the neutral is learned from it."""

PHASES: Final[tuple[Phase, ...]] = (
    Phase("", "Relax your face, look ahead and keep still.", 0.0, STILL_S),
    Phase("nod", "Nod: up and down, twice or more, the face relaxed.", STILL_S, 6.2),
    Phase("shake", "Now shake your head: left and right, twice or more.", 6.2, 10.0),
)
"""In order, without gaps."""

PROMPTS: Final = len(PHASES) - 1
"""How many things are asked for, beside keeping still."""

DURATION_S: Final = PHASES[-1].end_s
"""Length of the whole routine, s."""

STILL_TEXT: Final = PHASES[0].text


def phase_at(time_s: float) -> tuple[int, Phase]:
    """Number and phase at `time_s` since the beginning; the last one after the end."""
    number = sum(phase.start_s <= time_s for phase in PHASES[1:])
    return number, PHASES[number]
