"""What belongs together of the plugin: classes, their names, the files of CMake, the configuration of RViz."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from face_model.frames import HEAD_FRAME

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = ROOT / "src" / "face_viz" / "rviz_plugin"
CONFIG = yaml.safe_load((ROOT / "rviz" / "face_plugin.rviz").read_text())


def described() -> dict[str, str]:
    root = ElementTree.parse(PLUGIN / "plugins.xml").getroot()
    return {str(item.get("name")): str(item.get("type")) for item in root.iter("class")}


def test_every_described_class_is_exported_and_every_exported_one_described() -> None:
    code = "".join(path.read_text() for path in PLUGIN.glob("*.cpp"))
    exported = re.findall(r"PLUGINLIB_EXPORT_CLASS\(([\w:]+),", code)
    assert sorted(described().values()) == sorted(exported)


def test_the_library_is_the_one_that_is_built_of_every_source() -> None:
    build = (PLUGIN / "plugin.cmake").read_text()
    library = ElementTree.parse(PLUGIN / "plugins.xml").getroot().get("path")
    assert f"add_library({library} SHARED" in build
    listed = set(re.findall(r"\$\{_folder\}/([\w/]+\.cpp)", build))
    assert listed == {str(path.relative_to(PLUGIN)) for path in PLUGIN.rglob("*.cpp")}


def test_what_is_built_with_is_in_the_packages_list() -> None:
    needed = re.search(r"foreach\(_needed ([\w ]+)\)", (PLUGIN / "plugin.cmake").read_text())
    assert needed is not None
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    conditional = [item for item in package if "IMUSIC_WITHOUT_RVIZ" in item.get("condition", "")]
    listed = {item.text for item in conditional if item.tag in ("depend", "build_depend")}
    assert {name.lower() for name in needed[1].split()} == listed


def named_properties() -> set[str]:
    code = (PLUGIN / "face_display.cpp").read_text()
    return set(re.findall(r'props::\w+Property\(\s*"([^"]+)"', code))


def test_rviz_shows_display_and_panel_by_properties_that_exist() -> None:
    manager: dict[str, Any] = CONFIG["Visualization Manager"]
    assert manager["Global Options"]["Fixed Frame"] == HEAD_FRAME
    face = next(d for d in manager["Displays"] if d["Class"] in described())
    assert face["Topic"]["Value"] == "/face/blendshapes"
    assert face["Topic"]["Reliability Policy"] == "Best Effort"
    given = set(face) - {"Class", "Name", "Enabled", "Value"}
    inner = {name for group in ("Sensors", "Trail") for name in face[group]} - {"Value"}
    assert given | inner == named_properties()
    assert "imusic/FacePanel" in described()
    assert any(panel["Class"] == "imusic/FacePanel" for panel in CONFIG["Panels"])
