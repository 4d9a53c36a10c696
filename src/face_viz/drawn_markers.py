"""Markers and points of the face for RViz and Foxglove, drawn at a rate of their own while somebody subscribes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from imusic.msg import FaceBlendshapes
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from face_model.rig import FaceRig
from face_viz.errors import VizError
from face_viz.frame import LARGEST, FaceFrame, drawable
from face_viz.markers import MarkerGeometry
from face_viz.shown_sensors import ShownSensors
from face_viz.viewer_messages import MarkerTemplate, cloud_message, frame_of, point_packer
from imusic_ros.managed_node import ManagedNode
from imusic_ros.qos import RELIABLE

QUIET_S: Final = 10.0
"""Between two warnings of the same kind."""


class DrawnMarkers:
    """Publishes `face/markers` and `face/points`; made when the node is configured.

    Args:
        node: that they belong to; its parameters say how often and how.
        rig: the face.
        mesh: file of the still face, as viewers find it; empty: none.

    Attributes:
        sent: faces that were drawn.
    """

    def __init__(self, node: ManagedNode, rig: FaceRig, mesh: str) -> None:
        self.sent = 0
        self._node, self._mesh = node, mesh
        self._geometry = MarkerGeometry(rig)
        self._packer = point_packer()
        self._templates: dict[str, MarkerTemplate] = {}
        self._sensors: ShownSensors | None = None
        self._newest: bytes | None = None
        self._drawn: bytes | None = None
        self._timer: Any = None
        self._markers = node.create_lifecycle_publisher(MarkerArray, "face/markers", RELIABLE)
        self._points = node.create_lifecycle_publisher(PointCloud2, "face/points", RELIABLE)

    def close(self) -> None:
        """Give everything back."""
        self.draw(False)
        self._node.destroy_publisher(self._points)
        self._node.destroy_publisher(self._markers)

    @property
    def are_looked_at(self) -> bool:
        """Whether somebody subscribes."""
        return bool(self._markers.get_subscription_count() or self._points.get_subscription_count())

    def draw(self, on: bool) -> None:
        """Draw the newest face from now on, or no more."""
        if on and self._timer is None:
            self._timer = self._node.create_timer(1.0 / self._node.value("marker_rate_hz"), self._draw_newest)
        elif not on and self._timer is not None:
            self._node.destroy_timer(self._timer)
            self._timer = None

    def use_rate(self) -> None:
        """The parameter `marker_rate_hz` changed."""
        if self._timer is not None:
            self.draw(False)
            self.draw(True)

    def use_kind(self) -> None:
        """The parameter `markers` changed."""
        self._templates.clear()
        # Viewers keep what is not taken away.
        self._markers.publish(MarkerArray(markers=[Marker(action=Marker.DELETEALL)]))

    def use_sensors(self, sensors: ShownSensors | None) -> None:
        """Draw these sensors; None: none."""
        before, self._sensors = self._sensors, sensors
        if sensors is None or before is None or sensors.layout is not before.layout:
            self._templates.clear()

    def show(self, raw: bytes | None) -> None:
        """The newest face, as a message's bytes; it is taken apart when it is drawn. None: there is none any more."""
        self._newest = raw

    def _draw_newest(self) -> None:
        raw = self._newest
        wanted = self._markers.get_subscription_count(), self._points.get_subscription_count()
        if raw is None or raw is self._drawn:
            return
        self._drawn = raw
        message = deserialize_message(raw, FaceBlendshapes)
        frame = frame_of(message)
        if not drawable(frame):
            self._warn(
                f"face {frame.sequence} is not drawn: expected finite weights and a finite orientation of at most "
                f"{LARGEST:g}, found others; look at who publishes face/blendshapes"
            )
            return
        triangles = self._node.value("markers") == "triangles"
        vertices = self._geometry.vertices(frame.weights) if wanted[1] or triangles else None
        if wanted[0]:
            corners = self._geometry.corners(vertices) if triangles and vertices is not None else None
            try:
                self._markers.publish(self._marker_bytes(message.header, frame, corners))
            except VizError as error:  # of a frame id, which comes from outside
                self._warn(f"no markers for this face: {error}")
        if wanted[1] and vertices is not None:
            self._points.publish(cloud_message(message.header, self._geometry.cloud(vertices), self._packer))
        self.sent += 1

    def _marker_bytes(self, header: Header, frame: FaceFrame, corners: np.ndarray[Any, Any] | None) -> bytes:
        template = self._templates.get(header.frame_id)
        if template is None:
            self._templates.clear()
            geometry = None if corners is None else self._geometry
            template = MarkerTemplate(header.frame_id, geometry, self._sensors, self._mesh)
            self._templates[header.frame_id] = template
        return template.fill(header, frame, corners, self._sensors)

    def _warn(self, text: str) -> None:
        self._node.get_logger().warning(text, throttle_duration_sec=QUIET_S)
