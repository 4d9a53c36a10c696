"""`make docs`: the public modules' docstrings and types become pages without a warning."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = (ROOT / "docs" / "public_modules.txt").read_text(encoding="utf-8").split()


def test_every_public_module_has_a_page(tmp_path: Path) -> None:
    pytest.importorskip("pdoc", reason="makes the pages: pip install pdoc")
    paths = f"import sys; sys.path[:0] = [{str(ROOT / 'src')!r}]"
    run = "import runpy; runpy.run_module('pdoc', run_name='__main__')"
    arguments = ["--docformat", "google", "--output-directory", str(tmp_path), *PUBLIC]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{paths}; {run}", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for module in PUBLIC:
        assert (tmp_path / f"{module.replace('.', '/')}.html").is_file()
