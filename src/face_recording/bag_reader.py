"""Bags of rosbag2 read without ROS: a folder of files, or one file, MCAP or SQLite, whole or cut short.

Messages come by the time at which the recorder got them. Of each MCAP file one or two chunks are in memory at a time.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

import zstandard
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, TypesysError, get_types_from_idl, get_types_from_msg, get_typestore

from face_model.share import share_dir
from face_recording.bag_files.errors import BagError, NamespaceError
from face_recording.bag_files.mcap_file import McapFile
from face_recording.bag_files.sqlite_file import SqliteFile
from face_recording.bag_files.stored import BagMessage, Source, StoredFile, StoredTopic, merged
from face_recording.recorded_topics import FROM_FACES

__all__ = [
    "BYTES",
    "DRIVER_SNAPSHOT",
    "FACES",
    "FACE_SNAPSHOT",
    "FRAMES",
    "LAYOUT",
    "PROMPT",
    "REFERENCE",
    "STATES",
    "WEARER_TOPICS",
    "Bag",
    "BagError",
    "BagMessage",
    "BagTopic",
    "NamespaceError",
    "split_topic",
    "typestore",
]

FRAMES, LAYOUT, STATES, BYTES = "imu/frame", "imu/layout", "imu/states", "imu/bytes"
FACES, HEAD, PROMPT, REFERENCE = "face/blendshapes", "face/head", "face/prompt", "face/reference"
DRIVER_SNAPSHOT, FACE_SNAPSHOT = "imu/snapshot", "face/snapshot"
TAP = "face/tap"
WEARER_TOPICS: Final = (
    *(FRAMES, LAYOUT, STATES, BYTES, DRIVER_SNAPSHOT, FACES, FACE_SNAPSHOT, HEAD, PROMPT, TAP, REFERENCE),
    *(name for names in FROM_FACES.values() for name in names),
)
"""Topics of one wearer, relative to the wearer's namespace."""

PACKAGE: Final = "imusic"
MOST_FILES: Final = 10_000
KEEP_FREE_BYTES: Final = 1 << 30
"""Left on the disk where a compressed file is unpacked."""
LATEST_NS: Final = 2**63 - 1

_KINDS: Final = (".mcap", ".db3")
_PACKED: Final = ".zstd"


@dataclass(frozen=True)
class BagTopic:
    """One topic of a bag.

    Attributes:
        name: full name.
        kind: message type, such as `imusic/msg/ImuFrame`.
        count: messages; -1 where the files do not tell.
        definition: of the message type; empty if the bag has none.
        encoding: of the definition: `ros2msg`, `ros2idl` or empty.
    """

    name: str
    kind: str
    count: int
    definition: str
    encoding: str


class Bag:
    """An open bag; use as a context manager.

    Args:
        path: folder of a bag with or without its `metadata.yaml`, or one of its files.

    Attributes:
        path: see above.
        files: of the bag, in order of time.
        topics: by full name.
        begin_ns: time of the first message; 0 in a bag without messages.
        end_ns: time of the last message.
        cut: what is missing because a file ends early, one line for each such file.

    Raises:
        BagError: there is none, or it cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self._open: list[StoredFile] = []
        self._temporary: list[IO[bytes]] = []
        try:
            for file in _files_of(self.path):
                self._open.append(self._opened(file))
        except BaseException:
            self.close()
            raise
        self._open.sort(key=lambda stored: stored.begin_ns)
        self.files: tuple[Path, ...] = tuple(stored.path for stored in self._open)
        self.cut: tuple[str, ...] = tuple(
            f"{file.name}: {s.cut}" for file, s in zip(self.files, self._open, strict=True) if s.cut
        )
        self.topics: dict[str, BagTopic] = _joined(stored.topics for stored in self._open)
        there = [stored for stored in self._open if stored.end_ns]
        self.begin_ns = min((stored.begin_ns for stored in there), default=0)
        self.end_ns = max((stored.end_ns for stored in there), default=0)

    def __enter__(self) -> Bag:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all files; may be called twice."""
        for stored in self._open:
            stored.close()
        for file in self._temporary:
            file.close()

    @property
    def duration_s(self) -> float:
        """From the first message to the last, s."""
        return 1e-9 * (self.end_ns - self.begin_ns)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Namespaces of wearers, without a slash at either end; the root's name is empty."""
        return tuple(sorted({place for place, _ in map(split_topic, self.topics) if place is not None}))

    def namespace(self, wanted: str | None = None, needs: Collection[str] = ()) -> str:
        """The namespace to read.

        Args:
            wanted: its name; None: the only one.
            needs: relative topics, of which a namespace must have one; none: any wearer's topic will do.

        Raises:
            NamespaceError: there is none, there are several, or not the one that is wanted.
        """
        names = [name for name in self.namespaces if not needs or self.of_wearer(name).keys() & set(needs)]
        if wanted is None and len(names) == 1:
            return names[0]
        place = None if wanted is None else wanted.strip("/")
        if place in names and place is not None:
            return place
        what = " or ".join(f"/{topic}" for topic in needs) or "the topics of a wearer"
        found = ", ".join(f"/{name}" for name in names) or "none"
        raise NamespaceError(
            f"expected one namespace with {what} in {self.path}{'' if place is None else f', /{place}'}, found {found};"
            " name one with --namespace"
        )

    def of_wearer(self, namespace: str) -> dict[str, BagTopic]:
        """Topics of one wearer by their name relative to the namespace; only those of `WEARER_TOPICS`."""
        found = {}
        for name, topic in self.topics.items():
            place, relative = split_topic(name)
            if place == namespace.strip("/"):
                found[relative] = topic
        return found

    def messages(
        self, topics: Collection[str], start_ns: int | None = None, stop_ns: int | None = None
    ) -> Iterator[BagMessage]:
        """Messages of these topics (full names) by time.

        Args:
            topics: full names; those that the bag does not have are passed over.
            start_ns: time of the first that may come; None: from the beginning.
            stop_ns: before which the last comes; None: to the end.

        Raises:
            BagError: a file is damaged at this place.
        """
        start, stop = 0 if start_ns is None else start_ns, LATEST_NS if stop_ns is None else stop_ns
        sources: list[Source] = [
            (max(stored.begin_ns, start), partial(stored.messages, topics, start, stop))
            for stored in self._open
            if stored.end_ns >= start and stored.begin_ns < stop
        ]
        yield from merged(sources)

    def newest(self, topic: str, at_ns: int) -> BagMessage | None:
        """The last message of a topic at or before a time, for topics that say little; raises `BagError`."""
        for stored in sorted(self._open, key=lambda s: s.end_ns, reverse=True):
            if stored.begin_ns <= at_ns and topic in stored.topics:
                found = stored.newest(topic, at_ns)
                if found is not None:
                    return found
        return None

    def decoded(self, message: BagMessage) -> Any:
        """A message as an object with the fields of its definition, arrays as NumPy arrays; no ROS is needed.

        Raises:
            BagError: its type is not known, or its bytes are not of its type.
        """
        kind = self.topics[message.topic].kind
        try:
            return self._types.deserialize_cdr(message.data, kind)
        except (
            SerdeError, TypesysError, KeyError, ValueError, TypeError, IndexError, AssertionError, AttributeError,
            RecursionError,
        ) as error:  # fmt: skip
            found = str(error) or type(error).__name__
            raise BagError(
                f"expected a message of type {kind} on {message.topic} at {message.time_ns} ns, found {found}; "
                "the bag is damaged there, or holds no definition of its messages"
            ) from error

    def same_definition(self, topic: str) -> bool | None:
        """Whether a topic's messages have the fields of this package's own; None where that is not known."""
        kind = self.topics[topic].kind
        own = typestore()
        if not self.topics[topic].definition or kind not in own.types:
            return None
        return bool(self._types.hash_rihs01(kind) == own.hash_rihs01(kind))

    @cached_property
    def _types(self) -> Any:
        """The bag's own definitions; of types that it does not define, ROS 2's and this package's."""
        store = typestore()
        own: dict[str, Any] = {}
        for topic in self.topics.values():
            if not topic.definition:
                continue
            try:
                own.update(_types_of(topic))
            except (TypesysError, ValueError, KeyError, AssertionError, RecursionError) as error:
                raise BagError(
                    f"expected the definition of {topic.kind} in {self.path}, found what cannot be read ({error}); "
                    "record it again"
                ) from error
        if own:
            mixed = get_typestore(Stores.EMPTY)
            mixed.register({**{k: v for k, v in store.fielddefs.items() if k not in own}, **own})
            return mixed
        return store

    def _opened(self, file: Path) -> StoredFile:
        if file.suffix != _PACKED:
            return McapFile(file) if file.suffix == ".mcap" else SqliteFile(file)
        unpacked = _unpacked(file)
        self._temporary.append(unpacked)
        if file.with_suffix("").suffix == ".mcap":
            return McapFile(file, unpacked)
        return SqliteFile(Path(unpacked.name))


def split_topic(name: str) -> tuple[str | None, str]:
    """Namespace and relative name of a wearer's topic; (None, name) of any other topic."""
    for relative in WEARER_TOPICS:
        if f"/{name.lstrip('/')}".endswith(f"/{relative}"):
            return name.strip("/").removesuffix(relative).strip("/"), relative
    return None, name


def typestore() -> Any:
    """Message types of ROS 2 and of this package, for bags that do not hold their definitions; of `rosbags`."""
    store, types = get_typestore(Stores.ROS2_JAZZY), {}
    for file in sorted((share_dir() / "msg").glob("*.msg")):
        types.update(get_types_from_msg(file.read_text(encoding="utf-8"), f"{PACKAGE}/msg/{file.stem}"))
    store.register(types)
    return store


def _types_of(topic: BagTopic) -> Mapping[str, Any]:
    if topic.encoding != "ros2idl":
        return get_types_from_msg(topic.definition, topic.kind)
    rule, types = "=" * 80 + "\n", {}
    parts = topic.definition.split(rule)[1:] if topic.definition.startswith(f"{rule}IDL: ") else [topic.definition]
    for part in parts:
        types.update(get_types_from_idl(part.split("\n", 1)[1] if part.startswith("IDL: ") else part))
    return types


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted((f for f in path.iterdir() if f.is_file() and _is_bag_file(f)), key=_by_number)
        # A file that was being compressed when its recorder was killed is there twice.
        files = [f for f in files if f.suffix != _PACKED or f.with_suffix("") not in files]
        if files and len(files) <= MOST_FILES:
            return files
        found = f"{len(files)} files" if files else "none of them"
        raise BagError(f"expected .mcap or .db3 files in {path}, found {found}; give the folder of a recording")
    if path.is_file() and _is_bag_file(path):
        return [path]
    found = "another file" if path.exists() else "nothing"
    raise BagError(
        f"expected a bag in {path}, found {found}; give the folder of a recording, or its .mcap or .db3 file"
    )


def _is_bag_file(file: Path) -> bool:
    return (file.with_suffix("") if file.suffix == _PACKED else file).suffix in _KINDS


def _by_number(file: Path) -> list[Any]:
    """Key of an order in which 10 comes after 9."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", file.name)]


def _unpacked(file: Path) -> IO[bytes]:
    """A file of `ros2 bag record --compression-mode file`, unpacked to a temporary one that goes with its handle."""
    target = tempfile.NamedTemporaryFile(prefix="imusic_bag_", suffix=file.with_suffix("").suffix)  # noqa: SIM115
    try:
        room = shutil.disk_usage(Path(target.name).parent).free - KEEP_FREE_BYTES
        with file.open("rb") as packed:
            for piece in zstandard.ZstdDecompressor().read_to_iter(packed, write_size=1 << 20):
                room -= len(piece)
                if room < 0:
                    raise BagError(
                        f"expected room in {tempfile.gettempdir()} to unpack {file}, found none; free some, or name "
                        "another folder in TMPDIR"
                    )
                target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    except zstandard.ZstdError as error:
        target.close()
        raise BagError(f"expected a file compressed with zstd in {file}, found {error}; record it again") from error
    except OSError as error:
        target.close()
        raise BagError(
            f"expected to unpack {file}, found {error}; free some room in {tempfile.gettempdir()}"
        ) from error
    except BaseException:
        target.close()
        raise
    return target


def _joined(parts: Any) -> dict[str, BagTopic]:
    topics: dict[str, BagTopic] = {}
    for part in parts:
        stored: StoredTopic
        for name, stored in part.items():
            before = topics.get(name)
            count = (
                stored.count if before is None or min(stored.count, before.count) < 0 else before.count + stored.count
            )
            topics[name] = BagTopic(
                name,
                stored.kind or (before.kind if before is not None else ""),
                count,
                stored.definition or (before.definition if before is not None else ""),
                stored.encoding or (before.encoding if before is not None else ""),
            )
    return topics
