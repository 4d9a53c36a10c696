from __future__ import annotations

import errno
from pathlib import Path

import pytest

from face_model.errors import OutputError
from face_model.outputs import check_output_file, check_output_folder


def test_what_can_be_written_passes_and_leaves_nothing(tmp_path: Path) -> None:
    assert check_output_file(tmp_path / "x.glb") == tmp_path / "x.glb"
    assert check_output_folder(tmp_path / "new" / "deep") == tmp_path / "new" / "deep"
    assert list(tmp_path.iterdir()) == []


def test_a_file_needs_its_folder_and_a_name_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"expected the folder .*nodir to write x into, found none; make it first"):
        check_output_file(tmp_path / "nodir" / "x")
    with pytest.raises(OutputError, match="found the folder"):
        check_output_file(tmp_path)


def test_a_folder_cannot_be_made_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(OutputError, match=r"found the file .*x; give another name"):
        check_output_folder(tmp_path / "x" / "deep")


@pytest.mark.parametrize("check", [check_output_file, check_output_folder])
def test_a_full_disk_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check) -> None:  # type: ignore[no-untyped-def]
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(OutputError, match="No space left on device; make room"):
        check(tmp_path / "x")
