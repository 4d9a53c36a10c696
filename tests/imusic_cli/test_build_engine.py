"""`imusic export`, up to what needs a GPU."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
MODEL = str(Path(__file__).parents[2] / "models" / "imusic")
FIELDS = {"file", "size_bytes", "seconds", "layers", "engine", "precision", "faces", "target", "key"}

rtx = pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", "import tensorrt_rtx"], capture_output=True).returncode != 0,
    reason="builds need TensorRT for RTX: pip install tensorrt-rtx-cu13",
)


def export(cache: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imusic_cli", "build-engine", "--model", MODEL, *arguments]
    environment = {**os.environ, "COLUMNS": "200", "XDG_CACHE_HOME": str(cache)}
    environment["PYTHONPATH"] = path + os.environ.get("PYTHONPATH", "")
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)


@rtx
def test_it_fills_the_cache_that_capture_looks_into(tmp_path: Path) -> None:
    result = export(tmp_path, "--faces", "2", "--compute-capability", "8.6", "--compute-capability", "8.9", "--json")
    assert result.returncode == 0, result.stderr
    first, second = json.loads(result.stdout)["engines"]
    assert first.keys() == second.keys() == FIELDS
    assert [first["target"], second["target"]] == ["8.6", "8.9"]
    assert first["key"] != second["key"]
    assert {p.name for p in (tmp_path / "imusic" / "engines").iterdir()} == {
        Path(first["file"]).name,
        Path(second["file"]).name,
    }
    assert Path(first["file"]).stat().st_size > first["size_bytes"] > 100_000


@rtx
def test_a_file_is_one_engine_for_all_gpus_named_and_is_what_the_cache_holds(tmp_path: Path) -> None:
    file = tmp_path / "one.engine"
    result = export(tmp_path, "--precision", "float32", "--out", str(file))
    assert result.returncode == 0, result.stderr
    assert "float32" in result.stdout
    assert "TensorRT for RTX" in result.stdout
    shutil.rmtree(tmp_path / "imusic", ignore_errors=True)
    folder = tmp_path / "folder"
    folder.mkdir()
    again = json.loads(export(tmp_path, "--precision", "float32", "--out", str(folder), "--json").stdout)["engines"]
    assert len(again) == 1
    assert again[0]["target"] == "all"
    assert Path(again[0]["file"]).name.startswith("imusic-" + again[0]["key"][:32])
    assert file.read_bytes()[:8] == Path(again[0]["file"]).read_bytes()[:8]


@rtx
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--precision", "int4"), "float16, float32, found 'int4'"),
        (("--engine", "onnxruntime"), "expected tensorrt, found onnxruntime"),
        (("--compute-capability", "1.3"), "found 1.3"),
        (("--out", "/proc/nowhere/x.engine"), "write into /proc, found"),
    ],
)
def test_bad_input_gives_one_clear_message(tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    result = export(tmp_path, *arguments)
    assert result.returncode == (2 if arguments[0] == "--engine" else 1)
    assert expected in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_without_tensorrt_it_says_what_to_install(tmp_path: Path) -> None:
    for name in ("tensorrt", "tensorrt_rtx"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('no {name} here')")
    result = export(tmp_path, path=f"{tmp_path}{os.pathsep}")
    assert result.returncode == 1
    assert "no tensorrt here; no tensorrt_rtx here; pip install -r requirements/gpu.txt" in result.stderr
