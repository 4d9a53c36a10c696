from __future__ import annotations

import errno
import math
import threading
from pathlib import Path

import pytest

from face_recording import recording as module
from face_recording.bag_metadata import BagTopic
from face_recording.recording import Recording, lost_by_topic, without_face
from small_bags import FRAMES, LAYOUT, frame

PLACE = Path("/takes/one")


class FakeBag:
    """Keeps what it is given; its disk can be full."""

    def __init__(self) -> None:
        self.size = 0
        self.messages: list[tuple[str, int, bytes]] = []
        self.done: list[str] = []
        self.full = False
        self.stays_full = False
        self.flushed = threading.Event()

    def write(self, topic: BagTopic, time_ns: int, data: bytes) -> None:
        self.messages.append((topic.name, time_ns, data))
        self.size += len(data)

    def flush(self, sync: bool = True) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.flushed.set()

    def free_reserve(self) -> None:
        self.done.append("free")
        self.full = self.stays_full

    def close(self) -> None:
        self.flush()
        self.done.append("close")

    def abandon(self) -> None:
        self.done.append("abandon")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN_S", 0.001)
    monkeypatch.setattr(module, "FLUSH_S", 0.002)


def ended(recording: Recording) -> None:
    recording._thread.join(60.0)
    assert not recording.is_running


def test_all_that_was_put_is_written_in_order_and_the_bag_closed() -> None:
    bag = FakeBag()
    recording = Recording(bag, PLACE, 0, free_bytes=lambda _: 1 << 40)
    recording.put(LAYOUT, b"layout")  # before it runs: refused, and counted
    recording.start()
    for number in range(300):
        recording.put(FRAMES, frame(number))
    recording.stop()
    assert [data for _, _, data in bag.messages] == [frame(number) for number in range(300)]
    assert bag.done == ["close"]
    figures = recording.figures()
    assert (figures.messages, figures.lost) == (300, 1)
    assert not recording.problem


def test_what_is_missing_is_counted_by_topic() -> None:
    recording = Recording(FakeBag(), PLACE, 0, free_bytes=lambda _: 1 << 40)
    recording.start()
    for number in (1, 2, 5):
        recording.put(FRAMES, frame(number))
    recording.put(LAYOUT, b"\0\1\0\0")
    recording.stop()
    assert recording.figures().lost == 2
    assert lost_by_topic(recording.topics.values()) == {"/imu/frame": 2}


def test_times_go_on_where_the_wall_clock_is_set_back() -> None:
    bag, now = FakeBag(), [100.0]
    walls = iter([1_000_000_000_000, 5])
    recording = Recording(bag, PLACE, 0, lambda _: 1 << 40, lambda: next(walls), lambda: now[0])
    recording.start()
    for step in range(3):
        now[0] = 100.0 + step
        recording.put(LAYOUT, b"x")
    recording.stop()
    assert [time_ns for _, time_ns, _ in bag.messages] == [1_000_000_000_000 + step * 10**9 for step in range(3)]


def test_a_full_disk_ends_the_recording_and_the_reserve_makes_it_whole() -> None:
    bag = FakeBag()
    bag.full = True
    recording = Recording(bag, PLACE, 0, free_bytes=lambda _: 1 << 40)
    recording.start()
    recording.put(LAYOUT, b"x")
    ended(recording)
    assert bag.done == ["free", "close"]
    assert [data for _, _, data in bag.messages] == [b"x"]
    assert "No space left on device" in recording.problem
    assert "is whole" in recording.problem
    recording.put(LAYOUT, b"y")
    assert recording.figures().lost == 1
    recording.stop()


def test_a_disk_that_stays_full_leaves_what_can_be_mended() -> None:
    bag = FakeBag()
    bag.full = bag.stays_full = True
    recording = Recording(bag, PLACE, 0, free_bytes=lambda _: 1 << 40)
    recording.start()
    ended(recording)
    assert bag.done == ["free", "abandon"]
    assert "mended" in recording.problem


def test_the_disk_is_watched_and_the_recording_ends_whole_at_the_reserve() -> None:
    bag, now, free = FakeBag(), [0.0], [1000]
    recording = Recording(bag, PLACE, 400, lambda _: free[0], monotonic=lambda: now[0])
    assert recording.figures().disk_left_s == math.inf
    # Without its thread: each turn is a second.
    for second in range(1, 4):
        now[0] = float(second)
        recording._queue.append((LAYOUT, now[0], b"x" * 100))
        free[0] -= 100
        recording._turn()
    assert recording.figures().disk_left_s == pytest.approx(3.0)
    assert not recording.problem
    now[0], free[0] = 4.0, 400
    recording._turn()
    assert "left, which are kept free" in recording.problem


def test_a_disk_that_does_not_answer_costs_messages_and_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING_BYTES", 100)
    bag, goes_on = FakeBag(), threading.Event()
    monkeypatch.setattr(bag, "write", lambda *_: goes_on.wait(60.0))
    recording = Recording(bag, PLACE, 0, free_bytes=lambda _: 1 << 40)
    recording.start()
    for _ in range(10):
        recording.put(LAYOUT, b"x" * 30)
    assert recording.figures().lost >= 5
    goes_on.set()
    recording.stop()
    assert bag.done == ["close"]


def test_a_sample_without_a_face_is_no_loss_of_the_recorder() -> None:
    faces = BagTopic("/face/blendshapes", "imusic/msg/FaceBlendshapes")
    recording = Recording(FakeBag(), PLACE, 0, free_bytes=lambda _: 1 << 40)
    recording.start()
    header = b"\0\1\0\0" + bytes(8) + (1).to_bytes(4, "little") + bytes(4)
    for number in (1, 4):
        recording.put(faces, header + number.to_bytes(4, "little"))
    recording.stop()
    assert recording.figures().lost == 0
    assert without_face(recording.topics.values()) == 2
