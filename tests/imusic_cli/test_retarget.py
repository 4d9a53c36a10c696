"""`imusic retarget` as people type it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from face_model.errors import ImusicError
from face_model.faces import load_rig
from face_model.rigs.export import write_glb
from face_retarget.flame.fit import load_map
from flame_like import SHAPES, flame_like
from imusic_cli.retarget import app

RUNNER = CliRunner()


def typed(*arguments: str) -> str:
    """What is printed, on both streams."""
    result = RUNNER.invoke(app, list(arguments), env={"COLUMNS": "200"})
    if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_robot_is_checked_and_its_joints_are_told(tmp_path: Path) -> None:
    told = typed("robot")
    assert "lip_corner_left" in told
    assert "+0.65 x mouthSmileLeft" in told
    assert json.loads(typed("robot", "--json"))["name"] == "demo_head"
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "name: mine\nurdf: mine.urdf\njoints: [{name: j, limits: [0, 1], max_speed: 1, max_acceleration: 1}]"
    )
    (tmp_path / "mine.urdf").write_text('<robot><joint name="k" type="fixed"/></robot>')
    assert "not among the URDF's joints: j" in typed("robot", str(mine))
    with pytest.raises(ImusicError, match="demo_head"):
        typed("robot", "nobody")


def test_a_map_is_made_and_what_a_model_shows_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", **flame_like().arrays)
    told = json.loads(
        typed(
            "flame",
            str(tmp_path / "model.npz"),
            "--out",
            str(tmp_path / "map.npz"),
            "--first-expression",
            "300",
            "--json",
        )
    )
    assert told["expressions"] == 12
    assert all(told["explained"][name] > 0.9 for name in SHAPES)
    assert load_map(tmp_path / "map.npz").expression.shape == (12, 52)
    with pytest.raises(ImusicError, match=r"\.npz file"):
        typed("flame", str(tmp_path / "model.npz"), "--out", "map.txt")
    with pytest.raises(ImusicError, match="no_model"):
        typed("flame", str(tmp_path / "no_model.pkl"), "--out", str(tmp_path / "b.npz"))
    assert not (tmp_path / "b.npz").exists()


def test_morph_targets_of_a_file_are_told(tmp_path: Path) -> None:
    pytest.importorskip("pygltflib")
    write_glb(load_rig(), tmp_path / "face.glb")
    found = json.loads(typed("gltf", str(tmp_path / "face.glb"), "--json"))
    assert all(driver["shape"] == driver["name"] for driver in found)
    assert {driver["shape"] for driver in found} > {"jawOpen", "eyeBlinkLeft"}
    assert "jawOpen" in typed("gltf", str(tmp_path / "face.glb"))
    (tmp_path / "bad.glb").write_bytes(b"glTF")
    with pytest.raises(ImusicError, match="expected a glTF file"):
        typed("gltf", str(tmp_path / "bad.glb"))
