"""Which room may import which: the contracts of pyproject.toml, checked by import-linter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="the layers are checked by import-linter; pip install import-linter")

REPOSITORY = Path(__file__).parents[1]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(config: Path, *folders: Path) -> subprocess.CompletedProcess[str]:
    """Run `lint-imports` on the packages in `folders`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders)), "NO_COLOR": "1"}
    command = [sys.executable, "-c", LINT, "--no-cache", "--config", str(config)]
    return subprocess.run(
        command, env=environment, cwd=config.parent, capture_output=True, text=True, timeout=300, check=False
    )


def test_every_room_is_looked_at() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^root_packages = \[(.*?)\]", text, re.DOTALL | re.MULTILINE)
    assert listed is not None
    rooms = {path.parent.name for layer in ("src", "lab") for path in REPOSITORY.glob(f"{layer}/*/__init__.py")}
    assert set(re.findall(r'"(\w+)"', listed[1])) == rooms


def test_rooms_import_only_what_they_may() -> None:
    found = lint(REPOSITORY / "pyproject.toml", REPOSITORY / "src", REPOSITORY / "lab")
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_planted_violation_is_seen(tmp_path: Path) -> None:
    """The checker itself: a lower room that imports the upper one, directly and through a third."""
    for room in ("upper", "between", "lower"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    (tmp_path / "lower" / "work.py").write_text("def later():\n    import between.road\n")
    (tmp_path / "between" / "road.py").write_text("from upper import goal\n")
    (tmp_path / "upper" / "goal.py").touch()
    config = tmp_path / "pyproject.toml"
    config.write_text(
        '[tool.importlinter]\nroot_packages = ["upper", "between", "lower"]\n'
        '[[tool.importlinter.contracts]]\nname = "planted"\ntype = "layers"\nlayers = ["upper", "lower"]\n'
    )
    broken = lint(config, tmp_path)
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "lower is not allowed to import upper" in broken.stdout
    assert "lower.work -> between.road" in broken.stdout
    (tmp_path / "lower" / "work.py").write_text("")
    kept = lint(config, tmp_path)
    assert kept.returncode == 0, kept.stdout + kept.stderr
