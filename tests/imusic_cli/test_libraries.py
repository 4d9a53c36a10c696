"""Where a library is missing, the doctor names it and the cure, and a verb that needs it says so in one line."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from imusic_cli.libraries import LIBRARIES, OPTIONAL, REQUIRED, advice_for

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")

WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
sys.argv = ["imusic", *{arguments!r}]
from imusic_cli.program import main
heavy = ("torch", "scipy", "matplotlib", "pydantic")
try:
    sys.exit(main())
finally:
    print("imported", *(name for name in heavy if name in sys.modules), file=sys.stderr)
"""


def imusic_without(missing: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = WITHOUT.format(missing=missing, arguments=list(arguments))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    "missing", ["pydantic", "safetensors", "vqf", "onnxruntime", "aiohttp", "typer", "numpy", "yaml"]
)
def test_the_doctor_works_without_it_and_names_it(missing: str) -> None:
    result = imusic_without(missing, "doctor", "--json")
    assert result.returncode == 1, result.stderr
    found = {finding["name"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert not found[missing]["ok"]
    assert "pip install" in found[missing]["advice"]


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [
        ("pydantic", ("demo",)),
        ("pydantic", ("dataset", "build", "small", "--out", "/nowhere")),
        ("safetensors", ("capture",)),
        ("safetensors", ("wearer", "list")),
        ("vqf", ("demo",)),
        ("onnxruntime", ("capture",)),
        ("aiohttp", ("demo",)),
        ("torch", ("train",)),
        ("typer", ("demo",)),
    ],
)
def test_a_verb_that_needs_it_says_so_in_one_line(missing: str, arguments: tuple[str, ...]) -> None:
    result = imusic_without(missing, *arguments)
    assert result.returncode == 1
    line, *_ = result.stderr.splitlines()
    assert line.startswith("imusic: ")
    assert missing in line
    assert "pip install" in line
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("doctor",), ("--version",)])
def test_the_first_screens_import_nothing_heavy(arguments: tuple[str, ...]) -> None:
    result = imusic_without("nothing", *arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr.splitlines()[-1].strip() == "imported"


def test_every_library_is_advised_about_and_required_ones_come_with_the_package() -> None:
    assert {library.importance for library in LIBRARIES} == {REQUIRED, OPTIONAL}
    assert advice_for("pydantic.dataclasses") == advice_for("pydantic")
    assert advice_for("nobody_knows") is None
    assert "make setup" in str(advice_for("face_model.a_new_module"))
    assert advice_for("imusic_cli.new") == advice_for("imu_driver.new") == advice_for("face_model")
