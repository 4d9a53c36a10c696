"""`take.yaml`: what stands beside a bag in the folder of a take, for people to read and to change.

    wearer: ana
    name: smiles
    notes: the chin unit was loose at the end
    created: '2026-11-28T15:00:00.000000+01:00'
    imusic: 0.2.0
    code_hash: 9f...
    model: imusic 3
    model_hash: 5c...
    engine: onnx cpu

Nothing in it tells the machine. What a replay needs stands in the bag: without this file a take is whole still.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from face_model.errors import ImusicError
from face_model.outputs import write_private
from face_model.settings import SettingsKind, read_mapping

SHEET_FILE = "take.yaml"
MOST_NOTES = 20_000
"""Characters: some pages. What is longer belongs into a file beside the take."""
MOST_NAME = 200

Line = Annotated[str, Field(max_length=MOST_NAME)]


class TakeSheetError(ImusicError, ValueError):
    """`take.yaml` cannot be read, or something cannot be written into it."""


@dataclass(frozen=True)
class TakeSheet:
    """What `take.yaml` says; every key may be absent.

    Attributes:
        wearer: who wore the sensors; empty if unknown.
        name: of the take, in words.
        notes: free text.
        created: when the recording began, ISO 8601 with the time zone.
        imusic: version of the package that recorded it.
        code_hash: SHA-256 of that package's sources, hexadecimal.
        model: name and version of the model.
        model_hash: SHA-256 of the model's files, hexadecimal.
        engine: that computed the weights.
        other: keys that this version does not know; kept when the file is written again.
    """

    wearer: Line = ""
    name: Line = ""
    notes: Annotated[str, Field(max_length=MOST_NOTES)] = ""
    created: Line = ""
    imusic: Line = ""
    code_hash: Line = ""
    model: Line = ""
    model_hash: Line = ""
    engine: Line = ""
    other: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("wearer", "name"):
            value = getattr(self, key)
            if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
                raise ValueError(f"{key}: expected one line of text, found {value!r}; leave out what cannot be printed")
        if self.created:
            try:
                datetime.fromisoformat(self.created)
            except ValueError as error:
                raise ValueError(f"created: expected a time as ISO 8601 has it, found {self.created!r}") from error


_SHEETS = SettingsKind("take sheet", TakeSheet, TakeSheetError)
_KNOWN = tuple(f.name for f in fields(TakeSheet) if f.name != "other")


def read_sheet(folder: Path) -> TakeSheet | None:
    """The sheet of a take; None where the folder has none, as one that `ros2 bag record` wrote.

    Raises:
        TakeSheetError: it cannot be read, or holds what is not understood.
    """
    path = folder / SHEET_FILE
    if not path.exists():
        return None
    content = read_mapping(path, "a take sheet", TakeSheetError)
    return checked_sheet(content, f"{path}: ")


def checked_sheet(content: Mapping[str, Any], where: str = "") -> TakeSheet:
    """A sheet of plain values; unknown keys are kept in `other`.

    Raises:
        TakeSheetError: a value is too long or no text.
    """
    try:
        for value in content.values():
            str(value).encode("utf-8")
    except UnicodeEncodeError as error:
        raise TakeSheetError(f"{where}expected text, found half a letter: {error.reason}; type it again") from error
    known = {key: value for key, value in content.items() if key in _KNOWN and value is not None}
    other = {key: value for key, value in content.items() if key not in _KNOWN}
    return _SHEETS.checked({**known, "other": other}, where=where)


def write_sheet(folder: Path, sheet: TakeSheet) -> None:
    """Write `take.yaml`, whole or not at all; only its owner can read it (0600).

    Raises:
        TakeSheetError: a value is too long, or text that no file can hold.
        OutputError: the disk is full or the folder cannot be written.
    """
    import yaml

    values = asdict(sheet)
    other = values.pop("other")
    checked_sheet({**other, **values}, "take.yaml: ")
    written = {key: value for key, value in {**values, **other}.items() if value != "" or key in ("wearer", "name")}
    text = yaml.safe_dump(written, allow_unicode=True, sort_keys=False, width=110)
    write_private(folder / SHEET_FILE, text)
