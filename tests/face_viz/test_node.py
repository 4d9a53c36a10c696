"""The node in one process with a publisher and subscribers, on real ROS 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

pytest.importorskip("aiohttp")
rclpy = pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from imusic.msg import (  # noqa: E402
    FaceBlendshapes,
)
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from visualization_msgs.msg import MarkerArray  # noqa: E402

from face_viz.node import PARAMETERS  # noqa: E402
from face_viz.page import FacePage  # noqa: E402
from face_viz.page_commands import PERIOD_S, TAKE_COMMANDS, Command  # noqa: E402
from imusic_ros.qos import RELIABLE  # noqa: E402
from viz_graph import SUCCESS, Graph, activate, note, watching  # noqa: E402

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]


def test_marker_rate_page_rate_and_what_is_shown_change_while_it_runs(graph: Graph) -> None:
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)
    activate(graph)
    graph.spin_until(lambda: graph.node._markers.sent > 0, "markers", graph.face())
    changes = {"marker_rate_hz": 5.0, "draw_rate_hz": 10.0, "show_sensors": False, "turn_head": False}
    results = graph.node.set_parameters([Parameter(name, value=value) for name, value in changes.items()])
    assert all(result.successful for result in results)
    assert graph.node._markers._timer.timer_period_ns == 200_000_000
    _, scene = graph.node._page.scene()
    assert (scene["options"]["show_sensors"], scene["options"]["turn_head"]) == (False, False)
    assert graph.node._page._server.period_s == 0.1
    sent = graph.node._markers.sent
    graph.spin_until(lambda: graph.node._markers.sent > sent, "markers at the new rate", graph.face())
    (refused,) = graph.node.set_parameters([Parameter("host", value="0.0.0.0")])
    assert "run cleanup first" in refused.reason


def test_live_parameters_may_change_before_anything_is_open(graph: Graph) -> None:
    graph.node.set_parameters([Parameter("page", value=False)])
    assert graph.node.trigger_configure() == SUCCESS
    changes = {"marker_rate_hz": 5.0, "draw_rate_hz": 10.0, "show_sensors": False}
    results = graph.node.set_parameters([Parameter(name, value=value) for name, value in changes.items()])
    assert all(result.successful for result in results)


def test_the_node_listens_only_while_somebody_looks(graph: Graph) -> None:
    activate(graph)
    face = graph.face()
    # Readers of the test before may not be gone yet.
    graph.spin_until(lambda: graph.faces.get_subscription_count() == 0, "nobody to listen", face)
    listening: list[int] = []

    def after_rounds() -> bool:
        listening.append(graph.faces.get_subscription_count())
        return len(listening) == 60

    graph.spin_until(after_rounds, "rounds", face)
    assert not any(listening)
    onlooker = graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)
    graph.spin_until(lambda: graph.node._markers.sent > 0, "markers", face)
    graph.other.destroy_subscription(onlooker)
    graph.spin_until(lambda: graph.faces.get_subscription_count() == 0, "end of listening", face)


def test_the_page_gets_the_faces_and_health_tells(graph: Graph) -> None:
    health: list[Any] = []
    graph.other.create_subscription(
        DiagnosticArray,
        "/diagnostics",
        lambda m: health.extend(s for s in m.status if s.name == "face_viz"),
        10,
    )
    activate(graph)
    graph.spin_until(lambda: any("nobody looks" in s.message for s in health), "rest while nobody looks")
    with watching(graph.node._page):
        check_health(graph, health)


def check_health(graph: Graph, health: list[Any]) -> None:
    graph.spin_until(lambda: any(s.level == b"\x01" for s in health), "warning that nothing comes in")
    health.clear()
    face = graph.face(0.5)
    graph.spin_until(lambda: any(s.level == b"\x00" for s in health), "good health", face)
    values = {v.key: v.value for v in health[-1].values}
    assert values["url"].startswith("http://127.0.0.1:")
    assert float(values["face_rate_hz"]) > 0
    page = graph.node._page
    page.frame(-1)
    weights = np.frombuffer(page.frame(-1)[1], "<f4", 52, 40)
    assert weights[FaceBlendshapes.JAW_OPEN] == pytest.approx(0.5)


def test_a_taken_port_leaves_the_node_unconfigured_with_the_reason(graph: Graph) -> None:
    assert graph.node.trigger_configure() == SUCCESS
    taken = graph.node._page.port
    graph.node.trigger_cleanup()
    blocker = FacePage(graph.node._rig, port=taken)
    try:
        graph.node.set_parameters([Parameter("port", value=taken)])
        assert graph.node.trigger_configure() == TransitionCallbackReturn.FAILURE
        assert f"port {taken}" in graph.node._current_health().message
    finally:
        blocker.close()
    assert graph.node.trigger_configure() == SUCCESS


def test_all_transitions_can_be_repeated_without_leaks(graph: Graph) -> None:
    def counts() -> tuple[int, ...]:
        node = graph.node
        return (
            len(list(node.publishers)),
            len(list(node.subscriptions)),
            len(list(node.timers)),
            len(list(node.clients)),
            len(list(Path("/proc/self/fd").iterdir())),
            len(list(Path("/proc/self/task").iterdir())),
        )

    sizes = []
    for _ in range(6):
        activate(graph)
        graph.spin_until(lambda: True, "nothing")
        assert graph.node.trigger_deactivate() == SUCCESS
        assert graph.node.trigger_cleanup() == SUCCESS
        sizes.append(counts())
    # Threads and sockets end a moment after they were told to; a leak stays.
    graph.spin_until(lambda: all(now <= then for now, then in zip(counts(), sizes[1], strict=True)), "release of all")


def test_the_shipped_configuration_names_every_parameter_and_its_default() -> None:
    shipped = yaml.safe_load((ROOT / "config" / "face_viz.yaml").read_text())["/**/face_viz"]["ros__parameters"]
    assert shipped == {spec.name: spec.default for spec in PARAMETERS}


def test_takes_are_worked_on_unless_others_reach_the_page(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    graph.node.set_parameters([Parameter("host", value="0.0.0.0")])
    activate(graph)
    monkeypatch.setattr(graph.node._page, "announce", lambda text, ok=True: told.append(text))
    graph.node._page.command(Command("check_take", folder="smile"))
    assert "other machines" in told[-1]
    assert graph.node.trigger_deactivate() == SUCCESS
    assert graph.node.trigger_cleanup() == SUCCESS
    graph.node.set_parameters([Parameter("host", value="127.0.0.1")])
    activate(graph)
    asked: list[Command] = []
    monkeypatch.setattr("face_viz.take_work.TakeWork.handle", lambda self, command: asked.append(command))
    commands = [Command(name, folder="smile") for name in TAKE_COMMANDS]
    for command in commands:
        graph.node._page.command(command)
    assert asked == commands
    assert Path(graph.node._work._program[0]).is_file(), "the command line is installed beside the nodes"


def test_a_replay_in_another_namespace_is_no_replay_here(graph: Graph) -> None:
    activate(graph)
    page = graph.node._page
    elsewhere = rclpy.create_node("player", namespace="replay")
    graph.executor.add_node(elsewhere)
    clock = elsewhere.create_publisher(Clock, "/clock", 1)
    try:
        with watching(page):
            graph.spin_until(lambda: graph.node.count_publishers("/clock") == 1, "clock")
            graph.spin_until(lambda: note(page, "replay") == {"on": False}, "word on it")
            other = graph.other.create_publisher(Clock, "/clock", 1)
            graph.spin_until(lambda: note(page, "replay") == {"on": True}, "clock of somebody else")
            graph.other.destroy_publisher(other)
            graph.spin_until(lambda: note(page, "replay") == {"on": False}, "end of that")
    finally:
        elsewhere.destroy_publisher(clock)
        graph.executor.remove_node(elsewhere)
        elsewhere.destroy_node()


def test_a_page_without_controls_offers_nothing(graph: Graph) -> None:
    graph.node.set_parameters([Parameter("controls", value=False)])
    activate(graph)
    _, scene = graph.node._page.scene()
    assert (scene["options"]["calibrate"], scene["options"]["commands"]) == (False, False)
    for name in PERIOD_S:
        graph.node._page.command(Command(name, wearer="x"))  # nothing happens


def test_the_page_says_when_time_is_played(graph: Graph) -> None:
    activate(graph)
    page = graph.node._page
    with watching(page):
        graph.spin_until(lambda: note(page, "replay"), "note")
        assert note(page, "replay") == {"on": False}
        graph.other.create_publisher(Clock, "/clock", 10)
        graph.spin_until(lambda: note(page, "replay") == {"on": True}, "badge")
