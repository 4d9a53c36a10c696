"""ROS 2 node `face_viz`: the web page, and markers and points for RViz and Foxglove.

While nobody looks (no page open, no subscriber of markers or points) the node does not even listen to
`face/blendshapes`: taking 100 messages a second costs a tenth of a core. While somebody looks, the callback only keeps
the newest message, as bytes: it is taken apart when it is drawn.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from imusic.msg import (
    FaceBlendshapes,
    FaceReference,
    ImuFrame,
    RecordingStatus,
    ReplayStatus,
    SensorLayout,
    SensorStates,
    WearerPrompt,
)
from imusic.srv import CalibrateNeutral
from rclpy.serialization import deserialize_message
from rclpy.task import Future
from sensor_msgs.msg import JointState, PointCloud2
from std_msgs.msg import Header, String
from visualization_msgs.msg import Marker, MarkerArray

from face_model.errors import FaceModelError
from face_model.faces import load_rig
from face_model.frames import checked_frame, head_frame
from face_model.layout import Sensor
from face_model.skin import place_on_skin
from face_viz.errors import PortError, VizError
from face_viz.frame import LARGEST, FaceFrame, drawable
from face_viz.markers import MarkerGeometry
from face_viz.neutral_mesh import mesh_uri
from face_viz.page import FacePage, Trouble
from face_viz.page_commands import TAKE_COMMANDS, Command
from face_viz.parameters import PARAMETERS
from face_viz.recent_takes import recent_takes, takes_folder
from face_viz.sensor_frames import sensor_transforms
from face_viz.shown_sensors import SensorStatus, ShownSensors, on_rig
from face_viz.signal_pieces import PIECE_S, SignalPieces
from face_viz.take_work import TakeWork
from face_viz.viewer_messages import (
    MarkerTemplate,
    cloud_message,
    frame_of,
    point_packer,
    prompt_of,
    recording_of,
    reference_of,
    replay_of,
    sensor_of,
    units_of,
)
from face_viz.viewer_requests import ViewerRequests
from imusic_ros.graph import executable_path
from imusic_ros.health import ERROR, OK, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.parameters import Value
from imusic_ros.process import run
from imusic_ros.qos import LATCHED, RELIABLE, SENSOR_DATA
from imusic_ros.transforms import Transforms

LOOK_PERIOD_S = 0.2
"""How often the node asks whether somebody looks; a new viewer waits this long at most."""
SILENT_S = 0.5
"""Without a face for this long the node is in WARN: five frames of the slowest useful rate."""


PROMPT_S = 3.0
"""A prompt that is not told anew for this long is of a routine that has ended with its node."""
PLAYER_S = 3.0
"""A player that says nothing for this long, though it should four times a second, has ended."""
SURVEY_TURNS = 5
"""Every so many looks around, the node asks which services there are and whether time is played."""

UNKNOWN = "_NODE_NAME_UNKNOWN_"
"""Name of a node whose publisher was found before itself, https://github.com/ros2/rmw_dds_common."""
ROBOT_S = 1.0 / 30.0
"""Between two poses of a robot that viewers are told: more often nobody sees."""
PUBLIC_TAKES = "Takes are neither listed nor touched on a page that other machines reach"
WATCHED = ("imu_driver", "face_inference", "recorder")
"""Nodes whose trouble the page shows; they are in the wearer's namespace, or speak for it."""
LEVELS = {WARN: "warning", ERROR: "error"}


class FaceVizNode(ManagedNode):
    """Draws the newest `face/blendshapes`; see the package's configuration file for its parameters."""

    def __init__(self) -> None:
        super().__init__("face_viz", PARAMETERS)
        self._page: FacePage | None = None
        self._sensors: ShownSensors | None = None
        self._layout: SensorLayout | None = None
        self._drawn: list[int] = []
        self._states: SensorStates | None = None
        self._entities: list[tuple[Callable[[Any], bool], Any]] = []
        self._listening: list[Any] = []
        self._marker_timer: Any = None
        self._raw: bytes | None = None
        self._received = 0
        self._arrived_s = 0.0
        self._last_health: tuple[int, float] = (0, 0.0)
        self._drawn_raw: bytes | None = None
        self._templates: dict[str, MarkerTemplate] = {}
        self._transforms: Transforms | None = None
        self._packer = point_packer()
        self._markers_sent = 0
        self._prompted_s: float | None = None
        self._player_s: float | None = None
        self._work: TakeWork | None = None
        self._requests: ViewerRequests | None = None
        self._signals = SignalPieces()
        self._signalling: tuple[Any, Any] | None = None
        self._robot: list[Any] = []
        self._robot_told_s = 0.0
        self._turn = 0
        self._troubles: dict[str, Trouble | None] = dict.fromkeys(WATCHED)
        self._asked: Future[CalibrateNeutral.Response] | None = None

    # Lifecycle.

    def configure(self) -> None:
        """Build or load the face, open the page, make publishers."""
        try:
            self._rig = load_rig(str(self.value("face")))
        except FaceModelError as error:
            raise ConfigurationError(str(error)) from error
        self._geometry = MarkerGeometry(self._rig)
        try:
            self._mesh = mesh_uri(self._rig, str(self.value("face")))
        except FaceModelError as error:
            self.get_logger().warning(f"face/markers shows no still face: {error}")
            self._mesh = ""
        if self.value("sensor_frames"):
            self._transforms = Transforms(self, static=True, what="frames of the sensors")
        self._pub_markers = self.create_lifecycle_publisher(MarkerArray, "face/markers", RELIABLE)
        self._pub_points = self.create_lifecycle_publisher(PointCloud2, "face/points", RELIABLE)
        self._keep(self.destroy_publisher, self._pub_markers)
        self._keep(self.destroy_publisher, self._pub_points)
        self._calibrate = (
            self.create_client(CalibrateNeutral, self.topic("calibrate_service", "service"))
            if self.value("calibrate_service")
            else None
        )
        if self._calibrate is not None:
            self._keep(self.destroy_client, self._calibrate)
        self._keep(
            self.destroy_subscription, self.create_subscription(SensorLayout, "imu/layout", self._on_layout, LATCHED)
        )
        if self.value("page"):
            self._page = self._open_page()
            self._requests = ViewerRequests(self, self._announce) if self.value("controls") else None
            # What is on this machine's disk is for those who sit at it.
            if self.value("controls") and not self._page.is_public:
                program = [str(executable_path("imusic"))]
                self._work = TakeWork(program, self.get_namespace(), self._page.tell, self._announce, self._page.offer)

    def activate(self) -> None:
        """Listen and publish whenever somebody looks."""
        self._look_timer = self.create_timer(LOOK_PERIOD_S, self._look_around)
        self._publish_frames()

    def deactivate(self) -> None:
        """Stop listening; the page stays open and says that nothing comes in."""
        self.destroy_timer(self._look_timer)
        self._listen(False)
        self._take_signals(False)
        self._publish_markers(False)

    def cleanup(self) -> None:
        """Close the page, release everything."""
        if self._work is not None:
            self._work.close()
            self._work = None
        if self._page is not None:
            self._page.close()
            self._page = None
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        for destroy, entity in reversed(self._entities):
            destroy(entity)
        self._entities.clear()
        self._templates.clear()
        if self._transforms is not None:
            self._transforms.close()
            self._transforms = None
        self._sensors, self._layout, self._states = None, None, None

    def parameter_changed(self, name: str, value: Value) -> None:
        """Rates hold from the next frame or message on; what is shown changes on every open page."""
        if name == "marker_rate_hz" and self._marker_timer is not None:
            self._publish_markers(False)
            self._publish_markers(True)
        elif name == "markers":
            self._templates.clear()
            # Viewers keep what is not taken away.
            self._pub_markers.publish(MarkerArray(markers=[Marker(action=Marker.DELETEALL)]))
        elif name == "draw_rate_hz" and self._page is not None:
            self._page.set_draw_rate(float(self.value(name)))
        elif name in ("show_sensors", "turn_head") and self._page is not None:
            self._page.set_option(name, bool(value))

    def health(self) -> Health:
        """Rate of faces since the last call, viewers, what was sent."""
        now_s = self.now_s()
        count, then_s = self._last_health
        self._last_health = (self._received, now_s)
        values: dict[str, object] = {
            "face_rate_hz": (self._received - count) / max(now_s - then_s, 1e-3),
            "marker_messages": self._markers_sent,
        }
        if self._transforms is not None and not self._transforms.available:
            values["sensor_frames"] = "tf2_msgs is not installed"
        if self._page is not None:
            values |= {"url": self._page.url, **self._page.counters}
        if not self._listening:
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
                on_calibrate=self._on_calibrate if self._calibrate is not None and self.value("controls") else None,
                on_command=self._on_command if self.value("controls") else None,
                show_sensors=bool(self.value("show_sensors")),
                turn_head=bool(self.value("turn_head")),
                title=self.get_namespace().strip("/"),
                clock=self.now_s,
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
        self._take_signals(watched and self._page is not None and self._page.signals_wanted)
        if watched:
            self._survey()

    def _survey(self) -> None:
        """What is there to be asked, and whether time is played; while somebody looks, once a second."""
        assert self._page is not None
        if self._prompted_s is not None and time.monotonic() - self._prompted_s > PROMPT_S:
            self._prompted_s = None
            self._page.tell("prompt", None)
        if self._player_s is not None and time.monotonic() - self._player_s > PLAYER_S:
            self._player_s = None
            self._page.tell("player", None)
        self._turn += 1
        if self._turn % SURVEY_TURNS != 1:
            return
        self._watch_robot(self.count_publishers("robot_head/description") > 0)
        self._page.tell("services", None if self._requests is None else self._requests.offered())
        self._page.tell("replay", {"on": bool(self.get_parameter("use_sim_time").value) or self._time_is_played()})

    def _time_is_played(self) -> bool:
        """Whether somebody plays time, other than the player of a replay in another namespace: that one is not ours."""
        here = self.get_namespace()
        return any(
            info.node_name != UNKNOWN and (info.node_name != "player" or info.node_namespace == here)
            for info in self.get_publishers_info_by_topic("/clock")
        )

    def _listen(self, on: bool) -> None:
        if on and not self._listening:
            self._listening = [
                self.create_subscription(FaceBlendshapes, "face/blendshapes", self._on_face, SENSOR_DATA, raw=True),
                self.create_subscription(SensorStates, "imu/states", self._on_states, LATCHED),
                self.create_subscription(WearerPrompt, "face/prompt", self._on_prompt, LATCHED),
                self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10),
                self.create_subscription(RecordingStatus, "recording/status", self._on_recording, LATCHED),
                self.create_subscription(FaceReference, "face/reference", self._on_reference, SENSOR_DATA),
                self.create_subscription(ReplayStatus, "player/status", self._on_player, LATCHED),
            ]
            self._turn = 0
            self._arrived_s = self.now_s()
        elif not on and self._listening:
            for subscription in self._listening:
                self.destroy_subscription(subscription)
            self._listening, self._raw = [], None
            self._watch_robot(False)
            self._troubles = dict.fromkeys(WATCHED)

    def _watch_robot(self, there: bool) -> None:
        """Listen to a robot's joints where there is a robot; its URDF comes first, and anew when it changes."""
        if there and not self._robot:
            self._robot = [
                self.create_subscription(String, "robot_head/description", self._on_robot, LATCHED),
                self.create_subscription(JointState, "robot_head/joints", self._on_joints, SENSOR_DATA, raw=True),
            ]
        elif not there and self._robot:
            for subscription in self._robot:
                self.destroy_subscription(subscription)
            self._robot = []
            if self._page is not None:
                self._page.tell("robot", None)
                self._page.tell("joints", None)

    def _on_robot(self, message: String) -> None:
        if self._page is not None:
            self._page.tell("robot", {"urdf": message.data})

    def _on_joints(self, raw: bytes) -> None:
        now_s = time.monotonic()
        if self._page is None or now_s - self._robot_told_s < ROBOT_S:
            return
        self._robot_told_s = now_s
        message = deserialize_message(raw, JointState)
        angles = zip(message.name, message.position, strict=False)
        self._page.tell("joints", {name: round(angle, 4) for name, angle in angles if math.isfinite(angle)})

    def _take_signals(self, on: bool) -> None:
        """Listen to the sensors' samples while a viewer plots them."""
        if on and self._signalling is None:
            self._signals = SignalPieces()
            subscription = self.create_subscription(ImuFrame, "imu/frame", self._signals.add, SENSOR_DATA, raw=True)
            self._signalling = subscription, self.create_timer(PIECE_S, self._send_signals)
        elif not on and self._signalling is not None:
            subscription, timer = self._signalling
            self.destroy_timer(timer)
            self.destroy_subscription(subscription)
            self._signalling = None

    def _send_signals(self) -> None:
        piece = self._signals.piece()
        if piece is not None and self._page is not None:
            self._page.add_signals(piece)

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
        self._arrived_s = self.now_s()
        if self._page is not None:
            self._page.show_later(lambda: frame_of(deserialize_message(raw, FaceBlendshapes)))

    def _on_layout(self, message: SensorLayout) -> None:
        self._layout = message
        self._drawn, sensors = self._drawable(message)
        statuses = [SensorStatus.VALID if message.sensors[i].present else SensorStatus.MISSING for i in self._drawn]
        try:
            shown = on_rig(self._rig, message.name, sensors, statuses)
        except (ValueError, FaceModelError) as error:
            self.get_logger().warning(f"no sensors are drawn of the layout {message.name}: {error}")
            shown = None
        self._templates.clear()
        self._show_sensors(shown)
        self._tell_units()
        self._publish_frames()
        if self._states is not None:
            self._on_states(self._states)

    def _publish_frames(self) -> None:
        """Where the sensors are: told once, latched, and anew with each layout."""
        if self._transforms is None or self._sensors is None or self._layout is None:
            return
        given = self._layout.header
        header = Header(stamp=given.stamp, frame_id=head_frame(self.get_namespace(), given.frame_id))
        try:
            checked_frame(header.frame_id)
        except ValueError as error:
            self.get_logger().warning(f"no frames of the sensors of the layout {self._layout.name}: {error}")
            return
        self._transforms.send(sensor_transforms(header, self.get_namespace(), self._sensors))

    def _drawable(self, message: SensorLayout) -> tuple[list[int], list[Sensor]]:
        """The sensors that have a place on this face, and their indices; a warning names the others."""
        indices, sensors, problems = [], [], []
        for i, mount in enumerate(message.sensors):
            try:
                sensor = sensor_of(mount)
                if sensor.place is not None:
                    place_on_skin(self._rig, sensor.place)
            except (ValueError, FaceModelError) as error:
                problems.append(f"{mount.name} ({error})")
                continue
            indices.append(i)
            sensors.append(sensor)
        if problems:
            self.get_logger().warning(f"sensors that are not drawn: {'; '.join(problems)}")
        return indices, sensors

    def _on_states(self, message: SensorStates) -> None:
        """How the sensors are, once a second: a hundredth of what taking every ImuFrame would cost."""
        self._states = message
        self._tell_units()
        layout, sensors, status = self._layout, self._sensors, message.status
        if layout is None or sensors is None:
            return
        if message.layout_id != layout.layout_id or len(status) != len(layout.sensors):
            return  # of a layout that is still to come
        shown = sensors.with_statuses([SensorStatus.of(status[i]) for i in self._drawn])
        if not np.array_equal(shown.statuses, sensors.statuses):
            self._show_sensors(shown)

    def _tell_units(self) -> None:
        if self._page is not None and self._layout is not None:
            self._page.tell("units", units_of(self._layout, self._states))

    def _on_prompt(self, message: WearerPrompt) -> None:
        """What the wearer is asked to do, and the time that is left for it."""
        self._prompted_s = time.monotonic() if message.text else None
        if self._page is not None:
            self._page.tell("prompt", prompt_of(message))

    def _on_recording(self, message: RecordingStatus) -> None:
        if self._page is not None:
            self._page.tell("recording", recording_of(message))

    def _on_player(self, message: ReplayStatus) -> None:
        self._player_s = time.monotonic()
        if self._page is not None:
            self._page.tell("player", replay_of(message))

    def _on_reference(self, message: FaceReference) -> None:
        if self._page is not None:
            reference = reference_of(message)
            self._page.tell("reference", {"source": reference.source})
            self._page.show_reference(reference)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        """What driver and estimator of this wearer say of themselves, where not all is well."""
        place = self.get_namespace().strip("/")
        for status in message.status:
            node = status.name.removeprefix(f"{place}/") if place else status.name
            if node in WATCHED:
                level = LEVELS.get(status.level[0])
                self._troubles[node] = None if level is None else Trouble(node, level, status.message)
        if self._page is not None:
            self._page.set_troubles(tuple(trouble for trouble in self._troubles.values() if trouble is not None))

    def _show_sensors(self, sensors: ShownSensors | None) -> None:
        self._sensors = sensors
        if self._page is not None:
            self._page.set_sensors(sensors)

    # The page's buttons.

    def _on_command(self, command: Command) -> None:
        """Called in the page's thread."""
        if command.name in TAKE_COMMANDS:
            if self._work is not None:
                self._work.handle(command)
            else:
                self._announce(PUBLIC_TAKES, False)
        elif command.name != "takes":
            if self._requests is not None:
                self._requests.handle(command)
        elif self._page is not None and self._page.is_public:
            self._page.tell("takes", {"folder": "not listed on a page that other machines reach", "takes": []})
        elif self._page is not None:
            folder = takes_folder()
            self._page.tell("takes", {"folder": str(folder), "takes": recent_takes(folder)})

    def _on_calibrate(self) -> None:
        """Called in the page's thread."""
        assert self._calibrate is not None
        if not self._calibrate.service_is_ready():
            self._announce(
                f"Cannot calibrate: no node offers {self._calibrate.srv_name}; is face_inference running?", False
            )
            return
        self._announce("Calibrating: relax your face and look ahead", True)
        if self._asked is not None and not self._asked.done():
            self._calibrate.remove_pending_request(self._asked)  # whose node has ended meanwhile
        self._asked = self._calibrate.call_async(CalibrateNeutral.Request())
        self._asked.add_done_callback(self._on_calibrated)

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

    def _publish(self) -> None:
        raw = self._raw
        wanted = self._pub_markers.get_subscription_count(), self._pub_points.get_subscription_count()
        if raw is None or raw is self._drawn_raw:
            return
        self._drawn_raw = raw
        message = deserialize_message(raw, FaceBlendshapes)
        frame = frame_of(message)
        if not drawable(frame):
            self.get_logger().warning(
                f"face {frame.sequence} is not drawn: expected finite weights and a finite orientation of at most "
                f"{LARGEST:g}, found others; look at who publishes face/blendshapes",
                throttle_duration_sec=10.0,
            )
            return
        triangles = self.value("markers") == "triangles"
        vertices = self._geometry.vertices(frame.weights) if wanted[1] or triangles else None
        if wanted[0]:
            corners = self._geometry.corners(vertices) if triangles and vertices is not None else None
            try:
                self._pub_markers.publish(self._marker_bytes(message.header, frame, corners))
            except VizError as error:  # of a frame id, which comes from outside
                self.get_logger().warning(f"no markers for this face: {error}", throttle_duration_sec=10.0)
        if wanted[1] and vertices is not None:
            self._pub_points.publish(cloud_message(message.header, self._geometry.cloud(vertices), self._packer))
        self._markers_sent += 1

    def _marker_bytes(self, header: Header, frame: FaceFrame, corners: np.ndarray[Any, Any] | None) -> bytes:
        template = self._templates.get(header.frame_id)
        if template is None:
            self._templates.clear()
            geometry = None if corners is None else self._geometry
            template = MarkerTemplate(header.frame_id, geometry, self._sensors, self._mesh)
            self._templates[header.frame_id] = template
        return template.fill(header, frame, corners, self._sensors)


def main() -> int:
    """Entry point of the executable `face_viz`."""
    return run(FaceVizNode)


if __name__ == "__main__":
    raise SystemExit(main())
