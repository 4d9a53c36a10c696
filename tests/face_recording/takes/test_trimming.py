"""A part of a take holds what a replay of it needs, and its faces are those of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from face_model.errors import OutputError
from face_recording.bag_reader import Bag
from face_recording.take_sheet import TakeSheet, read_sheet
from face_recording.takes.errors import TakeError
from face_recording.takes.listing import summarise
from face_recording.takes.reading import read_take, stamp_ns
from face_recording.takes.take import NS
from face_recording.takes.trimming import trim
from made_up_bags import tracked, write_bag


def contents(folder: Path) -> dict[str, list[tuple[int, Any]]]:
    with Bag(folder) as bag:
        found: dict[str, list[tuple[int, Any]]] = {name: [] for name in bag.topics}
        times = []
        for message in bag.messages(tuple(bag.topics)):
            found[message.topic].append((message.time_ns, bag.decoded(message)))
            times.append(message.time_ns)
    assert times == sorted(times)
    return found


def test_a_part_replays_from_its_snapshots(tmp_path: Path) -> None:
    take = tracked(500, name="whole", wearer="Ana")
    whole = write_bag(
        tmp_path / "whole",
        {"": take},
        sheet=TakeSheet(wearer="Ana", notes="n", other={"seat": 3, "duration_s": 5.0, "lost": {"/imu/frame": 9}}),
    )
    done = trim(whole, tmp_path / "part", 2.35, 3.5)
    assert done.notes == ()
    assert done.lead_in_s == pytest.approx(0.36, abs=0.001)
    part = read_take(tmp_path / "part")
    assert np.array_equal(part.stamps_ns, take.cut(2.35, 3.5).stamps_ns)
    assert np.array_equal(part.weights, take.cut(2.35, 3.5).weights)
    found = contents(tmp_path / "part")
    assert done.messages == sum(map(len, found.values()))
    # Input without a gap from the snapshots on, up to the end.
    tracker, driver = found["/face/snapshot"][0][1], found["/imu/snapshot"][0][1]
    frames = [content.sequence for _, content in found["/imu/frame"]]
    assert frames == list(range(tracker.after + 1, take.sequence[0] + 350))
    assert [content.number for _, content in found["/imu/bytes"]] == list(range(driver.after + 1, 351))
    # The one before, the one of the third second, and the one that tells what was missed up to the end.
    assert [content.after for _, content in found["/face/snapshot"]] == [216, 316, 416]
    # The layout comes first, and not with a second of silence after it.
    assert len(found["/imu/layout"]) == 1
    first_ns = min(messages[0][0] for messages in found.values() if messages)
    assert found["/imu/layout"][0][0] == first_ns
    assert found["/imu/snapshot"][0][0] - first_ns < NS // 20
    sheet = read_sheet(tmp_path / "part")
    assert sheet is not None
    assert (sheet.wearer, sheet.notes) == ("Ana", "n")
    assert (sheet.other["seat"], sheet.other["part_of"]) == (3, "2.35 s to 3.5 s of whole")
    # The figures of the part, not of the whole.
    assert sheet.other["messages"]["/face/blendshapes"] == 115
    assert (sheet.other["lost"], sheet.other["samples_without_face"]) == ({}, 0)
    summary = summarise(tmp_path / "part")
    assert summary.length == "1.1 s"
    assert (summary.lead_in_s, summary.lost) == (pytest.approx(0.36, abs=0.02), 0)


def test_the_lead_in_is_told_apart_from_the_length(tmp_path: Path) -> None:
    whole = write_bag(tmp_path / "whole", {"": tracked(600)}, snapshots_s=2.0)
    trim(whole, tmp_path / "part", 3.5, 5.0)
    assert summarise(tmp_path / "part").length == "1.5 s (and 1.5 s of lead-in)"


def test_a_part_of_a_part(tmp_path: Path) -> None:
    take = tracked(500)
    whole = write_bag(tmp_path / "whole", {"": take})
    trim(whole, tmp_path / "part", 1.5)
    trim(tmp_path / "part", tmp_path / "again", 1.0, 2.0)
    assert np.array_equal(read_take(tmp_path / "again").weights, take.cut(2.5, 3.5).weights)
    found = contents(tmp_path / "again")
    assert found["/imu/frame"][0][1].sequence == found["/face/snapshot"][0][1].after + 1


def test_two_wearers_are_cut_together(tmp_path: Path) -> None:
    takes = {"a": tracked(300, wearer="Ana"), "b": tracked(300, wearer="Bob", seed=2)}
    trim(write_bag(tmp_path / "two", takes), tmp_path / "part", 1.0, 2.0)
    for place, take in takes.items():
        assert np.array_equal(read_take(tmp_path / "part", namespace=place).weights, take.cut(1.0, 2.0).weights)


def test_the_whole_is_the_whole(tmp_path: Path) -> None:
    take = tracked(300)
    whole = write_bag(tmp_path / "whole", {"": take})
    trim(whole, tmp_path / "part")
    before, after = contents(whole), contents(tmp_path / "part")
    assert {name: len(messages) for name, messages in before.items()} == {n: len(m) for n, m in after.items()}


def test_without_snapshots_a_replay_calibrates_anew_and_that_is_said(tmp_path: Path) -> None:
    whole = write_bag(tmp_path / "whole", {"": tracked(300)}, snapshots_s=None)
    done = trim(whole, tmp_path / "part", 1.0, 2.0)
    assert len(done.notes) == 2
    assert "calibrate anew" in done.notes[0]


def test_the_quality_of_service_comes_along(tmp_path: Path) -> None:
    whole = write_bag(tmp_path / "whole", {"": tracked(100)})
    trim(whole, tmp_path / "part")
    import yaml

    def qos(folder: Path) -> dict[str, str]:
        content = yaml.safe_load((folder / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
        entries = [entry["topic_metadata"] for entry in content["topics_with_message_count"]]
        return {entry["name"]: entry["offered_qos_profiles"] for entry in entries}

    assert qos(whole) == qos(tmp_path / "part")


def test_another_reader_reads_the_part(tmp_path: Path) -> None:
    from rosbags.rosbag2 import Reader

    trim(write_bag(tmp_path / "whole", {"": tracked(200)}), tmp_path / "part", 0.5, 1.0)
    with Reader(tmp_path / "part") as reader:
        assert reader.message_count == len(list(reader.messages()))


def test_what_cannot_be_cut_leaves_nothing_behind(tmp_path: Path) -> None:
    whole = write_bag(tmp_path / "whole", {"": tracked(100)})
    with pytest.raises(TakeError, match="within it"):
        trim(whole, tmp_path / "part", 50.0)
    with pytest.raises(TakeError, match="start"):
        trim(whole, tmp_path / "part", 2.0, 1.0)
    with pytest.raises(TakeError, match="make it first"):
        trim(whole, tmp_path / "none" / "part", 0.1)
    with pytest.raises((TakeError, OutputError)):
        trim(whole, whole, 0.1)
    assert [p.name for p in tmp_path.iterdir()] == ["whole"]


def test_stamps_are_read_of_any_message(tmp_path: Path) -> None:
    take = tracked(50)
    found = contents(write_bag(tmp_path / "whole", {"": take}))
    assert [stamp_ns(m.header) for _, m in found["/face/blendshapes"]] == take.stamps_ns.tolist()
