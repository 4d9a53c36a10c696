"""Which takes there are, and what is known of each without reading it through."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from face_model.errors import ImusicError
from face_model.share import is_path
from face_recording.bag_reader import BYTES, FACES, FRAMES, REFERENCE, Bag
from face_recording.growing_file import MARK_FILE, RESERVE_FILE
from face_recording.repair import is_unfinished
from face_recording.take_folder import takes_folder
from face_recording.take_sheet import SHEET_FILE, TakeSheet, TakeSheetError, read_sheet
from face_recording.takes.errors import NoTakeError, TakeError
from face_recording.takes.reading import Length, full_name, length_of, opened, stamp_ns, wearers
from face_recording.takes.take import NS

LAST = "last"
"""The take that was made last, wherever a take is named."""
_BAG_ENDINGS = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd", ".db3-wal", ".db3-shm")
PAIRING_FILE = "pairing.yaml"
"""What `imusic takes pair` found, beside the bag."""
_OWN_FILES = ("metadata.yaml", SHEET_FILE, PAIRING_FILE, MARK_FILE, RESERVE_FILE)


@dataclass(frozen=True)
class TakeSummary:
    """One take in a list.

    Attributes:
        folder: of the take.
        created: when it began, ISO 8601 with time zone; empty if unknown.
        seconds: from the first to the last face, s.
        lead_in_s: input before the first face, from which a replay computes the same weights, s.
        wearers: names, or namespaces of those without one.
        name: of the take, in words.
        notes: free text.
        faces: how many; -1 where the file does not tell.
        rate_hz: faces per second from the first to the last, of the wearer with most.
        lost: messages that were published and are missing; -1 if not known, as where the hub began to count anew.
        samples_without_face: numbers of samples that no face has; -1 if not known.
        bytes: of all its files.
        holds: of hub bytes, frames, faces, reference: what is in it.
        state: whole, recording (it goes on), cut (its recorder was killed), or why it cannot be opened.
    """

    folder: Path
    created: str = ""
    seconds: float = 0.0
    lead_in_s: float = 0.0
    wearers: tuple[str, ...] = ()
    name: str = ""
    notes: str = ""
    faces: int = 0
    rate_hz: float = 0.0
    lost: int = -1
    samples_without_face: int = -1
    bytes: int = 0
    holds: tuple[str, ...] = ()
    state: str = "whole"

    @property
    def length(self) -> str:
        """In words."""
        return Length(self.seconds, self.lead_in_s).words


def is_take(folder: Path) -> bool:
    """Whether a folder holds files of a bag."""
    try:
        return folder.is_dir() and any(_is_bag(path.name) for path in folder.iterdir())
    except OSError:
        return False


def take_folders(takes: Path | None = None) -> list[Path]:
    """Folders of all takes, the oldest first.

    Raises:
        NoTakeError: the folder of takes cannot be read.
    """
    place = takes or takes_folder()
    try:
        found = [path for path in place.iterdir() if is_take(path)] if place.exists() else []
        return sorted(found, key=lambda path: (_made_s(path), path.name))
    except OSError as error:
        raise NoTakeError(
            f"expected a folder of takes at {place}, found: {error.strerror}; check its rights"
        ) from error


def find_recording(given: str) -> Path:
    """The recording that a program is told of: a folder or file that is there, as it stands, else as of `find_take`.

    Raises:
        NoTakeError: there is none, or several.
    """
    if not given:
        raise NoTakeError("expected a recording, found none; give a take's name, or the folder of a bag")
    path = Path(given).expanduser()
    return path if path.exists() else find_take(given)


def find_take(given: str, takes: Path | None = None) -> Path:
    """The take that is meant: a path, a folder's name, a take's own, the end or a part of a folder's name, or `last`.

    Raises:
        NoTakeError: there is none, or several.
    """
    path = Path(given).expanduser()
    if is_path(given):
        if is_take(path) or (path.is_file() and _is_bag(path.name)):
            return path
        found = "nothing" if not os.path.lexists(path) else "something else"
        raise NoTakeError(f"expected a take (a folder with .mcap or .db3 files) at {path}, found {found}; list them: "
                          "imusic takes list")  # fmt: skip
    folders = take_folders(takes)
    place = takes or takes_folder()
    if given == LAST and folders:
        return folders[-1]
    # The first rule that fits any: so a cut's longer name never hides the name of what it was cut from.
    matches = (
        [folder for folder in folders if folder.name == given]
        or [folder for folder in folders if _named(folder, given)]
        or [folder for folder in folders if given and folder.name.endswith(given)]
        or [folder for folder in folders if given and given in folder.name]
    )
    if len(matches) == 1:
        return matches[0]
    if is_take(path):
        return path
    if matches:
        told = ", ".join(folder.name for folder in matches[:5]) + (", ..." if len(matches) > 5 else "")
        raise NoTakeError(f"expected one take named {given} in {place}, found {len(matches)}: {told}; give more of it")
    raise NoTakeError(f"expected a take named {given} in {place}, found none; list them: imusic takes list")


def summarise(folder: Path) -> TakeSummary:
    """What is known of a take; what cannot be opened is told in `state`, not raised."""
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) if folder.is_dir() else 0
    try:
        sheet, problem = (read_sheet(folder) if folder.is_dir() else None) or TakeSheet(), ""
    except TakeSheetError as error:
        sheet, problem = TakeSheet(), str(error)
    try:
        with opened(folder) as bag:
            return _summary(folder, bag, sheet, size, problem)
    except (ImusicError, AttributeError) as error:  # the second where messages have other fields, by another version
        return TakeSummary(folder, sheet.created, name=sheet.name, notes=sheet.notes, bytes=size, state=str(error))


def goes_on(folder: Path) -> bool:
    """Whether a recorder writes into it now."""
    try:
        # Without waiting: a file of that name may be anything.
        with open(folder / MARK_FILE, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def remove_take(folder: Path) -> list[Path]:
    """Delete the files of a take and, where nothing else lies in it, its folder; what stays is returned.

    Raises:
        TakeError: it is a link or a single file, or a recording goes on in it.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise TakeError(f"expected the folder of a take at {folder}, found a link or a file; remove it by hand")
    if goes_on(folder):
        raise TakeError(f"expected a take that is over in {folder}, found that it is being recorded; stop it first")
    for path in sorted(folder.iterdir()):
        if (_is_bag(path.name) or path.name in _OWN_FILES) and (path.is_file() or path.is_symlink()):
            path.unlink()
    rest = sorted(folder.iterdir())
    if not rest:
        folder.rmdir()
    return rest


def _summary(folder: Path, bag: Bag, sheet: TakeSheet, size: int, problem: str) -> TakeSummary:
    names = wearers(bag)
    worn = [sheet.wearer] if sheet.wearer and len(names) < 2 else [name or place for place, name in names.items()]
    topics = [full_name(place, FACES) for place in names]
    counts = [bag.topics[topic].count for topic in topics]
    faces = -1 if any(count < 0 for count in counts) else sum(counts)
    figures = [_figures(bag, topic) for topic in topics]
    skipped = [count for count, _ in figures]
    lost = [
        _missing(bag, topic, number)
        for place in bag.namespaces
        for topic, number in ((full_name(place, FRAMES), "sequence"), (full_name(place, BYTES), "number"))
        if topic in bag.topics
    ]
    counted = _counted(bag, sheet)
    length = length_of(bag)
    state = "whole"
    if bag.cut or (folder.is_dir() and (folder / "metadata.yaml").exists() is False) or _is_marked(folder):
        state = "recording" if goes_on(folder) else "cut"
    began = datetime.fromtimestamp(bag.begin_ns / 1e9, timezone.utc) if bag.begin_ns else None
    relative = {"bytes": BYTES, "frames": FRAMES, "faces": FACES, "reference": REFERENCE}
    ends = [topic.rsplit("/", 2)[-2:] for topic in bag.topics]
    return TakeSummary(
        folder=folder,
        created=sheet.created or (began.isoformat(timespec="seconds") if began else ""),
        seconds=length.seconds,
        lead_in_s=length.lead_in_s,
        wearers=tuple(name for name in worn if name),
        name=sheet.name,
        notes=sheet.notes,
        faces=faces,
        rate_hz=max((rate for _, rate in figures), default=0.0),
        lost=counted[0] if counted else -1 if not lost or min(lost) < 0 else sum(lost),
        samples_without_face=counted[1] if counted else -1 if not skipped or min(skipped) < 0 else sum(skipped),
        bytes=size,
        holds=tuple(word for word, name in relative.items() if name.split("/") in ends),
        state=problem or state,
    )


def _is_marked(folder: Path) -> bool:
    return folder.is_dir() and is_unfinished(folder)


def _figures(bag: Bag, topic: str) -> tuple[int, float]:
    """Samples without a face (-1 where the numbers cannot tell), and faces per second."""
    count = bag.topics[topic].count
    raw = next(iter(bag.messages((topic,))), None), bag.newest(topic, bag.end_ns)
    if raw[0] is None or raw[1] is None or count < 0:
        return -1, 0.0
    first, last = bag.decoded(raw[0]), bag.decoded(raw[1])
    seconds = (stamp_ns(last.header) - stamp_ns(first.header)) / NS
    return _missing(bag, topic, "sequence"), (count - 1) / seconds if seconds > 0.0 else 0.0


def _missing(bag: Bag, topic: str, number: str) -> int:
    """How many of a topic are missing by the numbers of the first and the last; -1 where they cannot tell."""
    count = bag.topics[topic].count
    first, last = next(iter(bag.messages((topic,))), None), bag.newest(topic, bag.end_ns)
    if first is None or last is None or count < 0:
        return -1
    missing = int(getattr(bag.decoded(last), number)) - int(getattr(bag.decoded(first), number)) + 1 - count
    return missing if 0 <= missing <= 100 * count else -1


def _counted(bag: Bag, sheet: TakeSheet) -> tuple[int, int] | None:
    """What the recorder counted message by message, lost and without a face; None where that is not of this bag."""
    messages, lost, skipped = (sheet.other.get(key) for key in ("messages", "lost", "samples_without_face"))
    if not isinstance(messages, dict) or not isinstance(lost, dict) or type(skipped) is not int:
        return None
    dropped = sum(count for count in lost.values() if type(count) is int)
    for name, topic in bag.topics.items():
        here = messages.get(name)
        if type(here) is not int or not here - dropped <= topic.count <= here:
            return None
    return dropped, skipped


def _made_s(folder: Path) -> float:
    """When a take was made, s since 1970: cut, or recorded, as its sheet says; else as its oldest file does."""
    try:
        sheet = read_sheet(folder) or TakeSheet()
        told = str(sheet.other.get("cut_at", "")) or sheet.created
        if told:
            return datetime.fromisoformat(told).timestamp()
    except (TakeSheetError, ValueError, OverflowError):
        pass  # the files are enough
    try:
        return min((path.stat().st_mtime for path in folder.iterdir() if _is_bag(path.name)), default=0.0)
    except OSError:  # removed meanwhile
        return 0.0


def _named(folder: Path, name: str) -> bool:
    try:
        sheet = read_sheet(folder)
    except TakeSheetError:
        return False
    return sheet is not None and sheet.name == name


def _is_bag(name: str) -> bool:
    return name.endswith(_BAG_ENDINGS) and not name.startswith(".")


def all_summaries(takes: Path | None = None) -> Iterator[TakeSummary]:
    """Every take, the oldest first."""
    for folder in take_folders(takes):
        yield summarise(folder)
