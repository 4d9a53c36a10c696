"""The README names what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_file_it_links_to_exists() -> None:
    links = re.findall(r"\]\(((?!http)[^)#]+)\)", README)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_every_folder_of_the_table_exists_and_every_room_is_named() -> None:
    named = {name.rstrip("/") for name in re.findall(r"`((?:src/)?\w+/(?:\w+/)?)`", README)}
    assert not [name for name in named if not (ROOT / name).is_dir()]
    rooms = {f"src/{p.name}" for p in (ROOT / "src").iterdir() if (p / "__init__.py").is_file()}
    assert rooms <= named


def test_every_verb_is_real_and_every_real_verb_is_named() -> None:
    pytest.importorskip("typer", reason="no typer: run make setup")
    from imusic_cli.main import app

    real = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    real |= {g.name for g in app.registered_groups if g.name}
    named = set(re.findall(r"\./imusic (\w+)", README))
    assert named <= real
    assert real - named <= {"demo"}  # `make demo` is its name there


def test_every_launch_file_and_argument_is_real() -> None:
    from imusic_ros.graph import load_graph

    for file, arguments in re.findall(r"ros2 launch imusic (\w+\.launch\.py)((?: \w+:=\S+)*)", README):
        assert (ROOT / "launch" / file).is_file()
        known = {a.name for a in load_graph(file.partition(".")[0]).arguments} | {"namespace", "autostart", "bag"}
        assert set(re.findall(r"(\w+):=", arguments)) <= known


def test_every_topic_is_in_the_code() -> None:
    code = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "src").rglob("*.py"))
    for topic in re.findall(r"`((?:imu|face)/[\w<>/]+)`", README):
        assert f'"{topic}"' in code or "<sensor>" in topic, topic
