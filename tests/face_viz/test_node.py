"""The node in one process with a publisher and subscribers, on real ROS 2."""

from __future__ import annotations

import asyncio
import contextlib
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
from imusic.msg import FaceBlendshapes, ImuFrame, SensorLayout, SensorMount, SensorStates, WearerPrompt  # noqa: E402
from imusic.srv import CalibrateNeutral  # noqa: E402
from rcl_interfaces.msg import Log  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile  # noqa: E402
from sensor_msgs.msg import PointCloud2  # noqa: E402
from visualization_msgs.msg import Marker, MarkerArray  # noqa: E402

from face_model.layout import load_layout  # noqa: E402
from face_model.skin import skin_patches  # noqa: E402
from face_viz.node import PARAMETERS, FaceVizNode  # noqa: E402
from face_viz.page import FacePage  # noqa: E402
from imusic_ros.qos import LATCHED, RELIABLE, SENSOR_DATA  # noqa: E402

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]
SUCCESS = TransitionCallbackReturn.SUCCESS
LATCHED_LOG = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)


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


def test_a_place_off_the_skin_is_told_and_the_others_are_drawn(graph: Graph) -> None:
    message = layout_message()
    message.sensors[4].place = [9.0, 9.0]
    message.sensors[6].place = [float("nan"), 0.0]
    graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED).publish(message)
    states = graph.other.create_publisher(SensorStates, "imu/states", LATCHED)
    states.publish(SensorStates(layout_id=1, status=[USABLE] * 7 + [ImuFrame.STATUS_MISSING] + [USABLE] * 4))
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)
    warnings: list[Log] = []
    # Latched, as /rosout is published: the warning may come before the two have found each other.
    graph.other.create_subscription(Log, "/rosout", warnings.append, LATCHED_LOG)
    activate(graph)
    graph.spin_until(lambda: graph.node._sensors is not None, "layout")
    names = [info.name for info in graph.node._sensors.infos()]
    left_out = message.sensors[4].name, message.sensors[6].name
    assert names == [sensor.name for sensor in message.sensors if sensor.name not in left_out]
    graph.spin_until(lambda: any(all(name in w.msg for name in left_out) for w in warnings), "warning")
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
    rounds = iter(range(60))
    graph.spin_until(lambda: next(rounds) == 59, "rounds", face)
    assert graph.faces.get_subscription_count() == 0
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
def watching(page: FacePage) -> Iterator[None]:
    """A viewer of the page, in a thread of its own."""
    end = threading.Event()

    async def watch() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{page.url}/frames") as viewer:
            while not end.is_set():
                await viewer.receive()

    thread = threading.Thread(target=lambda: asyncio.run(watch()))
    thread.start()
    try:
        yield
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
    graph.node._page.command("calibrate")
    assert told[-1][1] is False
    assert "face_inference/calibrate_neutral" in told[-1][0]

    def answer(_request: Any, response: Any) -> Any:
        response.success, response.message = False, "hold still"
        return response

    graph.other.create_service(CalibrateNeutral, "face_inference/calibrate_neutral", answer)
    graph.spin_until(lambda: graph.node._calibrate.service_is_ready(), "service")
    graph.node._page.command("calibrate")
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


def test_the_page_tells_what_the_wearer_is_asked_to_do(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(FacePage, "announce", lambda self, text, ok=True: told.append(text))
    prompts = graph.other.create_publisher(WearerPrompt, "face/prompt", LATCHED)
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)  # somebody looks
    activate(graph)
    graph.spin_until(lambda: prompts.get_subscription_count(), "listener of prompts")
    for text, left in (("Smile broadly.", 50.0), ("Smile broadly.", 49.8), ("Relax.", 49.0), ("", 0.0)):
        prompts.publish(WearerPrompt(text=text, number=1, count=22, routine_left=left))
        graph.spin_until(lambda text=text: graph.node._prompted == text, "prompt")
    prompts.publish(WearerPrompt(text="Smile broadly.", number=1, count=22, routine_left=50.0))
    graph.spin_until(lambda: len(told) == 3, "prompt of the next routine")
    assert told == ["Smile broadly. (1 of 22)", "Relax. (1 of 22)", "Smile broadly. (1 of 22)"]


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
