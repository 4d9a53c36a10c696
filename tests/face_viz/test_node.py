"""The node in one process with a publisher and subscribers, on real ROS 2."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

aiohttp = pytest.importorskip("aiohttp")
rclpy = pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from imusic.action import AlignSensors, CalibrateWearer  # noqa: E402
from imusic.msg import (  # noqa: E402
    FaceBlendshapes,
    FaceReference,
    ImuFrame,
    RecordingStatus,
    ReplayStatus,
    SensorLayout,
    SensorMount,
    SensorStates,
    WearerPrompt,
)
from imusic.srv import CalibrateNeutral, Identify, SeekReplay, SetReplayRate, StartRecording, UseWearer  # noqa: E402
from rclpy.action import ActionServer, CancelResponse  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.task import Future  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from sensor_msgs.msg import JointState, PointCloud2  # noqa: E402
from std_msgs.msg import String  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402
from visualization_msgs.msg import Marker, MarkerArray  # noqa: E402

from face_model.layout import load_layout  # noqa: E402
from face_model.skin import skin_patches  # noqa: E402
from face_viz.node import PARAMETERS, FaceVizNode  # noqa: E402
from face_viz.page import FacePage  # noqa: E402
from face_viz.page_commands import PERIOD_S, TAKE_COMMANDS, Command  # noqa: E402
from imusic_ros.qos import LATCHED, RELIABLE, SENSOR_DATA  # noqa: E402

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]
SUCCESS = TransitionCallbackReturn.SUCCESS


class Graph:
    """The node, a second node that talks to it, and an executor for both."""

    def __init__(self) -> None:
        self.node = FaceVizNode()
        self.node.set_parameters([Parameter("port", value=0)])
        self.other = rclpy.create_node("onlooker")
        self.executor = SingleThreadedExecutor()
        for node in (self.node, self.other):
            self.executor.add_node(node)
        self.faces = self.other.create_publisher(FaceBlendshapes, "face/blendshapes", SENSOR_DATA)
        self.sequence = 0

    def face(self, jaw: float = 0.0) -> FaceBlendshapes:
        self.sequence += 1
        message = FaceBlendshapes(sequence=self.sequence, state=FaceBlendshapes.STATE_TRACKING, age=0.004, model="m 1")
        message.header.frame_id = "face_head"
        message.header.stamp.sec, message.header.stamp.nanosec = 1000 + self.sequence, 123
        message.weights[FaceBlendshapes.JAW_OPEN] = jaw
        message.confidence = np.full(52, 0.8, np.float32)
        message.head_orientation.w = 1.0
        return message

    def spin_until(self, done: Callable[[], Any], what: str, face: FaceBlendshapes | None = None) -> Any:
        end_s = time.monotonic() + 120.0
        while not (found := done()):
            assert time.monotonic() < end_s, f"no {what} within 120 s"
            if face is not None:
                self.sequence += 1
                face.sequence = self.sequence
                face.header.stamp.sec = 1000 + self.sequence
                self.faces.publish(face)
            self.executor.spin_once(timeout_sec=0.02)
        return found

    def close(self) -> None:
        self.node.close()
        self.executor.shutdown()
        self.node.destroy_node()
        self.other.destroy_node()


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[Graph]:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    rclpy.init()
    graph = Graph()
    yield graph
    graph.close()
    rclpy.try_shutdown()


def activate(graph: Graph) -> None:
    assert graph.node.trigger_configure() == SUCCESS
    assert graph.node.trigger_activate() == SUCCESS


def layout_message(missing: str = "", name: str = "of_the_robot") -> SensorLayout:
    """The shipped sensors, under a name that no layout file of this machine has."""
    mounts = []
    for sensor in load_layout().sensors:
        mount = SensorMount(id=sensor.id, name=sensor.name, present=sensor.name != missing, reference=sensor.reference)
        if sensor.place is not None:
            mount.place = list(sensor.place)
        if sensor.skull is not None:
            p, q = mount.skull_pose.position, mount.skull_pose.orientation
            p.x, p.y, p.z = sensor.skull.position_m
            q.x, q.y, q.z, q.w = sensor.skull.orientation
        mounts.append(mount)
    return SensorLayout(layout_id=1, name=name, sensors=mounts)


def test_triangles_show_the_face_with_its_own_stamp_and_frame(graph: Graph) -> None:
    graph.node.set_parameters([Parameter("markers", value="triangles")])
    latched = graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED)
    latched.publish(layout_message(missing="mentalis"))
    seen: list[MarkerArray] = []
    graph.other.create_subscription(MarkerArray, "face/markers", seen.append, RELIABLE)
    activate(graph)
    graph.spin_until(lambda: graph.node._sensors is not None, "layout")
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
    poses = graph.node._sensors.poses(weights)
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


def test_the_sensors_frames_are_told_once_with_the_layout(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[Any]] = []
    monkeypatch.setattr("imusic_ros.transforms.Transforms.send", lambda self, sent: told.append(list(sent)))
    layout = layout_message()
    layout.header.frame_id = "robot/head"
    layouts = graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED)
    layouts.publish(layout)
    activate(graph)
    graph.spin_until(lambda: told, "frames")
    assert {t.header.frame_id for t in told[-1]} == {"robot/head"}
    assert [t.child_frame_id for t in told[-1]] == [f"imu_{name}" for name in load_layout().names]
    turns = [[getattr(t.transform.rotation, axis) for axis in "xyzw"] for t in told[-1]]
    assert np.linalg.norm(turns, axis=1) == pytest.approx(1.0, abs=1e-9)
    layout.sensors[4].place = [9.0, 9.0]
    layout.header.frame_id = ""
    layouts.publish(layout)
    graph.spin_until(lambda: len(told[-1]) == 11, "frames of the sensors that have a place")
    assert {t.header.frame_id for t in told[-1]} == {"face_head"}
    layout.header.frame_id = "my head"
    count = len(told)
    layouts.publish(layout)
    graph.spin_until(lambda: graph.node._layout.header.frame_id == "my head", "layout in a frame that is none")
    assert len(told) == count


USABLE = ImuFrame.STATUS_VALID | ImuFrame.STATUS_ORIENTATION_VALID


def test_the_sensors_states_colour_them(graph: Graph) -> None:
    states = graph.other.create_publisher(SensorStates, "imu/states", LATCHED)
    bits = [USABLE] * 12
    bits[0], bits[7], bits[8] = ImuFrame.STATUS_MISSING, ImuFrame.STATUS_FAULT, USABLE | ImuFrame.STATUS_FAULT
    states.publish(SensorStates(layout_id=1, status=bits))  # before the layout, and before anybody looks
    latched = graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED)
    latched.publish(layout_message())
    seen: list[MarkerArray] = []
    graph.other.create_subscription(MarkerArray, "face/markers", seen.append, RELIABLE)
    activate(graph)

    def reds() -> list[float]:
        return [round(cube.color.r, 2) for cube in seen[-1].markers[1:-1]] if seen else []

    expected = [0.10] * 12
    expected[0], expected[7], expected[8] = 0.55, 1.0, 1.0
    graph.spin_until(lambda: reds() == expected, "coloured cubes", graph.face())
    states.publish(SensorStates(layout_id=2, status=[ImuFrame.STATUS_FAULT] * 12))
    states.publish(SensorStates(layout_id=1, status=[ImuFrame.STATUS_FAULT] * 3))
    states.publish(SensorStates(layout_id=1, status=[USABLE] * 11 + [ImuFrame.STATUS_MISSING]))
    graph.spin_until(lambda: reds() == [0.10] * 11 + [0.55], "states of this layout and no other", graph.face())


def test_a_place_off_the_skin_is_told_and_the_others_are_drawn(graph: Graph, capfd: pytest.CaptureFixture[str]) -> None:
    message = layout_message()
    message.sensors[4].place = [9.0, 9.0]
    message.sensors[6].place = [float("nan"), 0.0]
    graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED).publish(message)
    states = graph.other.create_publisher(SensorStates, "imu/states", LATCHED)
    states.publish(SensorStates(layout_id=1, status=[USABLE] * 7 + [ImuFrame.STATUS_MISSING] + [USABLE] * 4))
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)
    activate(graph)
    graph.spin_until(lambda: graph.node._sensors is not None, "layout")
    (warning,) = [line for line in capfd.readouterr().err.splitlines() if "[WARN]" in line and "not drawn" in line]
    names = [info.name for info in graph.node._sensors.infos()]
    left_out = message.sensors[4].name, message.sensors[6].name
    assert names == [sensor.name for sensor in message.sensors if sensor.name not in left_out]
    assert all(name in warning for name in left_out)
    graph.spin_until(lambda: graph.node._sensors.statuses.tolist() == [0] * 5 + [2] + [0] * 4, "states", graph.face())


def test_a_layout_without_sensors_draws_none(graph: Graph) -> None:
    layouts = graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED)
    layouts.publish(layout_message())
    activate(graph)
    graph.spin_until(lambda: graph.node._sensors is not None, "layout")
    layouts.publish(SensorLayout(layout_id=2, name="empty"))
    graph.spin_until(lambda: graph.node._sensors is None, "no sensors")


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


def test_marker_rate_page_rate_and_what_is_shown_change_while_it_runs(graph: Graph) -> None:
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)
    activate(graph)
    graph.spin_until(lambda: graph.node._markers_sent > 0, "markers", graph.face())
    changes = {"marker_rate_hz": 5.0, "draw_rate_hz": 10.0, "show_sensors": False, "turn_head": False}
    results = graph.node.set_parameters([Parameter(name, value=value) for name, value in changes.items()])
    assert all(result.successful for result in results)
    assert graph.node._marker_timer.timer_period_ns == 200_000_000
    _, scene = graph.node._page.scene()
    assert (scene["options"]["show_sensors"], scene["options"]["turn_head"]) == (False, False)
    assert graph.node._page._server.period_s == 0.1
    sent = graph.node._markers_sent
    graph.spin_until(lambda: graph.node._markers_sent > sent, "markers at the new rate", graph.face())
    (refused,) = graph.node.set_parameters([Parameter("host", value="0.0.0.0")])
    assert "run cleanup first" in refused.reason


def test_live_parameters_may_change_before_anything_is_open(graph: Graph) -> None:
    graph.node.set_parameters([Parameter("page", value=False)])
    assert graph.node.trigger_configure() == SUCCESS
    changes = {"marker_rate_hz": 5.0, "draw_rate_hz": 10.0, "show_sensors": False}
    results = graph.node.set_parameters([Parameter(name, value=value) for name, value in changes.items()])
    assert all(result.successful for result in results)


def test_the_node_listens_only_while_somebody_looks(graph: Graph) -> None:
    activate(graph)
    face = graph.face()
    # Readers of the test before may not be gone yet.
    graph.spin_until(lambda: graph.faces.get_subscription_count() == 0, "nobody to listen", face)
    listening: list[int] = []

    def after_rounds() -> bool:
        listening.append(graph.faces.get_subscription_count())
        return len(listening) == 60

    graph.spin_until(after_rounds, "rounds", face)
    assert not any(listening)
    onlooker = graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)
    graph.spin_until(lambda: graph.node._markers_sent > 0, "markers", face)
    graph.other.destroy_subscription(onlooker)
    graph.spin_until(lambda: graph.faces.get_subscription_count() == 0, "end of listening", face)


def test_the_page_gets_the_faces_and_health_tells(graph: Graph) -> None:
    health: list[Any] = []
    graph.other.create_subscription(
        DiagnosticArray,
        "/diagnostics",
        lambda m: health.extend(s for s in m.status if s.name == "face_viz"),
        10,
    )
    activate(graph)
    graph.spin_until(lambda: any("nobody looks" in s.message for s in health), "rest while nobody looks")
    with watching(graph.node._page):
        check_health(graph, health)


def check_health(graph: Graph, health: list[Any]) -> None:
    graph.spin_until(lambda: any(s.level == b"\x01" for s in health), "warning that nothing comes in")
    health.clear()
    face = graph.face(0.5)
    graph.spin_until(lambda: any(s.level == b"\x00" for s in health), "good health", face)
    values = {v.key: v.value for v in health[-1].values}
    assert values["url"].startswith("http://127.0.0.1:")
    assert float(values["face_rate_hz"]) > 0
    page = graph.node._page
    page.frame(-1)
    weights = np.frombuffer(page.frame(-1)[1], "<f4", 52, 40)
    assert weights[FaceBlendshapes.JAW_OPEN] == pytest.approx(0.5)


@contextlib.contextmanager
def watching(page: FacePage) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A viewer of the page, in a thread of its own; what is passed to the function it says to the server."""
    end = threading.Event()
    words: queue.SimpleQueue[str] = queue.SimpleQueue()

    async def watch() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{page.url}/frames") as viewer:
            while not end.is_set():
                await viewer.receive()
                while not words.empty():
                    await viewer.send_str(words.get())

    thread = threading.Thread(target=lambda: asyncio.run(watch()))
    thread.start()
    try:
        yield lambda message: words.put(json.dumps(message))
    finally:
        end.set()
        thread.join()


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


def test_the_button_calls_the_service_and_tells_its_answer(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, bool]] = []
    activate(graph)
    monkeypatch.setattr(graph.node._page, "announce", lambda text, ok=True: told.append((text, ok)))
    graph.node._page.command(Command("calibrate"))
    assert told[-1][1] is False
    assert "face_inference/calibrate_neutral" in told[-1][0]

    def answer(_request: Any, response: Any) -> Any:
        response.success, response.message = False, "hold still"
        return response

    graph.other.create_service(CalibrateNeutral, "face_inference/calibrate_neutral", answer)
    graph.spin_until(lambda: graph.node._calibrate.service_is_ready(), "service")
    graph.node._page.command(Command("calibrate"))
    graph.spin_until(lambda: told[-1] == ("hold still", False), "answer")


def test_a_taken_port_leaves_the_node_unconfigured_with_the_reason(graph: Graph) -> None:
    assert graph.node.trigger_configure() == SUCCESS
    taken = graph.node._page.port
    graph.node.trigger_cleanup()
    blocker = FacePage(graph.node._rig, port=taken)
    try:
        graph.node.set_parameters([Parameter("port", value=taken)])
        assert graph.node.trigger_configure() == TransitionCallbackReturn.FAILURE
        assert f"port {taken}" in graph.node._current_health().message
    finally:
        blocker.close()
    assert graph.node.trigger_configure() == SUCCESS


def test_all_transitions_can_be_repeated_without_leaks(graph: Graph) -> None:
    def counts() -> tuple[int, ...]:
        node = graph.node
        return (
            len(list(node.publishers)),
            len(list(node.subscriptions)),
            len(list(node.timers)),
            len(list(node.clients)),
            len(list(Path("/proc/self/fd").iterdir())),
            len(list(Path("/proc/self/task").iterdir())),
        )

    sizes = []
    for _ in range(6):
        activate(graph)
        graph.spin_until(lambda: True, "nothing")
        assert graph.node.trigger_deactivate() == SUCCESS
        assert graph.node.trigger_cleanup() == SUCCESS
        sizes.append(counts())
    # Threads and sockets end a moment after they were told to; a leak stays.
    graph.spin_until(lambda: all(now <= then for now, then in zip(counts(), sizes[1], strict=True)), "release of all")


def test_the_shipped_configuration_names_every_parameter_and_its_default() -> None:
    shipped = yaml.safe_load((ROOT / "config" / "face_viz.yaml").read_text())["/**/face_viz"]["ros__parameters"]
    assert shipped == {spec.name: spec.default for spec in PARAMETERS}


def note(page: FacePage, name: str) -> Any:
    """What the page was last told under this name; None if nothing."""
    found = page.notes().get(name)
    return None if found is None else json.loads(found[1])["value"]


def test_the_page_tells_what_the_wearer_is_asked_to_do(graph: Graph) -> None:
    prompts = graph.other.create_publisher(WearerPrompt, "face/prompt", LATCHED)
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)  # somebody looks
    activate(graph)
    page = graph.node._page
    graph.spin_until(lambda: prompts.get_subscription_count(), "listener of prompts")
    prompts.publish(WearerPrompt(text="Smile.", number=1, count=22, hold=True, phase_left=1.5, routine_left=50.0))
    told = graph.spin_until(lambda: note(page, "prompt"), "prompt")
    assert told == {
        "hold": True, "text": "Smile.", "number": 1, "count": 22, "phase_left": 1.5, "routine_left": 50.0,
    }  # fmt: skip
    prompts.publish(WearerPrompt(count=22))
    graph.spin_until(lambda: note(page, "prompt") is None, "end of the routine")


def test_units_recording_and_reference_are_told(graph: Graph) -> None:
    layouts = graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED)
    states = graph.other.create_publisher(SensorStates, "imu/states", LATCHED)
    recordings = graph.other.create_publisher(RecordingStatus, "recording/status", LATCHED)
    references = graph.other.create_publisher(FaceReference, "face/reference", SENSOR_DATA)
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)
    layouts.publish(layout_message(missing="mentalis"))
    bits = [USABLE] * 11 + [ImuFrame.STATUS_FAULT]
    states.publish(SensorStates(layout_id=1, status=bits, lately=[ImuFrame.STATUS_MISSING] + [0] * 11))
    recordings.publish(RecordingStatus(state=RecordingStatus.STATE_RECORDING, path="/a/b", disk_time_left=math.inf))
    activate(graph)
    page = graph.node._page
    units = graph.spin_until(lambda: (u := note(page, "units")) and u["units"][0]["status"] and u["units"], "units")
    assert [unit["present"] for unit in units].count(False) == 1
    assert (units[0]["lately"], units[11]["status"]) == (ImuFrame.STATUS_MISSING, ImuFrame.STATUS_FAULT)
    told = graph.spin_until(lambda: note(page, "recording"), "recording")
    assert (told["state"], told["path"], told["disk_time_left"]) == ("recording", "/a/b", None)
    bad = FaceReference(source="webcam", face_seen=True, weights=[math.nan] * 52, seen=[True] * 52)
    good = FaceReference(source="phone", face_seen=True, weights=[0.25] * 52, seen=[True] * 51 + [False])

    def drawn() -> bool:
        references.publish(bad)
        references.publish(good)
        return page.reference(-1) is not None

    graph.spin_until(drawn, "reference")
    payload = page.reference(-1)[1]
    assert np.frombuffer(payload, "<u4", 2).tolist() == [101, 1]
    assert set(np.frombuffer(payload, "<f4", 52, 8)) == {0.25}
    assert np.frombuffer(payload, "u1", 52, 216).tolist() == [1] * 51 + [0]


def test_signals_are_taken_only_while_a_viewer_plots_them(graph: Graph) -> None:
    frames = graph.other.create_publisher(ImuFrame, "imu/frame", SENSOR_DATA)
    activate(graph)
    page = graph.node._page
    with watching(page) as send:
        graph.spin_until(lambda: graph.faces.get_subscription_count(), "listening")
        assert frames.get_subscription_count() == 0
        send({"command": "watch", "signals": True})
        graph.spin_until(lambda: frames.get_subscription_count(), "listener of samples")
        message = ImuFrame(status=[USABLE] * 2, angular_velocity=[math.pi] * 6, specific_force=[9.81] * 6)

        def piece() -> bytes | None:
            for _ in range(40):
                frames.publish(message)
            pieces = page.signals(0)[1]
            return pieces[-1] if pieces else None

        payload = graph.spin_until(piece, "piece of signals")
        kind, sensors, samples, _ = np.frombuffer(payload, "<u4", 4)
        assert (kind, sensors) == (100, 2)
        assert 1 <= samples <= 5, "a plot needs no more"
        steps = np.frombuffer(payload, "<i2", -1, 16 + 8 * samples).reshape(samples, 2, 6)
        assert steps[0, 1].tolist() == [1800] * 3 + [981] * 3
        send({"command": "watch", "signals": False})
        graph.spin_until(lambda: frames.get_subscription_count() == 0, "end of it")


def test_a_replay_is_led_and_what_fails_is_told_as_the_player_says_it(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, bool]] = []
    asked: list[Any] = []
    activate(graph)
    page = graph.node._page
    monkeypatch.setattr(page, "announce", lambda text, ok=True: told.append((text, ok)))

    def answer(request: Any, response: Any) -> Any:
        asked.append(request)
        response.success = not isinstance(request, SetReplayRate.Request)
        response.message = "" if response.success else "expected a rate of 0.1 to 20, found 50"
        return response

    for kind, name in ((Trigger, "pause"), (Trigger, "resume"), (SeekReplay, "seek"), (SetReplayRate, "set_rate")):
        graph.other.create_service(kind, f"player/{name}", answer)
    graph.spin_until(lambda: sum(graph.node._requests.offered().values()) == 4, "player")
    page.command(Command("set_rate", rate=50.0))
    graph.spin_until(lambda: told, "answer")
    assert told == [("expected a rate of 0.1 to 20, found 50", False)]
    for number, name in enumerate(("pause", "resume"), 2):
        page.command(Command(name))
        graph.spin_until(lambda number=number: len(asked) == number, name)
    for position in range(50):  # a bar that is dragged
        page.command(Command("seek", position=float(position)))
    graph.spin_until(lambda: getattr(asked[-1], "position", 0.0) == 49.0, "last of the seeks")
    assert [request.position for request in asked[3:]] == [0.0, 49.0], "those between are left out"
    graph.spin_until(lambda: graph.node._requests._pending["seek"].done(), "answer")
    assert len(told) == 1, "what is seen anyway is not said"


def test_the_players_place_is_told_while_it_says_where_it_is(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    players = graph.other.create_publisher(ReplayStatus, "player/status", LATCHED)
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)  # somebody looks
    players.publish(ReplayStatus(state=ReplayStatus.STATE_PLAYING, path="/takes/smile", position=2.5, end=9.0))
    activate(graph)
    page = graph.node._page
    player = graph.spin_until(lambda: note(page, "player"), "player")
    assert (player["name"], player["position"]) == ("smile", 2.5)
    monkeypatch.setattr("face_viz.node.PLAYER_S", -1.0)
    with watching(page):
        graph.spin_until(lambda: note(page, "player") is None, "end of a player that says nothing")


def test_a_robots_head_is_told_while_there_is_one_and_somebody_looks(graph: Graph) -> None:
    activate(graph)
    page = graph.node._page
    with watching(page):
        descriptions = graph.other.create_publisher(String, "robot_head/description", LATCHED)
        joints = graph.other.create_publisher(JointState, "robot_head/joints", RELIABLE)
        descriptions.publish(String(data="<robot/>"))
        assert graph.spin_until(lambda: note(page, "robot"), "robot") == {"urdf": "<robot/>"}

        def told() -> Any:
            joints.publish(JointState(name=["jaw", "neck"], position=[0.25, math.nan]))
            return note(page, "joints")

        assert graph.spin_until(told, "joints") == {"jaw": 0.25}
        graph.other.destroy_publisher(descriptions)
        graph.spin_until(lambda: note(page, "robot") is None and note(page, "joints") is None, "end of the robot")


def test_takes_are_worked_on_unless_others_reach_the_page(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    graph.node.set_parameters([Parameter("host", value="0.0.0.0")])
    activate(graph)
    monkeypatch.setattr(graph.node._page, "announce", lambda text, ok=True: told.append(text))
    graph.node._page.command(Command("check_take", folder="smile"))
    assert "other machines" in told[-1]
    assert graph.node.trigger_deactivate() == SUCCESS
    assert graph.node.trigger_cleanup() == SUCCESS
    graph.node.set_parameters([Parameter("host", value="127.0.0.1")])
    activate(graph)
    asked: list[Command] = []
    monkeypatch.setattr("face_viz.take_work.TakeWork.handle", lambda self, command: asked.append(command))
    commands = [Command(name, folder="smile") for name in TAKE_COMMANDS]
    for command in commands:
        graph.node._page.command(command)
    assert asked == commands
    assert Path(graph.node._work._program[0]).is_file(), "the command line is installed beside the nodes"


def test_a_replay_in_another_namespace_is_no_replay_here(graph: Graph) -> None:
    activate(graph)
    page = graph.node._page
    elsewhere = rclpy.create_node("player", namespace="replay")
    graph.executor.add_node(elsewhere)
    clock = elsewhere.create_publisher(Clock, "/clock", 1)
    try:
        with watching(page):
            graph.spin_until(lambda: graph.node.count_publishers("/clock") == 1, "clock")
            graph.spin_until(lambda: note(page, "replay") == {"on": False}, "word on it")
            other = graph.other.create_publisher(Clock, "/clock", 1)
            graph.spin_until(lambda: note(page, "replay") == {"on": True}, "clock of somebody else")
            graph.other.destroy_publisher(other)
            graph.spin_until(lambda: note(page, "replay") == {"on": False}, "end of that")
    finally:
        elsewhere.destroy_publisher(clock)
        graph.executor.remove_node(elsewhere)
        elsewhere.destroy_node()


def test_requests_nobody_answers_say_what_to_start(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    activate(graph)
    page = graph.node._page
    monkeypatch.setattr(page, "announce", lambda text, ok=True: told.append(text))
    names = (
        "record",
        "stop",
        "identify",
        "use_wearer",
        "routine",
        "align",
        "cancel",
        "pause",
        "resume",
        "seek",
        "set_rate",
    )
    for name in names:
        page.command(Command(name))
    assert "imusic record" in told[0]
    assert len(told) == len(names)
    assert not any(graph.node._requests.offered().values())


def test_requests_reach_recorder_driver_and_estimator(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, bool]] = []
    asked: list[Any] = []
    activate(graph)
    page = graph.node._page
    monkeypatch.setattr(page, "announce", lambda text, ok=True: told.append((text, ok)))

    def answer(request: Any, response: Any) -> Any:
        asked.append(request)
        response.success, response.message = len(asked) != 2, f"answer {len(asked)}"
        return response

    graph.other.create_service(StartRecording, "recorder/start", answer)
    graph.other.create_service(Trigger, "recorder/stop", answer)
    graph.other.create_service(Identify, "imu_driver/identify", answer)
    graph.other.create_service(UseWearer, "face_inference/use_wearer", answer)
    offered = graph.node._requests.offered
    graph.spin_until(lambda: sum(offered().values()) == 4, "services")
    commands = [
        Command("record", take="smile", wearer="alice", notes="first"), Command("stop"), Command("identify", sensor=7),
        Command("use_wearer", wearer="alice"),
    ]  # fmt: skip
    for number, command in enumerate(commands, 1):
        page.command(command)
        graph.spin_until(lambda number=number: any(t[0] == f"answer {number}" for t in told), f"answer {number}")
    assert (asked[0].name, asked[0].wearer, asked[0].notes) == ("smile", "alice", "first")
    assert (asked[2].sensor_id, asked[3].wearer) == (7, "alice")
    assert ("answer 2", False) in told


def test_the_alignment_is_begun_cancelled_and_its_result_told(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, bool]] = []
    goals: list[Any] = []
    activate(graph)
    page = graph.node._page
    monkeypatch.setattr(page, "announce", lambda text, ok=True: told.append((text, ok)))
    ended = Future()

    async def align(goal: Any) -> AlignSensors.Result:
        goals.append(goal)
        await ended
        goal.canceled()
        return AlignSensors.Result(success=False, message="cancelled; what was known stays")

    server = ActionServer(
        graph.other,
        AlignSensors,
        "face_inference/align_sensors",
        align,
        cancel_callback=lambda _: CancelResponse.ACCEPT,
    )
    try:
        offered = graph.node._requests.offered
        graph.spin_until(lambda: offered()["align"] and offered()["cancel_align"], "action")
        page.command(Command("align"))
        graph.spin_until(lambda: goals, "goal")
        assert not goals[0].request.still_only
        page.command(Command("cancel"))
        graph.spin_until(lambda: goals[0].is_cancel_requested, "cancelling")
        ended.set_result(None)
        graph.spin_until(lambda: ("cancelled; what was known stays", False) in told, "result")
    finally:
        server.destroy()


def test_the_routine_is_begun_cancelled_and_its_result_told(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, bool]] = []
    goals: list[Any] = []
    activate(graph)
    page = graph.node._page
    monkeypatch.setattr(page, "announce", lambda text, ok=True: told.append((text, ok)))
    ended = Future()

    async def routine(goal: Any) -> CalibrateWearer.Result:
        goals.append(goal)
        await ended
        goal.canceled()
        return CalibrateWearer.Result(success=False, message="cancelled; what was known stays", not_seen=["smile"])

    server = ActionServer(
        graph.other, CalibrateWearer, "face_inference/calibrate_wearer", routine,
        cancel_callback=lambda _: CancelResponse.ACCEPT,
    )  # fmt: skip
    try:
        graph.spin_until(lambda: graph.node._requests.offered()["routine"], "action")
        page.command(Command("routine", wearer="bob"))
        graph.spin_until(lambda: goals, "goal")
        assert goals[0].request.wearer == "bob"
        page.command(Command("cancel"))
        graph.spin_until(lambda: goals[0].is_cancel_requested, "cancelling")
        ended.set_result(None)
        expected = ("cancelled; what was known stays (not seen by the sensors: smile)", False)
        graph.spin_until(lambda: expected in told, "result")
    finally:
        server.destroy()


def test_a_page_without_controls_offers_nothing(graph: Graph) -> None:
    graph.node.set_parameters([Parameter("controls", value=False)])
    activate(graph)
    _, scene = graph.node._page.scene()
    assert (scene["options"]["calibrate"], scene["options"]["commands"]) == (False, False)
    for name in PERIOD_S:
        graph.node._page.command(Command(name, wearer="x"))  # nothing happens


def test_the_page_says_when_time_is_played(graph: Graph) -> None:
    activate(graph)
    page = graph.node._page
    with watching(page):
        graph.spin_until(lambda: note(page, "replay"), "note")
        assert note(page, "replay") == {"on": False}
        graph.other.create_publisher(Clock, "/clock", 10)
        graph.spin_until(lambda: note(page, "replay") == {"on": True}, "badge")


def test_trouble_of_driver_and_estimator_is_shown_and_that_of_others_is_not(graph: Graph) -> None:
    activate(graph)
    page = graph.node._page
    assert page is not None
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)
    told = graph.other.create_publisher(DiagnosticArray, "/diagnostics", 10)

    def say(**levels: int) -> None:
        statuses = [DiagnosticStatus(name=n, level=bytes([level]), message=f"{n}!") for n, level in levels.items()]
        told.publish(DiagnosticArray(status=statuses))

    def troubles() -> list[tuple[str, str, str]]:
        return [(t["node"], t["level"], t["text"]) for t in page.scene()[1]["troubles"]]

    def told_until(expected: list[tuple[str, str, str]], **levels: int) -> None:
        def done() -> bool:
            say(**levels)
            return troubles() == expected

        graph.spin_until(done, f"troubles {expected}")

    warned = ("imu_driver", "warning", "imu_driver!")
    told_until([warned, ("face_inference", "error", "face_inference!")], imu_driver=1, face_inference=2, camera=2)
    told_until([warned], face_inference=0)
    told_until([], imu_driver=0)


@pytest.mark.parametrize("name", ["a b", "1st", "a//b"])
def test_a_service_that_cannot_be_called_is_refused_in_one_line(graph: Graph, name: str) -> None:
    graph.node.set_parameters([Parameter("calibrate_service", value=name)])
    assert graph.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    message = graph.node._current_health().message
    assert "calibrate_service: expected the name of a service" in message
    assert "\n" not in message


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
