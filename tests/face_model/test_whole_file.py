"""Results are written whole or not at all, and asked for before the work."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from face_model import arkit, observability
from face_model.errors import OutputError
from face_model.faces import load_rig
from face_model.rigs.export import write_glb
from face_model.stored_rig import save_rig
from face_model.whole_file import expect_writable, write_whole
from imu_sim.realism.html_report import write_report
from imu_sim.recording import Recording

OLD = b"what was there before"


def recording() -> Recording:
    """Two samples of one sensor."""
    four, three = np.zeros((2, 1, 4), np.float32), np.zeros((2, 1, 3), np.float32)
    truth, head = np.zeros((2, arkit.COUNT), np.float32), np.zeros((2, 4), np.float32)
    return Recording("ann", "one", 100.0, ("skull",), four, three, three, np.ones((2, 1), bool), truth, head)


WRITERS: dict[str, Callable[[Path], object]] = {
    "rig.npz": lambda path: save_rig(load_rig(), path),
    "face.glb": lambda path: write_glb(load_rig(), path),
    "take.npz": lambda path: recording().save(path),
    "page.html": lambda path: write_report(path, "title", []),
    "table.csv": lambda path: observability.write_table(observability.TABLE, path, "note"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    path.write_bytes(OLD)

    def killed(self: Path, target: Path) -> Path:
        assert self.stat().st_size > 0
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            WRITERS[name](path)
    assert path.read_bytes() == OLD
    assert [p.name for p in tmp_path.iterdir()] == [name]
    WRITERS[name](path)
    assert path.read_bytes() != OLD
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_one_line_and_leaves_the_old_file(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    path.write_bytes(OLD)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device; make room") as error:
        WRITERS[name](path)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == OLD
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_places_that_cannot_be_written_are_known_before(tmp_path: Path) -> None:
    expect_writable(tmp_path / "new.glb")
    with pytest.raises(OutputError, match=r"nodir/x\.glb, found: No such file or directory"):
        expect_writable(tmp_path / "nodir" / "x.glb")
    with pytest.raises(OutputError, match="is a folder"):
        expect_writable(tmp_path)
    expect_writable(tmp_path / "made" / "x.html", make_folders=True)
    (tmp_path / "file").write_bytes(OLD)
    with pytest.raises(OutputError, match="file"):
        expect_writable(tmp_path / "file" / "x.html", make_folders=True)
    with pytest.raises(OutputError):
        expect_writable(Path("/proc/x.glb"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write(part: Path) -> None:
        part.write_bytes(OLD)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        write_whole(tmp_path / "x.bin", write)
    assert not list(tmp_path.iterdir())
