"""`imusic rig`: where a result cannot be written, nothing is drawn first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer", reason="no typer: run make setup")

from typer.testing import CliRunner

from face_model.errors import ImusicError, OutputError
from face_model.faces import load_rig
from imusic_cli import rig
from imusic_cli.errors import CommandError


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["export", "nodir/x.glb"], OutputError),
        (["export", "x.obj"], CommandError),
        (["sheet", "--out", "nodir/x.png"], OutputError),
        (["people", "--out", "nodir/x.png"], OutputError),
        (["people", "--out", "x.tiger"], CommandError),
    ],
)
def test_the_place_is_tried_before_the_work(
    arguments: list[str], error: type[ImusicError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object) -> None:
        pytest.fail("work began")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rig, "_rig", work)
    monkeypatch.setattr(rig, "load_module", work)
    result = CliRunner().invoke(rig.app, arguments)
    assert isinstance(result.exception, error)
    assert "\n" not in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_an_export_is_a_rig_again(tmp_path: Path) -> None:
    result = CliRunner().invoke(rig.app, ["export", str(tmp_path / "x.glb")], catch_exceptions=False)
    assert result.exit_code == 0
    result = CliRunner().invoke(rig.app, ["check", str(tmp_path / "x.glb"), "--json"], catch_exceptions=False)
    assert result.exit_code == 0


def test_an_export_for_the_rviz_plugin_keeps_everything(tmp_path: Path) -> None:
    CliRunner().invoke(rig.app, ["export", str(tmp_path / "x.npz")], catch_exceptions=False)
    stored, head = load_rig(tmp_path / "x.npz"), load_rig("head")
    assert np.array_equal(stored.displacements, head.displacements)
    assert stored.pairs == head.pairs
