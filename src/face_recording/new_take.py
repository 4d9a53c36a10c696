"""What a take begins with: room on the disk, a folder of its own, a sheet that says who and with what."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from face_model.errors import ImusicError
from face_recording.cut_off import RECORDING
from face_recording.errors import RecordingError
from face_recording.take_folder import make_take_folder

if TYPE_CHECKING:
    from face_recording.bag_writer import BagWriter
    from face_recording.take_sheet import TakeSheet

MB: Final = 1 << 20


class AskedTake(NamedTuple):
    """What somebody asks to record.

    Attributes:
        name: of the take; may be empty.
        wearer: who wears the sensors; empty: the snapshots will tell.
        notes: what is worth knowing of it.
        continues: folder of the take whose recorder was killed, which this one goes on with; empty: none.
    """

    name: str
    wearer: str = ""
    notes: str = ""
    continues: str = ""


def check_room(takes: Path, reserve_bytes: int) -> None:
    """Whether a recording could begin on the disk of a folder, which need not be there yet.

    Raises:
        RecordingError: hardly more than the reserve is free.
    """
    place = takes
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if free <= reserve_bytes + 16 * MB:
        raise RecordingError(
            f"expected more than {reserve_bytes // MB} MB on the disk of {takes}, which are kept free, found "
            f"{free // MB} MB; make room, name another folder, or lower disk_reserve_mb"
        )


def new_take(
    takes: Path, asked: AskedTake, recorder: str, places: Sequence[str], split_bytes: int, split_s: float
) -> tuple[Path, TakeSheet, BagWriter]:
    """Make a take's folder, with its sheet and an empty bag.

    Args:
        takes: folder of takes.
        asked: what is recorded.
        recorder: see `recorder_identity`.
        places: namespaces that are recorded.
        split_bytes: size at which another file of the bag begins.
        split_s: length at which it does.

    Raises:
        RecordingError: the disk refuses; nothing is left of the folder.
        ImusicError: the sheet cannot be written.
    """
    from face_recording.bag_writer import BagWriter
    from face_recording.take_sheet import write_sheet

    folder = make_take_folder(takes, asked.name, datetime.now().astimezone())
    try:
        sheet = _sheet(asked, recorder, places)
        write_sheet(folder, sheet)
        return folder, sheet, BagWriter(folder, split_bytes, split_s, os.environ.get("ROS_DISTRO", ""))
    except (OSError, ImusicError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise RecordingError(
                f"expected to write {folder}, found: {error.strerror or error}; make room or name another folder"
            ) from error
        raise


def one_line(text: str, longest: int) -> str:
    """Text as one line that can be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:longest].strip()


def _sheet(asked: AskedTake, recorder: str, places: Sequence[str]) -> TakeSheet:
    from face_model.version import version
    from face_recording.code_hash import code_hash
    from face_recording.take_sheet import MOST_NAME, checked_sheet

    values = {
        "name": one_line(asked.name, MOST_NAME),
        "wearer": one_line(asked.wearer, MOST_NAME),
        "notes": asked.notes,
        "created": datetime.now().astimezone().isoformat(),
        "imusic": version(),
        "code_hash": code_hash(),
    }
    about = {
        "namespaces": list(places),
        "state": RECORDING,
        "recorder": recorder,
        **({"continues": Path(asked.continues).name} if asked.continues else {}),
        "ros": os.environ.get("ROS_DISTRO", ""),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    return checked_sheet({**values, **about})
