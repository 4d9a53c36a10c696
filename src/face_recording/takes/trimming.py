"""A part of a take as a take of its own, from which a replay gives the same weights bit for bit.

Weights follow from all that came before. A snapshot holds what a node knew of that; so a part begins with the last
snapshot before its start and holds the nodes' input from there on, a lead-in of some seconds, but nothing that they
published before the start. What is latched (layout, states, prompts) comes first, as it last was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml

from face_model.outputs import check_output_folder
from face_recording.bag_metadata import METADATA_FILE, BagTopic, qos_text
from face_recording.bag_reader import (
    BYTES,
    DRIVER_SNAPSHOT,
    FACE_SNAPSHOT,
    FACES,
    FRAMES,
    Bag,
    BagMessage,
    split_topic,
    typestore,
)
from face_recording.bag_writer import BagWriter
from face_recording.recorded_topics import KINDS, TopicKind
from face_recording.recording import TopicCount, lost_by_topic, without_face
from face_recording.sequence_gaps import SequenceGaps
from face_recording.take_sheet import MOST_NAME, TakeSheet, read_sheet, write_sheet
from face_recording.takes.errors import TakeError
from face_recording.takes.reading import full_name, opened, stamp_ns
from face_recording.takes.take import NS, check_span

_LATE_NS: Final = 5 * NS
"""A message comes to the recorder at most so long after its stamp."""
_INPUTS: Final = {BYTES: DRIVER_SNAPSHOT, FRAMES: FACE_SNAPSHOT}
_NUMBER: Final = {BYTES: "number", FRAMES: "sequence"}
_OF_THE_WHOLE: Final = ("state", "problem", "duration_s", "messages", "lost", "samples_without_face")
"""What a sheet says of the recording as it ended; a part has its own."""
_STAMPED: Final = (BYTES, FRAMES, FACES, DRIVER_SNAPSHOT, FACE_SNAPSHOT, "face/reference")
"""Topics that are cut by their stamps, as exports are; others by when the recorder got them."""


@dataclass(frozen=True)
class Trimmed:
    """What came of it.

    Attributes:
        folder: of the new take.
        messages: in it.
        lead_in_s: input before the start, s.
        notes: what a user should know, in words.
    """

    folder: Path
    messages: int
    lead_in_s: float
    notes: tuple[str, ...]


@dataclass
class _Part:
    """Of one wearer: stamps from which input and published messages are taken, and the snapshots to begin with.

    `after` has the numbers of the newest input that these snapshots hold.
    """

    begin_ns: int
    from_ns: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    snapshots: list[BagMessage] = field(default_factory=list)

    def wants(self, relative: str, content: Any, end_ns: int) -> bool:
        """Whether a message belongs to it; of input that a snapshot holds already nothing does."""
        stamp = stamp_ns(content.header)
        known = relative in self.after and int(getattr(content, _NUMBER[relative])) <= self.after[relative]
        if known and stamp < self.from_ns[relative] + _LATE_NS:  # later ones were counted anew
            return False
        return self.from_ns.get(relative, self.begin_ns) <= stamp < end_ns


def trim(
    folder: Path,
    out: Path,
    start_s: float = 0.0,
    end_s: float | None = None,
    now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
) -> Trimmed:
    """Write the part from `start_s` up to `end_s`, s after the first face, to a new folder.

    A name of the take becomes one of the part ("smiles 12-18"). `now` tells when it is cut, for `cut_at` in the sheet.

    Raises:
        TakeError: nothing lies there, or something lies at `out`.
        NoTakeError: `folder` is no take.
        BagError: it is damaged in the middle.
        OutputError: `out` cannot be written.
    """
    check_span(start_s, end_s)
    if out.exists():
        raise TakeError(f"expected no file or folder yet at {out}, found one; give another name with -o")
    check_output_folder(out)
    if not out.parent.is_dir():
        raise TakeError(f"expected the folder {out.parent} to write {out.name} into, found none; make it first")
    with opened(folder) as bag:
        origin_ns = _origin(bag)
        begin_ns = origin_ns + round(start_s * NS)
        end_ns = bag.end_ns + _LATE_NS if end_s is None else origin_ns + round(end_s * NS)
        parts = {place: _part(bag, place, begin_ns) for place in bag.namespaces}
        _need_something(bag, begin_ns, end_ns, start_s, end_s)
        out.mkdir(mode=0o700)
        try:
            topics = _write(bag, out, parts, begin_ns, end_ns)
        except BaseException:
            for path in out.iterdir():
                path.unlink()
            out.rmdir()
            raise
        notes = _notes(bag, parts)
    sheet = (read_sheet(folder) if folder.is_dir() else None) or TakeSheet()
    kept = {key: value for key, value in vars(sheet).items() if key not in ("name", "notes", "other")}
    figures = {
        "messages": {count.topic.name: count.messages for count in topics},
        "lost": lost_by_topic(topics),
        "samples_without_face": without_face(topics),
    }
    other = {key: value for key, value in sheet.other.items() if key not in _OF_THE_WHOLE}
    until = "the end" if end_s is None else f"{end_s:g} s"
    name = (
        f"{sheet.name[: MOST_NAME - 40]} {start_s:g}-{'end' if end_s is None else f'{end_s:g}'}" if sheet.name else ""
    )
    told = f"{start_s:g} s to {until} of {folder.resolve().name}"
    write_sheet(
        out,
        TakeSheet(
            **kept, notes=sheet.notes, name=name, other=other | {"part_of": told, "cut_at": now().isoformat()} | figures
        ),
    )
    first = min((min(part.from_ns.values(), default=begin_ns) for part in parts.values()), default=begin_ns)
    return Trimmed(out, sum(count.messages for count in topics), max(0.0, (begin_ns - first) / NS), notes)


def _origin(bag: Bag) -> int:
    """Stamp of the first face, or of the first frame, or when the first message came."""
    for relative in (FACES, FRAMES):
        firsts = []
        for place in bag.namespaces:
            first = next(iter(bag.messages((full_name(place, relative),))), None)
            if first is not None:
                firsts.append(_stamp(bag, first))
        if firsts:
            return min(firsts)
    return bag.begin_ns


def _stamp(bag: Bag, message: BagMessage) -> int:
    return stamp_ns(bag.decoded(message).header)


def _part(bag: Bag, place: str, begin_ns: int) -> _Part:
    """Where the inputs of a wearer's nodes begin."""
    part, bound_ns = _Part(begin_ns), begin_ns
    # First that of inference, then the driver's before it: the driver's frames must be there for inference.
    for relative, snapshot in ((FRAMES, FACE_SNAPSHOT), (BYTES, DRIVER_SNAPSHOT)):
        found: BagMessage | None = None
        topic = full_name(place, snapshot)
        for message in bag.messages((topic,), None, begin_ns + _LATE_NS) if topic in bag.topics else ():
            # In the order of their stamps: whoever subscribes late gets several at once.
            if _stamp(bag, message) <= bound_ns and (found is None or _stamp(bag, message) >= _stamp(bag, found)):
                found = message
        if found is None:
            # Without one, replays begin as the recording did, if the part begins there.
            part.from_ns[relative] = begin_ns
            continue
        part.snapshots.append(found)
        bound_ns = min(bound_ns, _stamp(bag, found))
        part.from_ns[relative] = bound_ns
        part.after[relative] = int(bag.decoded(found).after)
    return part


def _need_something(bag: Bag, begin_ns: int, end_ns: int, start_s: float, end_s: float | None) -> None:
    topics = {name for name in bag.topics if split_topic(name)[1] in (FACES, FRAMES, BYTES)} or set(bag.topics)
    for message in bag.messages(topics, begin_ns, end_ns + _LATE_NS):
        if split_topic(message.topic)[0] is None or begin_ns <= _stamp(bag, message) < end_ns:
            return
    until = "its end" if end_s is None else f"{end_s:g} s"
    raise TakeError(
        f"expected something from {start_s:g} s to {until} of {bag.path}, found nothing: it has {bag.duration_s:.2f} s;"
        " give times within it"
    )


def _write(bag: Bag, out: Path, parts: dict[str, _Part], begin_ns: int, end_ns: int) -> list[TopicCount]:
    topics = _topics(bag)
    lead_ns = min((min(part.from_ns.values(), default=begin_ns) for part in parts.values()), default=begin_ns)
    writer = BagWriter(out)
    last_ns = lead_ns
    counts = {name: TopicCount(topic, SequenceGaps(topic.type)) for name, topic in topics.items()}
    try:
        for topic in topics.values():
            writer.define(topic.type, _definition(bag, topic))

        def write(message: BagMessage) -> None:
            nonlocal last_ns
            last_ns = max(last_ns, message.time_ns)  # the time at which the recorder got it; never back
            writer.write(topics[message.topic], last_ns, message.data)
            counts[message.topic].messages += 1
            counts[message.topic].gaps.see(message.data)

        chosen = {id_of(snapshot) for part in parts.values() for snapshot in part.snapshots}
        first_ns = min((s.time_ns for part in parts.values() for s in part.snapshots), default=begin_ns)
        first_ns = min(first_ns, lead_ns)
        for name in sorted(bag.topics):
            kind = _kind(name)
            if kind is None or not kind.latched or split_topic(name)[1] in (DRIVER_SNAPSHOT, FACE_SNAPSHOT):
                continue
            latest = bag.newest(name, first_ns - 1)
            if latest is not None:
                write(latest._replace(time_ns=last_ns))
        for message in bag.messages(tuple(bag.topics), first_ns, end_ns + _LATE_NS):
            place, relative = split_topic(message.topic)
            if place is None or relative not in _STAMPED:
                wanted = (
                    message.time_ns < end_ns if _is_latched(message.topic) else begin_ns <= message.time_ns < end_ns
                )
            elif relative in (DRIVER_SNAPSHOT, FACE_SNAPSHOT):
                own = [s for s in parts[place].snapshots if s.topic == message.topic]
                wanted = id_of(message) in chosen or (
                    bool(own) and message.time_ns > own[0].time_ns and _stamp(bag, message) < end_ns
                )
            else:
                wanted = parts[place].wants(relative, bag.decoded(message), end_ns)
            if wanted:
                write(message)
        # The next one tells which of the samples before it inference did not take: a replay leaves those out, too.
        for place in parts:
            after = _first_after(bag, full_name(place, FACE_SNAPSHOT), end_ns)
            if after is not None:
                write(after._replace(time_ns=last_ns))
        writer.close()
    except BaseException:
        writer.abandon()
        raise
    return list(counts.values())


def _first_after(bag: Bag, topic: str, end_ns: int) -> BagMessage | None:
    """The snapshot with the earliest stamp that is not before a time."""
    later = [raw for raw in bag.messages((topic,), end_ns) if _stamp(bag, raw) >= end_ns] if topic in bag.topics else []
    return min(later, key=lambda raw: _stamp(bag, raw), default=None)


def id_of(message: BagMessage) -> tuple[str, int, int]:
    """Tells a message from others of its topic."""
    return message.topic, message.time_ns, hash(message.data)


def _topics(bag: Bag) -> dict[str, BagTopic]:
    """With the quality of service that the bag's metadata tell, or that this package's topics have."""
    told: dict[str, Any] = {}
    path = bag.path / METADATA_FILE
    if path.is_file():
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            listed = content["rosbag2_bagfile_information"]["topics_with_message_count"]
            told = {entry["topic_metadata"]["name"]: entry["topic_metadata"] for entry in listed}
        except (yaml.YAMLError, OSError, ValueError, KeyError, TypeError):
            told = {}  # the files themselves are enough
    topics = {}
    for name, topic in bag.topics.items():
        entry, kind = told.get(name, {}), _kind(name)
        qos = entry.get("offered_qos_profiles", "")
        if not isinstance(qos, str) or not qos:
            qos = qos_text(kind.reliable, kind.latched, max(1, min(kind.depth, 100))) if kind is not None else ""
        topics[name] = BagTopic(name, topic.kind, qos, str(entry.get("type_description_hash", "") or ""))
    return topics


def _kind(name: str) -> TopicKind | None:
    place, relative = split_topic(name)
    return KINDS.get(name if place is None else relative)


def _is_latched(name: str) -> bool:
    kind = _kind(name)
    return kind is not None and kind.latched


def _definition(bag: Bag, topic: BagTopic) -> str:
    found = bag.topics[topic.name]
    if found.definition and found.encoding != "ros2idl":
        return found.definition
    store = typestore()
    if topic.type not in store.types:
        raise TakeError(
            f"expected a definition of {topic.type} on {topic.name} in {bag.path}, found none that can be written "
            "again; cut it with ros2 bag convert"
        )
    return str(store.generate_msgdef(topic.type, ros_version=2)[0])


def _notes(bag: Bag, parts: dict[str, _Part]) -> tuple[str, ...]:
    notes = []
    for place, part in parts.items():
        for relative, snapshot in _INPUTS.items():
            there = full_name(place, relative) in bag.topics
            if there and not any(split_topic(s.topic)[1] == snapshot for s in part.snapshots):
                none = f"no {full_name(place, snapshot)} before the start"
                notes.append(f"{none}: a replay from {relative} begins to calibrate anew")
    return tuple(notes)
