"""Mends recordings that were cut off: by a kill, a full disk, a power cut.

Every chunk that is whole is kept. The torn end of a file is cut, its index is written behind it, and `metadata.yaml`
anew, so that every tool opens the bag. Only the end of a file changes, so that a repair that is itself cut off is
done by the next one, and one of a finished bag changes nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from face_recording.bag_metadata import METADATA_FILE, BagFile, BagTopic, write_metadata
from face_recording.bag_writer import LIBRARY, PROFILE, require_mcap
from face_recording.errors import RecordingError
from face_recording.growing_file import free_reserve, is_marked, take_over

if TYPE_CHECKING:
    from mcap.records import Channel, Chunk, ChunkIndex, McapRecord, MessageIndex, MetadataIndex, Schema

MAGIC = b"\x89MCAP0\r\n"
MOST_BYTES = 1 << 31
"""A record that says to be longer is torn."""
_HEAD = struct.Struct("<BQ")
"""Of a record: opcode, length."""
_FOOTER = _HEAD.pack(2, 20)
"""Begin of the record that ends every file."""
_END_SIZE = len(_FOOTER) + 20 + len(MAGIC)
_MESSAGE = struct.Struct("<H4xQ")
"""Begin of a message: channel, when it was received."""
_NUMBERED = re.compile(r"_(\d+)\.mcap$")


@dataclass
class _Found:
    """What is whole in a file, and where that ends."""

    end: int = 0
    has_header: bool = False
    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    chunks: list[ChunkIndex] = field(default_factory=list)
    metadata: list[MetadataIndex] = field(default_factory=list)
    not_indexed: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    first_ns: int | None = None
    last_ns: int | None = None

    def take_chunk(self, chunk: Chunk, start: int, length: int) -> None:
        """Look into a chunk, which must be as it was written."""
        from mcap.records import ChunkIndex
        from mcap.stream_reader import get_chunk_data_stream

        from face_recording.bag_files.mcap_file import check_size

        check_size(chunk)
        stream, size = get_chunk_data_stream(chunk, validate_crc=True)
        entries = self.take_records(stream.read(size))
        self.not_indexed = entries
        index = ChunkIndex(
            chunk_length=length,
            chunk_start_offset=start,
            compression=chunk.compression,
            compressed_size=len(chunk.data),
            message_end_time=chunk.message_end_time,
            message_index_length=0,
            message_index_offsets={},
            message_start_time=chunk.message_start_time,
            uncompressed_size=chunk.uncompressed_size,
        )
        self.chunks.append(index)

    def take_index(self, index: MessageIndex, start: int, length: int) -> None:
        """Note where the last chunk's messages of one channel are listed; it has no checksum, so it is compared.

        Raises:
            ValueError: it lists something else.
        """
        expected = self.not_indexed.get(index.channel_id, [])
        if not self.chunks or sorted(expected) != sorted(index.records):
            raise ValueError("the index lists other messages than the chunk holds")
        self.chunks[-1].message_index_offsets[index.channel_id] = start
        self.chunks[-1].message_index_length += length
        self.not_indexed.pop(index.channel_id, None)

    def take_records(self, data: bytes) -> dict[int, list[tuple[int, int]]]:
        """Note schemas, channels and messages; times and places of the messages by channel."""
        from mcap.data_stream import ReadDataStream
        from mcap.opcode import Opcode
        from mcap.records import Channel, Schema

        entries: dict[int, list[tuple[int, int]]] = {}
        at = 0
        while at < len(data):
            opcode, length = _HEAD.unpack_from(data, at)
            if opcode == Opcode.MESSAGE:
                channel, time_ns = _MESSAGE.unpack_from(data, at + _HEAD.size)
                entries.setdefault(channel, []).append((time_ns, at))
            elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                stream = ReadDataStream(BytesIO(data[at + _HEAD.size : at + _HEAD.size + length]))
                if opcode == Opcode.SCHEMA:
                    schema = Schema.read(stream)
                    self.schemas[schema.id] = schema
                else:
                    record = Channel.read(stream)
                    self.channels[record.id] = record
            at += _HEAD.size + length
        for channel, places in entries.items():
            self.counts[channel] = self.counts.get(channel, 0) + len(places)
            first_ns, last_ns = min(places)[0], max(places)[0]
            self.first_ns = first_ns if self.first_ns is None else min(first_ns, self.first_ns)
            self.last_ns = last_ns if self.last_ns is None else max(last_ns, self.last_ns)
        return entries


@dataclass(frozen=True)
class Repair:
    """What was done.

    Attributes:
        folder: of the bag.
        mended: names of the files that were unfinished.
        messages: in all files.
        cut_bytes: that were torn.
    """

    folder: Path
    mended: tuple[str, ...]
    messages: int
    cut_bytes: int


def is_unfinished(folder: Path) -> bool:
    """Whether a recording goes on in a folder, or one was cut off there."""
    files = bag_files(folder)
    if is_marked(folder):
        return True
    return bool(files) and (not (folder / METADATA_FILE).is_file() or not all(map(is_whole, files)))


def repair(folder: Path) -> Repair | None:
    """Mend a bag.

    Returns:
        What was done; None where there was nothing to do, or where a recording goes on.

    Raises:
        RecordingError: the folder cannot be written, or a file in it is no MCAP.
    """
    if not is_unfinished(folder) or (not is_marked(folder) and _is_written(folder)):
        return None
    require_mcap()
    try:
        mark = take_over(folder)
        if mark is None:
            return None
        try:
            done = _repair(folder)
        except BaseException:
            mark.release(finished=False)
            raise
        mark.release(finished=True)
    except OSError as error:
        raise RecordingError(
            f"expected to mend the recording {folder}, found: {error.strerror or error}; make room, or let it be "
            "written"
        ) from error
    return done


def repair_all(takes: Path) -> Iterator[Repair | RecordingError]:
    """Mend every recording of ours in a folder of takes that was cut off; what could not be mended is told, not raised.

    Bags of others are left alone, because nobody can tell for sure whether they are still written.
    """
    try:
        if not takes.is_dir():
            return
        cut_off = sorted(path for path in takes.iterdir() if path.is_dir() and is_marked(path))
    except OSError as error:
        yield RecordingError(f"expected a folder of takes, found: {error}; correct its path, or its rights")
        return
    for folder in cut_off:
        try:
            done = repair(folder)
        except RecordingError as error:
            yield error
            continue
        if done is not None:
            yield done


def bag_files(folder: Path) -> list[Path]:
    """The MCAP files of a bag in their order."""

    def number(path: Path) -> tuple[int, str]:
        found = _NUMBERED.search(path.name)
        return (int(found[1]) if found else 0, path.name)

    return sorted((path for path in folder.glob("*.mcap") if not path.name.startswith(".")), key=number)


def _is_written(folder: Path) -> bool:
    """Whether another process of this machine has a file of the bag open, as `ros2 bag record` while it runs."""
    wanted = {(found.st_dev, found.st_ino) for found in (path.stat() for path in bag_files(folder))}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            opened = list(os.scandir(process / "fd"))
        except OSError:
            continue  # it has ended, or belongs to somebody else
        for entry in opened:
            with contextlib.suppress(OSError):  # closed by now
                found = entry.stat()
                if (found.st_dev, found.st_ino) in wanted:
                    return True
    return False


def is_whole(path: Path) -> bool:
    """Whether an MCAP file has its end: a footer and the magic bytes."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) < _END_SIZE + len(MAGIC):
            return False
        file.seek(-_END_SIZE, os.SEEK_END)
        end = file.read()
    return end.startswith(_FOOTER) and end.endswith(MAGIC)


def _repair(folder: Path) -> Repair:
    free_reserve(folder)
    files, mended, cut = [], [], 0
    for path in bag_files(folder):
        found = _scan(path)
        if not is_whole(path):
            cut += path.stat().st_size - found.end
            _finish(path, found)
            mended.append(path.name)
        files.append(_bag_file(path.name, found))
    if files:
        write_metadata(folder, files, os.environ.get("ROS_DISTRO", ""))
        _note_in_sheet(folder)
    return Repair(folder, tuple(mended), sum(sum(file.counts.values()) for file in files), cut)


def _note_in_sheet(folder: Path) -> None:
    """Say in `take.yaml` what happened, where it can be read."""
    from face_recording.take_sheet import TakeSheetError, read_sheet, write_sheet

    try:
        sheet = read_sheet(folder)
        if sheet is not None:
            write_sheet(folder, replace(sheet, other={**sheet.other, "state": "cut off, mended"}))
    except TakeSheetError:
        return  # people have changed it; the bag is whole


def _bag_file(name: str, found: _Found) -> BagFile:
    file = BagFile(name, first_ns=found.first_ns, last_ns=found.last_ns)
    for number, channel in found.channels.items():
        qos = channel.metadata.get("offered_qos_profiles", "")
        type_hash = channel.metadata.get("topic_type_hash", "")
        schema = found.schemas.get(channel.schema_id)
        if schema is None:
            raise RecordingError(
                f"expected the message type of {channel.topic} in {name}, found none; it was not written by a recorder "
                "of ROS 2: move it away"
            )
        topic = BagTopic(channel.topic, schema.name, qos, type_hash)
        file.counts[topic] = file.counts.get(topic, 0) + found.counts.get(number, 0)
    return file


def _scan(path: Path) -> _Found:
    """Read a file up to where it is torn, or to the end of its data."""
    found = _Found()
    with path.open("rb") as file:
        begin = file.read(len(MAGIC))
        if begin != MAGIC[: len(begin)]:
            raise RecordingError(f"{path}: expected an MCAP file, found {begin[:4]!r} at its beginning; move it away")
        if begin == MAGIC:
            found.end = len(MAGIC)
            for opcode, content, start in _records(file):
                if not _take(found, opcode, content, start):
                    break
    return found


def _records(file: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Opcode, content and place of each whole record."""
    while True:
        start = file.tell()
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return
        opcode, length = _HEAD.unpack(head)
        if opcode == 0 or length > MOST_BYTES:
            return
        content = file.read(length)
        if len(content) < length:
            return
        yield opcode, content, start


def _take(found: _Found, opcode: int, content: bytes, start: int) -> bool:
    """Note one record; False where the data of the file end, or are damaged."""
    from mcap.data_stream import ReadDataStream
    from mcap.opcode import Opcode
    from mcap.records import Attachment, Chunk, Header, MessageIndex, Metadata, MetadataIndex

    from face_recording.bag_files.mcap_file import DAMAGE

    if opcode in (Opcode.DATA_END, Opcode.FOOTER):
        return False
    stream, length = ReadDataStream(BytesIO(content)), _HEAD.size + len(content)
    try:
        if opcode == Opcode.CHUNK:
            found.take_chunk(Chunk.read(stream), start, length)
        elif opcode == Opcode.MESSAGE_INDEX:
            found.take_index(MessageIndex.read(stream), start, length)
        elif opcode == Opcode.HEADER:
            _check_whole(Header.read(stream), content)
            found.has_header = True
        elif opcode == Opcode.ATTACHMENT:
            Attachment.read(stream)
        elif opcode == Opcode.METADATA:
            metadata = Metadata.read(stream)
            _check_whole(metadata, content)
            found.metadata.append(MetadataIndex(start, length, metadata.name))
        elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE):
            found.take_records(_HEAD.pack(opcode, len(content)) + content)
        else:
            return False  # belongs into no file's data
    except DAMAGE:
        return False
    found.end = start + length
    return True


def _check_whole(record: McapRecord, content: bytes) -> None:
    """The library takes texts that are cut short: what it read must be all that was there.

    Raises:
        ValueError: it is not.
    """
    from mcap.data_stream import RecordBuilder

    again = RecordBuilder()
    record.write(again)
    if again.end()[_HEAD.size :] != content:
        raise ValueError("a record is damaged")


def _finish(path: Path, found: _Found) -> None:
    """Cut the torn end of a file, and write what belongs behind the rest."""
    from mcap.data_stream import RecordBuilder
    from mcap.records import DataEnd, Footer, Header, MessageIndex, Statistics

    end = RecordBuilder()
    start = found.end
    if start == 0:
        end.write(MAGIC)
    if not found.has_header:
        Header(PROFILE, LIBRARY).write(end)
    for channel, entries in found.not_indexed.items():
        chunk, at = found.chunks[-1], start + end.count
        MessageIndex(channel, entries).write(end)
        chunk.message_index_offsets[channel] = at
        chunk.message_index_length += start + end.count - at
    DataEnd(0).write(end)
    summary_start = start + end.count
    for record in (*found.schemas.values(), *found.channels.values(), *found.chunks, *found.metadata):
        record.write(end)
    Statistics(
        attachment_count=0,
        channel_count=len(found.channels),
        channel_message_counts=found.counts,
        chunk_count=len(found.chunks),
        message_count=sum(found.counts.values()),
        metadata_count=len(found.metadata),
        message_start_time=found.first_ns or 0,
        message_end_time=found.last_ns or 0,
        schema_count=len(found.schemas),
    ).write(end)
    Footer(summary_start, 0, 0).write(end)
    end.write(MAGIC)
    with path.open("r+b") as file:
        file.truncate(start)
        file.seek(start)
        file.write(end.end())
        file.flush()
        os.fsync(file.fileno())
