"""A recording made here, through the real player and inference, led by the real services."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import Expression, ReplayStatus  # noqa: E402
from imusic.srv import SeekReplay, SetReplayRate  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402

from imusic_cli.supervisor import Supervisor  # noqa: E402
from imusic_ros.graph import load_graph  # noqa: E402
from imusic_ros.qos import LATCHED  # noqa: E402
from made_up_bags import write_bag  # noqa: E402
from made_up_takes import made_up  # noqa: E402
from recorded_bag import write_recording  # noqa: E402

pytestmark = pytest.mark.ros

NAMESPACE = f"replay_{os.getpid()}"
SECONDS = 12.0
LIMIT_S = 240.0
"""For whatever is waited for: a machine with more to do takes its time."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("bag") / "bag", SECONDS)


class Onlooker:
    """Hears the player and asks it."""

    def __init__(self) -> None:
        rclpy.init()
        self.node = rclpy.create_node("onlooker", namespace=NAMESPACE)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.status = ReplayStatus()
        self.times: list[int] = []
        self.node.create_subscription(ReplayStatus, "player/status", self._on_status, LATCHED)
        self.node.create_subscription(Clock, "/clock", self._on_clock, 100)

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown()

    def wait_for(self, condition: Callable[[], Any], what: str) -> None:
        end_s = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > end_s:
                pytest.fail(f"no {what} within {LIMIT_S} s; the player said {self.status}")
            self.executor.spin_once(timeout_sec=0.1)

    def ask(self, kind: Any, name: str, **values: Any) -> Any:
        client = self.node.create_client(kind, f"player/{name}")
        self.wait_for(client.service_is_ready, name)
        future = client.call_async(kind.Request(**values))
        self.wait_for(future.done, f"answer of {name}")
        return future.result()

    def _on_status(self, status: ReplayStatus) -> None:
        self.status = status

    def _on_clock(self, message: Clock) -> None:
        self.times.append(message.clock.sec * 1_000_000_000 + message.clock.nanosec)


@pytest.fixture
def onlooker() -> Iterator[Onlooker]:
    made = Onlooker()
    yield made
    made.close()


def started(recording: Path, lines: list[str], **values: Any) -> Supervisor:
    graph = load_graph("replay").started_with({"file": str(recording), "check": True, **values})
    processes = [process for process in graph if process.name != "face_viz"]
    return Supervisor(processes, NAMESPACE, lambda name, line: lines.append(f"{name}: {line}"))


@pytest.mark.parametrize("start_s", [0.0, 7.3])
def test_every_face_is_as_recorded_bit_for_bit(recording: Path, onlooker: Onlooker, start_s: float) -> None:
    lines: list[str] = []
    with started(recording, lines, speed=20.0, start=start_s, finish=True) as supervisor:
        onlooker.wait_for(lambda: "player" in supervisor.ended(), "end of the player")
        assert supervisor.ended()["player"] == 0, "\n".join(lines)
    said = next(line for line in lines if "bit for bit" in line)
    assert " 0 different, 0 missing" in said
    assert (
        int(said.split(" equal")[0].split()[-1]) >= round(100 * (SECONDS - start_s)) - 6
    )  # five were missed when it was recorded


def test_it_is_led_by_services_and_loops(recording: Path, onlooker: Onlooker) -> None:
    lines: list[str] = []
    with started(recording, lines, start=6.0, duration=2.0, loop=True, paused=True):
        onlooker.wait_for(lambda: onlooker.status.state == ReplayStatus.STATE_PAUSED, "pause at the beginning")
        assert onlooker.status.position == pytest.approx(6.0, abs=1e-6)
        answer = onlooker.ask(SeekReplay, "seek", position=7.0)
        assert (answer.success, answer.position) == (True, pytest.approx(7.0))
        assert onlooker.ask(SeekReplay, "seek", position=100.0).position == pytest.approx(8.0)
        assert not onlooker.ask(SeekReplay, "seek", position=float("nan")).success
        refused = onlooker.ask(SetReplayRate, "set_rate", rate=100.0)
        assert not refused.success
        assert "expected a rate of 0.1 to 20" in refused.message
        assert onlooker.ask(SetReplayRate, "set_rate", rate=20.0).success
        assert onlooker.ask(Trigger, "resume").success
        onlooker.wait_for(lambda: onlooker.status.laps >= 3, "third lap")
        assert onlooker.ask(Trigger, "pause").success
        onlooker.wait_for(lambda: onlooker.status.state == ReplayStatus.STATE_PAUSED, "pause")
    status = onlooker.status
    assert status.equal >= 200, "\n".join(lines)  # a busy machine records fewer faces than samples
    assert (status.different, status.missing, status.unanswered) == (0, 0, 0)
    assert onlooker.times


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bag(tmp_path_factory.mktemp("told") / "take", {"": made_up(300)}, expressions=True)


def weights_of(take: Path, lines: list[str], **values: Any) -> Supervisor:
    graph = load_graph("replay_weights").started_with({"file": str(take), "loop": True, **values})
    return Supervisor([p for p in graph if p.name == "player"], NAMESPACE, lambda _, line: lines.append(line))


def test_what_was_read_from_recorded_faces_is_played_unless_it_is_read_again(told: Path, onlooker: Onlooker) -> None:
    lines: list[str] = []
    heard: list[Expression] = []
    again: list[Expression] = []
    first = onlooker.node.create_subscription(Expression, "face/expression", heard.append, 100)
    with weights_of(told, lines):
        onlooker.wait_for(lambda: len(heard) > 5, "expression")
        assert heard[0].expression == "neutral"
        # A node that reads it beside, however late it comes, has it to itself.
        other = onlooker.node.create_publisher(Expression, "face/expression", 10)
        said = "somebody else publishes it: face/expression"
        onlooker.wait_for(lambda: said in onlooker.status.message, "word of it")
        onlooker.node.destroy_publisher(other)
    onlooker.node.destroy_subscription(first)
    onlooker.node.create_subscription(Expression, "face/expression", again.append, 100)
    with weights_of(told, lines, affect=True):
        onlooker.wait_for(lambda: onlooker.status.laps > 1 and not onlooker.status.message, "second lap")
    assert not again


def test_inference_that_dies_is_told_of(recording: Path, onlooker: Onlooker) -> None:
    lines: list[str] = []
    with started(recording, lines, loop=True) as supervisor:
        onlooker.wait_for(lambda: onlooker.status.samples > 50, "samples")
        os.kill(supervisor.pids()["face_inference"], signal.SIGKILL)
        onlooker.wait_for(lambda: onlooker.status.state == ReplayStatus.STATE_FAILED, "failure")
    assert "expected" in onlooker.status.message


def test_a_second_replay_in_one_namespace_is_refused(recording: Path, onlooker: Onlooker) -> None:
    lines: list[str] = []
    others: list[str] = []
    with started(recording, lines, loop=True):
        onlooker.wait_for(lambda: onlooker.status.samples > 50, "samples")
        with started(recording, others, finish=True) as second:
            onlooker.wait_for(lambda: "player" in second.ended(), "end of the second player")
            assert second.ended()["player"] == 1
    assert any("expected nobody else to publish" in line for line in others), "\n".join(others)
