"""The examples as processes: what people copy from must run."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
LIMIT_S = 120.0
"""Until something must have happened; on a busy machine a simulated hub takes long to start."""


class Running:
    """An example that runs, and what it printed."""

    def __init__(self, name: str, *arguments: str) -> None:
        paths = [str(ROOT / "src"), str(ROOT / "lab"), os.environ.get("PYTHONPATH", "")]
        self._child = subprocess.Popen(
            [sys.executable, str(EXAMPLES / name), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            # A shell's background job ignores Ctrl-C, and its children with it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self.lines: list[str] = []
        self._fresh: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, text: str, meanwhile: Callable[[], None] = lambda: None) -> str:
        """The first line from now on that contains the text; `meanwhile` is called again and again."""
        end_s = time.monotonic() + LIMIT_S
        while time.monotonic() < end_s:
            meanwhile()
            try:
                line = self._fresh.get(timeout=0.1)
            except queue.Empty:
                continue
            if line is None:
                break
            if text in line:
                return line
        pytest.fail(f"expected a line with {text!r}, found:\n" + "\n".join(self.lines[-30:]))

    def finished(self) -> list[str]:
        """All lines, once it has ended without an error."""
        assert self._child.wait(LIMIT_S) == 0, "\n".join(self.lines[-30:])
        self._reader.join(LIMIT_S)
        return self.lines

    def interrupt(self) -> list[str]:
        """All lines, once Ctrl-C has ended it."""
        self._child.send_signal(signal.SIGINT)
        return self.finished()

    def end(self) -> None:
        """End it if it runs."""
        self._child.terminate()
        self._child.wait(LIMIT_S)
        self._reader.join(LIMIT_S)

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self.lines.append(line.rstrip())
            self._fresh.put(line.rstrip())
        self._fresh.put(None)


@pytest.fixture
def run() -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(name: str, *arguments: str) -> Running:
        started.append(Running(name, *arguments))
        return started[-1]

    yield start
    for running in started:
        running.end()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 55


def test_ten_lines_lead_from_the_port_to_weights(run: Callable[..., Running]) -> None:
    code = (EXAMPLES / "port_to_weights.py").read_text(encoding="utf-8").rpartition('"""')[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    example = run("port_to_weights.py", "simulated")
    example.wait_for("CALIBRATING")
    assert "confidence" in example.wait_for("TRACKING")
    assert not [line for line in example.interrupt() if "Traceback" in line or "KeyboardInterrupt" in line]


def test_an_engine_of_ones_own_counts_its_steps(run: Callable[..., Running], hub_file: Path) -> None:
    lines = run("own_engine.py", f"recorded:{hub_file}").finished()
    assert "counted ONNX Runtime" in lines[-2]
    assert lines[-2].endswith("TRACKING")
    assert int(lines[-1].partition(" steps")[0]) > 100


def test_a_model_is_scored_and_beats_a_face_that_never_moves(run: Callable[..., Running]) -> None:
    lines = run("score_model.py", "imusic", "1").finished()
    error, rest = (float(part.rpartition(" ")[2]) for part in lines[0].split(", of"))
    assert error < rest
    assert lines[-1].startswith("imusic: error")


class Talker:
    """Publishes faces whose smile a test decides, and hears what a robot is commanded."""

    def __init__(self, namespace: str) -> None:
        rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
        messages = pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.qos import qos_profile_sensor_data
        from std_msgs.msg import Float64

        self.kind = messages.FaceBlendshapes
        self._rclpy = rclpy
        rclpy.init()
        self.node = rclpy.create_node("talker", namespace=namespace)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._faces = self.node.create_publisher(self.kind, "face/blendshapes", qos_profile_sensor_data)
        self.commands: list[float] = []
        self.node.create_subscription(
            Float64, "smile_joint/command", lambda heard: self.commands.append(heard.data), 10
        )

    def say(self, smile: float, confidence: float = 0.9, state: int = 1) -> None:
        """One face."""
        face = self.kind(state=state)
        for index in (self.kind.MOUTH_SMILE_LEFT, self.kind.MOUTH_SMILE_RIGHT):
            face.weights[index], face.confidence[index] = smile, confidence
        self._faces.publish(face)
        self._executor.spin_once(timeout_sec=0.02)

    def say_until(self, done: Callable[[], bool], **face: Any) -> None:
        """The same face, until something has happened."""
        end_s = time.monotonic() + LIMIT_S
        while not done():
            assert time.monotonic() < end_s, self.commands[-5:]
            self.say(**face)

    def close(self) -> None:
        """Leave ROS."""
        self._executor.shutdown()
        self.node.destroy_node()
        self._rclpy.try_shutdown()


@pytest.fixture
def talker() -> Iterator[Talker]:
    talker = Talker(f"examples_{os.getpid()}")
    yield talker
    talker.close()


@pytest.mark.ros
def test_a_subscriber_prints_what_a_node_publishes(run: Callable[..., Running], talker: Talker) -> None:
    example = run("subscriber.py", "--ros-args", "-r", f"__ns:={talker.node.get_namespace()}")
    line = example.wait_for("tracking", lambda: talker.say(0.75))
    assert line == "tracking: smile 0.75 (confidence 0.90), jaw 0.00 (confidence 0.00)"
    example.wait_for("stale", lambda: talker.say(0.75, state=3))
    assert "Traceback" not in "".join(example.interrupt())


@pytest.mark.ros
def test_a_robot_mirrors_a_smile_that_it_is_sure_of(run: Callable[..., Running], talker: Talker) -> None:
    example = run("mirror_smile.py", "--ros-args", "-r", f"__ns:={talker.node.get_namespace()}")
    heard = talker.commands
    talker.say_until(lambda: bool(heard), smile=0.2)
    assert set(heard) == {0.0}  # below the threshold at which a smile begins
    talker.say_until(lambda: heard[-1] > 0.0, smile=0.8)
    assert heard[-1] == pytest.approx(0.48)
    talker.say_until(lambda: heard[-1] < 0.48, smile=0.2)
    assert heard[-1] == pytest.approx(0.12)  # above the one at which it ends
    talker.say_until(lambda: heard[-1] == 0.0, smile=0.1)
    talker.say_until(lambda: heard[-1] > 0.0, smile=0.5)
    talker.say(smile=1.0, confidence=0.1)
    talker.say_until(lambda: heard[-1] == 0.0, smile=0.5, confidence=0.0, state=3)  # nobody is there any more
    assert max(heard) == pytest.approx(0.48)
    assert not example.interrupt()
