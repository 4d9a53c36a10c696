"""The node on real ROS 2 and real sockets: every stream at once, a lost face, honest diagnostics, bad settings."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
websocket = pytest.importorskip("websocket", reason="a client comes with selenium")

from imusic.msg import FaceBlendshapes  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402

from face_model import arkit, osc  # noqa: E402
from face_model.livelink_packet import decode  # noqa: E402
from face_streams.node import FaceStreamsNode  # noqa: E402
from imusic_ros.health import OK, WARN  # noqa: E402
from imusic_ros.qos import SAMPLES  # noqa: E402
from node_bench import NodeBench  # noqa: E402

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class Bench(NodeBench):
    """The node under test beside a publisher, spun by hand."""

    def __init__(self) -> None:
        super().__init__(FaceStreamsNode)
        self.publisher = self.other.create_publisher(FaceBlendshapes, "face/blendshapes", SAMPLES)
        self.sequence = 0

    def start(self, streams: str, mapping: str = "plain") -> None:
        self.set(streams=streams, mapping=mapping)
        assert self.node.trigger_configure() == SUCCESS
        assert self.node.trigger_activate() == SUCCESS

    def publish(self, state: int = FaceBlendshapes.STATE_TRACKING, jaw: float = 0.5) -> None:
        message = FaceBlendshapes()
        self.sequence += 1
        message.sequence = self.sequence
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(time.time_ns(), 10**9)
        message.state = state
        weights = np.zeros(arkit.COUNT, dtype=np.float32)
        weights[arkit.INDEX["jawOpen"]] = jaw
        message.weights = weights
        message.confidence = np.full(arkit.COUNT, 0.5, dtype=np.float32)
        message.observable = [True] * arkit.COUNT
        message.head_orientation.w = 1.0
        self.publisher.publish(message)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


class Reader:
    """A socket that keeps what it is sent."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.heard: list[bytes] = []

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def look(self) -> list[bytes]:
        while True:
            try:
                self.heard.append(self.socket.recv(65535))
            except BlockingIOError:
                return self.heard

    def addresses(self) -> dict[str, tuple[object, ...]]:
        return {message.address: message.arguments for data in self.look() for message in osc.decode(data)}


@pytest.fixture
def readers() -> Iterator[list[Reader]]:
    made = [Reader() for _ in range(3)]
    yield made
    for reader in made:
        reader.socket.close()


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def test_all_streams_at_once_and_a_face_that_is_lost(bench: Bench, readers: list[Reader]) -> None:
    phone, vtuber, avatar = readers
    web = free_port()
    bench.start(
        f"livelink://127.0.0.1:{phone.port} vmc://127.0.0.1:{vtuber.port}?mapping=vtuber "
        f"osc://127.0.0.1:{avatar.port}?prefix=FT ws://127.0.0.1:{web}"
    )
    assert "no face on /face/blendshapes" in bench.node.health().message or bench.node.health().level == OK
    client = websocket.create_connection(f"ws://127.0.0.1:{web}", timeout=60, suppress_origin=True)
    assert json.loads(client.recv())["type"] == "hello"
    bench.until(
        lambda: (
            bool(phone.look() and len(vtuber.look()) >= 3 and avatar.look())
            and bench.node.health().values[f"ws://127.0.0.1:{web} texts"] > 0
        ),
        bench.publish,
    )
    packet = decode(phone.heard[0])
    assert packet.weights[arkit.INDEX["jawOpen"]] == 0.5
    assert avatar.addresses()["/avatar/parameters/FT/v2/JawOpen"] == (0.5,)
    assert avatar.addresses()["/avatar/parameters/EyeTrackingActive"] == (True,)
    jaws = [
        message.arguments[1]
        for data in vtuber.heard
        for message in osc.decode(data)
        if message.arguments[:1] == ("JawOpen",)
    ]
    assert jaws[0] == pytest.approx(1.3 * 0.5 - 0.02)
    told = json.loads(client.recv())
    assert (told["state"], told["weights"]["jawOpen"], told["raw"]["jawOpen"]) == ("tracking", 0.5, 0.5)
    health = bench.node.health()
    assert health.level == OK, health.message
    assert health.values[f"vmc://127.0.0.1:{vtuber.port} mapping"] == "vtuber"
    # The estimator ends: readers are told.
    for reader in readers:
        reader.heard.clear()
    bench.until(lambda: any(decode(data).values is None for data in phone.look()))
    bench.until(lambda: avatar.addresses().get("/avatar/parameters/EyeTrackingActive") == (False,))
    bench.until(lambda: vtuber.addresses().get("/VMC/Ext/OK") == (1, 3, 0, 0))
    bench.until(lambda: bench.node.health().level == WARN)
    while json.loads(client.recv())["state"] != "lost":
        pass
    client.close()
    # And comes back.
    phone.heard.clear()
    bench.until(lambda: any(decode(data).values is not None for data in phone.look()), bench.publish)


def test_a_stale_face_and_numbers_that_no_face_has(bench: Bench, readers: list[Reader]) -> None:
    (phone, *_) = readers
    bench.start(f"livelink://127.0.0.1:{phone.port}")
    bench.until(lambda: bool(phone.look()), lambda: bench.publish(FaceBlendshapes.STATE_STALE))
    assert decode(phone.heard[0]).values is None
    sent = len(phone.look())
    bench.until(
        lambda: bench.node.health().values.get("refused: numbers that no face has", 0) > 0,
        lambda: bench.publish(jaw=float("nan")),
    )
    assert all(decode(data).values is None for data in phone.look()[sent:])


def test_a_reader_that_is_not_there_is_told(bench: Bench, readers: list[Reader]) -> None:
    gone = readers[0]
    port = gone.port
    gone.socket.close()
    bench.start(f"vmc://127.0.0.1:{port}")
    bench.until(lambda: "refused; start the reader" in bench.node.health().message, bench.publish)
    assert bench.node.health().level == WARN
    assert bench.node.health().values[f"vmc://127.0.0.1:{port} failed: refused"] > 0


def test_settings_that_make_no_sense_are_refused(bench: Bench, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("weights: {jawOpne: {gain: 2}}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for streams, mapping, told in (
            ("", "plain", "found none"),
            ("vnc://127.0.0.1", "plain", "did you mean vmc"),
            ("vmc://", "vtubers", "did you mean vtuber"),
            ("vmc://", str(wrong), "did you mean jawOpen"),
            (f"vmc:// ws://127.0.0.1:{taken.getsockname()[1]}", "plain", "another program holds the port"),
            ("vmc://no-such-machine.invalid", "plain", "expected the name or number"),
        ):
            bench.set(streams=streams, mapping=mapping)
            assert bench.node.trigger_configure() == FAILURE
            assert told in bench.node._current_health().message


def test_it_can_be_stopped_and_started_again(bench: Bench, readers: list[Reader]) -> None:
    phone, web = readers[0], free_port()
    for _ in range(2):
        bench.start(f"livelink://127.0.0.1:{phone.port} ws://127.0.0.1:{web}")
        phone.heard.clear()
        bench.until(lambda: bool(phone.look()), bench.publish)
        assert bench.node.trigger_deactivate() == SUCCESS
        assert decode(phone.look()[-1]).values is None  # readers are told that it ends
        assert bench.node.trigger_cleanup() == SUCCESS
