"""The user's folders, as the XDG Base Directory Specification has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from face_model.user_folders import data_folder, runtime_folder, state_folder


@pytest.mark.parametrize(
    ("folder", "name", "otherwise"),
    [
        (data_folder, "XDG_DATA_HOME", ".local/share/imusic"),
        (state_folder, "XDG_STATE_HOME", ".local/state/imusic"),
        (runtime_folder, "XDG_RUNTIME_DIR", ".local/state/imusic"),
    ],
)
def test_each_is_where_the_environment_says_or_in_the_home(
    folder: Callable[[], Path], name: str, otherwise: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv(name, str(tmp_path / "told"))
    assert folder() == tmp_path / "told" / "imusic"
    for nothing in ("", "relative/is/ignored"):
        monkeypatch.setenv(name, nothing)
        assert folder() == tmp_path / otherwise
    monkeypatch.delenv(name)
    assert folder() == tmp_path / otherwise
