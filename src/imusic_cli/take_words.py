"""What is known of a take, in words and figures for people and programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

if TYPE_CHECKING:
    from face_recording.takes.listing import TakeSummary


def sheet_of(folder: Path) -> dict[str, Any]:
    """What `take.yaml` says, without what is empty; nothing where there is none, or it cannot be read."""
    from face_recording.take_sheet import TakeSheetError, read_sheet

    try:
        sheet = read_sheet(folder) if folder.is_dir() else None
    except TakeSheetError:
        return {}
    if sheet is None:
        return {}
    values = asdict(sheet)
    other: dict[str, Any] = values.pop("other")
    return {key: value for key, value in {**values, **other}.items() if value != ""}


SHEET_WORDS = {"state": "recording", "imusic": "recorded with imusic"}


def lines_of(value: Any, indent: str = "") -> Iterator[str]:
    """A value of `take.yaml` as people read it: a line for each entry of what is nested."""
    entries = value.items() if isinstance(value, dict) else [("-", entry) for entry in value] if isinstance(
        value, list) else None  # fmt: skip
    if entries is None:
        yield f"{indent}{value}"
        return
    if not entries:
        yield f"{indent}none"
    for key, entry in entries:
        if isinstance(entry, dict | list) and entry:
            yield f"{indent}{key}"
            yield from lines_of(entry, indent + "  ")
        else:
            yield f"{indent}{key}: {'none' if isinstance(entry, dict | list) else entry}"


def summary_values(summary: TakeSummary) -> dict[str, Any]:
    """A summary as JSON has it."""
    return asdict(summary) | {"folder": str(summary.folder)}


def row_of(summary: TakeSummary) -> list[str | Text]:
    """A summary as a row of the list of takes."""
    from face_recording.take_folder import safe_name

    whole = summary.state == "whole"
    # The recorder's folders begin with date and time.
    began = "" if summary.folder.name[:4].isdigit() else f" ({summary.created[:16].replace('T', ' ')})"
    named = f" “{summary.name}”" if summary.name and safe_name(summary.name) not in summary.folder.name else ""
    return [
        f"{summary.folder.name}{began}{named}",
        f"{summary.seconds:.1f} s",
        ", ".join(summary.wearers),
        f"{summary.rate_hz:.1f}",
        count_text(summary.lost),
        count_text(summary.samples_without_face),
        size_text(summary.bytes),
        Text(summary.state, "" if whole else "yellow"),
    ]


def count_text(number: int) -> str:
    """A count; it is negative where it is not known."""
    return "?" if number < 0 else str(number)


def many(number: int, what: str) -> str:
    """So many of something: "1 face", "2 faces"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def size_text(number: int) -> str:
    """A size, given in bytes."""
    return f"{number / 1e6:.1f} MB" if number < 1e9 else f"{number / 1e9:.2f} GB"
