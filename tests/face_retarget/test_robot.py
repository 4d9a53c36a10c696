"""Robots' files: what is read, what is refused and why."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from face_retarget.errors import RetargetError
from face_retarget.robot import ROBOTS, load_robot

JOINT = {"name": "jaw", "limits": [0.0, 0.4], "max_speed": 5.0, "max_acceleration": 50.0}


def robot(**keys: object) -> dict[str, object]:
    return {"name": "test", "joints": [JOINT | keys]}


def test_the_demo_heads_joints_are_those_of_its_urdf_with_the_same_limits() -> None:
    settings, urdf = load_robot("demo_head")
    tree = ElementTree.fromstring(urdf)
    limits = {
        str(joint.get("name")): (joint.find("limit"), joint.find("mimic") is not None) for joint in tree.iter("joint")
    }
    moved = {name: limit for name, (limit, mimics) in limits.items() if not mimics}
    assert set(moved) == {joint.name for joint in settings.joints}
    for joint in settings.joints:
        limit = moved[joint.name]
        assert limit is not None
        assert (float(limit.get("lower", "nan")), float(limit.get("upper", "nan"))) == joint.limits
        assert float(limit.get("velocity", "nan")) == joint.max_speed


def test_every_link_of_the_demo_head_hangs_on_one_joint_but_its_base() -> None:
    _, urdf = load_robot("demo_head")
    tree = ElementTree.fromstring(urdf)
    links = [link.get("name") for link in tree.iter("link")]
    children = [child.get("link") for joint in tree.iter("joint") for child in joint.iter("child")]
    parents = {parent.get("link") for joint in tree.iter("joint") for parent in joint.iter("parent")}
    assert sorted([*children, "head_base"], key=str) == sorted(links, key=str)
    assert parents <= set(links)


def test_degrees_are_a_files_own_matter() -> None:
    assert ROBOTS.checked(robot() | {"unit": "deg"}).rad == pytest.approx(math.pi / 180.0)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"limits": [0.4, 0.0]}, r"joint jaw: expected limits \[least, greatest\]"),
        ({"neutral": 1.0}, "expected a neutral within"),
        ({"max_speed": 0.0}, "max_speed and max_acceleration above 0"),
        ({"dead_band": -0.1}, "dead_band and smoothing_s of 0 or more"),
        ({"moved_by": [{"weight": "jawopen", "gain": 1.0}]}, "names of ARKit blendshapes"),
        ({"moved_by": [{"weight": [], "gain": 1.0}]}, "found an empty list"),
        ({"moved_by": [{"weight": "jawOpen"}]}, "exactly one of `gain` and `points`"),
        ({"moved_by": [{"gain": 1.0}]}, "exactly one of `weight` and `head`"),
        ({"moved_by": [{"weight": "jawOpen", "points": [[0.5, 0.0], [0.5, 1.0]]}]}, "growing order"),
        ({"moved_by": [{"head": "nod", "gain": 1.0}]}, "moved_by"),
        ({"max_sped": 1.0}, "did you mean max_speed"),
        ({"limits": [0.0, "much"]}, "limits"),
    ],
)
def test_what_cannot_be_is_refused_and_says_why(keys: dict[str, object], told: str) -> None:
    with pytest.raises(RetargetError, match=told):
        ROBOTS.checked(robot(**keys))


def test_joints_have_names_of_their_own() -> None:
    with pytest.raises(RetargetError, match="each name once"):
        ROBOTS.checked({"name": "test", "joints": [JOINT, JOINT]})
    with pytest.raises(RetargetError, match="1 to 100"):
        ROBOTS.checked({"name": "test", "joints": []})


def test_thresholds_that_cross_are_refused() -> None:
    with pytest.raises(RetargetError, match="leave <= follow"):
        ROBOTS.checked(robot() | {"trust": {"follow": 0.2, "leave": 0.5}})
    with pytest.raises(RetargetError, match="hold_s"):
        ROBOTS.checked(robot() | {"lost": {"hold_s": -1.0}})


def test_a_urdf_lies_beside_the_robots_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\nurdf: mine.urdf\njoints: [{name: j, limits: [0, 1], max_speed: 1, max_acceleration: 1}]\n"
    )
    with pytest.raises(RetargetError, match=r"expected a URDF file at .*mine\.urdf"):
        load_robot(file)
    (tmp_path / "mine.urdf").write_text("<robot/>")
    assert load_robot(file)[1] == "<robot/>"


def test_a_name_that_nobody_has_is_told_the_shipped_ones() -> None:
    with pytest.raises(RetargetError, match="demo_head"):
        load_robot("demo_haed")
