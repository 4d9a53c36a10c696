"""What a bag holds comes out of it, and what is no take is refused with a reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from face_recording.take_sheet import TakeSheet
from face_recording.takes.errors import NoTakeError, TakeError
from face_recording.takes.listing import find_take, goes_on, is_take, remove_take, summarise, take_folders
from face_recording.takes.reading import read_take
from made_up_bags import tracked, write_bag


def test_the_recorded_faces_come_out_bit_for_bit(tmp_path: Path) -> None:
    sheet = TakeSheet(wearer="Jürgen Müller", name="ein Lächeln", notes="lose", created="2026-11-28T15:00:00+01:00")
    take = tracked(
        name=sheet.name, wearer=sheet.wearer, notes=sheet.notes, created=sheet.created, namespace="", model="imusic 1"
    )
    folder = write_bag(tmp_path / "2026-11-28_15-00-00_Lächeln mit Leerzeichen", {"": take}, sheet=sheet)
    assert read_take(folder).same_as(take)


def test_two_wearers_want_a_choice(tmp_path: Path) -> None:
    ana, bob = tracked(60, wearer="Ana", seed=1), tracked(60, wearer="Bob", seed=2)
    folder = write_bag(tmp_path / "two", {"a": ana, "b": bob})
    with pytest.raises(TakeError, match=r"/a, /b.*--namespace"):
        read_take(folder)
    assert (read_take(folder, wearer="Ana").weights == ana.weights).all()
    assert (read_take(folder, namespace="/b/").weights == bob.weights).all()
    assert read_take(folder, wearer="b").wearer == "Bob"
    with pytest.raises(TakeError, match="Ana in /a, Bob in /b"):
        read_take(folder, wearer="Carol")
    with pytest.raises(TakeError, match="/c"):
        read_take(folder, namespace="c")


def test_half_a_take_is_read_up_to_where_it_ends(tmp_path: Path) -> None:
    take = tracked(200)
    folder = write_bag(tmp_path / "killed", {"": take}, kill=True)
    assert (read_take(folder).weights == take.weights).all()
    assert summarise(folder).state == "cut"
    torn = next(folder.glob("*.mcap"))
    torn.write_bytes(torn.read_bytes()[:-100])
    read_take(folder) if summarise(folder).faces else None
    torn.write_bytes(b"")
    with pytest.raises(NoTakeError):
        read_take(folder)
    assert summarise(folder).state.startswith("expected")


def test_what_is_no_take(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "x.mcap").write_bytes(b"no bag")
    for name in ("empty", "odd", "none"):
        with pytest.raises(NoTakeError):
            read_take(tmp_path / name)
    empty = write_bag(tmp_path / "no_faces", {"": tracked(3).rows(slice(0, 0))}, snapshots_s=None)
    with pytest.raises(TakeError):
        read_take(empty)
    assert summarise(empty).faces == 0


def test_takes_are_found_by_what_people_type(tmp_path: Path) -> None:
    a = write_bag(tmp_path / "2026-01-01_10-00-00_smile", {"": tracked(20)}, sheet=TakeSheet(name="big smile"))
    b = write_bag(tmp_path / "2026-01-02_10-00-00_frown", {"": tracked(20)})
    (tmp_path / "notes").mkdir()
    assert take_folders(tmp_path) == [a, b]
    assert find_take("last", tmp_path) == b
    assert find_take("big smile", tmp_path) == find_take("smile", tmp_path) == find_take(str(a)) == a
    for name in ("2026", "no", "", str(tmp_path / "notes"), str(tmp_path / "nothing")):
        with pytest.raises(NoTakeError):
            find_take(name, tmp_path)
    with pytest.raises(NoTakeError):
        find_take("last", tmp_path / "notes")


def test_a_summary_tells_what_is_there(tmp_path: Path) -> None:
    take = tracked(300)
    lossy = take.rows([i for i in range(300) if i not in (100, 101)])
    folder = write_bag(tmp_path / "t", {"": lossy}, sheet=TakeSheet(wearer="Ana"))
    found = summarise(folder)
    assert (found.faces, found.lost, found.state, found.wearers) == (298, 2, "whole", ("Ana",))
    assert found.holds == ("bytes", "frames", "faces")
    assert found.rate_hz == pytest.approx(99.3, abs=0.1)
    (folder / "take.yaml").write_text("[")
    assert "take.yaml" in summarise(folder).state


def test_removing_takes_what_is_the_takes_own(tmp_path: Path) -> None:
    folder = write_bag(tmp_path / "t", {"": tracked(20)}, sheet=TakeSheet(name="x"))
    assert remove_take(folder) == []
    assert not folder.exists()
    folder = write_bag(tmp_path / "t", {"": tracked(20)})
    (folder / "diary.txt").write_text("mine")
    assert remove_take(folder) == [folder / "diary.txt"]
    kept = write_bag(tmp_path / "u", {"": tracked(20)})
    (tmp_path / "link").symlink_to(kept)
    with pytest.raises(TakeError):
        remove_take(tmp_path / "link")
    assert is_take(kept)


def test_a_take_that_is_being_recorded_stays(tmp_path: Path) -> None:
    from face_recording.growing_file import FolderMark

    folder = write_bag(tmp_path / "t", {"": tracked(20)})
    mark = FolderMark(folder)
    assert goes_on(folder)
    assert summarise(folder).state == "recording"
    with pytest.raises(TakeError, match="stop it first"):
        remove_take(folder)
    mark.release(finished=True)
    assert not goes_on(folder)
    shutil.rmtree(folder)
