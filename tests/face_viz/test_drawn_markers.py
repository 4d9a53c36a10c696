from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from imusic.msg import (
    FaceBlendshapes,
    SensorLayout,
)
from rclpy.parameter import Parameter
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import Marker, MarkerArray

from face_model.layout import load_layout
from face_model.skin import skin_patches
from imusic_ros.qos import LATCHED, RELIABLE
from viz_graph import Graph, activate, layout_message

pytestmark = pytest.mark.ros


def test_triangles_show_the_face_with_its_own_stamp_and_frame(graph: Graph) -> None:
    graph.node.set_parameters([Parameter("markers", value="triangles")])
    latched = graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED)
    latched.publish(layout_message(missing="mentalis"))
    seen: list[MarkerArray] = []
    graph.other.create_subscription(MarkerArray, "face/markers", seen.append, RELIABLE)
    activate(graph)
    graph.spin_until(lambda: graph.node._layout.sensors is not None, "layout")
    seen.clear()
    graph.spin_until(lambda: seen and len(seen[-1].markers) > 2, "markers with sensors", graph.face(0.7))
    face, *cubes, text = seen[-1].markers
    weights = np.zeros(52, np.float32)
    weights[FaceBlendshapes.JAW_OPEN] = 0.7
    rig = graph.node._rig
    expected = rig.vertices(weights)[rig.triangles.ravel()]
    points = np.array([(p.x, p.y, p.z) for p in face.points])
    assert points == pytest.approx(expected, abs=1e-6)
    assert len(face.colors) == len(face.points)
    assert face.type == Marker.TRIANGLE_LIST
    assert {m.header.frame_id for m in seen[-1].markers} == {"face_head"}
    assert {m.header.stamp.nanosec for m in seen[-1].markers} == {123}
    assert len({m.header.stamp.sec for m in seen[-1].markers}) == 1
    assert face.header.stamp.sec > 1000
    names = load_layout().names
    assert len(cubes) == len(names)
    colors = [(c.color.r, c.color.g, c.color.b) for c in cubes]
    odd = [name for name, color in zip(names, colors, strict=True) if colors.count(color) == 1]
    assert odd == ["mentalis"]
    poses = graph.node._layout.sensors.poses(weights)
    of_the_file = skin_patches(rig, load_layout()).board_poses(weights[None])[0][0]
    assert poses[:, :3] == pytest.approx(of_the_file, abs=1e-6)
    assert (cubes[5].pose.position.x, cubes[5].pose.orientation.w) == pytest.approx((poses[5, 0], poses[5, 6]))
    assert text.text.strip() == "tracking"


def test_a_still_head_is_shown_by_default_and_triangles_on_demand(graph: Graph) -> None:
    graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED).publish(layout_message())
    seen: list[MarkerArray] = []
    graph.other.create_subscription(MarkerArray, "face/markers", seen.append, RELIABLE)
    activate(graph)
    graph.spin_until(lambda: seen and len(seen[-1].markers) > 2, "markers with sensors", graph.face(0.7))
    head, *cubes, _ = seen[-1].markers
    assert (head.type, head.mesh_resource) == (Marker.MESH_RESOURCE, "package://imusic/meshes/head.dae")
    assert not head.points
    assert len(cubes) == 12
    graph.node.set_parameters([Parameter("markers", value="triangles")])
    graph.spin_until(lambda: seen[-1].markers[0].type == Marker.TRIANGLE_LIST, "triangles", graph.face(0.7))
    assert any(m.markers[0].action == Marker.DELETEALL for m in seen), "viewers keep the still head otherwise"


def test_points_hold_the_skin(graph: Graph) -> None:
    seen: list[PointCloud2] = []
    graph.other.create_subscription(PointCloud2, "face/points", seen.append, RELIABLE)
    activate(graph)
    graph.spin_until(lambda: seen, "points", graph.face())
    cloud = seen[-1]
    rig = graph.node._rig
    data = np.frombuffer(bytes(cloud.data), "<f4").reshape(-1, 4)
    assert data[:, :3] == pytest.approx(rig.neutral[rig.parts["skin"]], abs=1e-6)
    assert [f.name for f in cloud.fields] == ["x", "y", "z", "rgb"]
    assert (cloud.width, cloud.height) == (len(data), 1)
    assert cloud.row_step == len(cloud.data)
    assert cloud.header.frame_id == "face_head"


def test_a_face_with_nan_is_drawn_nowhere_and_harms_nothing(graph: Graph) -> None:
    seen: list[MarkerArray] = []
    graph.other.create_subscription(MarkerArray, "face/markers", seen.append, RELIABLE)
    activate(graph)
    bad = graph.face(float("nan"))
    graph.spin_until(lambda: graph.node._received > 10, "faces", bad)
    graph.node._page.frame(-1)
    assert graph.node._page.counters["faces_refused"] >= 1
    assert seen == []
    graph.spin_until(lambda: seen, "markers", graph.face(0.1))


@pytest.mark.parametrize("what", ["weights", "orientation"])
def test_huge_values_are_drawn_nowhere(graph: Graph, what: str) -> None:
    seen: list[MarkerArray] = []
    clouds: list[PointCloud2] = []
    graph.other.create_subscription(MarkerArray, "face/markers", seen.append, RELIABLE)
    graph.other.create_subscription(PointCloud2, "face/points", clouds.append, RELIABLE)
    activate(graph)
    bad = graph.face(1e30 if what == "weights" else 0.1)
    if what == "orientation":
        bad.head_orientation.x = 1e30
    graph.spin_until(lambda: graph.node._received > 10, "faces", bad)
    graph.node._page.frame(-1)
    assert graph.node._page.counters["faces_refused"] >= 1
    assert (seen, clouds) == ([], [])
    graph.spin_until(lambda: seen and clouds, "markers and points", graph.face(0.1))
