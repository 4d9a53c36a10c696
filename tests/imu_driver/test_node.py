"""The node on real ROS 2 and a real pseudo-terminal: topics, stamps, services, diagnostics, replug."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from imusic.msg import ImuFrame, SensorLayout, SensorStates  # noqa: E402
from imusic.srv import Identify  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from sensor_msgs.msg import Imu  # noqa: E402
from std_srvs.srv import SetBool  # noqa: E402

from imu_driver import node as driver_node  # noqa: E402
from imu_driver.hub_key import make_key_file  # noqa: E402
from imu_driver.node import PARAMETERS, ImuDriverNode  # noqa: E402
from imu_driver.part_noise import part_noise  # noqa: E402
from imu_sim.hub.faults import Faults  # noqa: E402
from imu_sim.hub.guard import HubGuard  # noqa: E402
from imusic_ros.qos import LATCHED, SENSOR_DATA  # noqa: E402

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
CONFIG = Path(__file__).resolve().parents[2] / "config" / "imu_driver.yaml"


class Bench:
    """The node under test beside a listener, spun by hand."""

    def __init__(self, port: Path):
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = ImuDriverNode(context=self.context)
        self.listener = rclpy.create_node("listener", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.executor.add_node(self.listener)
        self.frames, self.layouts, self.states, self.diagnostics = [], [], [], []
        self.listener.create_subscription(ImuFrame, "imu/frame", self.on_frame, SENSOR_DATA)
        self.listener.create_subscription(SensorLayout, "imu/layout", self.layouts.append, LATCHED)
        self.listener.create_subscription(SensorStates, "imu/states", self.states.append, LATCHED)
        self.listener.create_subscription(DiagnosticArray, "/diagnostics", self.diagnostics.append, 10)
        self.set("port", str(port))

    def on_frame(self, message):
        self.frames.append((self.listener.get_clock().now().nanoseconds, message))

    def set(self, name, value):
        (result,) = self.node.set_parameters([Parameter(name, value=value)])
        assert result.successful, result.reason

    def start(self):
        assert self.node.trigger_configure() == SUCCESS
        assert self.node.trigger_activate() == SUCCESS

    def until(self, condition, limit_s=20.0):
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, f"nothing happened in time; {self.status()}"
            self.executor.spin_once(timeout_sec=0.02)

    def call(self, kind, name, request):
        client = self.listener.create_client(kind, name)
        self.until(client.service_is_ready)
        answer = client.call_async(request)
        self.until(answer.done)
        self.listener.destroy_client(client)
        return answer.result()

    def status(self):
        found = [s for m in self.diagnostics for s in m.status if s.name == "imu_driver"]
        return found[-1] if found else None

    def close(self):
        self.node.close()
        self.executor.shutdown()
        self.node.destroy_node()
        self.listener.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def bench(pty_hub):
    bench = Bench(pty_hub.path)
    yield bench
    bench.close()


def test_frames_layout_and_stamps(bench, pty_hub, layout):
    pty_hub.plug()
    bench.start()
    bench.until(lambda: len(bench.frames) >= 100 and bench.layouts)
    message = bench.layouts[-1]
    assert (message.name, message.hub, message.rate) == ("face_12", "bench-hub 1.0", 100.0)
    assert tuple(s.name for s in message.sensors) == layout.names
    assert all(s.present and s.part == "QMI8658" for s in message.sensors)
    assert message.sensors[1].gyro_range == pytest.approx(np.deg2rad(1024), rel=1e-5)
    assert message.sensors[1].accel_range == pytest.approx(8 * 9.80665, rel=1e-5)
    assert tuple(message.sensors[1].place) == pytest.approx(layout.sensors[1].place)
    assert message.sensors[0].skull_pose.position.y == pytest.approx(layout.sensors[0].skull.position_m[1])
    previous, steps_s = None, []
    for arrived_ns, frame in bench.frames:
        assert frame.layout_id == message.layout_id
        assert frame.header.frame_id == "face_head"
        assert len(frame.status) == 12
        stamp = frame.header.stamp.sec * 10**9 + frame.header.stamp.nanosec
        assert -1e6 < arrived_ns - stamp < 1e9
        if previous is not None and frame.sequence == previous[0] + 1:
            steps_s.append((stamp - previous[1]) * 1e-9)
        previous = (frame.sequence, stamp)
    assert np.median(steps_s) == pytest.approx(0.01, abs=5e-4)
    last = bench.frames[-1][1]
    force = np.asarray(last.specific_force).reshape(12, 3)
    assert force[:, 2] == pytest.approx(9.80665, abs=0.05)
    assert np.asarray(last.orientation).reshape(12, 4)[:, 3] == pytest.approx(1.0)


def test_single_sensors_only_while_somebody_listens(bench, pty_hub):
    pty_hub.plug()
    bench.start()
    bench.until(lambda: len(bench.frames) >= 10)
    assert bench.node._wanted == []
    single = []
    subscription = bench.listener.create_subscription(Imu, "imu/mentalis/data", single.append, SENSOR_DATA)
    bench.until(lambda: len(single) >= 10)
    assert [frame for _, frame, _ in bench.node._wanted] == ["imu_mentalis"]
    message = single[-1]
    assert message.header.frame_id == "imu_mentalis"
    assert message.linear_acceleration.z == pytest.approx(9.80665, abs=0.05)
    assert message.orientation.w == pytest.approx(1.0)
    noise = part_noise("QMI8658")
    assert noise is not None
    assert message.angular_velocity_covariance[0] == noise.rate
    assert message.linear_acceleration_covariance[8] == noise.force
    assert message.orientation_covariance[0] == noise.inclination
    frame_stamps = {(f.header.stamp.sec, f.header.stamp.nanosec) for _, f in bench.frames}
    assert (message.header.stamp.sec, message.header.stamp.nanosec) in frame_stamps
    bench.listener.destroy_subscription(subscription)
    bench.until(lambda: bench.node._wanted == [])


def test_states_tell_of_a_fault_and_of_its_end(bench, pty_hub, layout):
    index = layout.names.index("mentalis")
    pty_hub.plug()
    bench.start()
    bench.until(lambda: len(bench.states) >= 2)
    good = ImuFrame.STATUS_VALID | ImuFrame.STATUS_ORIENTATION_VALID
    message = bench.states[-1]
    assert (list(message.status), list(message.lately)) == ([good] * 12, [0] * 12)
    assert message.header.frame_id == "face_head"
    bench.until(lambda: bench.layouts)
    assert message.layout_id == bench.layouts[-1].layout_id
    pty_hub.hub.set_faults(Faults(faulty=("mentalis",)))
    bench.until(lambda: bench.states[-1].status[index] == ImuFrame.STATUS_FAULT)
    assert bench.states[-1].lately[index] == ImuFrame.STATUS_FAULT
    pty_hub.hub.set_faults(Faults())
    bench.until(lambda: bench.states[-1].status[index] == good)
    assert bench.states[-1].lately[index] == ImuFrame.STATUS_FAULT
    bench.until(lambda: bench.states[-1].lately[index] == 0)
    late = []
    bench.listener.create_subscription(SensorStates, "imu/states", late.append, LATCHED)
    bench.until(lambda: late)


def test_services(bench, pty_hub):
    refused = Identify.Request(sensor_id=3)
    assert bench.node.trigger_configure() == SUCCESS
    assert "activate" in bench.call(Identify, "imu_driver/identify", refused).message
    pty_hub.plug()
    assert bench.node.trigger_activate() == SUCCESS
    bench.until(lambda: len(bench.frames) >= 5)
    assert bench.call(Identify, "imu_driver/identify", Identify.Request(sensor_id=3)).success
    assert bench.call(SetBool, "imu_driver/set_streaming", SetBool.Request(data=False)).success
    bench.until(lambda: not pty_hub.hub.streaming)
    assert bench.call(SetBool, "imu_driver/set_streaming", SetBool.Request(data=True)).success
    bench.until(lambda: pty_hub.hub.streaming)


def test_missing_port_then_plugged_then_replugged(bench, pty_hub):
    bench.start()
    bench.until(lambda: bench.status() is not None and "no such port" in bench.status().message)
    assert bench.status().level == b"\x02"
    pty_hub.plug()
    bench.until(lambda: len(bench.frames) >= 50)
    bench.until(lambda: "Hz from serial port" in bench.status().message)
    assert bench.status().level == b"\x00"
    values = {v.key: v.value for v in bench.status().values}
    assert values["state"] == "CONNECTED"
    assert values["lost"] == "0"
    assert values["rejected_bad_crc"] == "0"
    assert float(values["clock_round_trip_ms"]) > 0
    pty_hub.unplug()
    bench.until(lambda: bench.status().level == b"\x02")
    bench.frames.clear()
    pty_hub.plug()
    bench.until(lambda: len(bench.frames) >= 50)


def test_missing_sensor_is_told_and_the_others_go_on(bench, pty_hub):
    pty_hub.hub.set_faults(Faults(unlisted=("zygomaticus_left",)))
    pty_hub.plug()
    bench.start()
    bench.until(lambda: len(bench.frames) >= 5)
    status = np.asarray(bench.frames[-1][1].status)
    assert status[5] == ImuFrame.STATUS_MISSING
    assert (np.delete(status, 5) & ImuFrame.STATUS_VALID).all()
    bench.until(lambda: bench.status() is not None and "zygomaticus_left (5)" in bench.status().message)
    assert not bench.layouts[-1].sensors[5].present


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("layout", "/does/not/exist.yaml", "found no file"),
        ("port", "", "found neither"),
        ("udp", "127.0.0.1", "host:port"),
        ("udp", "127.0.0.1:99999", "host:port"),
    ],
)
def test_refused_configuration(bench, name, value, reason):
    good = bench.node.get_parameter(name).value
    bench.set(name, value)
    assert bench.node.trigger_configure() == FAILURE
    assert reason in bench.node._failure
    bench.set(name, good)
    assert bench.node.trigger_configure() == SUCCESS


def test_a_key_is_asked_of_the_hub_and_told_nowhere(bench, pty_hub, tmp_path, capfd):
    key = make_key_file(tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    bench.set("key_file", str(tmp_path / "key"))
    assert bench.node.trigger_configure() == FAILURE
    assert "chmod 600" in bench.node._failure
    (tmp_path / "key").chmod(0o600)
    pty_hub.plug()
    bench.start()
    bench.until(lambda: bench.status() is not None and "the hub has none" in bench.status().message)
    assert bench.status().level == DiagnosticStatus.ERROR
    assert not bench.frames
    pty_hub.unplug()
    pty_hub.hub.guard = HubGuard(key, time.monotonic)
    pty_hub.plug()
    bench.until(lambda: bench.frames and bench.status().level == DiagnosticStatus.OK)
    values = {value.key: value.value for value in bench.status().values}
    assert int(values["rejected_unsealed"]) > 0
    names = list(bench.node._parameters)
    said = repr(bench.node.get_parameters(names)) + repr(bench.diagnostics) + "".join(capfd.readouterr())
    assert key.hex() not in said
    assert repr(key)[2:-1] not in said


def test_a_hundred_lifecycles_leak_nothing(bench, pty_hub):
    pty_hub.plug()
    bench.start()
    bench.until(lambda: len(bench.frames) >= 5)
    assert bench.node.trigger_deactivate() == SUCCESS
    assert bench.node.trigger_cleanup() == SUCCESS

    def held():
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), len(list(bench.node.timers))

    descriptors, *others = held()
    for _ in range(100):
        bench.start()
        assert bench.node.trigger_deactivate() == SUCCESS
        assert bench.node.trigger_cleanup() == SUCCESS
    descriptors_after, *others_after = held()
    assert others_after == others
    # Fewer are possible: what earlier tests left is given back late.
    assert descriptors_after <= descriptors
    bench.frames.clear()
    bench.start()
    bench.until(lambda: len(bench.frames) >= 5)


class BadLine:
    """A transport that brings so many damaged frames and then nothing."""

    datagrams, foreign, description = False, 0, "bad line"

    def __init__(self, frames):
        self.pieces = [b"".join(frames[i : i + 50]) for i in range(0, len(frames), 50)]

    def open(self, is_hub=None):
        pass

    def close(self):
        pass

    def write(self, data):
        pass

    def read(self, timeout_s):
        if self.pieces:
            return self.pieces.pop(0)
        threading.Event().wait(timeout_s)
        return b""


def test_ten_thousand_bad_frames_are_counted_by_reason_and_logged_in_a_few_lines(bench, monkeypatch):
    kinds = {"bad_cobs": b"\x09\1\0", "short": b"\3ab\0", "bad_crc": b"\7abcdef\0"}
    line, lines = BadLine([kind for _ in range(3334) for kind in kinds.values()]), []
    monkeypatch.setattr(bench.node, "_make_lines", lambda: [(line, "")])
    log = dict.fromkeys(("info", "warning", "error"), lines.append)
    monkeypatch.setattr(bench.node, "get_logger", lambda: SimpleNamespace(**log))
    began_s = time.monotonic()
    bench.start()
    values = {}
    while line.pieces or sum(int(values.get(f"rejected_{kind}", 0)) for kind in kinds) < 10_002:
        bench.diagnostics.clear()
        bench.until(bench.status)
        values = {v.key: v.value for v in bench.status().values}
    assert {kind: int(values[f"rejected_{kind}"]) for kind in kinds} == dict.fromkeys(kinds, 3334)
    for kind in kinds:
        told = [line for line in lines if f"rejected as {kind}" in line]
        assert 1 <= len(told) <= 1 + (time.monotonic() - began_s), "a line a second at most"
    assert len(lines) <= 10 + 3 * (time.monotonic() - began_s)


STALLED = """
import sys
import rclpy
from imusic.msg import FaceBlendshapes, HubBytes, ImuFrame
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

rclpy.init()
node = rclpy.create_node("stalled")
all_of_it = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE)
got = []
for kind, topic in ((ImuFrame, "imu/frame"), (HubBytes, "imu/bytes")):
    node.create_subscription(kind, topic, got.append, all_of_it)
while len(got) < 20:
    rclpy.spin_once(node, timeout_sec=0.1)
print("listens", flush=True)
while True:
    rclpy.spin_once(node, timeout_sec=0.1)
"""


def test_a_subscriber_that_stands_still_slows_nothing(bench, pty_hub):
    """One that wants every frame and every byte, as a recorder does, and is halted: samples go on to the others."""
    pty_hub.plug()
    bench.start()
    with subprocess.Popen([sys.executable, "-c", STALLED], stdout=subprocess.PIPE, text=True) as child:
        try:
            told = []
            reader = threading.Thread(target=lambda: told.append(child.stdout.readline()), daemon=True)
            reader.start()
            bench.until(lambda: told, limit_s=120.0)
            assert told == ["listens\n"]
            os.kill(child.pid, signal.SIGSTOP)
            before = bench.node._hub.figures()
            bench.frames.clear()
            bench.until(lambda: len(bench.frames) >= 300, limit_s=120.0)
            after = bench.node._hub.figures()
            # One that waits, be it for a tenth of a second a sample, would lose most of what the hub sends.
            assert after.lost - before.lost < 150
        finally:
            child.kill()


def test_the_shipped_file_names_every_parameter_with_its_default():
    (parameters,) = yaml.safe_load(CONFIG.read_text(encoding="utf-8")).values()
    assert parameters["ros__parameters"] == {spec.name: spec.default for spec in PARAMETERS}
    text = CONFIG.read_text(encoding="utf-8")
    for spec in PARAMETERS:
        assert re.search(rf"^ *#.*\n *{spec.name}:", text, re.MULTILINE), f"{spec.name} has no comment"


def test_the_same_kind_of_reject_is_logged_once_in_ten_seconds(bench, monkeypatch):
    """A noisy line rejects hundreds of frames a second: the log must stay readable."""
    now, lines = [100.0], []
    rejected = {"bad_crc": 0, "bad_length": 0}
    hub = SimpleNamespace(figures=lambda: SimpleNamespace(rejected=dict(rejected), last_reject="expected CRC-32 1"))
    monkeypatch.setattr(driver_node, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(bench.node, "get_logger", lambda: SimpleNamespace(warning=lines.append))
    for second in range(35):
        now[0] += 1.0
        rejected["bad_crc"] += 100
        if second == 7:
            rejected["bad_length"] += 1  # another kind waits for nobody
        bench.node._log_rejects(hub)
    told = [line for line in lines if "bad_crc" in line]
    assert len(told) == 4  # at once, then after 10, 20 and 30 s
    assert sum(int(line.split()[0]) for line in told) == 3100
    assert [line.split(",")[0] for line in lines if "bad_length" in line] == ["1 frame rejected as bad_length"]
