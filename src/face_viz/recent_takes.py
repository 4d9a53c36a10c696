"""The newest recordings of this machine, for a list to look at and to choose from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from face_viz.errors import VizError

MOST_TAKES: Final = 20
VARIABLE: Final = "IMUSIC_TAKES"
DEFAULT: Final = "~/imusic_takes"
WRITTEN: Final = ("metadata.yaml", "take.yaml")
"""A folder is a take if it has one of these."""


def takes_folder() -> Path:
    """Where recordings are kept."""
    return Path(os.environ.get(VARIABLE) or DEFAULT).expanduser().absolute()


def recent_takes(folder: Path, most: int = MOST_TAKES) -> list[dict[str, object]]:
    """Name and size in MB of the newest takes in a folder, newest first; names begin with date and time."""
    takes: list[dict[str, object]] = []
    for name in sorted(_folders(folder), reverse=True):
        if len(takes) == most:
            break
        files = _sizes(folder / name)
        if any(written in files for written in WRITTEN):
            takes.append({"name": name, "megabytes": round(sum(files.values()) / 1e6, 1)})
    return takes


def take_named(folder: Path, name: str) -> Path:
    """The take of this name in a folder: one that lies in it itself, never a link and never a place elsewhere.

    The name comes from outside: it is looked up among the names that are there, and no path is made of another.

    Raises:
        VizError: there is none.
    """
    for there in _folders(folder):
        if there == name and any(written in _sizes(folder / there) for written in WRITTEN):
            return folder / there
    raise VizError(f"expected a take named {name or '(nothing)'} in {folder}, found none; list the takes again")


def _folders(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []  # nothing was recorded here yet


def _sizes(folder: Path) -> dict[str, int]:
    try:
        return {entry.name: entry.stat().st_size for entry in os.scandir(folder) if entry.is_file()}
    except OSError:
        return {}  # gone since
