"""Writes a rosbag2 bag: MCAP with zstd chunks, message definitions inside, in one file or several, and its metadata."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from face_recording.bag_metadata import BagFile, BagTopic, information, write_metadata
from face_recording.errors import RecordingError
from face_recording.growing_file import FolderMark, GrowingFile, free_reserve, make_reserve

if TYPE_CHECKING:
    from mcap.writer import Writer

CHUNK_BYTES = 1 << 20
"""A chunk is compressed as a whole; a `flush` ends it earlier."""
PROFILE = "ros2"
LIBRARY = "imusic"


def require_mcap() -> None:
    """Find out whether the library is there.

    Raises:
        RecordingError: it is not, and how to get it.
    """
    try:
        import mcap.writer  # noqa: F401
    except ModuleNotFoundError as error:
        raise RecordingError(f"expected the library mcap, found {error}; pip install 'mcap>=1.6'") from error


class BagWriter:
    """One bag; used by one thread.

    Args:
        folder: of the bag; it exists and holds no bag.
        split_bytes: a new file is begun when one is larger; 0: never.
        split_s: a new file is begun when one is longer, s of the messages' times; 0: never.
        distribution: of ROS, for the metadata.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
        RecordingError: the library is missing.
    """

    def __init__(self, folder: Path, split_bytes: int = 0, split_s: float = 0.0, distribution: str = "") -> None:
        require_mcap()
        self.folder = folder
        self._split_bytes, self._split_ns = split_bytes, round(1e9 * split_s)
        self._distribution = distribution
        self._definitions: dict[str, str] = {}
        self._latched: dict[BagTopic, deque[bytes]] = {}
        self._files: list[BagFile] = []
        self._closed_bytes = 0
        self._mark: FolderMark | None = FolderMark(folder)
        try:
            make_reserve(folder)
            self._open()
        except BaseException:
            free_reserve(folder)
            self._mark.release(finished=False)
            raise

    @property
    def size(self) -> int:
        """Of all files, without what is not compressed yet."""
        return self._closed_bytes + (self._stream.tell() if self._file_open else 0)

    @property
    def files(self) -> tuple[BagFile, ...]:
        """What is in each file."""
        return tuple(self._files)

    def define(self, type_name: str, definition: str) -> None:
        """Make a type known before a message of it is written.

        Args:
            type_name: such as `imusic/msg/ImuFrame`.
            definition: in the format `ros2msg` of MCAP.
        """
        self._definitions[type_name] = definition

    def repeat(self, topic: BagTopic, depth: int = 1) -> None:
        """Begin each new file with the last messages of a latched topic."""
        self._latched[topic] = deque(maxlen=depth)

    def write(self, topic: BagTopic, time_ns: int, data: bytes) -> None:
        """Write one message; times do not go back.

        Args:
            topic: of the message, whose type was defined.
            time_ns: when it was received, ns since 1970.
            data: as serialized.

        Raises:
            OSError: see `flush`; only where a file ends.
        """
        if self._full(time_ns):
            if self._file_open:
                self._finish_file()
            self._open()
            for latched, kept in self._latched.items():
                for old in kept:
                    self._add(latched, time_ns, old)
        kept_of_topic = self._latched.get(topic)
        if kept_of_topic is not None:
            kept_of_topic.append(data)
        self._add(topic, time_ns, data)

    def flush(self, sync: bool = True) -> None:
        """End the chunk and write everything, onto the disk if `sync`.

        Raises:
            OSError: it cannot be written; what was not is kept and tried again by the next call.
        """
        self._writer.flush()
        if sync:
            self._stream.sync()

    def free_reserve(self) -> None:
        """Give back the disk's reserve, where the disk is full."""
        free_reserve(self.folder)

    def close(self) -> None:
        """Finish: index, metadata; may be called again after an error.

        Raises:
            OSError: it cannot be written.
            OutputError: the metadata cannot be written.
        """
        if self._mark is None:
            return
        if self._file_open:
            self._finish_file()
        write_metadata(self.folder, self._files, self._distribution)
        free_reserve(self.folder)
        self._mark.release(finished=True)
        self._mark = None

    def abandon(self) -> None:
        """Close without finishing: what was flushed can be mended (`face_recording.repair`)."""
        if self._mark is None:
            return
        self._stream.close()
        free_reserve(self.folder)
        self._mark.release(finished=False)
        self._mark = None

    def _open(self) -> None:
        from mcap.writer import CompressionType, Writer

        name = f"{self.folder.name}_{len(self._files)}.mcap"
        self._stream = GrowingFile(self.folder / name)
        self._writer: Writer = Writer(self._stream, CHUNK_BYTES, CompressionType.ZSTD)
        self._writer.start(PROFILE, LIBRARY)
        self._schemas: dict[str, int] = {}
        self._channels: dict[BagTopic, int] = {}
        self._files.append(BagFile(name))
        self._finished, self._file_open = False, True

    def _full(self, time_ns: int) -> bool:
        first_ns = self._files[-1].first_ns
        if first_ns is None:
            return False
        large = 0 < self._split_bytes <= self._stream.tell()
        return large or 0 < self._split_ns <= time_ns - first_ns

    def _add(self, topic: BagTopic, time_ns: int, data: bytes) -> None:
        channel = self._channels.get(topic)
        if channel is None:
            channel = self._channels[topic] = self._register(topic)
        self._writer.add_message(channel, time_ns, data, time_ns)
        self._files[-1].add(topic, time_ns)

    def _register(self, topic: BagTopic) -> int:
        schema = self._schemas.get(topic.type)
        if schema is None:
            definition = self._definitions[topic.type].encode()
            schema = self._schemas[topic.type] = self._writer.register_schema(topic.type, "ros2msg", definition)
        return int(self._writer.register_channel(topic.name, "cdr", schema, channel_metadata(topic)))

    def _finish_file(self) -> None:
        if not self._finished:
            self._writer.add_metadata("rosbag2", file_metadata(self._files[-1], self._distribution))
            self._writer.finish()
            self._finished = True
        self._stream.flush()
        self._stream.sync()
        self._closed_bytes += self._stream.tell()
        self._file_open = False
        self._stream.close()


def channel_metadata(topic: BagTopic) -> dict[str, str]:
    """What rosbag2 keeps with a channel of a file."""
    return {"offered_qos_profiles": topic.qos, "topic_type_hash": topic.type_hash}


def file_metadata(file: BagFile, distribution: str) -> dict[str, str]:
    """What rosbag2 keeps within a file, where `metadata.yaml` is lost."""
    return {
        "serialized_metadata": yaml.safe_dump(information([file], distribution), sort_keys=False),
        "ROS_DISTRO": distribution or os.environ.get("ROS_DISTRO", ""),
    }
