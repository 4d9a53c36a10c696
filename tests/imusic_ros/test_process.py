"""What a node is started with: in a process of its own, as people start it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imusic_bench.processes import busy_core

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

pytestmark = pytest.mark.ros
START = """
import sys

from face_inference.node import FaceInferenceNode
from imusic_ros.process import run

sys.exit(run(FaceInferenceNode))
"""


@pytest.mark.parametrize(
    "text",
    [
        "/**:\n  ros__parameters:\n    wearers: []\n",
        "/**:\n  ros__parameters: [\n",
        "/**:\n  ros__parameters:\n    fade_s: soon\n",
    ],
    ids=["empty list", "no yaml", "another type"],
)
def test_a_file_of_parameters_that_cannot_be_used_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", START, "--ros-args", "--params-file", str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("not started: ")]
    assert len(line) > len("not started: ") + 10


ENDED_AT = ("_rclpy_pybind11", "rmw_fastrtps", "node")
"""How far a program is when the signal comes: a library that it has loaded, or its node spins."""
UP = """
import sys

from imusic_ros.program import prepare

prepare()
from imu_driver.node import ImuDriverNode
from imusic_ros.process import run

def node():
    made = ImuDriverNode()
    made.create_timer(0.01, lambda: print("node", flush=True))
    return made

sys.exit(run(node))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", ENDED_AT)
def test_a_signal_ends_it_with_status_0_and_no_traceback_on_a_busy_machine(when: str, number: signal.Signals) -> None:
    command = [sys.executable, "-c", UP, "--ros-args", "-p", "port:=/dev/no_such_port", "-p", "autostart:=true"]
    with (
        busy_core(),
        busy_core(),
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child,
    ):
        try:
            if when == "node":
                assert child.stdout is not None
                assert child.stdout.readline() == "node\n"
            else:
                wait_for_library(child, when)
            child.send_signal(number)
            # Pressed twice, as people do, and as launch does.
            child.send_signal(number)
            _, said = child.communicate(timeout=120)
        finally:
            child.kill()
    assert child.returncode == 0, said
    assert "Traceback" not in said


def wait_for_library(child: subprocess.Popen[str], name: str) -> None:
    """Until it is in the memory of the process."""
    end_s = time.monotonic() + 120.0
    while name not in Path(f"/proc/{child.pid}/maps").read_text():
        assert time.monotonic() < end_s, f"{name} was never loaded"
        assert child.poll() is None
