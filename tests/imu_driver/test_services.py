"""Services called from a process of their own are answered in time, whichever executor runs the node."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future as Promise

import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.task import Future  # noqa: E402

from imu_driver import node as node_module  # noqa: E402
from imu_driver.hub import ConnectionState  # noqa: E402
from imu_driver.hubs.imusic_v1 import protocol as p  # noqa: E402
from imu_driver.node import ImuDriverNode  # noqa: E402
from imusic_ros.executor import DirectExecutor  # noqa: E402

LIMIT_S = 10.0
"""A service of the driver answers in 3 s at most; the rest is for a busy machine."""

CALLER = """
import json, sys, time
import rclpy
from imusic.srv import Identify
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import ListParameters
from rclpy.executors import SingleThreadedExecutor
from std_srvs.srv import SetBool

KINDS = {
    "identify": (Identify, lambda value: Identify.Request(sensor_id=value)),
    "set_streaming": (SetBool, lambda value: SetBool.Request(data=bool(value))),
    "get_state": (GetState, lambda value: GetState.Request()),
    "list_parameters": (ListParameters, lambda value: ListParameters.Request()),
}
rclpy.init()
node = rclpy.create_node("caller")
executor = SingleThreadedExecutor()
executor.add_node(node)
limit_s = float(sys.argv[1])

def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.02)
    return condition()

for call in sys.argv[2:]:
    name, _, value = call.partition("=")
    kind, request = KINDS[name]
    client = node.create_client(kind, f"/imu_driver/{name}")
    assert until(client.service_is_ready, 20.0), f"{name} is not there"
    answer = client.call_async(request(int(value or 0)))
    answered = until(answer.done, limit_s)
    result = answer.result() if answered else None
    message = getattr(result, "message", "") or ""
    print(json.dumps([call, answered, bool(getattr(result, "success", True)), message]), flush=True)
"""


class Spun:
    """The node in an executor of the given kind, spun while another process calls its services."""

    def __init__(self, kind: type[SingleThreadedExecutor], port: str) -> None:
        rclpy.init()
        self.node = ImuDriverNode()
        self.executor = kind()
        self.executor.add_node(self.node)
        (result,) = self.node.set_parameters([Parameter("port", value=port)])
        assert result.successful
        self.node.trigger_configure()
        self.node.trigger_activate()
        self.ticks = 0
        self.node.create_timer(0.1, self._tick)

    def _tick(self) -> None:
        self.ticks += 1

    def until(self, condition: Callable[[], bool], limit_s: float = 20.0) -> None:
        end_s = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end_s
            self.executor.spin_once(timeout_sec=0.02)

    def call(self, *calls: str) -> dict[str, tuple[bool, bool, str]]:
        """Whether each was answered, with success, and the message; `name=value` for the request's only field."""
        process = subprocess.Popen(
            [sys.executable, "-c", CALLER, str(LIMIT_S), *calls], stdout=subprocess.PIPE, text=True
        )
        ended: Future[None] = Future()
        texts: list[str] = []

        def wait() -> None:
            texts.append(process.communicate()[0])
            ended.set_result(None)
            self.executor.wake()

        threading.Thread(target=wait, daemon=True).start()
        self.executor.spin_until_future_complete(ended, 90.0)
        process.kill()
        assert ended.done()
        rows = [json.loads(line) for line in texts[0].splitlines()]
        return {name: (answered, success, message) for name, answered, success, message in rows}

    def close(self) -> None:
        self.node.close()
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture(params=[DirectExecutor, SingleThreadedExecutor])
def spun(request, pty_hub):
    pty_hub.plug()
    spun = Spun(request.param, str(pty_hub.path))
    yield spun
    spun.close()


def test_every_service_is_answered_or_refused(spun, pty_hub):
    spun.until(lambda: spun.node._hub.state is ConnectionState.CONNECTED)
    found = spun.call("identify=4", "identify=99", "set_streaming=0", "get_state", "set_streaming=1", "list_parameters")
    assert [answered for answered, _, _ in found.values()] == [True] * 6
    assert {call for call, (_, success, _) in found.items() if not success} == {"identify=99"}
    assert "refused Identify" in found["identify=99"][2]
    assert pty_hub.hub.identified == [4]


def test_a_command_that_the_hub_does_not_hear(spun, pty_hub):
    spun.until(lambda: spun.node._hub.state is ConnectionState.CONNECTED)
    pty_hub.hub.deaf_to.update((p.Identify.TYPE, p.Stop.TYPE))
    found = spun.call("identify=4", "set_streaming=0", "get_state")
    assert found["identify=4"][:2] == found["set_streaming=0"][:2] == (True, False)
    assert "did not answer" in found["identify=4"][2]
    assert found["get_state"][0]


def test_a_command_that_never_ends(spun, monkeypatch):
    monkeypatch.setattr(node_module, "ANSWER_S", 0.5)
    monkeypatch.setattr(spun.node._hub, "identify", lambda _sensor: Promise(), raising=False)
    ticks = spun.ticks
    found = spun.call("identify=4", "get_state")
    assert found["identify=4"] == (True, False, "no answer from the hub within 0.5 s; see the driver's diagnostics")
    assert found["get_state"][0]
    assert spun.ticks > ticks + 3, "timers go on while a service waits"
    assert len(list(spun.node.timers)) == 3, "the timer of the time-out is gone"
