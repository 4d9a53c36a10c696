"""`pip install .`: what the wheel holds, what it asks for, and that faces come out of it without ROS."""

from __future__ import annotations

import ast
import configparser
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli", reason="Python 3.10 reads no TOML by itself: pip install tomli")

ROOT = Path(__file__).resolve().parents[1]

ROS = """
import sys
for module in ("rclpy", "imusic", "std_msgs", "launch"):
    sys.modules[module] = None
"""
"""As if there were no ROS."""


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        content: dict[str, Any] = tomllib.load(file)
    return content


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="builds the wheel: pip install hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(ROOT))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-index", "--target", str(folder), str(wheel))
    return folder


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def python(installed: Path, code: str, folder: Path) -> str:
    """What a fresh Python prints that knows the installed wheel and the libraries, and no ROS."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "AMENT_PREFIX_PATH")}
    done = subprocess.run(
        [sys.executable, "-c", ROS + code],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**environment, "PYTHONPATH": str(installed)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_has_the_version_of_the_package(wheel: Path) -> None:
    version = ElementTree.parse(ROOT / "package.xml").findtext("version")
    assert wheel.name == f"imusic-{version}-py3-none-any.whl"


def test_the_wheel_holds_every_room_and_what_they_read(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = {
        str(path.relative_to(folder))
        for folder in (ROOT / "src", ROOT / "lab")
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and path.name != "setup.cfg" and "rviz_plugin" not in path.parts
    }
    shipped = {
        f"face_model/shipped/{path.relative_to(ROOT)}"
        for folder in ("config", "models", "msg")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    described = {name for name in names if ".dist-info/" in name}
    assert names - described == sources | shipped | {"face_model/shipped/package.xml"}


def test_nothing_is_installed_at_the_top_but_the_rooms(wheel: Path) -> None:
    rooms = {path.name for folder in ("src", "lab") for path in (ROOT / folder).iterdir() if path.is_dir()}
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert tops - rooms - {"__pycache__"} == {wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"}


def test_faces_come_out_of_the_installed_wheel_without_ros(installed: Path, tmp_path: Path) -> None:
    code = """
from face_capture import open_capture
from face_model.share import share_dir

print(share_dir())
with open_capture("simulated") as capture:
    for face in capture:
        if face.state.name == "TRACKING":
            print(face.weights["jawOpen"])
            break
print([name for name in sys.modules if name.startswith("imusic_ros") or name == "torch"])
"""
    place, weight, foreign = python(installed, code, tmp_path).splitlines()
    assert place == str(installed / "face_model" / "shipped")
    assert -0.5 < float(weight) < 1.5
    assert foreign == "[]"


def test_the_command_is_that_of_the_ros_package(project: dict[str, Any]) -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "src" / "imusic_cli" / "setup.cfg")
    listed = settings["options.entry_points"]["console_scripts"].split()
    assert listed == ["imusic", "=", project["project"]["scripts"]["imusic"]]


@pytest.mark.parametrize(
    ("arguments", "answer"), [(["--version"], "imusic "), (["demo"], "needs"), (["capture"], "needs")]
)
def test_the_command_works_and_names_what_is_missing(
    installed: Path, tmp_path: Path, arguments: list[str], answer: str
) -> None:
    code = f"""
sys.argv = ["imusic", *{arguments}]
sys.stderr = sys.stdout
from imusic_cli.program import main
try:
    main()
except SystemExit:
    pass
"""
    said = python(installed, code, tmp_path).splitlines()
    assert len(said) == 1
    assert answer in said[0]


def third_party_imports(folder: Path) -> Iterator[tuple[str, Path]]:
    """Top packages that modules import when they are imported themselves."""
    own = {path.name for top in ("src", "lab") for path in (ROOT / top).iterdir()}
    for path in folder.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in {name.partition(".")[0] for name in names}:
                if name not in own and name not in sys.stdlib_module_names:
                    yield name, path


def test_what_runs_imports_nothing_that_is_not_asked_for(project: dict[str, Any]) -> None:
    asked = {requirement_name(line) for line in project["project"]["dependencies"]}
    asked |= {requirement_name(line) for line in project["project"]["optional-dependencies"]["page"]}
    installed_as = metadata.packages_distributions()
    ros = {"rclpy", "imusic", "launch", "launch_ros", "builtin_interfaces"}
    foreign = {
        name
        for name, _ in third_party_imports(ROOT / "src")
        if name not in ros
        and not name.endswith(("_msgs", "_srvs", "_interfaces"))
        and not {normal(found) for found in installed_as.get(name, [name])} & asked
    }
    assert foreign == set()


def test_bounds_are_those_of_make_setup(project: dict[str, Any]) -> None:
    listed = {}
    for name in ("run.txt", "test.txt"):
        for line in (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines():
            line = line.partition("#")[0].partition(";")[0].strip()
            if line and not line.startswith("-"):
                listed[requirement_name(line)] = line
    extras = project["project"]["optional-dependencies"]
    for line in {*project["project"]["dependencies"], *(line for lines in extras.values() for line in lines)}:
        # torch is pinned there, for the same figures on every machine; mediapipe is for who has a webcam.
        if requirement_name(line) not in {"torch", "mediapipe"}:
            assert listed[requirement_name(line)] == line


def requirement_name(line: str) -> str:
    for sign in "[=<>~!;":
        line = line.partition(sign)[0]
    return normal(line)


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return name.strip().lower().replace("_", "-")
