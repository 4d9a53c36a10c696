"""Where takes are kept, and the folder of a new one: its name is safe whatever people call their take."""

from __future__ import annotations

import os
import re
import unicodedata
from datetime import datetime
from pathlib import Path

from face_recording.errors import RecordingError

TAKES_VARIABLE = "IMUSIC_TAKES"
LONGEST_NAME = 80
"""Bytes of the name in a folder's name; file systems take 255, and the files in it repeat the folder's name."""
MOST_OF_A_SECOND = 1000
"""Takes of one name that may begin in the same second."""

_UNSAFE = re.compile(r"[^\w-]+")


def takes_folder(given: str | Path = "") -> Path:
    """The folder that holds the takes: `given`, else `$IMUSIC_TAKES`, else `~/imusic_takes`; it need not exist."""
    return Path(str(given) or os.environ.get(TAKES_VARIABLE) or "~/imusic_takes").expanduser().absolute()


def safe_name(name: str) -> str:
    """A name as it may stand in a folder's name: letters of every script, digits, `-` and `_`; perhaps empty."""
    text = unicodedata.normalize("NFC", name.encode("utf-8", "ignore").decode("utf-8"))
    text = _UNSAFE.sub("_", text).strip("_-")
    return text.encode("utf-8")[:LONGEST_NAME].decode("utf-8", "ignore").strip("_-")


def make_take_folder(takes: Path, name: str, now: datetime) -> Path:
    """Make `<takes>/<date>_<time>[_<name>]`, with a number where that exists; only its owner can read it (0700).

    Raises:
        RecordingError: the folder of takes cannot be made or written into.
    """
    words = safe_name(name)
    stem = f"{now:%Y-%m-%d_%H-%M-%S}" + (f"_{words}" if words else "")
    try:
        takes.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, MOST_OF_A_SECOND):
            folder = takes / (stem if number == 1 else f"{stem}_{number}")
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                if not takes.is_dir():
                    raise
                continue
            return folder
    except OSError as error:
        raise RecordingError(
            f"expected a folder for takes at {takes} that can be written, found: {error.strerror or error}; "
            f"name another one (--output, ${TAKES_VARIABLE}), or make room"
        ) from error
    raise RecordingError(f"expected no {stem} in {takes}, found {MOST_OF_A_SECOND}; wait a second")
