from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from imusic.srv import CalibrateNeutral
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from face_viz.page_commands import Command
from viz_graph import Graph, activate

pytestmark = pytest.mark.ros


def test_the_button_calls_the_service_and_tells_its_answer(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, bool]] = []
    activate(graph)
    monkeypatch.setattr(graph.node._page, "announce", lambda text, ok=True: told.append((text, ok)))
    graph.node._page.command(Command("calibrate"))
    assert told[-1][1] is False
    assert "face_inference/calibrate_neutral" in told[-1][0]

    def answer(_request: Any, response: Any) -> Any:
        response.success, response.message = False, "hold still"
        return response

    graph.other.create_service(CalibrateNeutral, "face_inference/calibrate_neutral", answer)
    graph.spin_until(lambda: graph.node._calibrate.is_offered, "service")
    graph.node._page.command(Command("calibrate"))
    graph.spin_until(lambda: told[-1] == ("hold still", False), "answer")


@pytest.mark.parametrize("name", ["a b", "1st", "a//b"])
def test_a_service_that_cannot_be_called_is_refused_in_one_line(graph: Graph, name: str) -> None:
    graph.node.set_parameters([Parameter("calibrate_service", value=name)])
    assert graph.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    message = graph.node._current_health().message
    assert "calibrate_service: expected the name of a service" in message
    assert "\n" not in message
