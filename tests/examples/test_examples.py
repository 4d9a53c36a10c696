"""The examples as processes: what people copy from must run."""

from __future__ import annotations

import json
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


def test_a_notebook_analyses_a_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from face_recording.takes.npz_file import write_npz
    from made_up_takes import made_up

    write_npz(made_up(1000, name="made up"), tmp_path / "take.npz")
    monkeypatch.setenv("TAKE", str(tmp_path / "take.npz"))
    notebook = json.loads((EXAMPLES / "analyse_take.ipynb").read_text(encoding="utf-8"))
    assert all(not cell.get("outputs") for cell in notebook["cells"])  # nobody's face lies in it
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    said = capsys.readouterr().out
    assert "made up: 1000 faces in 10.0 s, 100 % of them tracked" in said
    assert "blinks" in said
    assert len(names["smiles"]) > 0
    matplotlib.pyplot.close("all")


def test_a_client_without_ros_prints_what_a_web_socket_says(run: Callable[..., Running]) -> None:
    """As docs/streams.md says what is sent."""
    web = pytest.importorskip("aiohttp.web")
    import asyncio

    loop = asyncio.new_event_loop()
    address: queue.Queue[int] = queue.Queue()

    async def answer(request: Any) -> Any:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "format": 1, "names": ["jawOpen"]})
        face = {"type": "face", "format": 1, "state": "tracking", "weights": {"mouthSmileLeft": 0.5, "jawOpen": 0.25}}
        await socket.send_json(face)
        await socket.close()
        return socket

    async def serve() -> None:
        app = web.Application()
        app.router.add_get("/", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address.put(runner.addresses[0][1])

    serving = asyncio.run_coroutine_threadsafe(serve(), loop)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        lines = run("web_client.py", f"ws://127.0.0.1:{address.get(timeout=LIMIT_S)}/").finished()
        assert serving.done()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(LIMIT_S)
    assert lines == ["tracking: smile 0.50, jaw 0.25"]


@pytest.mark.ros
def test_two_wearers_on_two_domains_are_heard_by_one_program(run: Callable[..., Running]) -> None:
    rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
    kind = pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`").FaceBlendshapes
    from rclpy.qos import qos_profile_sensor_data

    own = int(os.environ.get("ROS_DOMAIN_ID") or 0)
    domains = {"alice": own, "bob": (own + 1) % 102}
    contexts, publishers = [], []
    for i, (name, domain) in enumerate(domains.items()):
        context = rclpy.Context()
        rclpy.init(context=context, domain_id=domain)
        node = rclpy.create_node("talker", namespace=f"{name}_{os.getpid()}", context=context)
        face = kind(state=kind.STATE_TRACKING)
        face.weights[kind.MOUTH_SMILE_LEFT] = 0.25 * (i + 1)
        publishers.append((node.create_publisher(kind, "face/blendshapes", qos_profile_sensor_data), face))
        contexts.append(context)

    def speak() -> None:
        for publisher, face in publishers:
            publisher.publish(face)

    pid = os.getpid()
    example = run("two_wearers.py", *(f"{domain}:{name}_{pid}" for name, domain in domains.items()))
    example.wait_for(f"alice_{pid} 0.25, bob_{pid} 0.50", speak)
    assert "Traceback" not in "".join(example.interrupt())
    for context in contexts:
        rclpy.shutdown(context=context)
