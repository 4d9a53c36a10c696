"""Which take a killed recorder was writing: its own, the newest, of a moment ago, and written by nobody now."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from face_recording.cut_off import RESUME_S, newest_cut_off, recorder_identity
from face_recording.growing_file import MARK_FILE, FolderMark
from face_recording.take_sheet import checked_sheet, write_sheet

OURS = "/ana/recorder in domain 3"


def take(takes: Path, name: str, age_s: float = 5.0, recorder: str = OURS, state: str = "recording") -> Path:
    """A take as a recorder leaves it that is killed."""
    folder = takes / name
    folder.mkdir(parents=True)
    about = {"name": name, "wearer": "Ana", "notes": "", "created": "", "imusic": "", "code_hash": ""}
    write_sheet(folder, checked_sheet({**about, "state": state, "recorder": recorder}))
    (folder / MARK_FILE).touch()
    bag = folder / f"{name}_0.mcap"
    bag.write_bytes(b"cut off")
    os.utime(bag, (time.time() - age_s,) * 2)
    return folder


def test_the_newest_is_found_with_what_was_told_of_it(tmp_path: Path) -> None:
    take(tmp_path, "old", 30.0)
    folder = take(tmp_path, "new", 5.0)
    found = newest_cut_off(tmp_path, OURS)
    assert found is not None
    assert (found.folder, found.sheet.name, found.sheet.wearer) == (folder, "new", "Ana")
    assert 4.0 < found.age_s < RESUME_S
    assert (folder / MARK_FILE).exists(), "it is still to be mended"


@pytest.mark.parametrize(
    ("age_s", "recorder", "state"),
    [
        (RESUME_S + 5.0, OURS, "recording"),
        (-60.0, OURS, "recording"),
        (5.0, "/ben/recorder in domain 3", "recording"),
        (5.0, "/ana/recorder in domain 4", "recording"),
        (5.0, OURS, "cut off"),
        (5.0, OURS, "finished"),
    ],
)
def test_others_are_left_alone(age_s: float, recorder: str, state: str, tmp_path: Path) -> None:
    take(tmp_path, "a", age_s, recorder, state)
    assert newest_cut_off(tmp_path, OURS) is None


def test_what_is_written_or_unreadable_or_of_others_is_left_alone(tmp_path: Path) -> None:
    assert newest_cut_off(tmp_path / "no takes", OURS) is None
    mark = FolderMark(take(tmp_path, "written"))
    (take(tmp_path, "edited") / "take.yaml").write_text("{{{")
    (take(tmp_path, "bare") / "take.yaml").unlink()
    (take(tmp_path, "ended") / MARK_FILE).unlink()
    (tmp_path / "file").touch()
    assert newest_cut_off(tmp_path, OURS) is None
    mark.release(finished=False)
    found = newest_cut_off(tmp_path, OURS)
    assert found is not None
    assert found.folder.name == "written"


def test_a_recorder_is_told_by_its_node_and_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "3")
    assert recorder_identity("/ana/recorder") == OURS
    monkeypatch.setenv("ROS_DOMAIN_ID", "")
    assert recorder_identity("/recorder") == "/recorder in domain 0"
