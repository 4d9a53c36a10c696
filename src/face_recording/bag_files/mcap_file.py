"""MCAP files by the library `mcap`: whole ones by their index, cut ones by looking for the chunks that are there.

Format: https://mcap.dev/spec. A recorder that was killed leaves a file without index and footer; every chunk that was
written whole can be read.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Final

import zstandard
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.reader import make_reader
from mcap.records import Channel, Chunk, McapRecord, Message, Schema
from mcap.stream_reader import CRCValidationError, StreamReader, breakup_chunk

from face_recording.bag_files.errors import BagError
from face_recording.bag_files.stored import MOST_CHUNK_BYTES, BagMessage, Source, StoredTopic, merged

MAGIC: Final = b"\x89MCAP0\r\n"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
"""Of a message that `ros2 bag record --compression-mode message` compressed; CDR begins with a 0."""

_RECORD: Final = struct.Struct("<BQ")
_CHUNK_HEAD: Final = struct.Struct("<QQQII")
_INDEX_HEAD: Final = struct.Struct("<HI")
DAMAGE: Final = (
    McapError, CRCValidationError, zstandard.ZstdError, struct.error, ValueError, KeyError, RuntimeError, MemoryError,
    EOFError, OverflowError, OSError,
)  # fmt: skip
"""What reading a damaged file raises."""
_LONGEST_SPAN_NS: Final = 1_000_000_000
"""Messages outside of chunks are put in order over this much time."""


@dataclass
class _Chunk:
    """Where a chunk stands, what times it covers and, where an index says so, which channels it holds."""

    offset: int
    begin_ns: int
    end_ns: int
    channels: dict[int, int] = field(default_factory=dict)


class McapFile:
    """One `.mcap` file; see `StoredFile`.

    Args:
        path: of the file; only for what is told to people where `stream` is given.
        stream: to read instead of the path.

    Raises:
        BagError: it is no MCAP file, or cannot be read.
    """

    def __init__(self, path: Path, stream: IO[bytes] | None = None) -> None:
        self.path, self.cut = path, ""
        self.topics: dict[str, StoredTopic] = {}
        self.begin_ns = self.end_ns = 0
        self._chunks: list[_Chunk] = []
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Channel] = {}
        self._counts: dict[int, int] = {}
        self._loose = False
        try:
            self._stream = stream if stream is not None else path.open("rb")
        except OSError as error:
            raise BagError(f"expected to read {path}, found {error}; check the path and its permissions") from error
        try:
            self._size = self._stream.seek(0, io.SEEK_END)
            self._open()
        except BaseException:
            self.close()
            raise

    def messages(self, topics: Collection[str], start_ns: int, stop_ns: int) -> Iterator[BagMessage]:
        """See `StoredFile`; each chunk is in memory while its messages are due."""
        channels = {number: c.topic for number, c in self._channels.items() if c.topic in topics}
        if not channels or start_ns >= stop_ns:
            return
        if self._loose:
            yield from self._loose_messages(channels, start_ns, stop_ns)
            return
        sources: list[Source] = [
            (max(chunk.begin_ns, start_ns), partial(self._chunk_messages, chunk, channels, start_ns, stop_ns))
            for chunk in self._chunks
            if chunk.end_ns >= start_ns
            and chunk.begin_ns < stop_ns
            and (not chunk.channels or not channels.keys().isdisjoint(chunk.channels))
        ]
        yield from merged(sources)

    def newest(self, topic: str, at_ns: int) -> BagMessage | None:
        """See `StoredFile`."""
        found: BagMessage | None = None
        if self._loose:
            for message in self.messages((topic,), 0, at_ns + 1):
                found = message
            return found
        channels = {number: c.topic for number, c in self._channels.items() if c.topic == topic}
        for chunk in sorted(self._chunks, key=lambda c: c.end_ns, reverse=True):
            if found is not None and chunk.end_ns < found.time_ns:
                break
            if chunk.begin_ns <= at_ns and (not chunk.channels or not channels.keys().isdisjoint(chunk.channels)):
                for message in self._chunk_messages(chunk, channels, 0, at_ns + 1):
                    if found is None or message.time_ns >= found.time_ns:
                        found = message
        return found

    def close(self) -> None:
        """Close; may be called twice."""
        stream = getattr(self, "_stream", None)
        if stream is not None:
            stream.close()

    # Opening.

    def _open(self) -> None:
        self._stream.seek(0)
        found = self._stream.read(len(MAGIC))
        if found != MAGIC:
            what = "an empty file" if not found else f"one that begins with {found!r}"
            raise BagError(
                f"expected an MCAP file in {self.path}, found {what}; give the folder or file of a recording"
            )
        try:
            if not self._by_index():
                self._by_looking()
        except DAMAGE as error:
            raise self._damaged(error) from error
        self._tell()

    def _by_index(self) -> bool:
        """Whether the file's own index can be used."""
        self._stream.seek(max(0, self._size - len(MAGIC)))
        if self._size < 2 * len(MAGIC) or self._stream.read() != MAGIC:
            self.cut = "its end was not written, as when the recorder is killed; what was written before can be used"
            return False
        self._stream.seek(0)
        summary = make_reader(self._stream).get_summary()
        if summary is None or not summary.chunk_indexes or not summary.channels:
            return False
        self._schemas, self._channels = dict(summary.schemas), dict(summary.channels)
        if summary.statistics is not None:
            self._counts = dict(summary.statistics.channel_message_counts)
        for entry in summary.chunk_indexes:
            if entry.chunk_start_offset + entry.chunk_length > self._size:
                raise McapError(f"a chunk at {entry.chunk_start_offset}, beyond the end at {self._size}")
            channels = dict.fromkeys(entry.message_index_offsets, 0)
            self._chunks.append(
                _Chunk(entry.chunk_start_offset, entry.message_start_time, entry.message_end_time, channels)
            )
        return True

    def _by_looking(self) -> None:
        """Find the chunks that were written whole."""
        at = len(MAGIC)
        while at + _RECORD.size <= self._size:
            self._stream.seek(at)
            opcode, length = _RECORD.unpack(self._stream.read(_RECORD.size))
            end = at + _RECORD.size + length
            if end > self._size or opcode in (Opcode.DATA_END, Opcode.FOOTER):
                break
            if opcode == Opcode.CHUNK:
                begin_ns, end_ns = _CHUNK_HEAD.unpack(self._stream.read(_CHUNK_HEAD.size))[:2]
                self._chunks.append(_Chunk(at, begin_ns, end_ns))
            elif opcode == Opcode.MESSAGE_INDEX and self._chunks and length >= _INDEX_HEAD.size:
                channel, size = _INDEX_HEAD.unpack(self._stream.read(_INDEX_HEAD.size))
                self._chunks[-1].channels[channel] = size // 16
                self._counts[channel] = self._counts.get(channel, 0) + size // 16
            elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                self._learn([self._record(at)])
            elif opcode == Opcode.MESSAGE:
                self._loose = True
                (channel,) = struct.unpack("<H", self._stream.read(2))
                self._counts[channel] = self._counts.get(channel, 0) + 1
                (when_ns,) = struct.unpack_from("<4xQ", self._stream.read(12))
                self._widen(when_ns)
            at = end
        for chunk in self._chunks:
            if not chunk.channels or not chunk.channels.keys() <= self._channels.keys():
                records = self._unpacked(chunk)
                self._learn(records)
                if not chunk.channels:
                    for record in records:
                        if isinstance(record, Message):
                            chunk.channels[record.channel_id] = chunk.channels.get(record.channel_id, 0) + 1
                            self._counts[record.channel_id] = self._counts.get(record.channel_id, 0) + 1

    def _learn(self, records: list[McapRecord]) -> None:
        for record in records:
            if isinstance(record, Schema):
                self._schemas[record.id] = record
            elif isinstance(record, Channel):
                self._channels[record.id] = record

    def _widen(self, when_ns: int) -> None:
        first = not (self.begin_ns or self.end_ns)
        self.begin_ns = when_ns if first else min(self.begin_ns, when_ns)
        self.end_ns = max(self.end_ns, when_ns)

    def _tell(self) -> None:
        for chunk in self._chunks:
            if chunk.end_ns:  # one without messages has times of 0
                self._widen(chunk.begin_ns)
                self._widen(chunk.end_ns)
        for number, channel in self._channels.items():
            if channel.message_encoding != "cdr":
                continue
            schema = self._schemas.get(channel.schema_id)
            count = self._counts.get(number, 0 if self._counts else -1)
            before = self.topics.get(channel.topic)
            if before is not None:
                count += before.count
            definition = schema.data.decode("utf-8", "replace") if schema is not None else ""
            kind, encoding = (schema.name, schema.encoding) if schema is not None else ("", "")
            self.topics[channel.topic] = StoredTopic(channel.topic, kind, count, definition, encoding)

    # Reading.

    def _record(self, at: int) -> McapRecord:
        self._stream.seek(at)
        return next(
            StreamReader(self._stream, skip_magic=True, emit_chunks=True, record_size_limit=MOST_CHUNK_BYTES).records
        )

    def _unpacked(self, chunk: _Chunk) -> list[McapRecord]:
        record = self._record(chunk.offset)
        if not isinstance(record, Chunk):
            raise McapError(f"expected a chunk at {chunk.offset}, found {type(record).__name__}")
        check_size(record)
        records: list[McapRecord] = breakup_chunk(record, validate_crc=True)
        return records

    def _chunk_messages(
        self, chunk: _Chunk, channels: dict[int, str], start_ns: int, stop_ns: int
    ) -> Iterator[BagMessage]:
        try:
            records = self._unpacked(chunk)
            found = [
                BagMessage(channels[r.channel_id], r.log_time, plain(r.data))
                for r in records
                if isinstance(r, Message) and r.channel_id in channels and start_ns <= r.log_time < stop_ns
            ]
        except DAMAGE as error:
            raise self._damaged(error) from error
        found.sort(key=lambda message: message.time_ns)
        yield from found

    def _loose_messages(self, channels: dict[int, str], start_ns: int, stop_ns: int) -> Iterator[BagMessage]:
        """Of a file without chunks, which has no index either: read through, a second at a time in order."""
        held: list[BagMessage] = []
        newest_ns = 0
        self._stream.seek(0)
        reader = StreamReader(self._stream, record_size_limit=MOST_CHUNK_BYTES)
        try:
            for record in reader.records:
                if not isinstance(record, Message) or record.channel_id not in channels:
                    continue
                if start_ns <= record.log_time < stop_ns:
                    at = self._stream.tell()
                    held.append(BagMessage(channels[record.channel_id], record.log_time, plain(record.data)))
                    newest_ns = max(newest_ns, record.log_time)
                    if newest_ns - held[0].time_ns > 2 * _LONGEST_SPAN_NS:
                        held.sort(key=lambda message: message.time_ns)
                        ripe = [message for message in held if message.time_ns < newest_ns - _LONGEST_SPAN_NS]
                        held = held[len(ripe) :]
                        yield from ripe
                        self._stream.seek(at)
        except DAMAGE as error:
            if not self.cut:
                raise self._damaged(error) from error
        yield from sorted(held, key=lambda message: message.time_ns)

    def _damaged(self, error: BaseException) -> BagError:
        found = str(error) or type(error).__name__
        return BagError(
            f"expected a whole MCAP file in {self.path}, found damage: {found}; "
            "take what can be saved: mcap recover FILE -o REPAIRED"
        )


def check_size(chunk: Chunk) -> None:
    """Whether a chunk may be unpacked, by what it says and by what its data say; raises `McapError` if not."""
    size = chunk.uncompressed_size
    if chunk.compression == "zstd":
        size = max(size, zstandard.frame_content_size(chunk.data))
    if size > MOST_CHUNK_BYTES:
        raise McapError(f"a chunk of {size} bytes, where at most {MOST_CHUNK_BYTES} are read")


def plain(data: bytes) -> bytes:
    """A message's bytes, unpacked where the recorder compressed each message; raises `zstandard.ZstdError`."""
    if not data.startswith(ZSTD_MAGIC):
        return data
    if zstandard.frame_content_size(data) > MOST_CHUNK_BYTES:
        raise zstandard.ZstdError(f"a message of more than {MOST_CHUNK_BYTES} bytes")
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=MOST_CHUNK_BYTES)
