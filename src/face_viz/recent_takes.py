"""The newest recordings of this machine, for a list to look at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

MOST_TAKES: Final = 20
VARIABLE: Final = "IMUSIC_TAKES"
DEFAULT: Final = "~/imusic_takes"
WRITTEN: Final = ("metadata.yaml", "take.yaml")
"""A folder is a take if it has one of these."""


def takes_folder() -> Path:
    """Where recordings are kept."""
    return Path(os.environ.get(VARIABLE) or DEFAULT).expanduser()


def recent_takes(folder: Path, most: int = MOST_TAKES) -> list[dict[str, object]]:
    """Name and size in MB of the newest takes in a folder, newest first; names begin with date and time."""
    try:
        entries = [entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []  # nothing was recorded here yet
    takes: list[dict[str, object]] = []
    for name in sorted(entries, reverse=True):
        if len(takes) == most:
            break
        files = _sizes(folder / name)
        if any(written in files for written in WRITTEN):
            takes.append({"name": name, "megabytes": round(sum(files.values()) / 1e6, 1)})
    return takes


def _sizes(folder: Path) -> dict[str, int]:
    try:
        return {entry.name: entry.stat().st_size for entry in os.scandir(folder) if entry.is_file()}
    except OSError:
        return {}  # gone since
