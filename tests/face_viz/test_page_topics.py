from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from imusic.msg import (
    FaceReference,
    ImuFrame,
    RecordingStatus,
    ReplayStatus,
    SensorLayout,
    SensorStates,
    WearerPrompt,
)
from visualization_msgs.msg import MarkerArray

from imusic_ros.qos import LATCHED, RELIABLE, SENSOR_DATA
from viz_graph import USABLE, Graph, activate, layout_message, note, watching

pytestmark = pytest.mark.ros


def test_the_page_tells_what_the_wearer_is_asked_to_do(graph: Graph) -> None:
    prompts = graph.other.create_publisher(WearerPrompt, "face/prompt", LATCHED)
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)  # somebody looks
    activate(graph)
    page = graph.node._page
    graph.spin_until(lambda: prompts.get_subscription_count(), "listener of prompts")
    prompts.publish(WearerPrompt(text="Smile.", number=1, count=22, hold=True, phase_left=1.5, routine_left=50.0))
    told = graph.spin_until(lambda: note(page, "prompt"), "prompt")
    assert told == {
        "hold": True, "text": "Smile.", "number": 1, "count": 22, "phase_left": 1.5, "routine_left": 50.0,
    }  # fmt: skip
    prompts.publish(WearerPrompt(count=22))
    graph.spin_until(lambda: note(page, "prompt") is None, "end of the routine")


def test_units_recording_and_reference_are_told(graph: Graph) -> None:
    layouts = graph.other.create_publisher(SensorLayout, "imu/layout", LATCHED)
    states = graph.other.create_publisher(SensorStates, "imu/states", LATCHED)
    recordings = graph.other.create_publisher(RecordingStatus, "recording/status", LATCHED)
    references = graph.other.create_publisher(FaceReference, "face/reference", SENSOR_DATA)
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)
    layouts.publish(layout_message(missing="mentalis"))
    bits = [USABLE] * 11 + [ImuFrame.STATUS_FAULT]
    states.publish(SensorStates(layout_id=1, status=bits, lately=[ImuFrame.STATUS_MISSING] + [0] * 11))
    recordings.publish(RecordingStatus(state=RecordingStatus.STATE_RECORDING, path="/a/b", disk_time_left=math.inf))
    activate(graph)
    page = graph.node._page
    units = graph.spin_until(lambda: (u := note(page, "units")) and u["units"][0]["status"] and u["units"], "units")
    assert [unit["present"] for unit in units].count(False) == 1
    assert (units[0]["lately"], units[11]["status"]) == (ImuFrame.STATUS_MISSING, ImuFrame.STATUS_FAULT)
    told = graph.spin_until(lambda: note(page, "recording"), "recording")
    assert (told["state"], told["path"], told["disk_time_left"]) == ("recording", "/a/b", None)
    bad = FaceReference(source="webcam", face_seen=True, weights=[math.nan] * 52, seen=[True] * 52)
    good = FaceReference(source="phone", face_seen=True, weights=[0.25] * 52, seen=[True] * 51 + [False])

    def drawn() -> bool:
        references.publish(bad)
        references.publish(good)
        return page.reference(-1) is not None

    graph.spin_until(drawn, "reference")
    payload = page.reference(-1)[1]
    assert np.frombuffer(payload, "<u4", 2).tolist() == [101, 1]
    assert set(np.frombuffer(payload, "<f4", 52, 8)) == {0.25}
    assert np.frombuffer(payload, "u1", 52, 216).tolist() == [1] * 51 + [0]


def test_the_players_place_is_told_while_it_says_where_it_is(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    players = graph.other.create_publisher(ReplayStatus, "player/status", LATCHED)
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)  # somebody looks
    players.publish(ReplayStatus(state=ReplayStatus.STATE_PLAYING, path="/takes/smile", position=2.5, end=9.0))
    activate(graph)
    page = graph.node._page
    player = graph.spin_until(lambda: note(page, "player"), "player")
    assert (player["name"], player["position"]) == ("smile", 2.5)
    monkeypatch.setattr("face_viz.page_topics.PLAYER_S", -1.0)
    with watching(page):
        graph.spin_until(lambda: note(page, "player") is None, "end of a player that says nothing")


def test_trouble_of_driver_and_estimator_is_shown_and_that_of_others_is_not(graph: Graph) -> None:
    activate(graph)
    page = graph.node._page
    assert page is not None
    graph.other.create_subscription(MarkerArray, "face/markers", lambda _: None, RELIABLE)
    told = graph.other.create_publisher(DiagnosticArray, "/diagnostics", 10)

    def say(**levels: int) -> None:
        statuses = [DiagnosticStatus(name=n, level=bytes([level]), message=f"{n}!") for n, level in levels.items()]
        told.publish(DiagnosticArray(status=statuses))

    def troubles() -> list[tuple[str, str, str]]:
        return [(t["node"], t["level"], t["text"]) for t in page.scene()[1]["troubles"]]

    def told_until(expected: list[tuple[str, str, str]], **levels: int) -> None:
        def done() -> bool:
            say(**levels)
            return troubles() == expected

        graph.spin_until(done, f"troubles {expected}")

    warned = ("imu_driver", "warning", "imu_driver!")
    told_until([warned, ("face_inference", "error", "face_inference!")], imu_driver=1, face_inference=2, camera=2)
    told_until([warned], face_inference=0)
    told_until([], imu_driver=0)
