"""Launch descriptions, with stand-ins for `launch`, which the wheels do not hold."""

from __future__ import annotations

import importlib
import os
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from face_model.errors import ImusicError
from face_model.share import share_dir
from face_viz.errors import VizError
from imusic_ros.graph import GraphError, load_graph
from made_up_bags import write_bag
from made_up_takes import made_up


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
        "launch.actions": ["DeclareLaunchArgument", "ExecuteProcess", "LogInfo", "OpaqueFunction", "Shutdown"],
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


def test_a_node_that_dies_is_started_again_but_in_a_replay(launching: Any) -> None:
    nodes = started(launching.graph_description("capture"))
    assert {name: node.kwargs["respawn"] for name, node in nodes.items()} == {
        "imu_driver": True,
        "face_inference": True,
        "face_viz": True,
        "recorder": True,
    }
    assert nodes["face_viz"].kwargs["respawn_delay"] > 0
    replayed = started(launching.graph_description("replay"), file="last")
    assert not replayed["face_inference"].kwargs["respawn"]


def test_companions_share_a_process_that_is_started_again(launching: Any) -> None:
    nodes = started(launching.graph_description("capture"), affect="true", stream="vmc://", autostart="false")
    assert not {"face_affect", "face_streams"} & set(nodes)
    companions = nodes["companions"]
    assert type(companions).__name__ == "ExecuteProcess"
    assert companions.kwargs["respawn"]
    assert companions.kwargs["cmd"].count("autostart:=false") == 2
    alone = started(launching.graph_description("capture"), affect="true")
    assert type(alone["face_affect"]).__name__ == "LifecycleNode"


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
    # One launch may include two, as examples/two_wearers.launch.py does.
    assert started(launching.graph_description("demo"))["imu_driver"].kwargs["parameters"][1]["port"] != line
    with pytest.raises(GraphError, match="namespace"):
        started(launching.graph_description("demo"), namespace="a b")


def test_a_launch_ends_with_the_process_that_it_is_for_and_only_once(launching: Any) -> None:
    actions = started(launching.graph_description("replay", ends_with="player"))
    asked = actions.pop("player").kwargs["on_exit"]
    assert {p.kwargs["on_exit"] for p in actions.values()} == {None}
    assert type(asked(None, SimpleNamespace(is_shutdown=False))).__name__ == "Shutdown"
    assert asked(None, SimpleNamespace(is_shutdown=True)) is None  # launch_ros raises at a second one


def described(name: str) -> Any:
    return runpy.run_path(str(share_dir() / "launch" / f"{name}.launch.py"))["generate_launch_description"]()


def found(description: Any, **given: str) -> Any:
    """The context after the recording was looked for, which is done before anything is started."""
    find = next(a for a in description.args[0] if type(a).__name__ == "OpaqueFunction").kwargs["function"]
    values = {name: kwargs["default_value"] for name, kwargs in declared(description).items()} | given
    context = Context(values)
    find(context)
    return context


class Context(dict[str, str]):
    """A launch context as `Recorded` and the launch file see it."""

    @property
    def launch_configurations(self) -> dict[str, str]:
        return self


def test_a_launched_replay_takes_a_takes_name_and_refuses_before_anything_starts(
    launching: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMUSIC_TAKES", str(tmp_path))
    take = tmp_path / "2026-01-01_10-00-00_smile"
    write_bag(take, {"": made_up()})
    description = described("replay")
    for name in ("smile", "last", str(take)):
        assert found(description, file=name)["file"] == str(take)
    for given, what in (
        ({"file": ""}, "expected a recording"),
        ({"file": "nothing"}, "expected a take named nothing"),
        ({"file": "last", "start": "500.0"}, "start: expected a place in"),
        ({"file": "last", "level": "weights", "check": "true"}, "check: expected faces that are computed again"),
        ({"file": "last", "recorded": "nobody"}, "expected one namespace"),
    ):
        with pytest.raises(ImusicError, match=what):
            found(description, **given)
    assert found(description, file="", autostart="false")["file"] == ""


def test_a_launched_rviz_has_a_view_of_the_namespace_which_goes_with_it(
    launching: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = described("rviz")
    context = Context({name: kwargs["default_value"] for name, kwargs in declared(description).items()})
    show = description.args[0][-1].kwargs["function"]
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(VizError, match="expected the program rviz2, found none"):
        show(context)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(GraphError, match="namespace"):
        show(context | {"namespace": "a b"})
    (rviz,) = show(context | {"namespace": "alice"})
    file = Path(rviz.kwargs["cmd"][2])
    assert "/alice/face/" in file.read_text(encoding="utf-8")
    rviz.kwargs["on_exit"](None, None)
    assert not file.parent.exists()
