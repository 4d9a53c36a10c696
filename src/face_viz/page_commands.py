"""What viewers of the page may ask for: a closed list, each with bounded arguments and a least time between two."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

MOST_NAME: Final = 64
"""Characters of a wearer's or a take's name."""
MOST_NOTES: Final = 500
"""Characters of the notes of a take."""
MOST_SENSOR: Final = 255
"""Numbers of units are one byte on the hub."""

PERIOD_S: Final = {
    "calibrate": 3.0,  # it takes two still seconds
    "identify": 0.5,
    "routine": 2.0,
    "cancel": 0.5,
    "use_wearer": 1.0,
    "record": 2.0,
    "stop": 1.0,
    "takes": 0.5,
    "watch": 0.0,
}
"""Commands, and the least time between two of a kind, of all viewers together, s."""

TEXTS: Final = {"wearer": MOST_NAME, "take": MOST_NAME, "notes": MOST_NOTES}


@dataclass(frozen=True)
class Command:
    """Something that a viewer asked for.

    Attributes:
        name: one of `PERIOD_S`.
        sensor: number of a unit on the hub, for `identify`.
        wearer: name of a profile, for `routine`, `use_wearer` and `record`; may be empty.
        take: name of a recording, for `record`; may be empty.
        notes: free text kept with a recording.
        signals: for `watch`: whether this viewer looks at the sensors' signals.
    """

    name: str
    sensor: int = 0
    wearer: str = ""
    take: str = ""
    notes: str = ""
    signals: bool = False


def parse_command(text: str) -> Command | None:
    """The command in a viewer's message; None if it is not from our page: nothing to do, nobody to tell."""
    try:
        fields: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("command"), str):
        return None
    if fields["command"] not in PERIOD_S:
        return None
    wearer, take, notes = (_line(fields.get(key, ""), most) for key, most in TEXTS.items())
    sensor, signals = fields.get("sensor", 0), fields.get("signals", False)
    if type(sensor) is not int or not 0 <= sensor <= MOST_SENSOR or type(signals) is not bool:
        return None
    if wearer is None or take is None or notes is None:
        return None
    return Command(fields["command"], sensor, wearer, take, notes, signals)


def _line(value: object, most: int) -> str | None:
    """A short text without control characters; None for anything else."""
    if not isinstance(value, str) or len(value) > most:
        return None
    text = " ".join(value.split())
    return text if text.isprintable() else None
