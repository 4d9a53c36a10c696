"""Driver and inference, killed in the running graph: started again, and the face goes on without a new neutral."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import FaceBlendshapes  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402

from imusic_cli.supervisor import Supervisor  # noqa: E402
from imusic_ros.graph import load_graph  # noqa: E402
from imusic_ros.qos import SENSOR_DATA  # noqa: E402

pytestmark = pytest.mark.ros

NAMESPACE = f"killed_{os.getpid()}"
LIMIT_S = 240.0
RESUMED = ("imu_driver", "face_inference")


class Onlooker:
    """What the graph says of the face."""

    def __init__(self) -> None:
        rclpy.init()
        self.faces: list[FaceBlendshapes] = []
        self.node = rclpy.create_node("onlooker", namespace=NAMESPACE)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.node.create_subscription(FaceBlendshapes, "face/blendshapes", self.faces.append, SENSOR_DATA)

    def until(self, true: Callable[[], object], what: str) -> None:
        end_s = time.monotonic() + LIMIT_S
        while not true():
            assert time.monotonic() < end_s, f"no {what}"
            self.executor.spin_once(timeout_sec=0.05)

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown()


@pytest.fixture
def onlooker() -> Iterator[Onlooker]:
    onlooker = Onlooker()
    yield onlooker
    onlooker.close()


def test_both_go_on_with_the_neutral(tmp_path: Path, onlooker: Onlooker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imusic_cli.supervisor.END_PATIENCE_S", 60.0)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    processes = load_graph("demo").started_with({"port": str(tmp_path / "hub"), "page_port": "0"})
    wanted = [p for p in processes if p.name in ("imu_sim", *RESUMED)]
    assert [p.name for p in wanted if p.resumed] == list(RESUMED)
    faces = onlooker.faces

    def follows() -> bool:
        return bool(faces) and faces[-1].state == FaceBlendshapes.STATE_TRACKING and max(faces[-1].confidence) > 0

    with Supervisor(wanted, NAMESPACE, lambda _name, _line: None) as supervisor:
        onlooker.until(follows, "face")
        onlooker.until(lambda: list((tmp_path / "run" / "imusic").glob("*.snapshot")), "state in the file")
        for name in ("face_inference", "imu_driver", "face_inference"):
            pid = supervisor.pids()[name]
            os.kill(pid, signal.SIGKILL)
            supervisor._children[name].wait(60)
            faces.clear()

            def revived(name: str = name, pid: int = pid) -> bool:
                supervisor.revive(RESUMED)
                return supervisor.pids()[name] != pid

            onlooker.until(revived, f"new {name}")
            onlooker.until(follows, f"face after {name} was killed")
            assert FaceBlendshapes.STATE_CALIBRATING not in {face.state for face in faces}
            assert supervisor.ended(RESUMED) == {}
        assert set(supervisor.end().values()) == {0}
    assert not list((tmp_path / "run" / "imusic").glob("*.snapshot")), "who ends in order leaves nothing"
