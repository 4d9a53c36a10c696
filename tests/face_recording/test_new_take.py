from __future__ import annotations

from pathlib import Path

import pytest

from face_model.errors import OutputError
from face_recording.errors import RecordingError
from face_recording.new_take import MB, AskedTake, check_room, new_take, one_line
from face_recording.take_sheet import read_sheet


def test_room_is_looked_for_where_the_folder_will_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    class Disk:
        free = 500 * MB

    monkeypatch.setattr("shutil.disk_usage", lambda place: asked.append(place) or Disk)
    check_room(tmp_path / "not" / "yet", 400 * MB)
    assert asked == [tmp_path]
    with pytest.raises(RecordingError, match=r"expected more than 490 MB on the disk of .*, found 500 MB; make room"):
        check_room(tmp_path, 490 * MB)


def test_a_new_take_has_a_sheet_and_an_empty_bag(tmp_path: Path) -> None:
    folder, sheet, bag = new_take(
        tmp_path, AskedTake("smile", "alice", "first", "/x/cut"), "me", ["/a"], 100 * MB, 60.0
    )
    written = read_sheet(folder)
    assert written is not None
    assert (written.created, written.code_hash) == (sheet.created, sheet.code_hash)
    assert (sheet.name, sheet.wearer, sheet.notes) == ("smile", "alice", "first")
    assert sheet.other["state"] == "recording"
    assert (sheet.other["namespaces"], sheet.other["recorder"], sheet.other["continues"]) == (["/a"], "me", "cut")
    bag.close()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OutputError("no room")])
def test_of_a_take_that_cannot_begin_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_args: object) -> None:
        raise error

    monkeypatch.setattr("face_recording.bag_writer.BagWriter.__init__", fail)
    with pytest.raises((RecordingError, OutputError), match=r"No space left on device; make room|no room"):
        new_take(tmp_path, AskedTake("smile"), "me", ["/"], 100 * MB, 60.0)
    assert list(tmp_path.iterdir()) == []


def test_one_line_is_printable_and_short() -> None:
    assert one_line(" a\nb\x1b[31mc ", 6) == "a b ["
