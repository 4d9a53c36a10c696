"""What is seldom ready is watched by a thread: it tells once, and a pause is a pause."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")

from rclpy.guard_condition import GuardCondition  # noqa: E402
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy  # noqa: E402

from imusic_ros.filled_set import FilledSet  # noqa: E402
from imusic_ros.quiet_watch import QuietWatch  # noqa: E402

pytestmark = pytest.mark.ros
PATIENCE_S = 20.0


class Watched:
    """One guard condition that is watched, and a semaphore that counts what was told."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.guard = GuardCondition(None, None, context=self.context)
        entities = FilledSet()
        entities.hold(self.guard.handle, "add_guard_condition")
        self.told = threading.Semaphore(0)
        self.watch = QuietWatch(entities, self.told.release, self.context)

    def was_told(self) -> bool:
        return self.told.acquire(timeout=PATIENCE_S)

    def was_told_nothing(self) -> bool:
        return not self.told.acquire(blocking=False)


@pytest.fixture
def watched() -> Iterator[Watched]:
    watched = Watched()
    yield watched
    watched.watch.end()
    watched.guard.destroy()
    rclpy.shutdown(context=watched.context)


def test_it_tells_once_and_waits_to_be_asked_again(watched: Watched) -> None:
    for _ in range(3):
        watched.watch.resume()
        watched.guard.trigger()
        assert watched.was_told()
        assert watched.was_told_nothing()


def test_what_is_ready_in_a_pause_is_told_after_it(watched: Watched) -> None:
    watched.watch.resume()
    watched.watch.pause()
    watched.guard.trigger()
    assert watched.was_told_nothing()
    watched.watch.resume()
    assert watched.was_told()


def test_pauses_do_not_tell(watched: Watched) -> None:
    for _ in range(200):
        watched.watch.resume()
        watched.watch.resume()
        watched.watch.pause()
        watched.watch.pause()
    assert watched.was_told_nothing()
    watched.watch.resume()
    watched.guard.trigger()
    assert watched.was_told()


def test_a_wait_that_fails_is_no_silence(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: FilledSet, timeout_ns: int) -> Any:
        raise _rclpy.RCLError("broken")

    monkeypatch.setattr(FilledSet, "wait", fail)
    watched.watch.resume()
    assert watched.was_told()
    with pytest.raises(_rclpy.RCLError, match="broken"):
        watched.watch.resume()
