"""Launch descriptions, with stand-ins for `launch`, which the wheels do not hold."""

from __future__ import annotations

import importlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from imusic_ros.graph import GraphError, load_graph


class Recorded:
    """Any class of `launch`: keeps what it was made of; a configuration is looked up in the context, a dictionary."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs

    def perform(self, context: dict[str, str]) -> str:
        name = self.args[0]
        return context[name] if self.kwargs.get("default") is None else context.get(name, self.kwargs["default"])


@pytest.fixture
def launching(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    names = {
        "launch": ["LaunchContext", "LaunchDescription"],
        "launch.action": ["Action"],
        "launch.actions": ["DeclareLaunchArgument", "ExecuteProcess", "LogInfo", "OpaqueFunction"],
        "launch.substitutions": ["LaunchConfiguration"],
        "launch_ros": [],
        "launch_ros.actions": ["LifecycleNode"],
    }
    for module, classes in names.items():
        stand_in = ModuleType(module)
        for name in classes:
            setattr(stand_in, name, type(name, (Recorded,), {}))
        monkeypatch.setitem(sys.modules, module, stand_in)
    monkeypatch.delitem(sys.modules, "imusic_ros.launching", raising=False)
    yield importlib.import_module("imusic_ros.launching")
    sys.modules.pop("imusic_ros.launching", None)


def declared(description: Any) -> dict[str, dict[str, str]]:
    return {a.args[0]: a.kwargs for a in description.args[0] if type(a).__name__ == "DeclareLaunchArgument"}


def started(description: Any, **given: str) -> dict[str, Any]:
    start = description.args[0][-1]
    context = {name: kwargs["default_value"] for name, kwargs in declared(description).items()} | given
    actions = start.kwargs["function"](context, *start.kwargs["args"])
    return {a.kwargs["name"]: a for a in actions if "name" in a.kwargs}


def test_arguments_are_declared_with_their_real_default_and_bounds(launching: Any) -> None:
    arguments = declared(launching.graph_description("capture"))
    assert arguments["page_port"]["default_value"] == "8080"
    assert arguments["rate"]["default_value"] == "100"
    assert arguments["rate"]["description"] == "Hub: Samples per second asked of the hub (1 to 1000 Hz)."
    assert declared(launching.graph_description("demo"))["page_port"]["default_value"] == "0"


def test_what_is_left_as_declared_is_left_to_the_files(launching: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imusic_ros.page_port._is_taken", lambda host, port: False)
    nodes = started(launching.graph_description("capture"))
    assert {name: node.kwargs["parameters"][1] for name, node in nodes.items()} == {
        process.name: {"autostart": True} for process in load_graph("capture").started_with({})
    }


def test_what_is_given_reaches_its_nodes_with_its_type(launching: Any) -> None:
    nodes = started(launching.graph_description("capture"), rate="60", namespace="alice", autostart="false")
    assert nodes["imu_driver"].kwargs["parameters"][1] == {"rate_hz": 60, "autostart": False}
    assert nodes["imu_driver"].kwargs["namespace"] == "alice"


def test_a_viewer_that_dies_is_started_again_and_no_other(launching: Any) -> None:
    nodes = started(launching.graph_description("capture"))
    assert {name: node.kwargs["respawn"] for name, node in nodes.items()} == {
        "imu_driver": False,
        "face_inference": False,
        "face_viz": True,
        "recorder": True,
    }
    assert nodes["face_viz"].kwargs["respawn_delay"] > 0


def test_processes_end_with_the_launch_where_util_linux_is_there(
    launching: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    demo = launching.graph_description("demo")
    assert {p.kwargs["prefix"] for p in started(demo).values()} == {"/usr/bin/setpriv --pdeathsig TERM "}
    assert started(demo)["face_viz"].kwargs["exec_name"] == "face_viz"
    # What people ask launch for holds as before.
    asked = {"launch-prefix": "gdb --args", "launch-prefix-filter": "imu_driver"}
    nodes = started(demo, **asked)
    assert nodes["imu_driver"].kwargs["prefix"] == "/usr/bin/setpriv --pdeathsig TERM gdb --args"
    assert nodes["face_viz"].kwargs["prefix"] == "/usr/bin/setpriv --pdeathsig TERM "
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert {p.kwargs["prefix"] for p in started(demo).values()} == {""}


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux")
def test_what_stands_before_a_command_ends_it_with_its_parent(launching: Any) -> None:
    """As launch does it: the words before the command, then the command; the parent is killed and cannot tell."""
    prefix = shlex.split(launching._end_with_parent())
    child = [*prefix, sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]
    parent = f"import subprocess, signal; subprocess.Popen({child!r}); signal.pause()"
    reader, writer = os.pipe()
    with subprocess.Popen([sys.executable, "-c", parent], stdout=writer) as running, os.fdopen(reader) as lines:
        os.close(writer)
        assert lines.readline() == "up\n"
        running.kill()
        assert lines.read() == ""  # the child's end was the last that was open


def test_two_launched_demos_have_a_line_each_and_a_namespace_must_be_one(launching: Any) -> None:
    nodes = started(launching.graph_description("demo"))
    line = nodes["imu_driver"].kwargs["parameters"][1]["port"]
    assert str(os.getpid()) in line
    assert line in nodes["imu_sim"].kwargs["cmd"]
    with pytest.raises(GraphError, match="namespace"):
        started(launching.graph_description("demo"), namespace="a b")
