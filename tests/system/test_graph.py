"""The real processes: topics, types, quality of service, rates, diagnostics, the page, and a clean end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from imusic.msg import FaceBlendshapes, ImuFrame, SensorLayout  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy  # noqa: E402
from sensor_msgs.msg import Imu  # noqa: E402

from imusic_cli.supervisor import Supervisor  # noqa: E402
from imusic_ros.graph import load_graph  # noqa: E402
from imusic_ros.qos import LATCHED, SENSOR_DATA  # noqa: E402

pytestmark = pytest.mark.ros

NAMESPACE = f"system_{os.getpid()}"
NODES = ("imu_driver", "face_inference", "face_viz", "recorder")
SAMPLES = 400
"""To be heard of: four seconds where the machine is free. The rate is measured by `imusic bench latency`."""
LIMIT_S = 240.0
"""For whatever is waited for: a machine with more to do takes its time."""


@dataclass
class Heard:
    """What the running graph said."""

    frames: list[ImuFrame] = field(default_factory=list)
    faces: list[FaceBlendshapes] = field(default_factory=list)
    layouts: list[SensorLayout] = field(default_factory=list)
    imus: list[Imu] = field(default_factory=list)
    health: dict[str, list[DiagnosticStatus]] = field(default_factory=dict)
    topics: dict[str, list[str]] = field(default_factory=dict)
    publishers: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    page: str = ""
    exit_status: dict[str, int] = field(default_factory=dict)
    end_s: float = 0.0


def topic(name: str) -> str:
    return f"/{NAMESPACE}/{name}"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Supervisor, Heard]]:
    """The demo, running."""
    heard = Heard()
    link = tmp_path_factory.mktemp("line") / "hub"
    processes = load_graph("demo").started_with({"port": str(link), "page_port": "0"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imusic_cli.supervisor.END_PATIENCE_S", 60.0)
        with Supervisor(processes, NAMESPACE, lambda name, line: heard.lines.append(f"{name}: {line}")) as supervisor:
            listen(heard)
            yield supervisor, heard


def listen(heard: Heard) -> None:
    """Fill `heard` from the running graph; fails with what the nodes printed when nothing comes."""
    rclpy.init()
    node = rclpy.create_node("onlooker", namespace=NAMESPACE)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    node.create_subscription(SensorLayout, "imu/layout", heard.layouts.append, LATCHED)

    def keep(message: DiagnosticArray) -> None:
        for status in message.status:
            heard.health.setdefault(status.name, []).append(status)

    node.create_subscription(DiagnosticArray, "/diagnostics", keep, 10)
    node.create_subscription(FaceBlendshapes, "face/blendshapes", heard.faces.append, SENSOR_DATA)
    node.create_subscription(ImuFrame, "imu/frame", heard.frames.append, SENSOR_DATA)
    node.create_subscription(Imu, "imu/mentalis/data", heard.imus.append, SENSOR_DATA)

    def wait(what: str, done: Callable[[], Any]) -> None:
        end_s = time.monotonic() + LIMIT_S
        while not done():
            assert time.monotonic() < end_s, f"no {what} in time; the nodes printed:\n" + "\n".join(heard.lines)
            executor.spin_once(timeout_sec=0.1)

    def enough() -> bool:
        return min(len({m.sequence for m in heard.frames}), len({m.sequence for m in heard.faces})) >= SAMPLES

    try:
        wait("tracked face", lambda: heard.faces and heard.faces[-1].state == FaceBlendshapes.STATE_TRACKING)
        heard.faces.clear()
        heard.frames.clear()
        wait(f"{SAMPLES} samples", enough)
        wait("face that moves", lambda: np.ptp([heard.faces[0].weights, heard.faces[-1].weights], axis=0).max() > 0.1)
        wait("sample of one sensor", lambda: heard.imus)
        for name in NODES:
            wait(f"{name} that is well", lambda name=name: any(s.level == DiagnosticStatus.OK for s in of(heard, name)))
        wait("page", lambda: page_of(heard))
        heard.topics = dict(node.get_topic_names_and_types())
        for name in ("imu/frame", "imu/layout", "imu/states", "face/blendshapes", "face/markers", "face/points"):
            (heard.publishers[name],) = node.get_publishers_info_by_topic(topic(name))
        heard.page = page_of(heard)
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()


def of(heard: Heard, node: str) -> list[DiagnosticStatus]:
    """What a node said of itself so far."""
    return heard.health.get(f"{NAMESPACE}/{node}", [])


def page_of(heard: Heard) -> str:
    """Address of the page; empty before it is there."""
    return next((w for line in heard.lines if "the face is at" in line for w in line.split() if "http" in w), "")


@pytest.fixture(scope="module")
def heard(graph: tuple[Supervisor, Heard]) -> Heard:
    return graph[1]


@pytest.mark.parametrize(
    ("name", "type_name"),
    [
        ("imu/frame", "imusic/msg/ImuFrame"),
        ("imu/layout", "imusic/msg/SensorLayout"),
        ("imu/states", "imusic/msg/SensorStates"),
        ("imu/mentalis/data", "sensor_msgs/msg/Imu"),
        ("face/blendshapes", "imusic/msg/FaceBlendshapes"),
        ("face/markers", "visualization_msgs/msg/MarkerArray"),
        ("face/points", "sensor_msgs/msg/PointCloud2"),
    ],
)
def test_topics_have_their_types(heard: Heard, name: str, type_name: str) -> None:
    assert heard.topics[topic(name)] == [type_name]


@pytest.mark.parametrize(
    ("name", "reliability", "durability"),
    [
        ("imu/frame", ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE),
        ("imu/layout", ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL),
        ("imu/states", ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL),
        ("face/blendshapes", ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE),
        ("face/markers", ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE),
        ("face/points", ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE),
    ],
)
def test_quality_of_service(heard: Heard, name: str, reliability: Any, durability: Any) -> None:
    profile = heard.publishers[name].qos_profile
    assert profile.reliability == reliability
    assert profile.durability == durability


@pytest.mark.parametrize("kind", ["frames", "faces"])
def test_samples_come_in_order_each_with_one_stamp(heard: Heard, kind: str) -> None:
    messages = getattr(heard, kind)
    sequence = np.array([m.sequence for m in messages], np.int64)
    stamps = np.array([m.header.stamp.sec + 1e-9 * m.header.stamp.nanosec for m in messages])
    # A face is published again while no new sample comes: with the number and the stamp of the sample it is made of.
    assert (np.diff(sequence) >= (1 if kind == "frames" else 0)).all()
    assert ((np.diff(stamps) > 0.0) == (np.diff(sequence) > 0)).all()
    # By the samples' own stamps and numbers, so that a machine that delivers late, or not at all, does not matter.
    assert (sequence[-1] - sequence[0]) / (stamps[-1] - stamps[0]) == pytest.approx(100.0, rel=0.05)


@pytest.mark.parametrize("node", ["imu_driver", "face_inference"])
def test_what_is_lost_is_counted(heard: Heard, node: str) -> None:
    told = [int({pair.key: pair.value for pair in status.values}["lost"]) for status in of(heard, node)[-3:]]
    assert told == sorted(told)
    assert told[0] >= 0


def test_a_face_carries_the_stamp_and_number_of_its_sample(heard: Heard) -> None:
    stamps = {f.sequence: (f.header.stamp.sec, f.header.stamp.nanosec) for f in heard.frames}
    common = [f for f in heard.faces if f.sequence in stamps]
    assert len(common) > 100
    assert all(stamps[f.sequence] == (f.header.stamp.sec, f.header.stamp.nanosec) for f in common)
    assert all(f.header.frame_id == f"{NAMESPACE}/face_head" for f in common)


def test_values_are_in_their_ranges_and_the_face_moves(heard: Heard) -> None:
    weights = np.array([f.weights for f in heard.faces])
    confidence = np.array([f.confidence for f in heard.faces])
    assert np.isfinite(weights).all()
    assert (weights.min(), weights.max()) >= (-0.01, 0.0)
    assert weights.max() < 1.3
    assert ((confidence >= 0.0) & (confidence <= 1.0)).all()
    assert np.ptp(weights, axis=0).max() > 0.1


def test_layout_names_every_sensor_and_frames_fit_it(heard: Heard) -> None:
    layout = heard.layouts[-1]
    assert len(layout.sensors) == 12
    assert [s.name for s in layout.sensors if s.reference] == ["skull"]
    assert all(s.present and s.part for s in layout.sensors)
    assert layout.rate == pytest.approx(100.0)
    frame = heard.frames[-1]
    assert frame.layout_id == layout.layout_id
    assert (len(frame.status), len(frame.orientation), len(frame.specific_force)) == (12, 48, 36)
    force = np.array(frame.specific_force).reshape(12, 3)
    assert np.linalg.norm(force, axis=1) == pytest.approx(9.8, abs=4.0)


def test_single_sensor_topic_follows_rep_145(heard: Heard) -> None:
    imu = heard.imus[-1]
    assert imu.header.frame_id.endswith("mentalis")
    norm = sum(getattr(imu.orientation, axis) ** 2 for axis in "xyzw") ** 0.5
    assert norm == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("node", NODES)
def test_every_node_says_how_it_is(heard: Heard, node: str) -> None:
    well = [status for status in of(heard, node) if status.level == DiagnosticStatus.OK]
    assert well
    assert well[-1].values


@pytest.mark.page
def test_the_page_shows_the_live_face(heard: Heard, browser: Any) -> None:
    browser.open(heard.page)
    browser.wait_for_frames(5)
    picture = browser.screenshot()
    assert picture[200:600, 300:800].std() > 20.0, "the middle of the page is empty"
    assert not browser.errors()


def test_everything_ends_in_order(graph: tuple[Supervisor, Heard]) -> None:
    supervisor, heard = graph
    assert supervisor.ended() == {}
    # `end` kills whatever takes longer than its patience, which shows as an exit status.
    assert supervisor.end() == {"imu_sim": 0, "imu_driver": 0, "face_inference": 0, "face_viz": 0, "recorder": 0}
    assert not [line for line in heard.lines if "Traceback" in line]
    assert not Path(f"/proc/{supervisor.pids()['imu_driver']}").exists()
