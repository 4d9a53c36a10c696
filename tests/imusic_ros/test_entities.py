"""What a node makes in its life is gone when it is cleaned up: entities are counted before and after, node by node."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
pytest.importorskip("aiohttp", reason="the page needs aiohttp")

from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402

from face_inference.node import FaceInferenceNode  # noqa: E402
from face_model.share import share_dir  # noqa: E402
from face_recording.node import RecorderNode  # noqa: E402
from face_viz.node import FaceVizNode  # noqa: E402
from imu_driver.node import ImuDriverNode  # noqa: E402

SUCCESS = TransitionCallbackReturn.SUCCESS
KINDS = ("publishers", "subscriptions", "services", "clients", "timers")

NODES: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "imu_driver": (ImuDriverNode, {"port": "/dev/no_such_port"}),
    "face_inference": (FaceInferenceNode, {"model": str(share_dir() / "models" / "imusic")}),
    "face_viz": (FaceVizNode, {"port": 0}),
    "recorder": (RecorderNode, {}),
}


@pytest.fixture
def ros() -> Iterator[None]:
    rclpy.init()
    yield
    rclpy.shutdown()


def entities(node: Any) -> dict[str, list[str]]:
    """Names of what a node has, by kind."""
    found = {kind: list(getattr(node, kind)) for kind in KINDS}
    return {
        kind: sorted(str(getattr(e, "topic_name", None) or getattr(e, "srv_name", None) or "timer") for e in some)
        for kind, some in found.items()
    }


@pytest.mark.usefixtures("ros")
@pytest.mark.parametrize("name", NODES)
def test_cleanup_leaves_what_was_there_before(name: str) -> None:
    create, parameters = NODES[name]
    node = create()
    try:
        results = node.set_parameters([Parameter(key, value=value) for key, value in parameters.items()])
        assert all(result.successful for result in results)
        before = entities(node)
        for _ in range(2):
            assert node.trigger_configure() == SUCCESS
            assert node.trigger_activate() == SUCCESS
            during = entities(node)
            assert len(during["publishers"]) > len(before["publishers"])
            assert node.trigger_deactivate() == SUCCESS
            assert node.trigger_cleanup() == SUCCESS
            assert entities(node) == before
    finally:
        node.close()
        node.destroy_node()


def held() -> dict[str, int]:
    """What this process holds: open files, threads of Python and of the system."""
    gc.collect()
    files, tasks = Path("/proc/self/fd"), Path("/proc/self/task")
    return {
        "files": len(list(files.iterdir())),
        "threads": threading.active_count(),
        "tasks": len(list(tasks.iterdir())),
    }


@pytest.mark.usefixtures("ros")
@pytest.mark.parametrize("name", NODES)
def test_many_lifecycles_hold_no_more_than_a_few(name: str) -> None:
    """A hundred of them in real processes: `imusic bench faults`."""
    create, parameters = NODES[name]
    node = create()

    def cycle(times: int) -> None:
        for _ in range(times):
            assert node.trigger_configure() == SUCCESS
            assert node.trigger_activate() == SUCCESS
            assert node.trigger_deactivate() == SUCCESS
            assert node.trigger_cleanup() == SUCCESS

    try:
        assert all(r.successful for r in node.set_parameters([Parameter(k, value=v) for k, v in parameters.items()]))
        cycle(3)
        before = held()
        cycle(10)
        after = held()
        # Fewer are possible: what earlier tests left is given back late. Less than one more for each cycle is no leak.
        assert all(after[kind] < before[kind] + 5 for kind in before), f"{before} became {after}"
    finally:
        node.close()
        node.destroy_node()
