"""From the bag of a take to its faces."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_model import arkit
from face_recording.bag_reader import BYTES, FACE_SNAPSHOT, FACES, FRAMES, Bag, BagError, NamespaceError
from face_recording.take_sheet import TakeSheet, read_sheet
from face_recording.takes.errors import NoTakeError, TakeError
from face_recording.takes.take import ARRAYS, NS, Take

KIND = "imusic/msg/FaceBlendshapes"
LEAST_LEAD_IN_S = 0.5
"""Shorter input before the first face is no word worth: inference always needs a moment to begin."""


@dataclass(frozen=True)
class Length:
    """How long a take is.

    Attributes:
        seconds: from the first to the last face, s; of all messages where there is no face.
        lead_in_s: of samples or hub bytes before the first face, s.
    """

    seconds: float
    lead_in_s: float

    @property
    def words(self) -> str:
        """For people, as "6.0 s (and 11.6 s of lead-in)"."""
        lead = f" (and {self.lead_in_s:.1f} s of lead-in)" if self.lead_in_s >= LEAST_LEAD_IN_S else ""
        return f"{self.seconds:.1f} s{lead}"


@contextmanager
def opened(folder: Path) -> Iterator[Bag]:
    """The bag of a take, open.

    Raises:
        NoTakeError: it is none, or cannot be opened.
    """
    try:
        bag = Bag(folder)
    except BagError as error:
        raise NoTakeError(f"expected a take in {folder}, found none that opens: {error}") from error
    with bag:
        yield bag


def full_name(namespace: str, relative: str) -> str:
    """Absolute name of a wearer's topic."""
    return f"/{namespace}/{relative}" if namespace else f"/{relative}"


def chosen_namespace(
    bag: Bag, wearer: str | None = None, namespace: str | None = None, needs: Collection[str] = (FACES,)
) -> str:
    """Whose topics are meant: by namespace, or by the wearer's name, which a namespace or a snapshot has.

    Raises:
        TakeError: there is none of this name, or there are several and none was named.
    """
    if namespace is None and wearer is not None:
        named = wearers(bag)
        fitting = [place for place, name in named.items() if wearer in (name, place)]
        if len(fitting) == 1:
            return fitting[0]
        if len(named) > 1 or (named and any(named.values())):
            told = ", ".join(f"{name or 'somebody'} in /{place}" for place, name in named.items())
            raise TakeError(f"expected one wearer named {wearer} in {bag.path}, found {told}; name a --namespace")
    try:
        return bag.namespace(namespace, needs)
    except NamespaceError as error:
        raise TakeError(f"{error} or --wearer" if "several" in str(error) else str(error)) from error


def wearers(bag: Bag) -> dict[str, str]:
    """Name of the wearer of each namespace with faces, as its last snapshot says; empty where nothing says it."""
    found = {}
    for place in bag.namespaces:
        if full_name(place, FACES) not in bag.topics:
            continue
        snapshot = bag.newest(full_name(place, FACE_SNAPSHOT), bag.end_ns)
        found[place] = str(bag.decoded(snapshot).wearer) if snapshot is not None else ""
    return found


def stamp_ns(header: Any) -> int:
    """Of a message's header, ns."""
    return int(header.stamp.sec) * 1_000_000_000 + int(header.stamp.nanosec)


def length_of(bag: Bag) -> Length:
    """From the first and the last messages; nothing is read through."""

    def stamps(relative: str) -> list[tuple[int, int]]:
        found = []
        for place in bag.namespaces:
            topic = full_name(place, relative)
            first = next(iter(bag.messages((topic,))), None) if topic in bag.topics else None
            last = bag.newest(topic, bag.end_ns) if first is not None else None
            if first is not None and last is not None:
                found.append((stamp_ns(bag.decoded(first).header), stamp_ns(bag.decoded(last).header)))
        return found

    faces = stamps(FACES)
    if not faces:
        return Length(bag.duration_s, 0.0)
    begin = min(first for first, _ in faces)
    inputs = [first for relative in (FRAMES, BYTES) for first, _ in stamps(relative)]
    seconds = max(0.0, (max(last for _, last in faces) - begin) / NS)
    return Length(seconds, max(0.0, (begin - min(inputs, default=begin)) / NS))


def read_take(folder: Path, wearer: str | None = None, namespace: str | None = None) -> Take:
    """The faces of one wearer.

    Args:
        folder: of the take, or one of its files.
        wearer: whose, where there are several.
        namespace: whose, by ROS namespace.

    Raises:
        NoTakeError: it is no take.
        TakeError: it holds several wearers and none was named, or no face.
        BagError: it is damaged in the middle.
        TakeSheetError: its take.yaml cannot be read.
    """
    sheet = (read_sheet(folder) if folder.is_dir() else None) or TakeSheet()
    with opened(folder) as bag:
        place = chosen_namespace(bag, wearer, namespace)
        topic = full_name(place, FACES)
        if bag.topics[topic].kind != KIND:
            raise TakeError(f"expected {KIND} on {topic} in {folder}, found {bag.topics[topic].kind}; another's topic")
        messages = [bag.decoded(message) for message in bag.messages((topic,))]
        worn = sheet.wearer or wearers(bag).get(place, "") or place
    if not messages:
        raise TakeError(f"expected faces on {topic} in {folder}, found none: the recording ended before the first one")
    try:
        return _take_of(messages, folder, place, worn, sheet)
    except (AttributeError, ValueError, TypeError, OverflowError) as error:
        raise TakeError(f"expected faces of this version on {topic} in {folder}, found others: {error}") from error


def _take_of(messages: list[Any], folder: Path, place: str, worn: str, sheet: TakeSheet) -> Take:
    count = len(messages)
    arrays = {key: np.zeros((count, *rest), dtype=kind) for key, (kind, rest) in ARRAYS.items()}
    for i, message in enumerate(messages):
        q = message.head_orientation
        arrays["stamps_ns"][i] = stamp_ns(message.header)
        arrays["head_orientation"][i] = (q.x, q.y, q.z, q.w)
        for key in ("sequence", "state", "weights", "confidence", "observable", "age"):
            arrays[key][i] = getattr(message, key)
    if arrays["weights"].shape[1] != arkit.COUNT:
        raise ValueError(f"{arrays['weights'].shape[1]} weights")
    return Take(
        **arrays,
        name=sheet.name or folder.resolve().name,
        wearer=worn,
        notes=sheet.notes,
        created=sheet.created,
        model=", ".join(dict.fromkeys(str(message.model) for message in messages)),
        namespace=place,
        frame_id=str(messages[0].header.frame_id),
    )
