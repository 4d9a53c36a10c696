"""What the viewer makes of messages, and messages of its own types."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from imusic.msg import ReplayStatus, SensorMount  # noqa: E402
from rclpy.serialization import deserialize_message  # noqa: E402
from sensor_msgs.msg import PointCloud2  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from visualization_msgs.msg import Marker, MarkerArray  # noqa: E402

from face_model.faces import load_rig  # noqa: E402
from face_viz.errors import VizError  # noqa: E402
from face_viz.frame import NEUTRAL  # noqa: E402
from face_viz.markers import MarkerGeometry  # noqa: E402
from face_viz.viewer_messages import (  # noqa: E402
    TEXT_LENGTH,
    MarkerTemplate,
    MessageTemplate,
    cloud_message,
    point_packer,
    replay_of,
    sensor_of,
)


def test_a_sensor_on_the_skin_has_a_place_and_one_on_the_skull_a_pose() -> None:
    chin = sensor_of(SensorMount(id=3, name="chin", muscle="mentalis", side="midline", place=[0.0, -1.5]))
    assert (chin.place, chin.skull, chin.reference) == ((0.0, -1.5), None, False)
    mount = SensorMount(id=0, name="skull", muscle="none", reference=True)
    mount.skull_pose.position.y = 0.07
    skull = sensor_of(mount)
    assert skull.place is None
    assert skull.skull is not None
    assert skull.skull.position_m == (0.0, 0.07, 0.0)
    assert skull.skull.orientation == (0.0, 0.0, 0.0, 1.0)


@given(numbers=st.lists(st.floats(width=32), min_size=9, max_size=9), reference=st.booleans())
def test_a_sensor_is_finite_or_refused(numbers: list[float], reference: bool) -> None:
    mount = SensorMount(name="any", place=numbers[:2], reference=reference)
    p, q = mount.skull_pose.position, mount.skull_pose.orientation
    p.x, p.y, p.z, q.x, q.y, q.z, q.w = numbers[2:]
    try:
        sensor = sensor_of(mount)
    except ValueError:
        return
    pose = sensor.skull
    assert np.isfinite(sensor.place if pose is None else (*pose.position_m, *pose.orientation)).all()


@given(st.binary(min_size=0, max_size=30), st.binary(min_size=0, max_size=30), st.binary(min_size=8, max_size=8))
def test_template_replaces_the_place_and_nothing_else(before: bytes, after: bytes, new: bytes) -> None:
    pattern = b"\x01pattern"
    if (before + pattern + after).count(pattern) != 1:
        return
    template = MessageTemplate(before + pattern + after)
    template.locate("place", pattern)
    template.write("place", new)
    assert template.to_bytes() == before + new + after


def test_template_writes_all_occurrences() -> None:
    template = MessageTemplate(b"ab..ab")
    template.locate("x", b"ab", times=2)
    template.write("x", b"cd")
    assert template.to_bytes() == b"cd..cd"
    template.write("x", np.array([1, 2], np.uint8))
    assert template.to_bytes() == b"\x01\x02..\x01\x02"


def test_template_refuses_what_it_cannot_place() -> None:
    template = MessageTemplate(b"abab")
    with pytest.raises(VizError, match="expected x 1 times"):
        template.locate("x", b"ab")
    with pytest.raises(VizError, match="found it 0 times"):
        template.locate("x", b"zz")
    template.locate("x", b"ab", times=2)
    with pytest.raises(VizError, match="expected 2 bytes for x, found 3"):
        template.write("x", b"abc")


def test_a_frame_id_cannot_be_mistaken_for_the_states_text() -> None:
    geometry = MarkerGeometry(load_rig())
    for frame_id in ("!" * TEXT_LENGTH, "#" * (2 * TEXT_LENGTH), "alice/face_head"):
        MarkerTemplate(frame_id, geometry, None)
    with pytest.raises(VizError, match="expected the name of a frame"):
        MarkerTemplate("".join(chr(c) * TEXT_LENGTH for c in range(33, 127)), geometry, None)


def test_a_still_head_is_named_and_its_colours_are_its_own() -> None:
    template = MarkerTemplate("alice/face_head", None, None, "package://imusic/meshes/head.dae")
    header = Header(frame_id="alice/face_head")
    header.stamp.sec = 12
    data = template.fill(header, NEUTRAL, None, None)
    assert len(data) < 1000
    head, text = deserialize_message(data, MarkerArray).markers
    assert (head.type, head.ns, head.mesh_resource) == (
        Marker.MESH_RESOURCE,
        "neutral",
        "package://imusic/meshes/head.dae",
    )
    assert head.mesh_use_embedded_materials
    assert (head.color.r, head.color.g, head.color.b, head.color.a) == (0.0, 0.0, 0.0, 0.0)
    assert {m.header.frame_id for m in (head, text)} == {"alice/face_head"}
    assert {m.header.stamp.sec for m in (head, text)} == {12}
    assert (
        len(deserialize_message(MarkerTemplate("f", None, None).fill(header, NEUTRAL, None, None), MarkerArray).markers)
        == 1
    )


class Packer:
    """A stand-in for sensor_msgs_py.point_cloud2, which the wheels do not hold."""

    @staticmethod
    def create_cloud(header: Header, fields: tuple, points: np.ndarray) -> PointCloud2:
        cloud = PointCloud2(header=header, height=1, width=len(points), fields=fields, is_dense=False)
        cloud.point_step, cloud.row_step = 16, 16 * len(points)
        cloud.data = points.tobytes()
        return cloud


@pytest.mark.parametrize("installed", [False, True], ids=["stand-in", "sensor_msgs_py"])
def test_points_are_the_same_bytes_whoever_packs_them(installed: bool) -> None:
    packer = point_packer() if installed else Packer
    if packer is None:
        pytest.skip("needs sensor_msgs_py, which the wheels do not hold: use a distribution")
    geometry = MarkerGeometry(load_rig())
    points = geometry.cloud(geometry.vertices(NEUTRAL.weights))
    header = Header(frame_id="alice/face_head")
    ours = cloud_message(header, points)
    for _ in range(2):  # the fields are not used up
        theirs = cloud_message(header, points, packer)
        assert bytes(theirs.data) == bytes(ours.data) == points.tobytes()
        assert theirs == ours


def test_a_players_status_is_told_in_json_whatever_it_holds() -> None:
    status = ReplayStatus(
        state=ReplayStatus.STATE_PAUSED, path="/home/x/takes/smile/", level="frames", position=12.345, end=26.0,
        rate=0.5, reached_rate=float("nan"), laps=2,
    )  # fmt: skip
    told = replay_of(status)
    assert (told["state"], told["name"], told["position"], told["end"], told["rate"]) == (
        "paused",
        "smile",
        12.35,
        26.0,
        0.5,
    )
    assert told["reached_rate"] is None
    assert told["checked"] is None
    status.checked, status.equal, status.different, status.state = True, 7, 1, 200
    assert replay_of(status)["checked"] == [7, 1, 0, 0]
    assert replay_of(status)["state"] == "failed"
