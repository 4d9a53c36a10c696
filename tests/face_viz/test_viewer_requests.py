from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from imusic.action import AlignSensors, CalibrateWearer
from imusic.srv import Identify, SeekReplay, SetReplayRate, StartRecording, UseWearer
from rclpy.action import ActionServer, CancelResponse
from rclpy.task import Future
from std_srvs.srv import Trigger

from face_viz.page_commands import Command
from viz_graph import Graph, activate

pytestmark = pytest.mark.ros


def test_a_replay_is_led_and_what_fails_is_told_as_the_player_says_it(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, bool]] = []
    asked: list[Any] = []
    activate(graph)
    page = graph.node._page
    monkeypatch.setattr(page, "announce", lambda text, ok=True: told.append((text, ok)))

    def answer(request: Any, response: Any) -> Any:
        asked.append(request)
        response.success = not isinstance(request, SetReplayRate.Request)
        response.message = "" if response.success else "expected a rate of 0.1 to 20, found 50"
        return response

    for kind, name in ((Trigger, "pause"), (Trigger, "resume"), (SeekReplay, "seek"), (SetReplayRate, "set_rate")):
        graph.other.create_service(kind, f"player/{name}", answer)
    graph.spin_until(lambda: sum(graph.node._requests.offered().values()) == 4, "player")
    page.command(Command("set_rate", rate=50.0))
    graph.spin_until(lambda: told, "answer")
    assert told == [("expected a rate of 0.1 to 20, found 50", False)]
    for number, name in enumerate(("pause", "resume"), 2):
        page.command(Command(name))
        graph.spin_until(lambda number=number: len(asked) == number, name)
    for position in range(50):  # a bar that is dragged
        page.command(Command("seek", position=float(position)))
    graph.spin_until(lambda: getattr(asked[-1], "position", 0.0) == 49.0, "last of the seeks")
    assert [request.position for request in asked[3:]] == [0.0, 49.0], "those between are left out"
    graph.spin_until(lambda: graph.node._requests._pending["seek"].done(), "answer")
    assert len(told) == 1, "what is seen anyway is not said"


def test_requests_nobody_answers_say_what_to_start(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    activate(graph)
    page = graph.node._page
    monkeypatch.setattr(page, "announce", lambda text, ok=True: told.append(text))
    names = (
        "record",
        "stop",
        "identify",
        "use_wearer",
        "routine",
        "align",
        "cancel",
        "pause",
        "resume",
        "seek",
        "set_rate",
    )
    for name in names:
        page.command(Command(name))
    assert "imusic record" in told[0]
    assert len(told) == len(names)
    assert not any(graph.node._requests.offered().values())


def test_requests_reach_recorder_driver_and_estimator(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, bool]] = []
    asked: list[Any] = []
    activate(graph)
    page = graph.node._page
    monkeypatch.setattr(page, "announce", lambda text, ok=True: told.append((text, ok)))

    def answer(request: Any, response: Any) -> Any:
        asked.append(request)
        response.success, response.message = len(asked) != 2, f"answer {len(asked)}"
        return response

    graph.other.create_service(StartRecording, "recorder/start", answer)
    graph.other.create_service(Trigger, "recorder/stop", answer)
    graph.other.create_service(Identify, "imu_driver/identify", answer)
    graph.other.create_service(UseWearer, "face_inference/use_wearer", answer)
    offered = graph.node._requests.offered
    graph.spin_until(lambda: sum(offered().values()) == 4, "services")
    commands = [
        Command("record", take="smile", wearer="alice", notes="first"), Command("stop"), Command("identify", sensor=7),
        Command("use_wearer", wearer="alice"),
    ]  # fmt: skip
    for number, command in enumerate(commands, 1):
        page.command(command)
        graph.spin_until(lambda number=number: any(t[0] == f"answer {number}" for t in told), f"answer {number}")
    assert (asked[0].name, asked[0].wearer, asked[0].notes) == ("smile", "alice", "first")
    assert (asked[2].sensor_id, asked[3].wearer) == (7, "alice")
    assert ("answer 2", False) in told


@contextlib.contextmanager
def held_action(graph: Graph, kind: Any, name: str, result: Any) -> Iterator[tuple[list[Any], Future]]:
    """An action that goes on until the future is done, and was cancelled then; its goals."""
    goals: list[Any] = []
    ended = Future()

    async def hold(goal: Any) -> Any:
        goals.append(goal)
        await ended
        goal.canceled()
        return result

    server = ActionServer(graph.other, kind, name, hold, cancel_callback=lambda _: CancelResponse.ACCEPT)
    try:
        yield goals, ended
    finally:
        server.destroy()


def test_the_alignment_is_begun_cancelled_and_its_result_told(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, bool]] = []
    activate(graph)
    page = graph.node._page
    monkeypatch.setattr(page, "announce", lambda text, ok=True: told.append((text, ok)))
    result = AlignSensors.Result(success=False, message="cancelled; what was known stays")
    with held_action(graph, AlignSensors, "face_inference/align_sensors", result) as (goals, ended):
        offered = graph.node._requests.offered
        graph.spin_until(lambda: offered()["align"] and offered()["cancel_align"], "action")
        page.command(Command("align"))
        graph.spin_until(lambda: goals, "goal")
        assert not goals[0].request.still_only
        page.command(Command("cancel"))
        graph.spin_until(lambda: goals[0].is_cancel_requested, "cancelling")
        ended.set_result(None)
        graph.spin_until(lambda: ("cancelled; what was known stays", False) in told, "result")


def test_the_routine_is_begun_cancelled_and_its_result_told(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, bool]] = []
    activate(graph)
    page = graph.node._page
    monkeypatch.setattr(page, "announce", lambda text, ok=True: told.append((text, ok)))
    result = CalibrateWearer.Result(success=False, message="cancelled; what was known stays", not_seen=["smile"])
    with held_action(graph, CalibrateWearer, "face_inference/calibrate_wearer", result) as (goals, ended):
        graph.spin_until(lambda: graph.node._requests.offered()["routine"], "action")
        page.command(Command("routine", wearer="bob"))
        graph.spin_until(lambda: goals, "goal")
        assert goals[0].request.wearer == "bob"
        page.command(Command("cancel"))
        graph.spin_until(lambda: goals[0].is_cancel_requested, "cancelling")
        ended.set_result(None)
        expected = ("cancelled; what was known stays (not seen by the sensors: smile)", False)
        graph.spin_until(lambda: expected in told, "result")
