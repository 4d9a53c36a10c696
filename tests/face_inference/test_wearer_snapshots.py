"""When snapshots are published: for whoever comes, before what changed, and again for who found the samples late."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from std_msgs.msg import Header

from face_inference.wearer_snapshots import AGAIN_S, PERIOD_S, WearerSnapshots


class Publisher:
    """Keeps what was published; a test says how many listen."""

    def __init__(self) -> None:
        self.listeners, self.sent = 0, list[Any]()
        self.of_samples = 1

    def get_subscription_count(self) -> int:
        return self.listeners

    def publish(self, message: Any) -> None:
        self.sent.append(message)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> tuple[WearerSnapshots, Publisher, Any]:
    publisher = Publisher()
    tracker = SimpleNamespace(missed=deque(), changes=0, breaks=0, layout=None, newest_sequence=7)
    monkeypatch.setattr("face_inference.wearer_snapshots.snapshot_of", lambda tracker: b"all")
    node = SimpleNamespace(
        create_lifecycle_publisher=lambda *_: publisher,
        count_subscribers=lambda topic: {"imu/frame": publisher.of_samples}[topic],
    )
    description = SimpleNamespace(title="imusic 9", digest="ab")
    snapshots = WearerSnapshots(node, "", tracker, description, lambda: "none", lambda: "")  # type: ignore[arg-type]
    return snapshots, publisher, tracker


def test_whoever_comes_gets_one_before_the_next_face_and_another_soon(
    made: tuple[WearerSnapshots, Publisher, Any],
) -> None:
    snapshots, publisher, _ = made
    header = Header()
    snapshots.before_frame(header, 0.0)
    snapshots.look(header, 0.0)
    assert not publisher.sent
    publisher.listeners = 1
    snapshots.before_frame(header, 5.0)  # the face of this frame is replayed with it
    snapshots.after_frame(header, 5.0)
    assert [message.after for message in publisher.sent] == [7]
    snapshots.after_frame(header, 5.0 + 0.9 * AGAIN_S)
    assert len(publisher.sent) == 1
    snapshots.after_frame(header, 5.0 + AGAIN_S)
    snapshots.after_frame(header, 5.1 + AGAIN_S)
    assert len(publisher.sent) == 2
    snapshots.after_frame(header, 5.0 + AGAIN_S + PERIOD_S)
    assert len(publisher.sent) == 3


def test_who_finds_the_samples_later_gets_another(made: tuple[WearerSnapshots, Publisher, Any]) -> None:
    snapshots, publisher, _ = made
    publisher.listeners = 1
    for at_s in (0.0, 1.0, 2.0):
        snapshots.look(Header(), at_s)
    assert len(publisher.sent) == 2
    publisher.of_samples = 2  # as `ros2 bag record`, which looks for topics now and then
    for at_s in (3.0, 4.0, 5.0):
        snapshots.look(Header(), at_s)
    assert len(publisher.sent) == 3


def test_a_change_is_published_before_the_next_frame(made: tuple[WearerSnapshots, Publisher, Any]) -> None:
    snapshots, publisher, tracker = made
    publisher.listeners = 1
    snapshots.look(Header(), 0.0)
    tracker.changes += 1
    snapshots.before_frame(Header(), 0.1)
    snapshots.before_frame(Header(), 0.2)
    assert len(publisher.sent) == 2
