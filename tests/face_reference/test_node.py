"""The node on real ROS 2 and a real socket: pictures, masks, a lost face, honest diagnostics."""

from __future__ import annotations

import socket
from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import FaceReference  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402

from face_model.livelink_packet import Packet, encode  # noqa: E402
from face_reference.node import FaceReferenceNode  # noqa: E402
from imusic_ros.health import OK, WARN  # noqa: E402
from imusic_ros.qos import SENSOR_DATA  # noqa: E402
from node_bench import NodeBench  # noqa: E402

SUCCESS = TransitionCallbackReturn.SUCCESS


class Bench(NodeBench):
    """The node under test beside a listener, spun by hand."""

    def __init__(self) -> None:
        super().__init__(FaceReferenceNode)
        self.heard: list[FaceReference] = []
        self.other.create_subscription(FaceReference, "face/reference", self.heard.append, SENSOR_DATA)


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def test_pictures_are_published_and_a_lost_face_is_told(bench, sender: socket.socket, packet: Packet) -> None:
    port = free_port()
    bench.set(source="livelink", listen=f"127.0.0.1:{port}", frame_id="ana/face_head")
    assert bench.node.trigger_configure() == SUCCESS
    assert bench.node.trigger_activate() == SUCCESS
    bench.until(lambda: bench.node.health().level == WARN)  # its thread has opened the port
    assert "nothing came yet" in bench.node.health().message

    def shown(sent: Packet) -> bool:
        sender.sendto(encode(sent), ("127.0.0.1", port))
        return bool(bench.heard)

    bench.until(lambda: shown(packet))
    message = bench.heard[-1]
    assert (message.source, message.number, message.face_seen) == ("livelink Ana", 120, True)
    assert message.header.frame_id == "ana/face_head"
    assert message.source_time == pytest.approx(packet.time_s)
    np.testing.assert_allclose(message.weights, np.clip(packet.weights, 0.0, 1.0))
    assert all(message.seen)
    assert message.head_seen
    assert bench.node.health().level == OK
    bench.heard.clear()
    lost = replace(packet, values=None)
    bench.until(lambda: shown(lost) and not bench.heard[-1].face_seen)
    assert not any(bench.heard[-1].seen)
    assert bench.heard[-1].head_orientation.w == 1.0
    sender.sendto(b"garbage", ("127.0.0.1", port))
    bench.until(lambda: bench.node.health().values["rejected"] == 1)
    assert bench.node.health().values["rejected: version not known"] == 1
    assert bench.node.trigger_deactivate() == SUCCESS
    assert bench.node.trigger_cleanup() == SUCCESS


def test_a_port_that_is_taken_is_waited_for(bench, packet: Packet) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        bench.set(source="livelink", listen=f"127.0.0.1:{other.getsockname()[1]}")
        assert bench.node.trigger_configure() == SUCCESS
        assert bench.node.trigger_activate() == SUCCESS
        bench.until(lambda: "another program holds the port" in bench.node.health().message)
    bench.until(lambda: "nothing came yet" in bench.node.health().message)


def test_a_listen_address_that_is_none_is_refused(bench) -> None:
    bench.set(source="livelink", listen="phone")
    assert bench.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    bench.set(listen="", senders=["somebody"])
    assert bench.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    bench.set(senders=[""], source="none")
    assert bench.node.trigger_configure() == TransitionCallbackReturn.FAILURE
