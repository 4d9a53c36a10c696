"""Whether nodes of the same names run already, and whether two of one name do."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402

from imusic_cli import watch as module  # noqa: E402
from imusic_cli.watch import GraphWatch  # noqa: E402

pytestmark = pytest.mark.ros
PLACE = f"watched_{os.getpid()}"


@contextmanager
def running_node(name: str, says_something: bool = True) -> Iterator[None]:
    """A node of another graph, in a thread of its own, that says of itself what every node does, only more often."""
    context = Context()
    context.init()
    node = rclpy.create_node(name, namespace=PLACE, context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
    status = DiagnosticStatus(name=f"{PLACE}/{name}")
    if says_something:
        node.create_timer(0.1, lambda: publisher.publish(DiagnosticArray(status=[status])))
    thread = threading.Thread(target=executor.spin)
    thread.start()
    try:
        yield
    finally:
        executor.shutdown()
        thread.join()
        node.destroy_node()
        context.try_shutdown()


def test_a_node_that_runs_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DISCOVERY_S", 5.0)
    with running_node("imu_driver"), GraphWatch(PLACE, ["imu_driver", "face_viz"]) as watch:
        assert watch.already_running() == ["imu_driver"]
        watch.move(f"{PLACE}_2")
        assert watch.already_running() == []


def test_one_that_was_killed_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """ROS knows it for a while, but it says nothing of itself."""
    monkeypatch.setattr(module, "DISCOVERY_S", 5.0)
    with running_node("imu_driver", says_something=False), GraphWatch(PLACE, ["imu_driver"]) as watch:
        assert watch.already_running() == []
        assert watch.known() == ["imu_driver"]


def test_two_of_one_name_are_told_of_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["imu_driver", "imu_driver", "face_inference"]
    now_s = [100.0]
    watch = GraphWatch(PLACE, ["imu_driver", "face_inference"], lambda: now_s[0])
    monkeypatch.setattr(watch, "known", lambda: names)
    assert watch.doubled() == []
    now_s[0] += module.DOUBLE_S
    assert watch.doubled() == ["imu_driver"]
    names.remove("imu_driver")
    assert watch.doubled() == []
    names.append("imu_driver")
    assert watch.doubled() == []


def test_an_active_node_that_says_nothing_any_more_is_told_of_until_it_does() -> None:
    now_s = [100.0]
    watch = GraphWatch(PLACE, ["imu_driver", "face_inference"], lambda: now_s[0])

    def say(node: str, lifecycle: str) -> None:
        values = [KeyValue(key="lifecycle", value=lifecycle)]
        watch._on_diagnostics(DiagnosticArray(status=[DiagnosticStatus(name=f"{PLACE}/{node}", values=values)]))

    say("imu_driver", "active")
    say("face_inference", "inactive")
    now_s[0] += module.HUNG_S + 0.1
    assert watch.hung() == ["imu_driver"]
    say("imu_driver", "active")
    assert watch.hung() == []
    now_s[0] += module.HUNG_S + 0.1
    watch.move("elsewhere")
    assert watch.hung() == []
