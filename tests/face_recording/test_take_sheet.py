"""`take.yaml`: what is written comes back, and what is odd is refused with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_recording.take_sheet import MOST_NOTES, SHEET_FILE, TakeSheet, TakeSheetError, read_sheet, write_sheet

line = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60)
text = st.text(st.characters(exclude_categories=("Cs",)), max_size=300)


@given(wearer=line, name=line, notes=text, model=line)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_comes_back(tmp_path: Path, wearer: str, name: str, notes: str, model: str) -> None:
    sheet = TakeSheet(
        wearer=wearer, name=name, notes=notes, model=model, created="2026-11-28T15:00:00+01:00", other={"seats": [1, 2]}
    )
    write_sheet(tmp_path, sheet)
    assert read_sheet(tmp_path) == sheet


def test_a_folder_without_a_sheet_has_none(tmp_path: Path) -> None:
    assert read_sheet(tmp_path) is None


def test_only_the_owner_reads_it_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    write_sheet(tmp_path, TakeSheet(wearer="Jürgen Müller"))
    assert (tmp_path / SHEET_FILE).stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == [SHEET_FILE]
    assert "Jürgen Müller" in (tmp_path / SHEET_FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ({"notes": "x" * (MOST_NOTES + 1)}, "notes"),
        ({"notes": "x" * (1 << 20)}, "notes"),
        ({"notes": "\ud800"}, "text"),
        ({"name": "x" * 201}, "name"),
    ],
)
def test_what_no_sheet_can_hold_is_refused_and_the_old_one_stays(
    tmp_path: Path, sheet: dict[str, str], said: str
) -> None:
    write_sheet(tmp_path, TakeSheet(name="before"))
    with pytest.raises(TakeSheetError, match=said):
        write_sheet(tmp_path, TakeSheet(**sheet))
    assert read_sheet(tmp_path) == TakeSheet(name="before")


@pytest.mark.parametrize(
    "content", ["[1, 2]", "wearer: [ana]", "wearer: 3", ": : :", "created: yesterday", "name: !!python/object:os.x 1"]
)
def test_an_odd_sheet_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / SHEET_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(TakeSheetError):
        read_sheet(tmp_path)
