"""A verdict for each kind of take: what is wrong is said, what is right is not blamed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from face_recording.bag_reader import Bag
from face_recording.take_sheet import TakeSheet, write_sheet
from face_recording.takes.checking import check
from face_recording.takes.errors import NoTakeError, TakeError
from face_recording.takes.listing import PAIRING_FILE, summarise
from face_recording.takes.take import NS, STALE, Take
from face_recording.takes.verdict import Grade
from made_up_bags import frame, header, tracked, write_bag


def grades(folder: Path) -> dict[str, Grade]:
    order = (Grade.GOOD, Grade.REMARK, Grade.WARNING, Grade.BAD)
    found: dict[str, Grade] = {}
    for finding in check(folder).findings:
        found[finding.about] = max(finding.grade, found.get(finding.about, Grade.GOOD), key=order.index)
    return found


def text(folder: Path, about: str) -> str:
    return "; ".join(finding.text for finding in check(folder).findings if finding.about == about)


def test_a_good_take_is_good(tmp_path: Path) -> None:
    verdict = check(write_bag(tmp_path / "t", {"": tracked(300)}))
    assert verdict.usable
    assert verdict.words == "Good: whole, without loss."
    told = json.loads(verdict.to_json())
    assert told["usable"] is True
    assert {finding["grade"] for finding in told["findings"]} == {"good"}


def test_loss_is_counted_and_a_gap_is_named(tmp_path: Path) -> None:
    lossy = tracked(300).rows(np.r_[0:100, 160:300])
    folder = write_bag(tmp_path / "t", {"": lossy})
    assert not check(folder).usable
    assert grades(folder)["loss"] is Grade.BAD
    assert "60 lost" in text(folder, "loss")
    assert "0.61 s at 1.0 s" in text(folder, "gaps")


@pytest.mark.parametrize(("skipped", "grade"), [(3, Grade.REMARK), (60, Grade.WARNING)])
def test_samples_that_inference_left_out_are_no_loss(tmp_path: Path, skipped: int, grade: Grade) -> None:
    take = tracked(300)
    folder = write_bag(tmp_path / "t", {"": take}, faceless=range(100, 100 + skipped))
    assert check(folder).usable
    assert grades(folder)["loss"] is Grade.GOOD
    assert grades(folder)["samples without a face"] is grade
    assert f"{skipped} of 300 ({100.0 * skipped / 300:.2g} %)" in text(folder, "samples without a face")
    summary = summarise(folder)
    assert (summary.lost, summary.samples_without_face) == (0, skipped)


def test_the_recorders_own_count_is_told_where_it_is_of_this_bag(tmp_path: Path) -> None:
    take = tracked(300)
    take.state[200:], take.sequence[200:] = STALE, take.sequence[200]
    folder = write_bag(tmp_path / "t", {"": take}, faceless=(100,))
    with Bag(folder) as bag:
        messages = {name: topic.count for name, topic in bag.topics.items()}
    other = {"messages": messages, "lost": {"/imu/frame": 2}, "samples_without_face": 1}
    write_sheet(folder, TakeSheet(other=other))
    assert (summarise(folder).lost, summarise(folder).samples_without_face) == (2, 1)
    write_sheet(folder, TakeSheet(other=other | {"messages": dict.fromkeys(messages, 5)}))
    assert summarise(folder).samples_without_face == -1


def test_a_clock_that_was_set_is_told(tmp_path: Path) -> None:
    take = tracked(300)
    back = take.stamps_ns.copy()
    back[150:] -= NS
    folder = write_bag(tmp_path / "t", {"": replace(take, stamps_ns=back)})
    assert grades(folder)["stamps"] is Grade.BAD


def test_a_computers_clock_that_was_set_back_is_told_with_what_to_do(tmp_path: Path) -> None:
    def stamped(take: Take, i: int) -> Any:
        return replace(frame(take, i), header=header(int(take.stamps_ns[i]) - (30 * NS if i >= 150 else 0)))

    folder = write_bag(tmp_path / "t", {"": tracked(300)}, frames=stamped)
    assert grades(folder)["stamps"] is Grade.BAD
    told = text(folder, "stamps")
    assert "by up to 29.99 s: the computer's clock was set; use the parts apart: imusic takes trim" in told
    assert "--end 1.49, or --start 1.50" in told


@pytest.mark.parametrize(
    ("set_s", "boots", "said"),
    [
        (-30.0, False, "the hub's clock goes back once, by up to 29.99 s: its clock was set"),
        (-30.0, True, "the hub's clock goes back once, by up to 29.99 s: the hub booted"),
        (30.0, False, "a step of 30.00 s between hub time and stamps"),
    ],
)
def test_a_hubs_clock_that_steps_is_a_warning_with_what_to_do(
    tmp_path: Path, set_s: float, boots: bool, said: str
) -> None:
    def stepped(take: Take, i: int) -> Any:
        message = frame(take, i)
        since_us = 40_000_000 + int(take.stamps_ns[i] - take.stamps_ns[0]) // 1000
        sequence = i - 150 if boots and i >= 150 else int(take.sequence[i])
        return replace(message, hub_time_us=since_us + int(1e6 * set_s) * (i >= 150), sequence=sequence)

    folder = write_bag(tmp_path / "t", {"": tracked(300)}, frames=stepped)
    assert grades(folder)["clock"] is Grade.WARNING
    told = text(folder, "clock")
    assert said in told
    assert told.endswith("imusic takes trim --end 1.49, or --start 1.50")
    assert "clock" in check(folder).words


def test_without_a_neutral_nothing_is_known(tmp_path: Path) -> None:
    folder = write_bag(tmp_path / "t", {"": tracked(100, calibrating=100)})
    assert grades(folder)["neutral"] is Grade.BAD
    begun_late = write_bag(tmp_path / "u", {"": tracked(100, calibrating=0)}, snapshots_s=None)
    assert grades(begun_late)["neutral"] is Grade.REMARK
    assert grades(begun_late)["content"] is Grade.REMARK


def test_stale_faces_are_told(tmp_path: Path) -> None:
    take = tracked(300)
    take.state[200:] = STALE
    folder = write_bag(tmp_path / "t", {"": take})
    assert grades(folder)["states"] is Grade.BAD
    assert "stale 33 %" in text(folder, "states")


def test_faces_that_are_told_again_say_nothing_of_the_latency(tmp_path: Path) -> None:
    take = tracked(300)
    take.state[200:], take.stamps_ns[200:] = STALE, take.stamps_ns[199]
    take.age[200:] = 5.0
    found = text(write_bag(tmp_path / "t", {"": take}), "latency")
    assert found == "4.0 ms from sample to weights, 99 % below 4.0 ms"


def test_a_killed_recording_can_be_mended(tmp_path: Path) -> None:
    from face_recording.repair import repair

    folder = write_bag(tmp_path / "t", {"": tracked(200)}, kill=True)
    assert "--mend" in text(folder, "file")
    assert repair(folder) is not None
    assert grades(folder)["file"] is Grade.GOOD


@pytest.mark.parametrize("lag_s", [-0.4, 0.0, 0.25])
def test_a_reference_is_aligned(tmp_path: Path, lag_s: float) -> None:
    take, kernel = tracked(800, calibrating=0), np.hanning(25) / 12.0
    noise = np.random.default_rng(3).normal(0.5, 0.6, take.weights.shape)
    take.weights[:] = np.stack([np.convolve(column, kernel, mode="same") for column in noise.T], axis=1)
    folder = write_bag(tmp_path / "t", {"": take}, reference_lag_s=lag_s)
    told = text(folder, "reference")
    found = re.search(r"([+-]\d+) ms after", told)
    assert found is not None
    assert float(found[1]) == pytest.approx(1e3 * lag_s, abs=3.0)
    assert grades(folder)["reference"] is (Grade.REMARK if lag_s else Grade.GOOD)


@pytest.mark.parametrize(
    ("written", "grade", "said"),
    [
        ({"namespace": "", "quality": "good", "worst_deviation_s": 0.0023}, Grade.GOOD, "plus or minus 5 ms"),
        ({"namespace": "", "quality": "poor", "worst_deviation_s": 0.1}, Grade.REMARK, "not to be learned from"),
        ({"namespace": ""}, Grade.REMARK, "not understood"),
        ([1], Grade.REMARK, "imusic takes pair"),
    ],
)
def test_a_pairing_is_read(tmp_path: Path, written: object, grade: Grade, said: str) -> None:
    folder = write_bag(tmp_path / "t", {"": tracked(800, calibrating=0)}, reference_lag_s=0.25)
    assert "pairing" not in grades(folder)
    (folder / PAIRING_FILE).write_text(yaml.safe_dump(written))
    assert grades(folder)["pairing"] is grade
    assert said in text(folder, "pairing")
    assert "align it" not in text(folder, "reference")


def test_two_wearers_are_told_apart(tmp_path: Path) -> None:
    folder = write_bag(tmp_path / "t", {"a": tracked(100), "b": tracked(100, calibrating=100)})
    assert grades(folder)["/b neutral"] is Grade.BAD
    assert check(folder, "a").usable
    with pytest.raises(TakeError, match="/a, /b"):
        check(folder, "c")


def test_what_is_no_take(tmp_path: Path) -> None:
    with pytest.raises(NoTakeError):
        check(tmp_path)
