"""Between this package's own types and ROS messages; no node, no rclpy but its serialiser."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from imusic.msg import FaceBlendshapes
from rclpy.serialization import serialize_message
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from face_viz.frame import FaceFrame, FaceState
from face_viz.markers import POINT_STEP, TEXT_LENGTH, FaceGeometry, state_text, status_colors
from face_viz.shown_sensors import Boards
from face_viz.template import MessageTemplate


def frame_of(message: FaceBlendshapes) -> FaceFrame:
    """What the viewers need of a message."""
    q = message.head_orientation
    known = message.state in FaceState._value2member_map_
    return FaceFrame(
        weights=np.asarray(message.weights, np.float32),
        confidence=np.asarray(message.confidence, np.float32),
        state=FaceState(message.state) if known else FaceState.STALE,
        head_orientation=np.array([q.x, q.y, q.z, q.w], np.float32),
        age_s=float(message.age),
        sequence=int(message.sequence),
        model=str(message.model),
    )


def cloud_message(header: Header, points: np.ndarray[Any, Any]) -> PointCloud2:
    """PointCloud2 with fields x, y, z, rgb from (N, 4) float32."""
    fields = [
        PointField(name=n, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, n in enumerate(("x", "y", "z", "rgb"))
    ]
    data: array.array[int] = array.array("B")
    data.frombytes(points.tobytes())
    return PointCloud2(
        header=header, height=1, width=len(points), fields=fields, is_bigendian=False,
        point_step=POINT_STEP, row_step=POINT_STEP * len(points), data=data, is_dense=True,
    )  # fmt: skip


class MarkerTemplate:
    """The MarkerArray of a face: its triangles, one cube per sensor, one line of text; see `MessageTemplate`."""

    STAMP = (0x5A3C1E77, 0x11C7B2A9)
    ODD = -7.7123e33
    """Of this and its multiples the patterns of poses and colours are made: no real marker holds them."""

    def __init__(self, frame_id: str, geometry: FaceGeometry, boards: Boards | None) -> None:
        corners = len(geometry.colors)
        pattern = np.arange(3.0 * corners).reshape(-1, 3) + 0.123456789
        text = "#" * TEXT_LENGTH
        markers = [self._face(pattern, geometry), *self._cubes(boards), self._text(text)]
        for marker in markers:
            marker.header.frame_id = frame_id
            marker.header.stamp.sec, marker.header.stamp.nanosec = self.STAMP
        self._bytes = MessageTemplate(serialize_message(MarkerArray(markers=markers)))
        self._bytes.locate("stamp", np.array(self.STAMP, "<u4").tobytes(), times=len(markers))
        self._bytes.locate("points", pattern.astype("<f8").tobytes())
        self._bytes.locate("text", text.encode("ascii"))
        for i in range(len(markers) - 2):
            self._bytes.locate(f"pose{i}", np.full(7, self.ODD * (i + 1), "<f8").tobytes())
            self._bytes.locate(f"color{i}", np.full(4, self.ODD * (i + 1), "<f4").tobytes())

    def fill(self, header: Header, frame: FaceFrame, corners: np.ndarray[Any, Any], boards: Boards | None) -> bytes:
        """Bytes of the message with this face; the stamp is the header's."""
        self._bytes.write("stamp", np.array([header.stamp.sec, header.stamp.nanosec], np.int64).astype("<u4"))
        self._bytes.write("points", corners)
        self._bytes.write("text", state_text(frame.state))
        if boards is not None:
            colors = status_colors(boards.statuses)
            for i, pose in enumerate(boards.poses(frame.weights).astype("<f8")):
                self._bytes.write(f"pose{i}", pose)
                self._bytes.write(f"color{i}", colors[i])
        return self._bytes.to_bytes()

    @staticmethod
    def _face(points: np.ndarray[Any, Any], geometry: FaceGeometry) -> Marker:
        marker = Marker(ns="face", id=0, type=Marker.TRIANGLE_LIST, action=Marker.ADD)
        marker.scale.x = marker.scale.y = marker.scale.z = 1.0
        marker.pose.orientation.w = 1.0
        marker.color.a = 1.0
        marker.points = [Point(x=x, y=y, z=z) for x, y, z in points.tolist()]
        marker.colors = [ColorRGBA(r=r, g=g, b=b, a=a) for r, g, b, a in geometry.colors.tolist()]
        return marker

    def _cubes(self, boards: Boards | None) -> list[Marker]:
        if boards is None:
            return []
        cubes = []
        for i in range(len(boards.statuses)):
            cube = Marker(ns="sensors", id=i, type=Marker.CUBE, action=Marker.ADD)
            cube.scale.x = cube.scale.y = 0.0078
            cube.scale.z = 0.002
            place = self.ODD * (i + 1)
            cube.color = ColorRGBA(r=place, g=place, b=place, a=place)
            cube.pose.position = Point(x=place, y=place, z=place)
            q = cube.pose.orientation
            q.x = q.y = q.z = q.w = place
            cubes.append(cube)
        return cubes

    @staticmethod
    def _text(text: str) -> Marker:
        marker = Marker(ns="state", id=0, type=Marker.TEXT_VIEW_FACING, action=Marker.ADD, text=text)
        marker.pose.position.z = 0.16
        marker.pose.orientation.w = 1.0
        marker.scale.z = 0.014
        marker.color = ColorRGBA(r=0.25, g=0.28, b=0.33, a=1.0)
        return marker
