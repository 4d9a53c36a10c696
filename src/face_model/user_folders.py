"""Folders of what is a user's own, by the XDG Base Directory Specification, which wants relative paths ignored."""

from __future__ import annotations

import os
from pathlib import Path

NAME = "imusic"


def data_folder() -> Path:
    """For what is to last, as wearers' profiles: in `$XDG_DATA_HOME`, or in `~/.local/share`."""
    return (_told("XDG_DATA_HOME") or Path.home() / ".local" / "share") / NAME


def state_folder() -> Path:
    """For what may be lost, but is of use next time: in `$XDG_STATE_HOME`, or in `~/.local/state`."""
    return (_told("XDG_STATE_HOME") or Path.home() / ".local" / "state") / NAME


def runtime_folder() -> Path:
    """For what is of use for a minute: in `$XDG_RUNTIME_DIR`, which is memory; where there is none, `state_folder`."""
    told = _told("XDG_RUNTIME_DIR")
    return state_folder() if told is None else told / NAME


def _told(name: str) -> Path | None:
    path = Path(os.environ.get(name, ""))
    return path if path.is_absolute() else None
