"""What RViz is told to show of a robot head."""

from __future__ import annotations

import pytest
import yaml

from face_retarget.errors import RetargetError
from face_retarget.robot import load_robot
from face_retarget.robot_view import robot_view, root_link


@pytest.mark.parametrize(("namespace", "base"), [("", "head_base"), ("/alice", "alice/head_base")])
def test_the_robot_stands_on_its_base_in_the_wearers_namespace(namespace: str, base: str) -> None:
    manager = yaml.safe_load(robot_view(load_robot("demo_head")[1], namespace))["Visualization Manager"]
    assert manager["Global Options"]["Fixed Frame"] == base
    model = next(display for display in manager["Displays"] if display["Name"] == "Robot head")
    place = namespace.strip("/")
    assert model["Description Topic"]["Value"] == (f"/{place}" if place else "") + "/robot_description"
    assert model["TF Prefix"] == place


@pytest.mark.parametrize("urdf", ["", "<robot/>", "<robot><link name='a'/><link name='b'/></robot>"])
def test_what_is_no_tree_of_links_is_refused(urdf: str) -> None:
    with pytest.raises(RetargetError, match="expected"):
        root_link(urdf)
