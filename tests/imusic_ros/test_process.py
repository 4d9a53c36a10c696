"""What a node is started with: in a process of its own, as people start it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
