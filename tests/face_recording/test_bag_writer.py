from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from face_recording.bag_metadata import BagTopic, qos_text
from face_recording.growing_file import RESERVE_BYTES, RESERVE_FILE, GrowingFile, is_marked
from small_bags import FRAMES, LAYOUT, START_NS, STEP_NS, frame, write_bag

reader = pytest.importorskip("mcap.reader", reason="recordings need mcap: pip install mcap")


def read(path: Path) -> list[tuple[str, int, bytes]]:
    with path.open("rb") as file:
        messages = reader.make_reader(file, validate_crcs=True).iter_messages()
        return [(channel.topic, message.log_time, message.data) for _, channel, message in messages]


def test_a_bag_holds_every_message_with_its_definition(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    write_bag(folder, 25).close()
    (file,) = folder.glob("*.mcap")
    assert file.name == "take_0.mcap"
    found = read(file)
    assert found[0] == ("/imu/layout", START_NS, b"\0\1\0\0layout")
    assert found[1:] == [("/imu/frame", START_NS + i * STEP_NS, frame(i)) for i in range(25)]
    with file.open("rb") as opened:
        summary = reader.make_reader(opened).get_summary()
    assert {s.name: (s.encoding, s.data) for s in summary.schemas.values()} == {
        FRAMES.type: ("ros2msg", b"uint32 number\n"),
        LAYOUT.type: ("ros2msg", b"uint32 number\n"),
    }
    assert {index.compression for index in summary.chunk_indexes} == {"zstd"}
    assert sorted(p.name for p in folder.iterdir()) == ["metadata.yaml", "take_0.mcap"]


def test_the_metadata_are_what_rosbag2_expects(tmp_path: Path) -> None:
    write_bag(tmp_path / "take", 25).close()
    assert (tmp_path / "take" / "metadata.yaml").stat().st_mode & 0o777 == 0o600
    told = yaml.safe_load((tmp_path / "take" / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert told["version"] == 8
    assert told["storage_identifier"] == "mcap"
    assert told["message_count"] == 26
    assert told["relative_file_paths"] == ["take_0.mcap"]
    assert told["starting_time"] == {"nanoseconds_since_epoch": START_NS}
    assert told["duration"] == {"nanoseconds": 24 * STEP_NS}
    counts = {t["topic_metadata"]["name"]: t["message_count"] for t in told["topics_with_message_count"]}
    assert counts == {"/imu/frame": 25, "/imu/layout": 1}
    (qos,) = yaml.safe_load(told["topics_with_message_count"][1]["topic_metadata"]["offered_qos_profiles"])
    assert (qos["reliability"], qos["durability"], qos["depth"]) == (1, 1, 1)


def test_an_independent_reader_opens_it(tmp_path: Path) -> None:
    rosbags = pytest.importorskip("rosbags.rosbag2", reason="no rosbags: pip install rosbags")
    write_bag(tmp_path / "take", 25, split_s=0.1).close()
    with rosbags.Reader(tmp_path / "take") as bag:
        assert {c.topic: c.msgcount for c in bag.connections} == {"/imu/frame": 25, "/imu/layout": 3}
        assert [raw for c, _, raw in bag.messages() if c.topic == "/imu/frame"] == [frame(i) for i in range(25)]


def test_every_file_of_a_split_bag_begins_with_what_is_latched(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    write_bag(folder, 25, split_s=0.1).close()
    files = sorted(folder.glob("*.mcap"))
    assert [file.name for file in files] == ["take_0.mcap", "take_1.mcap", "take_2.mcap"]
    found = [read(file) for file in files]
    assert [messages[0][0] for messages in found] == ["/imu/layout"] * 3
    assert [len(messages) for messages in found] == [11, 11, 6]
    assert [m[2] for messages in found for m in messages[1:]] == [frame(i) for i in range(25)]


def test_a_large_file_is_split(tmp_path: Path) -> None:
    from face_recording.bag_writer import BagWriter

    (tmp_path / "take").mkdir()
    bag = BagWriter(tmp_path / "take", split_bytes=2000)
    bag.define(FRAMES.type, "uint32 number\n")
    for number in range(200):
        bag.write(FRAMES, START_NS + number, frame(number, size=200))
        bag.flush(sync=False)
    bag.close()
    assert len(list((tmp_path / "take").glob("*.mcap"))) > 3
    assert bag.size == sum(path.stat().st_size for path in (tmp_path / "take").glob("*.mcap"))


def test_a_recording_that_goes_on_is_marked_and_keeps_room_for_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    bag = write_bag(folder, 5)
    assert is_marked(folder)
    assert (folder / RESERVE_FILE).stat().st_size == RESERVE_BYTES
    bag.free_reserve()
    assert not (folder / RESERVE_FILE).exists()
    bag.close()
    bag.close()
    assert not is_marked(folder)


def test_topics_of_two_kinds_have_a_channel_each(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    bag = write_bag(folder, 3)
    other = BagTopic(FRAMES.name, FRAMES.type, qos_text(True, False, 5))
    bag.write(other, START_NS + STEP_NS * 5, frame(3))
    bag.close()
    assert [m[2] for m in read(folder / "take_0.mcap") if m[0] == FRAMES.name] == [frame(i) for i in range(4)]


def test_what_could_not_be_written_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    file = GrowingFile(tmp_path / "x")
    file.write(b"abcdef")
    written = os.write
    full = [True]

    def write(number: int, data: bytes) -> int:
        if full[0] and len(data) < 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(number, bytes(data[:2]))

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space"):
        file.flush()
    assert file.tell() == 6
    full[0] = False
    file.write(b"g")
    file.flush()
    file.close()
    assert (tmp_path / "x").read_bytes() == b"abcdefg"
