"""Which word is what."""

from __future__ import annotations

from pathlib import Path

import pytest

from face_dataset.shards.manifest import MANIFEST_FILE
from face_evaluation.arguments import sorted_out
from face_model.share import share_dir
from imusic_cli.errors import CommandError


def test_words_are_told_apart(tmp_path: Path) -> None:
    data, model = tmp_path / "data", tmp_path / "model"
    for folder, file in ((data, MANIFEST_FILE), (model, "model.yaml")):
        folder.mkdir()
        (folder / file).write_text("")
    recipe = share_dir() / "config" / "datasets" / "small.yaml"
    asked = sorted_out([str(data), "take.csv", str(model), "small", str(recipe)])
    assert asked.datasets == [data]
    assert asked.takes == [Path("take.csv")]
    assert asked.models == [str(model)]
    assert [found.name for found in asked.recipes] == ["small", "small"]


def test_a_bare_name_is_the_shipped_model_whatever_lies_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("imusic", "takes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / MANIFEST_FILE).write_text("")
    monkeypatch.chdir(tmp_path)
    asked = sorted_out(["imusic", "takes", "./imusic"])
    assert asked.models == ["imusic"]
    assert asked.datasets == [Path("takes"), Path("imusic")]


def test_what_is_nothing_is_refused_with_what_there_is() -> None:
    with pytest.raises(CommandError, match=r"'nonsense'.*small"):
        sorted_out(["nonsense"])
