"""Between the viewer's own types and ROS messages; no node, and of rclpy only the serialiser."""

from __future__ import annotations

import array
import importlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from imusic.msg import (
    FaceBlendshapes,
    FaceReference,
    RecordingStatus,
    ReplayStatus,
    SensorLayout,
    SensorMount,
    SensorStates,
    WearerPrompt,
)
from numpy.typing import NDArray
from rclpy.serialization import serialize_message
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from face_model import observability
from face_model.face_state import FaceState
from face_model.layout import Sensor, SkullPose
from face_viz.errors import VizError
from face_viz.frame import FaceFrame, ReferenceFrame
from face_viz.markers import POINT_STEP, TEXT_LENGTH, MarkerGeometry, state_text, status_colors
from face_viz.shown_sensors import ShownSensors

MOST_TEXT = 500
"""Characters of a text from outside that are passed on to the page."""
RECORDING_STATES = {
    RecordingStatus.STATE_IDLE: "idle",
    RecordingStatus.STATE_RECORDING: "recording",
    RecordingStatus.STATE_FAILED: "failed",
}
REPLAY_STATES = {
    ReplayStatus.STATE_WAITING: "waiting",
    ReplayStatus.STATE_PLAYING: "playing",
    ReplayStatus.STATE_PAUSED: "paused",
    ReplayStatus.STATE_ENDED: "ended",
    ReplayStatus.STATE_FAILED: "failed",
}


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
        observable=observed(message.observable),
    )


def observed(flags: Sequence[bool]) -> tuple[int, ...]:
    """Indices of the shapes that sensors can tell; of a message that says nothing of it, those of the table."""
    return tuple(i for i, flag in enumerate(flags) if flag) or observability.OBSERVABLE


def reference_of(message: FaceReference) -> ReferenceFrame:
    """What the page needs of a face that something else measured."""
    return ReferenceFrame(
        weights=np.asarray(message.weights, np.float32),
        seen=np.asarray(message.seen, np.bool_),
        face_seen=bool(message.face_seen),
        source=str(message.source)[:MOST_TEXT],
    )


def prompt_of(message: WearerPrompt) -> dict[str, object] | None:
    """What the page shows of a prompt; None when the routine is over."""
    if not message.text:
        return None
    return {
        "hold": bool(message.hold),
        "text": str(message.text)[:MOST_TEXT],
        "number": int(message.number),
        "count": int(message.count),
        "phase_left": _told(message.phase_left),
        "routine_left": _told(message.routine_left),
    }


def recording_of(message: RecordingStatus) -> dict[str, object]:
    """What the page shows of a recorder; disk time is None where it is not known."""
    return {
        "state": RECORDING_STATES.get(message.state, "failed"),
        "path": str(message.path)[:MOST_TEXT],
        "message": str(message.message)[:MOST_TEXT],
        "duration": _told(message.duration),
        "messages": int(message.messages),
        "bytes": int(message.bytes),
        "lost": int(message.lost),
        "disk_time_left": _told(message.disk_time_left),
    }


def replay_of(message: ReplayStatus) -> dict[str, object]:
    """What the page shows of a player."""
    checked = [int(n) for n in (message.equal, message.different, message.missing, message.not_compared)]
    return {
        "state": REPLAY_STATES.get(message.state, "failed"),
        "name": str(message.path).rstrip("/").rpartition("/")[2][:MOST_TEXT],
        "level": str(message.level)[:MOST_TEXT],
        "message": str(message.message)[:MOST_TEXT],
        "position": _told(message.position),
        "begin": _told(message.begin),
        "end": _told(message.end),
        "rate": _told(message.rate),
        "reached_rate": _told(message.reached_rate),
        "laps": int(message.laps),
        "checked": checked if message.checked else None,
    }


def units_of(layout: SensorLayout, states: SensorStates | None) -> dict[str, object]:
    """Every unit of a layout with its status bits now and lately; None where nothing is known of them."""
    count = len(layout.sensors)
    now: Sequence[int | None] = [None] * count
    lately = now
    if (
        states is not None
        and states.layout_id == layout.layout_id
        and len(states.status) == count == len(states.lately)
    ):
        now, lately = [int(bits) for bits in states.status], [int(bits) for bits in states.lately]
    return {
        "units": [
            {
                "id": int(mount.id),
                "name": str(mount.name),
                "muscle": str(mount.muscle),
                "reference": bool(mount.reference),
                "present": bool(mount.present),
                "status": now[i],
                "lately": lately[i],
            }
            for i, mount in enumerate(layout.sensors)
        ]
    }


def _told(number: float) -> float | None:
    """JSON has no infinity and no NaN."""
    return round(float(number), 2) if math.isfinite(number) else None


def sensor_of(mount: SensorMount) -> Sensor:
    """A sensor of imusic/SensorLayout; whether a face has skin at its place is not looked at.

    Raises:
        ValueError: its place or its pose on the skull is not finite, or the pose no rotation.
    """
    p, q = mount.skull_pose.position, mount.skull_pose.orientation
    position_m, orientation = (p.x, p.y, p.z), (q.x, q.y, q.z, q.w)
    place = (float(mount.place[0]), float(mount.place[1]))
    on_skull = mount.reference or any(position_m)
    if not all(map(math.isfinite, (*place, *position_m))) or not abs(math.hypot(*orientation) - 1.0) < 1e-3:
        raise ValueError(f"expected a finite place and pose, found place {place}, pose {position_m} {orientation}")
    return Sensor(
        id=mount.id,
        name=mount.name,
        muscle=mount.muscle,
        side=mount.side,
        place=None if on_skull else place,
        skull=SkullPose(position_m, orientation) if on_skull else None,
        reference=mount.reference,
    )


FIELDS = tuple(
    PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
    for i, name in enumerate(("x", "y", "z", "rgb"))
)


def point_packer() -> Any:
    """`sensor_msgs_py.point_cloud2`, a distribution's own packer of points; None where it is not installed."""
    try:
        return importlib.import_module("sensor_msgs_py.point_cloud2")
    except ImportError:
        return None


def cloud_message(header: Header, points: np.ndarray[Any, Any], packer: Any = None) -> PointCloud2:
    """PointCloud2 with fields x, y, z, rgb from (N, 4) float32, by `packer` if one is given."""
    if packer is not None:
        cloud = packer.create_cloud(header, list(FIELDS), points)
        cloud.is_dense = True  # no point is missing
        return cloud
    data: array.array[int] = array.array("B")
    data.frombytes(points.tobytes())
    return PointCloud2(
        header=header, height=1, width=len(points), fields=list(FIELDS), is_bigendian=False,
        point_step=POINT_STEP, row_step=POINT_STEP * len(points), data=data, is_dense=True,
    )  # fmt: skip


class MessageTemplate:
    """A serialised message whose numbers are replaced in place.

    A marker with 38,000 points is 38,000 Python objects to make and to convert: 100 ms and more. Its bytes differ from
    frame to frame only in known places, so the message is serialised once, with patterns that occur nowhere else in
    those places, the patterns are looked up in the bytes, and from then on numpy writes there.
    """

    def __init__(self, serialised: bytes) -> None:
        self._bytes = bytearray(serialised)
        self._original = serialised
        self._places: dict[str, list[int]] = {}
        self._sizes: dict[str, int] = {}

    def locate(self, name: str, pattern: bytes, times: int = 1) -> None:
        """Remember where `pattern` stands.

        Raises:
            VizError: it does not stand there exactly `times` times, so the bytes are not laid out as expected.
        """
        found: list[int] = []
        at = self._original.find(pattern)
        while at >= 0 and len(found) <= times:
            found.append(at)
            at = self._original.find(pattern, at + len(pattern))
        if len(found) != times:
            raise VizError(f"expected {name} {times} times in the serialised message, found it {len(found)} times")
        self._places[name], self._sizes[name] = found, len(pattern)

    def write(self, name: str, data: bytes | NDArray[Any]) -> None:
        """Replace what stands at all places `name` by `data` of the same size.

        Raises:
            VizError: `data` has another size.
        """
        view = memoryview(data if isinstance(data, bytes) else data.tobytes())
        if len(view) != self._sizes[name]:
            raise VizError(f"expected {self._sizes[name]} bytes for {name}, found {len(view)}")
        for at in self._places[name]:
            self._bytes[at : at + len(view)] = view

    def to_bytes(self) -> bytes:
        """The message as it is now."""
        return bytes(self._bytes)


def _absent_from(frame_id: str) -> str:
    """A text of the state's length that a frame id cannot be mistaken for.

    Raises:
        VizError: the frame id holds every such text.
    """
    text = next((sign * TEXT_LENGTH for sign in map(chr, range(33, 127)) if sign * TEXT_LENGTH not in frame_id), None)
    if text is None:
        raise VizError(f"expected the name of a frame, found a text of {len(frame_id)} characters")
    return text


class MarkerTemplate:
    """The MarkerArray of a face: mesh or triangles, one cube per sensor, one line of text; see `MessageTemplate`.

    Args:
        frame_id: of the head.
        geometry: whose triangles move; None where a mesh stands for them.
        sensors: that are drawn.
        mesh: file of the still face, as viewers find it; empty: none.

    Raises:
        VizError: the frame's name holds what stands for other things.
    """

    STAMP = (0x5A3C1E77, 0x11C7B2A9)
    ODD = -7.7123e33
    """Of this and its multiples the patterns of poses and colours are made: no real marker holds them."""

    def __init__(
        self, frame_id: str, geometry: MarkerGeometry | None, sensors: ShownSensors | None, mesh: str = ""
    ) -> None:
        # Frame ids come from outside: this text stands nowhere in one.
        text = _absent_from(frame_id)
        pattern = np.zeros((0, 3)) if geometry is None else np.arange(3.0 * len(geometry.colors)).reshape(-1, 3)
        pattern += 0.123456789
        cubes = self._cubes(sensors)
        markers = [*cubes, self._text(text)]
        if geometry is not None:
            markers.insert(0, self._face(pattern, geometry))
        elif mesh:
            markers.insert(0, self._mesh(mesh))
        for marker in markers:
            marker.header.frame_id = frame_id
            marker.header.stamp.sec, marker.header.stamp.nanosec = self.STAMP
        self._moves = geometry is not None
        self._bytes = MessageTemplate(serialize_message(MarkerArray(markers=markers)))
        self._bytes.locate("stamp", np.array(self.STAMP, "<u4").tobytes(), times=len(markers))
        self._bytes.locate("text", text.encode("ascii"))
        if self._moves:
            self._bytes.locate("points", pattern.astype("<f8").tobytes())
        for i in range(len(cubes)):
            self._bytes.locate(f"pose{i}", np.full(7, self.ODD * (i + 1), "<f8").tobytes())
            self._bytes.locate(f"color{i}", np.full(4, self.ODD * (i + 1), "<f4").tobytes())

    def fill(
        self, header: Header, frame: FaceFrame, corners: np.ndarray[Any, Any] | None, sensors: ShownSensors | None
    ) -> bytes:
        """Bytes of the message with this face; the stamp is the header's, `corners` those of moving triangles."""
        self._bytes.write("stamp", np.array([header.stamp.sec, header.stamp.nanosec], np.int64).astype("<u4"))
        self._bytes.write("text", state_text(frame.state))
        if self._moves:
            assert corners is not None
            self._bytes.write("points", corners)
        if sensors is not None:
            colors = status_colors(sensors.statuses)
            for i, pose in enumerate(sensors.poses(frame.weights).astype("<f8")):
                self._bytes.write(f"pose{i}", pose)
                self._bytes.write(f"color{i}", colors[i])
        return self._bytes.to_bytes()

    @staticmethod
    def _face(points: np.ndarray[Any, Any], geometry: MarkerGeometry) -> Marker:
        marker = Marker(ns="face", id=0, type=Marker.TRIANGLE_LIST, action=Marker.ADD)
        marker.scale.x = marker.scale.y = marker.scale.z = 1.0
        marker.pose.orientation.w = 1.0
        marker.color.a = 1.0
        marker.points = [Point(x=x, y=y, z=z) for x, y, z in points.tolist()]
        marker.colors = [ColorRGBA(r=r, g=g, b=b, a=a) for r, g, b, a in geometry.colors.tolist()]
        return marker

    @staticmethod
    def _mesh(uri: str) -> Marker:
        # The colour stays 0: RViz would tint the mesh with any other.
        marker = Marker(ns="neutral", id=0, type=Marker.MESH_RESOURCE, action=Marker.ADD, mesh_resource=uri)
        marker.mesh_use_embedded_materials = True
        marker.scale.x = marker.scale.y = marker.scale.z = 1.0
        marker.pose.orientation.w = 1.0
        return marker

    def _cubes(self, sensors: ShownSensors | None) -> list[Marker]:
        if sensors is None:
            return []
        cubes = []
        for i in range(len(sensors.statuses)):
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
