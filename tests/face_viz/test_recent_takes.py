from pathlib import Path

import pytest

from face_viz.recent_takes import recent_takes, takes_folder


def test_takes_are_listed_newest_first_and_nothing_else(tmp_path: Path) -> None:
    for name in ("2026-01-02_120000_smile", "2026-03-01_090000", "holiday"):
        (tmp_path / name).mkdir()
    for name in ("2026-01-02_120000_smile", "2026-03-01_090000"):
        (tmp_path / name / "take.yaml").write_text("name: x")
    (tmp_path / "2026-03-01_090000" / "a.mcap").write_bytes(bytes(2_500_000))
    (tmp_path / "file").write_text("")
    (tmp_path / "2027-link").symlink_to(tmp_path / "2026-03-01_090000")
    assert recent_takes(tmp_path) == [
        {"name": "2026-03-01_090000", "megabytes": 2.5},
        {"name": "2026-01-02_120000_smile", "megabytes": 0.0},
    ]
    assert len(recent_takes(tmp_path, most=1)) == 1


def test_where_nothing_was_recorded_nothing_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMUSIC_TAKES", str(tmp_path / "none"))
    assert takes_folder() == tmp_path / "none"
    assert recent_takes(takes_folder()) == []
