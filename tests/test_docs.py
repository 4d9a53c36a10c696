"""What the documents name exists: verbs, launch files and their arguments, topics, folders."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = {page: page.read_text(encoding="utf-8") for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
ALL = "\n".join(PAGES.values())


def test_every_verb_is_real_and_every_real_verb_is_named() -> None:
    pytest.importorskip("typer", reason="no typer: run make setup")
    from imusic_cli.verbs import VERBS

    named = set(re.findall(r"\./imusic ([a-z][\w-]*)", ALL))
    assert named <= set(VERBS)
    page = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\./imusic ([a-z][\w-]*)", page)) == set(VERBS)


def test_every_launch_file_and_argument_is_real() -> None:
    from imusic_ros.graph import load_graph

    found = re.findall(r"ros2 launch imusic (\w+\.launch\.py)((?: \w+:=\S+)*)", ALL)
    assert found
    for file, arguments in found:
        assert (ROOT / "launch" / file).is_file()
        graph = file.partition(".")[0]
        # Two of them start no graph.
        arguments_of = [] if graph in ("rviz", "robot_head") else load_graph(graph).arguments
        known = (
            {a.name for a in arguments_of}
            | {"namespace", "autostart", "bag"}
            | ({"robot"} if graph == "robot_head" else set())
        )
        assert set(re.findall(r"(\w+):=", arguments)) <= known


def test_every_topic_is_in_the_code() -> None:
    code = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "src").rglob("*.py"))
    topics = re.findall(r"`((?:imu|face)/[\w<>/]+)`", PAGES[ROOT / "README.md"] + PAGES[ROOT / "docs" / "ros.md"])
    assert topics
    for topic in topics:
        assert f'"{topic}"' in code or "<sensor>" in topic or f'{topic}"' in code, topic


def test_every_room_is_named_in_the_architecture() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {
        f"{layer}/{p.name}"
        for layer in ("src", "lab")
        for p in (ROOT / layer).iterdir()
        if (p / "__init__.py").is_file()
    }
    named = set(re.findall(r"`((?:src|lab)/\w+)/`", page))
    assert rooms == named


def test_the_version_is_the_packages_own_wherever_it_is_told() -> None:
    from face_model.version import version

    assert f"version: {version()}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert version() in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_what_rosdep_does_not_bring_is_in_one_pip_line_everywhere() -> None:
    told = re.search(
        r"from pip, as README says: (.*?)\. -->", (ROOT / "package.xml").read_text(encoding="utf-8"), re.DOTALL
    )
    assert told is not None
    expected = set(re.split(r",\s+", told[1]))
    for page in (ROOT / "README.md", ROOT / "docs" / "platforms.md"):
        line = re.search(r"pip install (vqf .*?)(?: +#|$)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert line is not None
        assert {re.split("[<>=]", word.strip('"'))[0] for word in line[1].split()} == expected
