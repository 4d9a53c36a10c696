from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_recording.errors import RecordingError
from face_recording.growing_file import MARK_FILE, RESERVE_FILE, is_marked
from face_recording.repair import bag_files, is_unfinished, is_whole, repair, repair_all
from face_recording.take_sheet import TakeSheet, read_sheet, write_sheet
from small_bags import frame, write_bag

reader = pytest.importorskip("mcap.reader", reason="recordings need mcap: pip install mcap")


def frames(path: Path) -> list[bytes]:
    """All frames, by the file's index."""
    with path.open("rb") as file:
        messages = reader.make_reader(file, validate_crcs=True).iter_messages(topics=["/imu/frame"])
        return [message.data for _, _, message in messages]


def cut_off(folder: Path, count: int = 25, split_s: float = 0.0) -> Path:
    """A recording whose process was killed; its last file."""
    bag = write_bag(folder, count, split_s=split_s)
    bag.abandon()
    return bag_files(folder)[-1]


@pytest.fixture(autouse=True, scope="module")
def _no_waiting_for_disks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    """What stood in the file when the process was killed: three chunks."""
    return cut_off(tmp_path_factory.mktemp("whole") / "take", 30).read_bytes()


def test_a_recording_that_was_cut_off_is_mended(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    file = cut_off(folder)
    write_sheet(folder, TakeSheet(name="a", other={"state": "recording"}))
    assert is_unfinished(folder)
    done = repair(folder)
    assert done is not None
    assert (done.mended, done.messages, done.cut_bytes) == (("take_0.mcap",), 21, 0)
    assert frames(file) == [frame(i) for i in range(20)]  # the last five were never flushed
    assert sorted(p.name for p in folder.iterdir()) == ["metadata.yaml", "take.yaml", "take_0.mcap"]
    sheet = read_sheet(folder)
    assert sheet is not None
    assert sheet.other["state"] == "cut off, mended"


def test_mending_again_changes_nothing(tmp_path: Path) -> None:
    file = cut_off(tmp_path / "take")
    repair(tmp_path / "take")
    before = file.read_bytes(), (tmp_path / "take" / "metadata.yaml").read_bytes()
    assert not is_unfinished(tmp_path / "take")
    assert repair(tmp_path / "take") is None
    assert (file.read_bytes(), (tmp_path / "take" / "metadata.yaml").read_bytes()) == before


@settings(max_examples=60)
@given(cut=st.integers(0, 1 << 16), junk=st.binary(max_size=40))
def test_wherever_a_file_is_torn_what_is_before_is_kept(
    cut: int, junk: bytes, whole: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    file = folder / "take_0.mcap"
    (folder / MARK_FILE).touch()
    cut %= len(whole) + 1
    file.write_bytes(whole[:cut] + junk if cut >= 8 else whole[:cut])
    done = repair(folder)
    assert done is not None
    assert is_whole(file)
    found = frames(file)
    assert found == [frame(i) for i in range(len(found))]
    chunks_before = sum(whole[:cut].count(mark) for mark in (b"zstd",))
    assert len(found) >= 10 * (chunks_before - 1)
    assert len(found) % 10 == 0
    (folder / MARK_FILE).touch()
    told = repair(folder)  # an index of ours is read like any other
    assert told is not None
    assert told.messages == done.messages


def test_a_repair_that_is_cut_off_is_done_by_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    file = cut_off(folder)
    repair(folder)
    whole = file.read_bytes()
    for length in range(len(whole) - 1, len(whole) - 1200, -97):
        file.write_bytes(whole[:length])
        repair(folder)
        assert frames(file) == [frame(i) for i in range(20)]


def test_an_index_that_lists_something_else_is_written_anew(tmp_path: Path, whole: bytes) -> None:
    damaged = whole[:-20] + bytes(20)  # the last message index has its length, and zeros at its end
    (tmp_path / "take_0.mcap").write_bytes(damaged)
    done = repair(tmp_path)
    assert done is not None
    assert done.cut_bytes > 0
    assert frames(tmp_path / "take_0.mcap") == [frame(i) for i in range(30)]


def test_bits_that_turned_end_a_file_before_them(whole: bytes, tmp_path: Path) -> None:
    damaged = bytearray(whole)
    at = damaged.rfind(b"zstd") + 60
    damaged[at] ^= 0xFF
    (tmp_path / "take_0.mcap").write_bytes(damaged)
    repair(tmp_path)
    assert frames(tmp_path / "take_0.mcap") == [frame(i) for i in range(20)]


def test_only_the_last_file_of_a_split_bag_changes(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    cut_off(folder, 25, split_s=0.1)
    first = bag_files(folder)[0].read_bytes()
    done = repair(folder)
    assert done is not None
    assert done.mended == ("take_2.mcap",)
    assert bag_files(folder)[0].read_bytes() == first
    assert done.messages == 22 + 1 + 0 or done.messages >= 22
    rosbags = pytest.importorskip("rosbags.rosbag2", reason="no rosbags: pip install rosbags")
    with rosbags.Reader(folder) as bag:
        assert bag.message_count == done.messages == sum(1 for _ in bag.messages())


def test_a_recording_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    bag = write_bag(folder, 12)
    before = bag_files(folder)[0].read_bytes()
    assert is_unfinished(folder)
    assert repair(folder) is None
    assert list(repair_all(tmp_path)) == []
    assert bag_files(folder)[0].read_bytes() == before
    assert (folder / RESERVE_FILE).exists()
    bag.close()
    assert repair(folder) is None
    assert len(frames(bag_files(folder)[0])) == 12


def test_a_bag_that_others_write_is_left_alone(tmp_path: Path, whole: bytes) -> None:
    folder = tmp_path / "of_ros"
    folder.mkdir()
    with (folder / "x_0.mcap").open("wb") as file:
        file.write(whole)
        file.flush()
        assert is_unfinished(folder)
        assert repair(folder) is None
    assert list(repair_all(tmp_path)) == []
    assert repair(folder) is not None


def test_a_recording_that_ended_before_its_first_byte(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    folder.mkdir()
    (folder / MARK_FILE).touch()
    (folder / "take_0.mcap").touch()
    done = repair(folder)
    assert done is not None
    assert done.messages == 0
    assert frames(folder / "take_0.mcap") == []
    assert not is_marked(folder)


def test_a_file_that_is_none_of_ours_is_told_and_left(tmp_path: Path) -> None:
    (tmp_path / "a" / "x").mkdir(parents=True)
    (tmp_path / "a" / "take_0.mcap").write_bytes(b"something else entirely")
    (tmp_path / "a" / MARK_FILE).touch()
    cut_off(tmp_path / "b")
    with pytest.raises(RecordingError, match="expected an MCAP file"):
        repair(tmp_path / "a")
    told, done = repair_all(tmp_path)
    assert isinstance(told, RecordingError)
    assert not isinstance(done, RecordingError)
    assert (tmp_path / "a" / "take_0.mcap").read_bytes() == b"something else entirely"
    assert list(repair_all(tmp_path / "none")) == []


def _odd(kind: str) -> bytes:
    """A file of one odd thing after its header."""
    from mcap.data_stream import RecordBuilder
    from mcap.records import Channel, Chunk, Header
    from zstandard import ZstdCompressor

    def chunk(compression: str, data: bytes, size: int) -> Chunk:
        return Chunk(
            compression=compression,
            data=data,
            message_start_time=1,
            message_end_time=2,
            uncompressed_crc=0,
            uncompressed_size=size,
        )

    odd = {
        "a channel without a type": Channel(1, "/imu/frame", "cdr", {}, 0),
        "lz4, which is not installed": chunk("lz4", b'\x04"M\x18' + b"x" * 16, 100),
        "a size that is a lie": chunk("zstd", ZstdCompressor().compress(bytes(100)), 1 << 40),
        "zeros without end": chunk("zstd", ZstdCompressor().compress(bytes(1 << 29)), 100),
    }
    builder = RecordBuilder()
    Header("ros2", "imusic").write(builder)
    odd[kind].write(builder)
    return b"\x89MCAP0\r\n" + builder.end()


@pytest.mark.parametrize(
    "kind", ["a channel without a type", "lz4, which is not installed", "a size that is a lie", "zeros without end"]
)
def test_an_odd_recording_keeps_no_other_from_being_mended(tmp_path: Path, kind: str) -> None:
    cut_off(tmp_path / "b")
    odd = tmp_path / "a"
    odd.mkdir()
    (odd / "a_0.mcap").write_bytes(_odd(kind))
    (odd / MARK_FILE).touch()
    done = list(repair_all(tmp_path))
    assert [each.folder.name for each in done if not isinstance(each, RecordingError)][-1:] == ["b"]
    assert not is_unfinished(tmp_path / "b")
