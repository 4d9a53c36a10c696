"""A checkout works at a path with spaces; one that the build tools cannot take is refused at once."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WHEELS = ROOT / "wheels"


def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **more})


@pytest.mark.parametrize("path", ["/home/a", "/a b/c-d_e.f", "/x/a+b@c=e~f%g"])
def test_paths_that_the_tools_take_pass(path: str) -> None:
    assert run(sys.executable, str(WHEELS / "check_place.py"), path).returncode == 0


@pytest.mark.parametrize("path", ["/a ö b", "/a(b)", "/a'b", "/a:b", "/a,b", "/a;b", "/a$b", "/a\nb", "/a[b]", '/a"b'])
def test_others_are_refused_with_one_line(path: str) -> None:
    refused = run(sys.executable, str(WHEELS / "check_place.py"), path, PYTHONIOENCODING="ascii")
    assert refused.returncode == 1
    assert refused.stderr.startswith("imusic: expected a checkout path of ASCII letters")
    assert "move the checkout" in refused.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("name", ["a b", "a'b", "a ö b"])
def test_the_path_reaches_the_shell_as_it_is(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    shown = run("make", "--silent", "-C", str(folder), "--eval", "show:\n\t@printf %s $(root)", "show")
    assert shown.stdout.splitlines()[-1] == str(folder), shown.stderr


def test_what_is_not_taken_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    for rule, work in ((".venv/bin/python:", "-m venv"), ("install/.built:", "colcon")):
        begin = next(i for i, line in enumerate(lines) if line.startswith(rule))
        at = [i for i, line in enumerate(lines) if i > begin and ("check_place.py" in line or work in line)]
        assert "check_place.py" in lines[at[0]]


def test_the_environment_has_whole_paths(tmp_path: Path) -> None:
    root = tmp_path / "a b"
    (root / "install/imusic/lib/python3.11/site-packages").mkdir(parents=True)
    script = f'root={shlex.quote(str(root))}; . {shlex.quote(str(WHEELS / "environment.sh"))}; echo "$PYTHONPATH"'
    assert run("sh", "-c", script).stdout.strip() == str(root / "install/imusic/lib/python3.11/site-packages")


def test_installed_programs_run_where_python_s_path_has_a_space(tmp_path: Path) -> None:
    python = tmp_path / "a b" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    programs = tmp_path / "programs"
    programs.mkdir()
    code = "import sys\nprint(sys.argv[1:])\n"
    for name, first in (("spaced", f'#!"{python}"'), ("bare", f"#!{python}"), ("plain", f"#!{sys.executable}")):
        (programs / name).write_text(f"{first}\n{code}")
        (programs / name).chmod(0o755)
    (programs / "no_script").write_bytes(b"\x7fELF")
    before = (programs / "plain").read_text()
    for _ in range(2):  # a second time changes nothing
        assert run(sys.executable, str(WHEELS / "repair_programs.py"), str(programs)).returncode == 0
    for name in ("spaced", "bare", "plain"):
        assert run(str(programs / name), "x y", "z").stdout == "['x y', 'z']\n"
    assert (programs / "plain").read_text() == before
    assert (programs / "no_script").read_bytes() == b"\x7fELF"
