"""SQLite files (`.db3`) by the library `rosbags`, which knows every version of their tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

import apsw
import zstandard
from rosbags.interfaces import MessageDefinitionFormat
from rosbags.rosbag2 import Reader, ReaderError

from face_recording.bag_files.errors import BagError
from face_recording.bag_files.mcap_file import plain
from face_recording.bag_files.stored import BagMessage, StoredTopic

_DAMAGE: Final = (ReaderError, apsw.Error, zstandard.ZstdError, ValueError, TypeError, KeyError, MemoryError, OSError)
"""What reading a damaged file raises."""
_ENCODINGS: Final = {MessageDefinitionFormat.MSG: "ros2msg", MessageDefinitionFormat.IDL: "ros2idl"}


class SqliteFile:
    """One `.db3` file; see `StoredFile`. `newest` reads the topic from its beginning: it is for those that say little.

    Raises:
        BagError: it is no such file, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.cut = path, ""
        self._reader: Any = None
        try:
            reader = Reader(path)
            reader.open()
        except _DAMAGE as error:
            raise self._damaged(error) from error
        self._reader = reader
        self._connections = {c.topic: c for c in reader.connections}
        there = reader.message_count > 0
        self.begin_ns, self.end_ns = (reader.start_time, reader.end_time - 1) if there else (0, 0)
        self.topics = {
            c.topic: StoredTopic(c.topic, c.msgtype, c.msgcount, c.msgdef.data, _ENCODINGS.get(c.msgdef.format, ""))
            for c in reader.connections
        }
        journal = path.with_name(f"{path.name}-wal")
        if journal.is_file() and journal.stat().st_size:
            self.cut = "the recorder did not close it: what stands in its journal alone is not read"

    def messages(self, topics: Collection[str], start_ns: int, stop_ns: int) -> Iterator[BagMessage]:
        """See `StoredFile`."""
        chosen = [c for name, c in self._connections.items() if name in topics]
        # Without a choice the reader would give every message.
        if not chosen or start_ns >= stop_ns:
            return
        bounds = {"start": min(start_ns, 2**63 - 1), "stop": min(stop_ns, 2**63 - 1)}
        try:
            for connection, time_ns, data in self._reader.messages(connections=chosen, **bounds):
                yield BagMessage(connection.topic, time_ns, plain(bytes(data)))
        except _DAMAGE as error:
            raise self._damaged(error) from error

    def newest(self, topic: str, at_ns: int) -> BagMessage | None:
        """See `StoredFile`."""
        found = None
        for message in self.messages((topic,), 0, at_ns + 1):
            found = message
        return found

    def close(self) -> None:
        """Close; may be called twice."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _damaged(self, error: BaseException) -> BagError:
        return BagError(
            f"expected a whole SQLite bag file in {self.path}, found: {error}; if its recorder was killed, open it "
            "once with `sqlite3 FILE .tables`, which takes in its journal"
        )
