"""ROS 2 node `face_viz`: the web page, and markers and points for RViz and Foxglove.

While nobody looks (no page open, no subscriber of markers or points) the node does not even listen to
`face/blendshapes`: taking 100 messages a second costs a tenth of a core. While somebody looks, the callback only keeps
the newest message, as bytes: it is taken apart when it is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imusic.msg import FaceBlendshapes
from rclpy.serialization import deserialize_message

from face_model.errors import FaceModelError
from face_model.faces import load_rig
from face_model.rig import FaceRig
from face_viz.drawn_markers import DrawnMarkers
from face_viz.errors import PortError
from face_viz.neutral_mesh import mesh_uri
from face_viz.neutral_request import NeutralRequest
from face_viz.page import FacePage
from face_viz.page_commands import TAKE_COMMANDS, Command
from face_viz.page_topics import PageTopics
from face_viz.parameters import PARAMETERS
from face_viz.recent_takes import recent_takes, takes_folder
from face_viz.robot_watch import RobotWatch
from face_viz.shown_sensors import ShownSensors
from face_viz.signal_pieces import SignalWatch
from face_viz.take_work import TakeWork
from face_viz.viewer_messages import frame_of
from face_viz.viewer_requests import ViewerRequests
from face_viz.worn_layout import WornLayout
from imusic_ros.graph import executable_path
from imusic_ros.health import ERROR, OK, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.parameters import Value
from imusic_ros.process import run
from imusic_ros.qos import SENSOR_DATA

LOOK_PERIOD_S = 0.2
"""How often the node asks whether somebody looks; a new viewer waits this long at most."""
SILENT_S = 0.5
"""Without a face for this long the node is in WARN: five frames of the slowest useful rate."""
SURVEY_TURNS = 5
"""Every so many looks around, the node asks which services there are and whether time is played."""

UNKNOWN = "_NODE_NAME_UNKNOWN_"
"""Name of a node whose publisher was found before itself, https://github.com/ros2/rmw_dds_common."""
PUBLIC_TAKES = "Takes are neither listed nor touched on a page that other machines reach"


class FaceVizNode(ManagedNode):
    """Draws the newest `face/blendshapes`; see the package's configuration file for its parameters."""

    def __init__(self) -> None:
        super().__init__("face_viz", PARAMETERS)
        self._page: FacePage | None = None
        self._topics: PageTopics | None = None
        self._robot: RobotWatch | None = None
        self._signals: SignalWatch | None = None
        self._requests: ViewerRequests | None = None
        self._work: TakeWork | None = None
        self._markers: DrawnMarkers | None = None
        self._layout: WornLayout | None = None
        self._calibrate: NeutralRequest | None = None
        self._faces: Any = None
        self._received = 0
        self._arrived_s = 0.0
        self._last_health: tuple[int, float] = (0, 0.0)
        self._turn = 0

    # Lifecycle.

    def configure(self) -> None:
        """Build or load the face, open the page, make publishers."""
        self._rig = self._load_face()
        self._markers = DrawnMarkers(self, self._rig, self._mesh_of_still_face())
        service = self.topic("calibrate_service", "service") if self.value("calibrate_service") else ""
        self._calibrate = NeutralRequest(self, service, self._announce) if service else None
        if self.value("page"):
            self._page = page = self._open_page()
            self._topics = PageTopics(self, page)
            self._robot = RobotWatch(self, page.tell)
            self._signals = SignalWatch(self, page.add_signals)
            self._requests = ViewerRequests(self, self._announce) if self.value("controls") else None
            # What is on this machine's disk is for those who sit at it.
            if self.value("controls") and not page.is_public:
                program = [str(executable_path("imusic"))]
                self._work = TakeWork(program, self.get_namespace(), page.tell, self._announce, page.offer)
        self._layout = WornLayout(self, self._rig, self._show_sensors, self._tell_units)

    def activate(self) -> None:
        """Listen and publish whenever somebody looks."""
        self._look_timer = self.create_timer(LOOK_PERIOD_S, self._look_around)
        assert self._layout is not None
        self._layout.publish_frames()

    def deactivate(self) -> None:
        """Stop listening; the page stays open and says that nothing comes in."""
        self.destroy_timer(self._look_timer)
        self._listen(False)
        if self._signals is not None:
            self._signals.take(False)
        if self._markers is not None:
            self._markers.draw(False)

    def cleanup(self) -> None:
        """Close the page, release everything."""
        for part in (self._work, self._page, self._requests, self._layout, self._calibrate, self._markers):
            if part is not None:
                part.close()
        self._work = self._page = self._requests = self._layout = self._calibrate = self._markers = None
        self._topics = self._robot = self._signals = None

    def parameter_changed(self, name: str, value: Value) -> None:
        """Rates hold from the next frame or message on; what is shown changes on every open page."""
        if name == "marker_rate_hz" and self._markers is not None:
            self._markers.use_rate()
        elif name == "markers" and self._markers is not None:
            self._markers.use_kind()
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
            "marker_messages": 0 if self._markers is None else self._markers.sent,
        }
        if self._layout is not None and self._layout.lacks_transforms:
            values["sensor_frames"] = "tf2_msgs is not installed"
        if self._page is not None:
            values |= {"url": self._page.url, **self._page.counters}
        if self._faces is None:
            return Health(OK, "nobody looks: not listening", values)
        if now_s - self._arrived_s > SILENT_S:
            return Health(WARN, "no faces on face/blendshapes; is face_inference active?", values)
        refused = values.get("faces_refused", 0)
        if refused:
            return Health(ERROR, "faces with wrong shapes or NaN were left out", values)
        return Health(OK, "showing faces", values)

    def _load_face(self) -> FaceRig:
        try:
            return load_rig(str(self.value("face")))
        except FaceModelError as error:
            raise ConfigurationError(str(error)) from error

    def _mesh_of_still_face(self) -> str:
        """Where viewers find it; empty where they do not."""
        try:
            return mesh_uri(self._rig, str(self.value("face")))
        except FaceModelError as error:
            self.get_logger().warning(f"face/markers shows no still face: {error}")
            return ""

    def _open_page(self) -> FacePage:
        try:
            page = FacePage(
                self._rig,
                host=str(self.value("host")),
                port=int(self.value("port")),
                draw_rate_hz=float(self.value("draw_rate_hz")),
                on_calibrate=self._calibrate.ask if self._calibrate is not None and self.value("controls") else None,
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
        assert self._markers is not None
        drawn = self._markers.are_looked_at
        watched = self._page is not None and self._page.counters["viewers"] > 0
        self._listen(drawn or watched)
        self._markers.draw(drawn)
        if self._signals is not None:
            self._signals.take(watched and self._page is not None and self._page.signals_wanted)
        if watched:
            self._survey()

    def _survey(self) -> None:
        """What is there to be asked, and whether time is played; while somebody looks, once a second."""
        assert self._page is not None
        assert self._topics is not None
        assert self._robot is not None
        self._topics.forget_silent()
        self._turn += 1
        if self._turn % SURVEY_TURNS != 1:
            return
        self._robot.watch(self.count_publishers("robot_head/description") > 0)
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
        if on and self._faces is None:
            self._faces = self.create_subscription(
                FaceBlendshapes, "face/blendshapes", self._on_face, SENSOR_DATA, raw=True
            )
            self._turn = 0
            self._arrived_s = self.now_s()
        elif not on and self._faces is not None:
            self.destroy_subscription(self._faces)
            self._faces = None
            if self._markers is not None:
                self._markers.show(None)
            if self._robot is not None:
                self._robot.watch(False)
        if self._layout is not None:
            self._layout.listen(on)
        if self._topics is not None:
            self._topics.listen(on)

    def _on_face(self, raw: bytes) -> None:
        self._received += 1
        self._arrived_s = self.now_s()
        if self._markers is not None:
            self._markers.show(raw)
        if self._page is not None:
            self._page.show_later(lambda: frame_of(deserialize_message(raw, FaceBlendshapes)))

    def _show_sensors(self, sensors: ShownSensors | None) -> None:
        if self._markers is not None:
            self._markers.use_sensors(sensors)
        if self._page is not None:
            self._page.set_sensors(sensors)

    def _tell_units(self, units: Mapping[str, Any]) -> None:
        if self._page is not None:
            self._page.tell("units", units)

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

    def _announce(self, text: str, ok: bool) -> None:
        if ok:
            self.get_logger().info(text)
        else:
            self.get_logger().warning(text)
        if self._page is not None:
            self._page.announce(text, ok)


def main() -> int:
    """Entry point of the executable `face_viz`."""
    return run(FaceVizNode)


if __name__ == "__main__":
    raise SystemExit(main())
