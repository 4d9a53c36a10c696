"""The node with trackers on real sockets: frames, layout, diagnostics, and what it says of unknown trackers."""

from __future__ import annotations

import select
import socket
import threading
import time
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from imusic.msg import ImuFrame, SensorLayout  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402

from face_model.layout import LAYOUTS  # noqa: E402
from imu_driver.node import ImuDriverNode  # noqa: E402
from imusic_ros.qos import LATCHED, SENSOR_DATA  # noqa: E402
from node_bench import NodeBench  # noqa: E402
from slimevr_trackers import SENSORS_EACH, SimulatedTracker, mac_of  # noqa: E402

SUCCESS = TransitionCallbackReturn.SUCCESS
USABLE = 3


class LiveTrackers:
    """Six trackers in a thread, each with a socket of its own, that know where their server listens."""

    def __init__(self, server):
        self._server, self._stop = server, threading.Event()
        self._trackers = [SimulatedTracker(i, time.monotonic, sends_unchanged=True) for i in range(6)]
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in self._trackers]
        for one in self._sockets:
            one.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.is_set():
            ready = select.select(self._sockets, [], [], 0.002)[0]
            for tracker, own in zip(self._trackers, self._sockets, strict=True):
                answers = tracker.receive(own.recv(2000)) if own in ready else []
                for data in [*answers, *tracker.due()]:
                    own.sendto(data, self._server)

    def close(self):
        self._stop.set()
        self._thread.join()
        for one in self._sockets:
            one.close()


@pytest.fixture
def server():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()


@pytest.fixture
def trackers(server):
    live = LiveTrackers(server)
    yield live
    live.close()


@pytest.fixture
def bench(server, trackers):
    bench = NodeBench(ImuDriverNode)
    bench.set(hub="slimevr", udp="{}:{}".format(*server))
    bench.frames, bench.layouts, bench.said = [], [], []
    bench.other.create_subscription(ImuFrame, "imu/frame", bench.frames.append, SENSOR_DATA)
    bench.other.create_subscription(SensorLayout, "imu/layout", bench.layouts.append, LATCHED)
    bench.other.create_subscription(DiagnosticArray, "/diagnostics", bench.said.append, 10)
    yield bench
    bench.close()


def start(bench):
    assert bench.node.trigger_configure() == SUCCESS
    assert bench.node.trigger_activate() == SUCCESS


def layout_with_units(path: Path) -> Path:
    written = yaml.safe_load(LAYOUTS.find("face_12").read_text(encoding="utf-8"))
    for number, sensor in enumerate(written["sensors"]):
        sensor["unit"] = f"{mac_of(number // SENSORS_EACH).hex(':')}/{number % SENSORS_EACH}"
    path.write_text(yaml.safe_dump(written), encoding="utf-8")
    return path


def newest(bench):
    found = [s for m in bench.said for s in m.status if s.name == "imu_driver"]
    return (found[-1].message, {v.key: v.value for v in found[-1].values}) if found else ("", {})


def test_trackers_become_frames(bench, tmp_path):
    bench.set(layout=str(layout_with_units(tmp_path / "mine.yaml")))
    start(bench)
    bench.until(lambda: len(bench.frames) > 100 and list(bench.frames[-1].status) == [USABLE] * 12)
    bench.until(lambda: bench.layouts and all(s.present and s.part == "ICM42688" for s in bench.layouts[-1].sensors))
    assert bench.layouts[-1].layout_id == bench.frames[-1].layout_id != 0
    assert bench.layouts[-1].hub == "SlimeVR trackers 1.0"
    bench.until(lambda: "ICM42688" in newest(bench)[1].get("tracker_a4:e5:7c:00:00:06", ""))
    bench.until(lambda: newest(bench)[1]["state"] == "CONNECTED")
    values = newest(bench)[1]
    assert values["unknown_trackers"] == "none"
    assert values["stamps"].startswith("by arrival")


def test_trackers_that_the_layout_does_not_know_are_told(bench):
    start(bench)
    bench.until(lambda: "`unit: a4:e5:7c:00:00:01/0`" in newest(bench)[0])
    bench.until(lambda: "a4:e5:7c:00:00:06/1 (ICM42688)" in newest(bench)[1]["unknown_trackers"])
    assert not bench.frames


def test_addresses_that_may_send_are_checked(bench):
    bench.set(hub_address="192.168.1.20:*, nonsense")
    assert bench.node.trigger_configure() != SUCCESS
    bench.set(hub_address="192.0.2.1:*, 192.0.2.2:6969")
    start(bench)
    bench.until(lambda: int(newest(bench)[1].get("foreign_datagrams", "0")) > 0)
    assert not bench.frames
