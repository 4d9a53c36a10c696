"""The launch files by the real `ros2 launch`, which a distribution has and the wheels do not hold."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

NAMES = ("rclpy", "imusic", "launch_ros", "ros2launch")
LAUNCHED = shutil.which("ros2") is not None and all(importlib.util.find_spec(name) for name in NAMES)
pytestmark = [pytest.mark.ros, pytest.mark.skipif(not LAUNCHED, reason="needs `ros2 launch`: source a distribution")]

LIMIT_S = 180.0
STARTED = re.compile(r"\[([a-z_]+)-\d+\]: process started with pid \[(\d+)\]")


class Launch:
    """A launch as people start it in a terminal: Ctrl-C goes to the launch and all that it started."""

    def __init__(self, *arguments: str) -> None:
        self._launch = subprocess.Popen(
            ["ros2", "launch", "imusic", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            cwd="/",
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._launch.stdout is not None
        self.lines.extend(iter(self._launch.stdout.readline, ""))  # extends line by line

    def started(self, name: str) -> list[int]:
        """Process identifiers of all that were started under a name, in order."""
        return [int(pid) for found, pid in STARTED.findall("".join(self.lines)) if found == name]

    def says(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        end_s = time.monotonic() + LIMIT_S
        while not condition():
            late = time.monotonic() > end_s or self._launch.poll() is not None
            assert not late, f"no {what}:\n{''.join(self.lines)}"
            time.sleep(0.05)

    def interrupt(self) -> None:
        os.killpg(self._launch.pid, signal.SIGINT)
        self._launch.wait(LIMIT_S)
        self._reader.join(LIMIT_S)

    def close(self) -> None:
        if self._launch.poll() is None:
            os.killpg(self._launch.pid, signal.SIGKILL)
            self._launch.wait(LIMIT_S)


@pytest.fixture
def launched() -> Iterator[Callable[..., Launch]]:
    made: list[Launch] = []

    def launch(*arguments: str) -> Launch:
        made.append(Launch(*arguments, f"namespace:=launch_{os.getpid()}"))
        return made[-1]

    yield launch
    for each in made:
        each.close()


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_companions_share_a_process_come_back_and_end_with_the_launch(launched: Callable[..., Launch]) -> None:
    launch = launched(
        "capture.launch.py", "hub:=imu_topics", "topics:=/nobody/{sensor}", "affect:=true", "robot:=demo_head",
        "stream:=vmc://127.0.0.1:39555", "fusion:=true", "reference:=vmc", "page_port:=0",
    )  # fmt: skip
    launch.wait_for(lambda: launch.says("face_streams]: vmc://127.0.0.1:39555"), "stream")
    launch.wait_for(lambda: launch.says("/nobody/skull"), "driver that waits for these topics")
    assert not launch.started("face_affect")
    (first,) = launch.started("companions")
    os.kill(first, signal.SIGKILL)
    launch.wait_for(lambda: len(launch.started("companions")) == 2, "second process of the companions")
    launch.interrupt()
    assert len(launch.started("companions")) == 2, "started once more while the launch ended"
    names = ("imu_driver", "face_inference", "face_viz", "recorder", "companions")
    assert not [pid for name in names for pid in launch.started(name) if is_there(pid)]


def test_a_companion_alone_is_a_node_like_others(launched: Callable[..., Launch]) -> None:
    launch = launched("inference.launch.py", "wearers:=alice,bob", "hri:=true")
    launch.wait_for(lambda: launch.started("face_hri"), "process of face_hri")
    assert not launch.started("companions")
    launch.interrupt()
    assert not [pid for pid in launch.started("face_hri") + launch.started("face_inference") if is_there(pid)]
