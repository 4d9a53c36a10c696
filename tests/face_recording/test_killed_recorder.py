"""The real recorder, killed at any moment: the bag opens afterwards and little is missing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
reader = pytest.importorskip("mcap.reader", reason="recordings need mcap: pip install mcap")

from imusic.msg import HubBytes, RecordingStatus  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.qos import QoSProfile  # noqa: E402
from rclpy.serialization import deserialize_message  # noqa: E402

from face_recording.repair import is_unfinished, repair  # noqa: E402
from imusic_ros.graph import executable_path  # noqa: E402
from imusic_ros.qos import LATCHED  # noqa: E402

pytestmark = pytest.mark.ros

KILLS = int(os.environ.get("IMUSIC_KILLS", "3"))
LIMIT_S = 120.0
PERIOD_S = 0.005


@pytest.fixture(scope="module")
def stream() -> Iterator[tuple[list[RecordingStatus], threading.Event]]:
    """Bytes of a hub at 200 Hz, and what recorders tell; the event is set whenever one tells something."""
    rclpy.init()
    node = rclpy.create_node("stream")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    publisher = node.create_publisher(HubBytes, "imu/bytes", QoSProfile(depth=2000))
    told: list[RecordingStatus] = []
    news = threading.Event()
    numbers = iter(range(1, 1 << 40))

    def publish() -> None:
        number = next(numbers)
        publisher.publish(HubBytes(number=number, data=[number % 251] * 300))

    def hear(status: RecordingStatus) -> None:
        told.append(status)
        news.set()

    node.create_timer(PERIOD_S, publish)
    node.create_subscription(RecordingStatus, "recording/status", hear, LATCHED)
    ended = threading.Event()

    def spin() -> None:
        while not ended.is_set():
            executor.spin_once(timeout_sec=0.1)

    thread = threading.Thread(target=spin)
    thread.start()
    yield told, news
    ended.set()
    thread.join(LIMIT_S)
    executor.shutdown()
    node.destroy_node()
    rclpy.try_shutdown()


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_killed_recorder_leaves_a_bag_that_opens(
    kill: int, stream: tuple[list[RecordingStatus], threading.Event], tmp_path: Path
) -> None:
    told, news = stream
    values = {"autostart": True, "record": True, "takes": str(tmp_path), "disk_reserve_mb": 0}
    command = [str(executable_path("recorder")), "--ros-args", "-r", "__node:=recorder"]
    command += [part for key, value in values.items() for part in ("-p", f"{key}:={json.dumps(value)}")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        written: list[int] = []
        while len(written) < 3:  # it tells of itself once a second
            news.clear()
            assert news.wait(LIMIT_S), "the recorder tells nothing"
            written = [s.messages for s in told if s.path.startswith(str(tmp_path)) and s.messages > 200]
        threading.Event().wait(random.Random(kill).uniform(0.0, 1.0))  # anywhere between two flushes
    finally:
        process.kill()
        process.wait(LIMIT_S)
    (folder,) = tmp_path.iterdir()
    assert is_unfinished(folder)
    done = repair(folder)
    assert done is not None
    (file,) = folder.glob("*.mcap")
    with file.open("rb") as opened:
        found = [
            deserialize_message(message.data, HubBytes).number
            for _, channel, message in reader.make_reader(opened, validate_crcs=True).iter_messages()
            if channel.topic == "/imu/bytes"
        ]
    assert found == list(range(found[0], found[0] + len(found)))
    assert done.messages >= written[-2]  # what it told of a second before stands in the file
    assert not is_unfinished(folder)
