from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_recording.errors import RecordingError
from face_recording.take_folder import LONGEST_NAME, make_take_folder, safe_name, takes_folder

NOW = datetime(2026, 11, 28, 15, 4, 5)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("smiles", "smiles"),
        ("big smile/../../etc", "big_smile_etc"),
        ("..", ""),
        ("Grüße", "Grüße"),
        ("u\u0308ben", "\u00fcben"),
        ("-rf *", "rf"),
        ("a\nb\0c", "a_b_c"),
        ("x" * 300, "x" * LONGEST_NAME),
        ("", ""),
    ],
)
def test_names_of_takes_are_safe_as_folders(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=400))
def test_any_name_becomes_one_short_part_of_a_path(name: str) -> None:
    safe = safe_name(name)
    assert len(safe.encode()) <= LONGEST_NAME
    assert "/" not in safe
    assert not safe.startswith((".", "-"))
    assert safe.isprintable()


def test_folders_are_private_and_never_taken_twice(tmp_path: Path) -> None:
    takes = tmp_path / "deep" / "takes"
    first, second = make_take_folder(takes, "a/b", NOW), make_take_folder(takes, "a/b", NOW)
    assert (first.name, second.name) == ("2026-11-28_15-04-05_a_b", "2026-11-28_15-04-05_a_b_2")
    assert first.stat().st_mode & 0o777 == 0o700
    assert takes.stat().st_mode & 0o777 == 0o700


def test_a_place_that_takes_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=r"expected a folder for takes at .*file.*name another"):
        make_take_folder(tmp_path / "file", "", NOW)
    with pytest.raises(RecordingError, match="expected a folder for takes"):
        make_take_folder(tmp_path / "file" / "below", "", NOW)


def test_takes_are_kept_where_people_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("IMUSIC_TAKES", raising=False)
    assert takes_folder() == Path.home() / "imusic_takes"
    monkeypatch.setenv("IMUSIC_TAKES", str(tmp_path))
    assert takes_folder() == tmp_path
    assert takes_folder("~/x") == Path.home() / "x"
