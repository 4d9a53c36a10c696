"""ROS 2 node `face_viz`: the web page, and markers and points for RViz and Foxglove.

While nobody looks (no page open, no subscriber of markers or points) the node does not even listen to
`face/blendshapes`: taking 100 messages a second costs a tenth of a core. While somebody looks, the callback only keeps
the newest message, as bytes: it is taken apart when it is drawn.
"""

from __future__ import annotations

import array
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from imusic.msg import FaceBlendshapes, SensorLayout
from imusic.srv import CalibrateNeutral
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.task import Future
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from face_model.errors import LayoutError
from face_model.head import build_head
from face_model.layout import load_layout
from face_model.skin import skin_patches
from face_viz.boards import Boards, SensorStatus
from face_viz.errors import PortError
from face_viz.frame import FaceFrame, FaceState
from face_viz.markers import POINT_STEP, TEXT_LENGTH, FaceGeometry, state_text, status_colors
from face_viz.page import FacePage
from face_viz.template import MessageTemplate
from imusic_ros.health import ERROR, OK, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.parameters import ParameterSpec, Value
from imusic_ros.process import run
from imusic_ros.qos import LATCHED, RELIABLE, SENSOR_DATA

PARAMETERS = (
    ParameterSpec("page", True, "Serve the web page."),
    ParameterSpec("host", "127.0.0.1", "Address the page is served on; 127.0.0.1: reached from this machine only."),
    ParameterSpec("port", 8080, "TCP port of the page; 0 takes the first free one from 8080 up.", 0, 65535),
    ParameterSpec("draw_rate_hz", 30.0, "Frames per second sent to each viewer of the page, Hz.", 1.0, 60.0),
    ParameterSpec("marker_rate_hz", 20.0, "Messages per second on face/markers and face/points, Hz.", 1.0, 60.0),
    ParameterSpec("show_sensors", True, "Show the sensor boards on the page until a viewer switches them off."),
    ParameterSpec("turn_head", True, "Turn the head on the page until a viewer switches that off."),
    ParameterSpec(
        "calibrate_service",
        "face_inference/calibrate_neutral",
        "Service that the page's button calls, relative to the namespace; empty: no button.",
    ),
)

LOOK_PERIOD_S = 0.2
"""How often the node asks whether somebody looks; a new viewer waits this long at most."""
SILENT_S = 0.5
"""Without a face for this long the node is in WARN: five frames of the slowest useful rate."""


class FaceVizNode(ManagedNode):
    """Draws the newest `face/blendshapes`; see the package's configuration file for its parameters."""

    def __init__(self) -> None:
        super().__init__("face_viz", PARAMETERS)
        self._page: FacePage | None = None
        self._boards: Boards | None = None
        self._entities: list[tuple[Callable[[Any], bool], Any]] = []
        self._listening: Any = None
        self._marker_timer: Any = None
        self._raw: bytes | None = None
        self._received = 0
        self._arrived_s = 0.0
        self._last_health: tuple[int, float] = (0, 0.0)
        self._drawn_raw: bytes | None = None
        self._templates: dict[str, MarkerTemplate] = {}
        self._markers_sent = 0

    # Lifecycle.

    def configure(self) -> None:
        """Build the face, open the page, make publishers."""
        self._rig = build_head()
        self._geometry = FaceGeometry(self._rig)
        self._pub_markers = self.create_lifecycle_publisher(MarkerArray, "face/markers", RELIABLE)
        self._pub_points = self.create_lifecycle_publisher(PointCloud2, "face/points", RELIABLE)
        self._keep(self.destroy_publisher, self._pub_markers)
        self._keep(self.destroy_publisher, self._pub_points)
        service = str(self.value("calibrate_service"))
        self._calibrate = self.create_client(CalibrateNeutral, service) if service else None
        if self._calibrate is not None:
            self._keep(self.destroy_client, self._calibrate)
        self._keep(
            self.destroy_subscription, self.create_subscription(SensorLayout, "imu/layout", self._on_layout, LATCHED)
        )
        if self.value("page"):
            self._page = self._open_page()

    def activate(self) -> None:
        """Listen and publish whenever somebody looks."""
        self._look_timer = self.create_timer(LOOK_PERIOD_S, self._look_around)

    def deactivate(self) -> None:
        """Stop listening; the page stays open and says that nothing comes in."""
        self.destroy_timer(self._look_timer)
        self._listen(False)
        self._publish_markers(False)

    def cleanup(self) -> None:
        """Close the page, release everything."""
        if self._page is not None:
            self._page.close()
            self._page = None
        for destroy, entity in reversed(self._entities):
            destroy(entity)
        self._entities.clear()
        self._templates.clear()
        self._boards = None

    def health(self) -> Health:
        """Rate of faces since the last call, viewers, what was sent."""
        now_s = time.monotonic()
        count, then_s = self._last_health
        self._last_health = (self._received, now_s)
        values: dict[str, object] = {
            "face_rate_hz": (self._received - count) / max(now_s - then_s, 1e-3),
            "marker_messages": self._markers_sent,
        }
        if self._page is not None:
            values |= {"url": self._page.url, **self._page.counters}
        if self._listening is None:
            return Health(OK, "nobody looks: not listening", values)
        if now_s - self._arrived_s > SILENT_S:
            return Health(WARN, "no faces on face/blendshapes; is face_inference active?", values)
        refused = values.get("faces_refused", 0)
        if refused:
            return Health(ERROR, "faces with wrong shapes or NaN were left out", values)
        return Health(OK, "showing faces", values)

    def _keep(self, destroy: Callable[[Any], bool], entity: Any) -> None:
        self._entities.append((destroy, entity))

    def _open_page(self) -> FacePage:
        try:
            page = FacePage(
                self._rig,
                host=str(self.value("host")),
                port=int(self.value("port")),
                draw_rate_hz=float(self.value("draw_rate_hz")),
                on_calibrate=None if self._calibrate is None else self._on_calibrate,
                show_sensors=bool(self.value("show_sensors")),
                turn_head=bool(self.value("turn_head")),
            )
        except PortError as error:
            raise ConfigurationError(str(error)) from error
        if page.is_public:
            self.get_logger().warning(
                f"the page at {page.url} is PUBLIC: every machine that reaches {self.value('host')} sees the face; "
                f"set host to 127.0.0.1 to keep it on this machine"
            )
        else:
            self.get_logger().info(f"the face is at {page.url} (this machine only)")
        return page

    # Work only while somebody looks.

    def _look_around(self) -> None:
        drawn = bool(self._pub_markers.get_subscription_count() or self._pub_points.get_subscription_count())
        watched = self._page is not None and self._page.counters["viewers"] > 0
        self._listen(drawn or watched)
        self._publish_markers(drawn)

    def _listen(self, on: bool) -> None:
        if on and self._listening is None:
            self._listening = self.create_subscription(
                FaceBlendshapes, "face/blendshapes", self._on_face, SENSOR_DATA, raw=True
            )
            self._arrived_s = time.monotonic()
        elif not on and self._listening is not None:
            self.destroy_subscription(self._listening)
            self._listening, self._raw = None, None

    def _publish_markers(self, on: bool) -> None:
        if on and self._marker_timer is None:
            self._marker_timer = self.create_timer(1.0 / self.value("marker_rate_hz"), self._publish)
        elif not on and self._marker_timer is not None:
            self.destroy_timer(self._marker_timer)
            self._marker_timer = None

    # Messages in.

    def _on_face(self, raw: bytes) -> None:
        self._raw = raw
        self._received += 1
        self._arrived_s = time.monotonic()
        if self._page is not None:
            self._page.show_later(lambda: frame_of(deserialize_message(raw, FaceBlendshapes)))

    def _on_layout(self, message: SensorLayout) -> None:
        try:
            layout = load_layout(message.name)
        except (LayoutError, FileNotFoundError) as error:
            self.get_logger().warning(f"sensors are not drawn: {error}")
            return
        present = {mount.id: mount.present for mount in message.sensors}
        statuses = [SensorStatus.VALID if present.get(s.id) else SensorStatus.MISSING for s in layout.sensors]
        self._boards = Boards(layout, skin_patches(self._rig, layout).board_poses, statuses)
        self._templates.clear()
        if self._page is not None:
            self._page.set_boards(self._boards)

    # The page's button.

    def _on_calibrate(self) -> None:
        """Called in the page's thread."""
        assert self._calibrate is not None
        if not self._calibrate.service_is_ready():
            self._announce(
                f"Cannot calibrate: nobody offers {self._calibrate.srv_name}; is face_inference running?", False
            )
            return
        self._announce("Calibrating: relax your face and look ahead", True)
        self._calibrate.call_async(CalibrateNeutral.Request()).add_done_callback(self._on_calibrated)

    def _on_calibrated(self, future: Future) -> None:
        if future.exception() is not None:
            self._announce(f"Calibration failed: {future.exception()}", False)
            return
        response = future.result()
        text = response.message or ("Neutral face calibrated" if response.success else "Calibration failed")
        self._announce(text, response.success)

    def _announce(self, text: str, ok: bool) -> None:
        if ok:
            self.get_logger().info(text)
        else:
            self.get_logger().warning(text)
        if self._page is not None:
            self._page.announce(text, ok)

    # Messages out.

    def parameter_changed(self, name: str, value: Value) -> None:
        """No parameter is live yet."""

    def _publish(self) -> None:
        raw = self._raw
        wanted = self._pub_markers.get_subscription_count(), self._pub_points.get_subscription_count()
        if raw is None or raw is self._drawn_raw:
            return
        self._drawn_raw = raw
        message = deserialize_message(raw, FaceBlendshapes)
        frame = frame_of(message)
        if not np.isfinite(frame.weights).all():
            return  # counted by the page; RViz would draw nothing of it
        vertices = self._geometry.vertices(frame.weights)
        if wanted[0]:
            self._pub_markers.publish(self._marker_bytes(message.header, frame, vertices))
        if wanted[1]:
            self._pub_points.publish(cloud_message(message.header, self._geometry.cloud(vertices)))
        self._markers_sent += 1

    def _marker_bytes(self, header: Header, frame: FaceFrame, vertices: np.ndarray[Any, Any]) -> bytes:
        template = self._templates.get(header.frame_id)
        if template is None:
            self._templates.clear()
            template = MarkerTemplate(header.frame_id, self._geometry, self._boards)
            self._templates[header.frame_id] = template
        return template.fill(header, frame, self._geometry.corners(vertices))


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
    POSE_X = -7.7123e33

    def __init__(self, frame_id: str, geometry: FaceGeometry, boards: Boards | None) -> None:
        self._boards = boards
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
            self._bytes.locate(f"pose{i}", (self.POSE_X * (i + 1) + np.zeros(7)).astype("<f8").tobytes())

    def fill(self, header: Header, frame: FaceFrame, corners: np.ndarray[Any, Any]) -> bytes:
        """Bytes of the message with this face; the stamp is the header's."""
        self._bytes.write("stamp", np.array([header.stamp.sec, header.stamp.nanosec], np.int64).astype("<u4"))
        self._bytes.write("points", corners)
        self._bytes.write("text", state_text(frame.state))
        if self._boards is not None:
            for i, pose in enumerate(self._boards.poses(frame.weights).astype("<f8")):
                self._bytes.write(f"pose{i}", pose)
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
        for i, (r, g, b, a) in enumerate(status_colors(boards.statuses).tolist()):
            cube = Marker(ns="sensors", id=i, type=Marker.CUBE, action=Marker.ADD)
            cube.color = ColorRGBA(r=r, g=g, b=b, a=a)
            cube.scale.x = cube.scale.y = 0.0078
            cube.scale.z = 0.002
            place = self.POSE_X * (i + 1)
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


def main() -> int:
    """Entry point of the executable `face_viz`."""
    return run(FaceVizNode)


if __name__ == "__main__":
    raise SystemExit(main())
