"""The take that a recorder was writing when it was killed: whoever takes its place records on, into a new one."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from face_recording.growing_file import is_marked, take_over
from face_recording.repair import bag_files

if TYPE_CHECKING:
    from face_recording.take_sheet import TakeSheet

RESUME_S = 60.0
"""A take that was cut off longer ago is not gone on with: people have seen by then that it ended."""
RECORDING = "recording"
"""State of a take, in its sheet, while it is written."""


@dataclass(frozen=True)
class CutOff:
    """A take whose recorder was killed.

    Attributes:
        folder: of the take.
        sheet: what was known of it.
        age_s: since the last of it was written, s.
    """

    folder: Path
    sheet: TakeSheet
    age_s: float


def recorder_identity(node: str) -> str:
    """What a take's sheet says of the recorder: its node's full name, and the ROS domain."""
    return f"{node} in domain {os.environ.get('ROS_DOMAIN_ID', '') or '0'}"


def newest_cut_off(takes: Path, recorder: str, within_s: float = RESUME_S) -> CutOff | None:
    """The newest take that this recorder was writing when it was killed, not longer ago than that; None: there is none.

    Args:
        takes: folder of takes.
        recorder: see `recorder_identity`.
        within_s: see above, s.
    """
    if not takes.is_dir():
        return None
    found = (_cut_off(folder, recorder) for folder in takes.iterdir() if folder.is_dir() and is_marked(folder))
    recent = [cut for cut in found if cut is not None and 0.0 <= cut.age_s <= within_s]
    return min(recent, key=lambda cut: cut.age_s, default=None)


def _cut_off(folder: Path, recorder: str) -> CutOff | None:
    """None: of another recorder, ended by itself, still written, or unreadable, which mending will tell."""
    from face_recording.take_sheet import TakeSheetError, read_sheet

    with contextlib.suppress(OSError, TakeSheetError):
        sheet = read_sheet(folder)
        if sheet is None or sheet.other.get("recorder") != recorder or sheet.other.get("state") != RECORDING:
            return None
        mark = take_over(folder)
        if mark is None:
            return None
        mark.release(finished=False)
        written = max((path.stat().st_mtime for path in bag_files(folder)), default=folder.stat().st_mtime)
        return CutOff(folder, sheet, time.time() - written)
    return None
