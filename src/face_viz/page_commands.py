"""What viewers of the page may ask for: a closed list, each with bounded arguments and a least time between two."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

MOST_NAME: Final = 64
"""Characters of a wearer's or a take's name."""
MOST_NOTES: Final = 500
"""Characters of the notes of a take."""
MOST_FOLDER: Final = 255
"""Characters of the folder of a take; file systems take as many bytes."""
MOST_SENSOR: Final = 255
"""Numbers of units are one byte on the hub."""

PERIOD_S: Final = {
    "calibrate": 3.0,  # it takes two still seconds
    "identify": 0.5,
    "routine": 2.0,
    "align": 2.0,
    "cancel": 0.5,
    "use_wearer": 1.0,
    "record": 2.0,
    "stop": 1.0,
    "takes": 0.5,
    "check_take": 0.5,
    "export_take": 0.5,
    "cancel_take": 0.2,
    "replay_take": 1.0,
    "end_replay": 0.2,
    # The player answers at once, and of several seeks that wait only the last is asked for.
    "pause": 0.0,
    "resume": 0.0,
    "seek": 0.0,
    "set_rate": 0.0,
    "watch": 0.0,
}
"""Commands, and the least time between two of a kind, of all viewers together, s."""

TAKE_COMMANDS: Final = ("check_take", "export_take", "cancel_take", "replay_take", "end_replay")
"""What concerns the takes on this machine's disk."""

TEXTS: Final = {"wearer": MOST_NAME, "take": MOST_NAME, "notes": MOST_NOTES}

FORMATS: Final = ("csv", "glb", "json", "npz", "parquet", "vrma", "mp4", "gif")
"""What a take can be exported to from the page: endings that `imusic takes export --to` knows."""
WHOSE: Final = re.compile(r"/?[A-Za-z0-9_/]{0,200}", re.ASCII)
"""A ROS namespace, as far as a text can be one."""


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
        position: for `seek`, s after the first face.
        rate: for `set_rate`, seconds of the recording in a second.
        folder: name of a take's folder, one part of a path and not its parent, for `check_take`, `export_take` and
            `replay_take`.
        format: one of `FORMATS`, for `export_take`.
        whose: ROS namespace of the wearer, where several are in a take; may be empty.
    """

    name: str
    sensor: int = 0
    wearer: str = ""
    take: str = ""
    notes: str = ""
    signals: bool = False
    position: float = 0.0
    rate: float = 1.0
    folder: str = ""
    format: str = ""
    whose: str = ""


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
    position, rate = _number(fields.get("position", 0.0)), _number(fields.get("rate", 1.0))
    folder, format_, whose = fields.get("folder", ""), fields.get("format", ""), fields.get("whose", "")
    if position is None or rate is None or not _is_part(folder) or format_ not in ("", *FORMATS):
        return None
    if not isinstance(whose, str) or not WHOSE.fullmatch(whose):
        return None
    return Command(fields["command"], sensor, wearer, take, notes, signals, position, rate, folder, format_, whose)


def _number(value: object) -> float | None:
    """A finite number; None for anything else."""
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _is_part(value: object) -> bool:
    """Whether it is empty, or a text that can be the name of a folder in a folder, and of no other place."""
    if not isinstance(value, str) or len(value) > MOST_FOLDER:
        return False
    return value.isprintable() and "/" not in value and value not in (".", "..")


def _line(value: object, most: int) -> str | None:
    """A short text without control characters; None for anything else."""
    if not isinstance(value, str) or len(value) > most:
        return None
    text = " ".join(value.split())
    return text if text.isprintable() else None
