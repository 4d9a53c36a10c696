"""Where a replay begins: with the first face, whatever the recording needs before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from face_inference.snapshot import missed_by_inference
from face_recording.bag_reader import Bag
from face_recording.replay.errors import ReplayError
from face_recording.replay.events import EventKind
from face_recording.replay.part import first_face_ns, played_part
from face_recording.replay.recorded_events import FrameEvents
from face_recording.takes.trimming import trim
from in_process_replay import replayed
from recorded_bag import MISSED, STEP_NS, write_recording

S = 1_000_000_000
START_S, END_S = 5.0, 7.0
"""The snapshot before this start is 2 s older."""


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("takes")
    trim(write_recording(folder / "whole", 12.0), folder / "cut", START_S, END_S)
    return folder / "cut"


def test_a_cut_begins_with_its_first_face(cut: Path) -> None:
    with Bag(cut) as bag:
        part = played_part(bag, "ana", 0.0, 0.0)
        lead_s = (part.begin_ns - bag.begin_ns) / S
        assert lead_s == pytest.approx(2.0, abs=0.02)
        assert (part.end_ns - part.begin_ns) / S == pytest.approx(END_S - START_S, abs=0.05)
        source = FrameEvents(bag, "ana", compare=True, missed=missed_by_inference)
        events = list(source.events(part.begin_ns, part.end_ns))
    frames = [event for event in events if event.kind is EventKind.FRAME]
    silent = [event for event in frames if event.silent]
    assert len(silent) == pytest.approx(200, abs=2)
    loud = frames[len(silent)]
    assert loud.time_ns - part.begin_ns <= STEP_NS
    assert not any(event.silent for event in events if event.kind is EventKind.RECORDED)


def test_the_cut_is_equal_bit_for_bit(cut: Path) -> None:
    check, _, _ = replayed(cut)
    assert check.ok, check.summary
    assert check.equal == round(100 * (END_S - START_S)) - len(MISSED)


def test_a_start_is_counted_from_the_first_face(cut: Path) -> None:
    with Bag(cut) as bag:
        part = played_part(bag, "ana", 0.5, 1.0)
        assert part.origin_ns == first_face_ns(bag, "ana")
        assert part.begin_ns == part.origin_ns + S // 2
        assert part.end_ns == part.begin_ns + S


def test_a_start_behind_the_end_is_refused_by_its_name(cut: Path) -> None:
    with Bag(cut) as bag, pytest.raises(ReplayError, match=r"^--start: expected a place in the 2\.0 s of cut"):
        played_part(bag, "ana", 99.0, 0.0, option="--start")
