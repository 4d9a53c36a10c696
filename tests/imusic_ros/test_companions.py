"""Several nodes in one process: what its command line means, and that each is what it is by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imusic_ros.companions import split
from imusic_ros.graph import Companions, gathered, load_graph

SOURCES = Path(__file__).parents[2] / "src"
START = f"import sys; sys.path.insert(0, {str(SOURCES)!r}); from imusic_ros.companions import main; sys.exit(main())"


def test_each_node_has_its_own_arguments() -> None:
    words = [
        "--node",
        "a.node:A",
        "--ros-args",
        "-p",
        "x:=1",
        "--node",
        "b.node:B",
        "--ros-args",
        "-p",
        "x:=2",
        "-r",
        "__ns:=/alice",
    ]
    assert split(words) == [
        ("a.node:A", ["--ros-args", "-p", "x:=1"]),
        ("b.node:B", ["--ros-args", "-p", "x:=2", "-r", "__ns:=/alice"]),
    ]


@pytest.mark.parametrize("line", ["", "a.node:A", "--node", "--node a.node", "--node :A", "--node --node a.node:A"])
def test_another_command_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="MODULE:CLASS"):
        split(line.split())
    done = subprocess.run(
        [sys.executable, "-c", START, *line.split()], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("companions: expected")


def test_those_that_may_share_a_process_do() -> None:
    values = {"affect": "true", "fusion": "true", "stream": "vmc://"}
    processes = load_graph("demo").started_with(values)
    *others, companions = gathered(processes)
    assert isinstance(companions, Companions)
    assert companions.nodes == {"face_affect", "face_fusion", "face_streams"}
    assert not companions.essential
    assert {p.name for p in others} == {"imu_sim", "imu_driver", "face_inference", "face_viz", "recorder"}
    program, *words = companions.command("alice", autostart=False)
    assert Path(program).name == "companions"
    nodes = dict(split(words))
    assert set(nodes) == {
        "face_affect.node:FaceAffectNode",
        "face_fusion.node:FaceFusionNode",
        "face_streams.node:FaceStreamsNode",
    }
    assert 'streams:="vmc://"' in nodes["face_streams.node:FaceStreamsNode"]
    for arguments in nodes.values():
        assert "autostart:=false" in arguments
        assert "__ns:=/alice" in arguments


def test_one_alone_is_its_own_program() -> None:
    processes = load_graph("capture").started_with({"affect": "true"})
    assert gathered(processes) == processes


def test_each_has_its_own_process_where_each_has_its_own_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = load_graph("capture").started_with({"affect": "true", "fusion": "true"})
    assert len(gathered(processes)) == len(processes) - 1
    monkeypatch.setenv("ROS_SECURITY_ENABLE", "true")
    assert gathered(processes) == processes


@pytest.mark.ros
def test_nodes_live_together_and_one_that_is_refused_is_left_out() -> None:
    pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
    pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
    command = [sys.executable, "-c", START]
    for node, rate in (("affect", 30.0), ("other", 1e9)):
        command += ["--node", "face_affect.node:FaceAffectNode", "--ros-args", "-r", f"__node:={node}"]
        command += ["-r", "__ns:=/alice", "-p", f"rate_hz:={rate}", "-p", "autostart:=true"]
    command += ["--node", "no_such_room.node:Node"]
    command += ["--node", "face_streams.node:FaceStreamsNode", "--ros-args", "-p", "autostart:=true"]
    child = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "RCUTILS_COLORIZED_OUTPUT": "0"}
    )
    assert child.stderr is not None
    said = []
    for line in child.stderr:
        said.append(line)
        if "not configured" in line:  # the last that begins: it has no streams
            break
    child.send_signal(signal.SIGINT)
    rest = child.communicate(timeout=120)[1]
    text = "".join(said) + rest
    assert child.returncode == 0, text
    assert text.count("not started: ") == 2
    assert "no_such_room" in text
    assert "rate_hz" in text
    assert "[face_streams]: not configured" in text
    assert "Traceback" not in text


def test_where_none_can_be_made_the_process_ends() -> None:
    pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
    pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
    command = [sys.executable, "-c", START, "--node", "face_affect.node:FaceAffectNode"]
    command += ["--ros-args", "-p", "rate_hz:=1e9"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("not started: ")
