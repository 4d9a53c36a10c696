"""Bytes, snapshots and frames of the node as somebody recorded them: run again from the bytes, the frames come out."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import HubBytes, ImuFrame, Snapshot  # noqa: E402
from tests.imu_driver.test_node import Bench  # noqa: E402

from face_model.saved_arrays import unpacked  # noqa: E402
from imu_driver import messages  # noqa: E402
from imu_driver.hub import LINE  # noqa: E402
from imu_driver.replay import KIND, HubReplay, Piece  # noqa: E402
from imusic_ros.qos import REPLAYED, SNAPSHOTS  # noqa: E402


def content(frame):
    return (
        frame.header.stamp.sec, frame.header.stamp.nanosec, frame.layout_id, frame.sequence, frame.hub_time_us,
        bytes(frame.status), frame.orientation.tobytes(), frame.angular_velocity.tobytes(),
        frame.specific_force.tobytes(),
    )  # fmt: skip


@pytest.fixture(params=[1, 2], ids=["one hub", "two hubs"])
def others(request, pty_hub, layout, tmp_path):
    """Further hubs of the same face, which stay plugged in."""
    made = [type(pty_hub)(layout, tmp_path / f"other{i}") for i in range(1, request.param)]
    for hub in made:
        hub.plug()
    yield made
    for hub in made:
        hub.unplug()


@pytest.fixture
def bench(pty_hub, others):
    bench = Bench(",".join(str(hub.path) for hub in (pty_hub, *others)))
    yield bench
    bench.close()


def test_the_frames_come_out_of_the_bytes_again(bench, pty_hub, others):
    pty_hub.plug()
    bench.start()
    bench.until(lambda: len(bench.frames) >= 20, 120.0)
    assert bench.node._line._number > 20
    pieces, snapshots = [], []
    bench.listener.create_subscription(HubBytes, "imu/bytes", pieces.append, REPLAYED)
    bench.listener.create_subscription(Snapshot, "imu/snapshot", snapshots.append, SNAPSHOTS)
    bench.until(lambda: snapshots and pieces, 120.0)
    bench.until(lambda: len(bench.frames) >= 150, 120.0)
    pty_hub.unplug()
    bench.until(lambda: any(piece.direction == LINE for piece in pieces), 120.0)
    assert any(piece.hub for piece in pieces) is bool(others)
    pty_hub.plug()
    count = len(bench.frames)
    bench.until(lambda: len(bench.frames) >= count + 100, 120.0)
    newest = bench.frames[-1][1]
    bench.until(lambda: pieces[-1].header.stamp.sec > newest.header.stamp.sec, 120.0)

    snapshot = snapshots[-1]
    after = [piece for piece in pieces if piece.number > snapshot.after]
    assert [piece.number for piece in after] == list(range(snapshot.after + 1, snapshot.after + 1 + len(after)))
    assert snapshot.kind == KIND
    assert "made" in unpacked(bytes(snapshot.data))
    replay, frames = HubReplay(bytes(snapshot.data)), {}
    for piece in after:
        stamp_ns = piece.header.stamp.sec * 1_000_000_000 + piece.header.stamp.nanosec
        for found in replay.feed(Piece(piece.direction, piece.arrival, bytes(piece.data), stamp_ns, piece.hub)):
            frame = ImuFrame()
            frame.header.stamp.sec, frame.header.stamp.nanosec = divmod(found.stamp_ns, 1_000_000_000)
            messages.fill_frame(frame, found.sample)
            frames[content(frame)[:2]] = content(frame)
    assert replay.unexplained == 0
    first = min(frames)
    recorded = [content(frame) for _, frame in bench.frames if first <= content(frame)[:2] <= content(newest)[:2]]
    assert len(recorded) >= 150
    assert [frames.get(frame[:2]) for frame in recorded] == recorded
