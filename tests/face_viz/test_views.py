from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from face_model import arkit
from face_viz.errors import VizError
from face_viz.views import VIEWS, view, write_views


def layout(namespace: str = "", frame_id: str = "") -> dict:
    return json.loads(view("foxglove/face.json", namespace, frame_id))


def panels(place: object) -> set[str]:
    return {place} if isinstance(place, str) else panels(place["first"]) | panels(place["second"])


def test_without_a_namespace_a_view_is_the_file() -> None:
    for name in VIEWS:
        assert view(name) == view(name, "/")
    assert "/face/points" in view("foxglove/face.json")


@pytest.mark.parametrize(("namespace", "place"), [("alice", "/alice"), ("/lab/bob/", "/lab/bob")])
def test_in_a_namespace_topics_and_frame_are_the_wearers(namespace: str, place: str) -> None:
    manager = yaml.safe_load(view("rviz/face.rviz", namespace))["Visualization Manager"]
    frame = f"{place[1:]}/face_head"
    assert manager["Global Options"]["Fixed Frame"] == frame
    assert manager["Views"]["Current"]["Target Frame"] == frame
    topics = {d["Topic"]["Value"] for d in manager["Displays"] if "Topic" in d and isinstance(d["Topic"], dict)}
    assert {f"{place}/face/markers", f"{place}/face/points"} <= topics
    assert all(topic.startswith(f"{place}/") for topic in topics)
    scene = layout(namespace)["configById"]["3D!face"]
    assert scene["followTf"] == frame
    assert set(scene["topics"]) == {f"{place}/face/markers", f"{place}/face/points"}
    assert layout(namespace)["configById"]["DiagnosticSummary!nodes"]["topicToRender"] == "/diagnostics"


def test_a_frame_of_ones_own_is_followed_and_none_is_refused() -> None:
    assert layout("alice", "robot/head")["configById"]["3D!face"]["followTf"] == "robot/head"
    with pytest.raises(VizError, match="frame_id: expected the name of a frame"):
        view("rviz/face.rviz", "", "my head")


def test_the_foxglove_layout_shows_every_panel_and_plots_what_it_says() -> None:
    content = layout()
    assert panels(content["layout"]) == set(content["configById"])
    assert {"globalVariables", "userNodes", "playbackConfig"} <= set(content)
    paths = [path for panel in content["configById"].values() for path in panel.get("paths", [])]
    indexed = [(re.fullmatch(r"/face/blendshapes\.(weights|confidence)\[(\d+)\]", p["value"]), p) for p in paths]
    found = [(int(match[2]), path["label"]) for match, path in indexed if match]
    assert len(found) >= 10
    assert all(arkit.BLENDSHAPES[index] == label for index, label in found)


def test_views_are_written_under_the_wearers_name(tmp_path: Path) -> None:
    written = write_views(tmp_path / "new", "lab/alice")
    assert [path.name for path in written] == ["lab_alice.rviz", "lab_alice.json"]
    assert written[1].read_text() == view("foxglove/face.json", "lab/alice")
    assert [path.name for path in write_views(tmp_path)] == ["face.rviz", "face.json"]
