"""Bags written here by two other libraries, whole, cut and damaged."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from face_recording.bag_files.stored import BagMessage, merged
from face_recording.bag_reader import Bag, BagError, NamespaceError, typestore

STEP_NS = 10_000_000
BEGIN_NS = 1_700_000_000_000_000_000
STORE = typestore()
FRAME, LAYOUT = "imusic/msg/ImuFrame", "imusic/msg/SensorLayout"


def frame(number: int) -> bytes:
    types: Any = STORE.types
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](number, 0), "face_head")
    arrays = [np.full(size, number, np.float32) for size in (4, 3, 3)]
    message = types[FRAME](header, 7, number, number, np.array([3], np.uint8), *arrays)
    return bytes(STORE.serialize_cdr(message, FRAME))


def layout() -> bytes:
    types: Any = STORE.types
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), "face_head")
    return bytes(STORE.serialize_cdr(types[LAYOUT](header, 7, "face_1", "hub", 100.0, []), LAYOUT))


def write(
    path: Path,
    plugin: StoragePlugin = StoragePlugin.MCAP,
    count: int = 300,
    places: tuple[str, ...] = ("/alice",),
    mode: CompressionMode = CompressionMode.NONE,
) -> Path:
    writer = Writer(path, version=9, storage_plugin=plugin)
    if mode is not CompressionMode.NONE:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        for place in places:
            layouts = writer.add_connection(f"{place}/imu/layout", LAYOUT, typestore=STORE)
            writer.write(layouts, BEGIN_NS, layout())
            frames = writer.add_connection(f"{place}/imu/frame", FRAME, typestore=STORE)
            for i in range(count):
                writer.write(frames, BEGIN_NS + i * STEP_NS, frame(i))
    return path


def write_mcap(path: Path, count: int, *, chunk: int = 4096, chunking: bool = True, finish: bool = True) -> Path:
    """As a recorder does that writes small chunks; without `finish` as one that was killed."""
    with path.open("wb") as file:
        writer = McapWriter(file, chunk_size=chunk, compression=CompressionType.ZSTD, use_chunking=chunking)
        writer.start("ros2", "test")
        definition = (Path(__file__).parents[2] / "msg" / "ImuFrame.msg").read_text() + (
            "\n" + "=" * 80 + "\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"
            + "=" * 80 + "\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
        )  # fmt: skip
        schema = writer.register_schema(FRAME, "ros2msg", definition.encode())
        channel = writer.register_channel("/imu/frame", "cdr", schema)
        for i in range(count):
            when_ns = BEGIN_NS + i * STEP_NS
            writer.add_message(channel, when_ns, frame(i), when_ns, i)
        if finish:
            writer.finish()
    return path


def numbers(bag: Bag, topic: str, start_ns: int | None = None, stop_ns: int | None = None) -> list[int]:
    return [int(bag.decoded(message).sequence) for message in bag.messages([topic], start_ns, stop_ns)]


@pytest.mark.parametrize(
    ("plugin", "mode"),
    [
        (StoragePlugin.MCAP, CompressionMode.NONE),
        (StoragePlugin.MCAP, CompressionMode.STORAGE),
        (StoragePlugin.MCAP, CompressionMode.FILE),
        (StoragePlugin.MCAP, CompressionMode.MESSAGE),
        (StoragePlugin.SQLITE3, CompressionMode.NONE),
        (StoragePlugin.SQLITE3, CompressionMode.FILE),
        (StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
    ],
)
@pytest.mark.parametrize("metadata", [True, False])
def test_every_kind_of_bag_is_read(
    tmp_path: Path, plugin: StoragePlugin, mode: CompressionMode, metadata: bool
) -> None:
    path = write(tmp_path / "bag", plugin, mode=mode)
    if not metadata:
        (path / "metadata.yaml").unlink()
    with Bag(path) as bag:
        assert bag.namespaces == ("alice",)
        assert bag.namespace() == "alice"
        assert bag.of_wearer("alice")["imu/frame"].kind == FRAME
        assert bag.of_wearer("alice")["imu/frame"].count == 300
        assert bag.begin_ns == BEGIN_NS
        assert bag.duration_s == pytest.approx(2.99)
        assert numbers(bag, "/alice/imu/frame") == list(range(300))
        middle = BEGIN_NS + 100 * STEP_NS
        assert numbers(bag, "/alice/imu/frame", middle, middle + 5 * STEP_NS) == [100, 101, 102, 103, 104]
        found = bag.newest("/alice/imu/frame", middle + 1)
        assert found is not None
        assert bag.decoded(found).sequence == 100
        kept = bag.newest("/alice/imu/layout", bag.end_ns)
        assert kept is not None
        assert bag.decoded(kept).name == "face_1"
        assert bag.same_definition("/alice/imu/frame")
        assert not bag.cut


def test_one_file_is_a_bag_as_well(tmp_path: Path) -> None:
    (file,) = write(tmp_path / "bag").glob("*.mcap")
    with Bag(file) as bag:
        assert len(numbers(bag, "/alice/imu/frame")) == 300


def test_files_of_a_split_bag_follow_one_another(tmp_path: Path) -> None:
    folder = tmp_path / "bag"
    folder.mkdir()
    for part in range(12):
        write_mcap(folder / f"bag_{part}.mcap", 10)
        content = (folder / f"bag_{part}.mcap").read_bytes()
        assert content
    with Bag(folder) as bag:
        assert [int(file.stem.split("_")[1]) for file in bag.files] == list(range(12))
        found = numbers(bag, "/imu/frame")
    assert sorted(found) == found  # the parts lie at the same time: they are put in order
    assert len(found) == 120


@pytest.mark.parametrize("chunking", [True, False])
def test_a_file_whose_recorder_was_killed_gives_what_was_written(tmp_path: Path, chunking: bool) -> None:
    whole = write_mcap(tmp_path / "whole.mcap", 200, chunking=chunking).read_bytes()
    file = tmp_path / "cut.mcap"
    counts = []
    for share in (0.2, 0.5, 0.9):
        file.write_bytes(whole[: int(share * len(whole))])
        with Bag(file) as bag:
            found = numbers(bag, "/imu/frame")
            assert bag.topics["/imu/frame"].count == len(found)
            assert bag.cut
            assert "not written" in bag.cut[0]
            assert bag.end_ns == BEGIN_NS + (len(found) - 1) * STEP_NS
        assert found == list(range(len(found)))
        counts.append(len(found))
    assert counts == sorted(counts)
    assert counts[-1] > 120


def test_two_wearers_are_told_apart(tmp_path: Path) -> None:
    with Bag(write(tmp_path / "bag", places=("", "/alice", "/home/bob"))) as bag:
        assert bag.namespaces == ("", "alice", "home/bob")
        with pytest.raises(NamespaceError, match=r"found /, /alice, /home/bob; name one with --namespace"):
            bag.namespace()
        with pytest.raises(NamespaceError, match="/carol, found"):
            bag.namespace("carol")
        assert bag.namespace("/home/bob/") == "home/bob"
        assert bag.namespace("") == ""
        with pytest.raises(NamespaceError, match="imu/bytes"):
            bag.namespace(needs=("imu/bytes",))
        assert len(numbers(bag, "/home/bob/imu/frame")) == 300


def test_messages_out_of_order_come_in_order(tmp_path: Path) -> None:
    path = tmp_path / "bag.mcap"
    order = [5, 3, 9, 1, 0, 8, 2, 7, 4, 6]
    with path.open("wb") as file:
        writer = McapWriter(file, chunk_size=200)
        writer.start("ros2", "test")
        schema = writer.register_schema(FRAME, "", b"")
        channel = writer.register_channel("/imu/frame", "cdr", schema)
        for i in order:
            writer.add_message(channel, BEGIN_NS + i, frame(i), BEGIN_NS + i, i)
        writer.finish()
    with Bag(path) as bag:
        assert numbers(bag, "/imu/frame") == sorted(order)
        assert numbers(bag, "/imu/frame", BEGIN_NS + 4, BEGIN_NS + 7) == [4, 5, 6]
        assert bag.same_definition("/imu/frame") is None


def test_what_is_no_bag_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.mcap").touch()
    (tmp_path / "text.mcap").write_text("hello, this is no recording at all\n" * 10)
    (tmp_path / "text.db3").write_text("hello\n" * 1000)
    (tmp_path / "notes.txt").touch()
    for name in ("empty", "empty.mcap", "text.mcap", "text.db3", "notes.txt", "none"):
        with pytest.raises(BagError, match=r"expected .* found"):
            Bag(tmp_path / name)


def test_a_chunk_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    bomb = zstandard.compress(bytes(1 << 29))
    body = struct.pack("<QQQI", BEGIN_NS, BEGIN_NS, 100, 0) + struct.pack("<I4s", 4, b"zstd")
    body += struct.pack("<Q", len(bomb)) + bomb
    header = struct.pack("<I4sI4s", 4, b"ros2", 4, b"test")
    path = tmp_path / "bag.mcap"
    path.write_bytes(
        b"\x89MCAP0\r\n" + struct.pack("<BQ", 1, len(header)) + header + struct.pack("<BQ", 6, len(body)) + body
    )
    with pytest.raises(BagError, match="at most"):
        Bag(path)


def test_a_message_that_is_none_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "bag.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start("ros2", "test")
        channel = writer.register_channel("/imu/frame", "cdr", writer.register_schema(FRAME, "", b""))
        writer.add_message(channel, 77, b"\0\1\0\0", 77, 0)
        writer.finish()
    with Bag(path) as bag:
        (message,) = bag.messages(["/imu/frame"])
        with pytest.raises(BagError, match="at 77 ns"):
            bag.decoded(message)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_mcap(tmp_path_factory.mktemp("whole") / "bag.mcap", 60, chunk=1500).read_bytes()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_anywhere_is_refused_or_passed_over(whole: bytes, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path / "bag.mcap"
    file.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        with Bag(file) as bag:
            for topic in bag.topics:
                times = [message.time_ns for message in bag.messages([topic])]
                assert times == sorted(times)
                bag.newest(topic, bag.end_ns)
    except BagError as error:
        assert "expected" in str(error)  # noqa: PT017 - either is right


@given(st.lists(st.lists(st.integers(0, 50), max_size=8), max_size=6))
def test_sources_are_merged_by_time_and_opened_when_due(parts: list[list[int]]) -> None:
    opened: list[int] = []

    def begin(index: int, times: list[int]) -> Callable[[], Any]:
        def go() -> Any:
            opened.append(index)
            return iter([BagMessage(str(index), t, b"") for t in sorted(times)])

        return go

    sources = [(min(times, default=0), begin(i, times)) for i, times in enumerate(parts)]
    found = [message.time_ns for message in merged(sources)]
    assert found == sorted(t for times in parts for t in times)
    assert sorted(opened) == list(range(len(parts)))
