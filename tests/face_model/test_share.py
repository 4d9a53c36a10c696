"""Where the package's files are: installed, in a checkout, or nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from face_model import share


def installed(prefix: Path) -> Path:
    folder = prefix / "share" / "imusic"
    folder.mkdir(parents=True)
    (folder / "package.xml").touch()
    return folder


def test_nearest_prefix_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = installed(tmp_path / "near"), installed(tmp_path / "far")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path / 'empty'}:{near.parents[1]}:{far.parents[1]}")
    assert share.share_dir() == near


def test_without_a_prefix_the_checkout_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AMENT_PREFIX_PATH", raising=False)
    source = tmp_path / "src" / "face_model" / "share.py"
    source.parent.mkdir(parents=True)
    (tmp_path / "package.xml").touch()
    monkeypatch.setattr(share, "__file__", str(source))
    assert share.share_dir() == tmp_path


def test_what_pip_installed_lies_beside_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", "")
    shipped = tmp_path / "site-packages" / "face_model" / "shipped"
    shipped.mkdir(parents=True)
    (shipped / "package.xml").touch()
    monkeypatch.setattr(share, "__file__", str(shipped.parent / "share.py"))
    assert share.share_dir() == shipped


def test_neither_is_an_error_that_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    monkeypatch.setattr(share, "__file__", str(tmp_path / "a" / "b" / "share.py"))
    with pytest.raises(FileNotFoundError, match="make setup"):
        share.share_dir()


def test_empty_entries_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", ":/opt/ros::")
    assert share.ament_prefixes() == [Path("/opt/ros")]
