"""What runs, and with which values."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from face_model.share import share_dir
from imu_sim.hub.process import main as simulator
from imusic_ros.graph import GraphError, checked_namespace, load_graph, own_line

GRAPHS = ("demo", "capture", "sensors", "inference", "replay", "reference", "streams", "headless")


@pytest.mark.parametrize("name", GRAPHS)
def test_every_process_has_its_file_and_every_override_is_a_key_of_it(name: str) -> None:
    for process in load_graph(name).processes:
        assert process.file.is_file()
        content = yaml.safe_load(process.file.read_text())
        keys = content[f"/**/{process.name}"]["ros__parameters"] if process.is_node else content
        assert set(process.overrides) - {"use_sim_time"} <= set(keys)


@pytest.mark.parametrize("name", GRAPHS)
def test_every_argument_sets_a_key_that_exists(name: str) -> None:
    graph = load_graph(name)
    files = {p.name: yaml.safe_load(p.file.read_text()) for p in graph.processes}
    nodes = {p.name for p in graph.processes if p.is_node}
    for argument in graph.arguments:
        for process, key in argument.sets:
            if process in files and key != "use_sim_time":  # which every node has by itself
                content = files[process]
                assert key in (content[f"/**/{process}"]["ros__parameters"] if process in nodes else content)


def test_an_argument_reaches_the_processes_it_concerns_with_its_type() -> None:
    started = {p.name: p for p in load_graph("demo").started_with({"port": "/dev/x", "baud": "115200", "model": ""})}
    assert started["imu_driver"].overrides["port"] == "/dev/x"
    assert started["imu_driver"].overrides["baud"] == 115200
    assert started["imu_sim"].overrides["link"] == "/dev/x"
    assert "model" not in started["face_inference"].overrides


def test_streams_are_started_only_where_some_are_asked_for() -> None:
    graph = load_graph("capture")
    assert "face_streams" not in {p.name for p in graph.started_with({})}
    (streams,) = (p for p in graph.started_with({"stream": "vmc:// ws://"}) if p.name == "face_streams")
    assert streams.overrides == {"streams": "vmc:// ws://"}
    assert not streams.essential


def test_what_a_face_shows_is_read_only_where_that_is_asked_for() -> None:
    for name in ("demo", "capture", "sensors", "replay"):
        graph = load_graph(name)
        assert "face_affect" not in {p.name for p in graph.started_with({})}
        assert "face_affect" not in {p.name for p in graph.started_with({"affect": "false"})}
        assert "face_affect" in {p.name for p in graph.started_with({"affect": "true"})}


def test_a_reference_is_started_only_where_one_is_asked_for() -> None:
    graph = load_graph("capture")
    assert "face_reference" not in {p.name for p in graph.started_with({})}
    assert "face_reference" not in {p.name for p in graph.started_with({"reference": "none"})}
    (phone,) = (p for p in graph.started_with({"reference": "livelink"}) if p.name == "face_reference")
    assert not phone.essential
    assert phone.overrides["source"] == "livelink"
    with pytest.raises(GraphError, match="webcam"):
        graph.started_with({"reference": "camera"})


def test_faces_are_fused_only_where_that_is_asked_for() -> None:
    graph = load_graph("demo")
    assert "face_fusion" not in {p.name for p in graph.started_with({})}
    assert "face_fusion" not in {p.name for p in graph.started_with({"fusion": "false"})}
    (fusion,) = (p for p in graph.started_with({"fusion": "true"}) if p.name == "face_fusion")
    assert fusion.overrides["enabled"] is True
    assert not fusion.essential


def test_a_simulated_phone_has_a_line_of_its_own() -> None:
    graph = load_graph("demo")
    values = own_line(graph, {"reference": "simulated"})
    started = {p.name: p for p in graph.started_with(values)}
    assert started["imu_sim"].overrides["phone"] == started["face_reference"].overrides["listen"]
    assert str(started["imu_sim"].overrides["phone"]).startswith("127.0.0.1:")
    assert "phone" not in own_line(graph, {"reference": "livelink"})


def test_several_people_are_one_list_of_names() -> None:
    (faces,) = load_graph("inference").started_with({"wearers": "alice, bob"})
    assert faces.overrides["wearers"] == ["alice", "bob"]
    assert 'wearers:=["alice", "bob"]' in faces.command()
    together = [p.name for name in ("sensors", "inference") for p in load_graph(name).processes]
    assert sorted(together) == sorted(p.name for p in load_graph("capture").processes)


def test_an_argument_has_help_bounds_and_the_default_that_holds_in_this_graph() -> None:
    demo, capture = ({a.name: a for a in load_graph(name).arguments} for name in ("demo", "capture"))
    assert (demo["page_port"].spec.default, capture["page_port"].spec.default) == (0, 8080)
    assert (demo["port"].spec.default, capture["port"].spec.default) == ("/tmp/imusic_hub", "/dev/ttyUSB0")
    assert capture["rate"].spec.help == "Samples per second asked of the hub (1 to 1000 Hz)."
    usual = {
        "Hub",
        "Estimator",
        "Viewer",
        "Reference",
        "Fusion",
        "Streams",
        "Recorder",
        "Robot",
        "Affect",
        "ROS4HRI",
        "All nodes",
    }
    assert {argument.group for argument in capture.values()} == usual
    assert {argument.group for argument in demo.values()} - usual == {"Simulated hub"}
    assert all(a.spec.description for name in GRAPHS for a in load_graph(name).arguments)


def test_a_default_is_what_the_installed_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = tmp_path / "share" / "imusic"
    shutil.copytree(share_dir() / "config", share / "config")
    (share / "package.xml").touch()
    file = share / "config" / "imu_driver.yaml"
    file.write_text(file.read_text().replace("rate_hz: 100", "rate_hz: 60"))
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    (rate,) = (a for a in load_graph("capture").arguments if a.name == "rate")
    assert rate.spec.default == 60
    file.write_text("a: [")
    with pytest.raises(GraphError, match=r"imu_driver\.yaml: expected YAML"):
        load_graph("capture")


def test_node_commands_keep_types_and_name_the_namespace() -> None:
    (driver,) = (p for p in load_graph("capture").started_with({"port": "123"}) if p.name == "imu_driver")
    command = driver.command("alice")
    assert f"port:={json.dumps('123')}" in command
    assert "autostart:=true" in command
    assert "__ns:=/alice" in command


def test_a_process_that_is_no_node_gets_flags() -> None:
    (simulator,) = (p for p in load_graph("demo").started_with({"port": "/tmp/x"}) if p.name == "imu_sim")
    command = simulator.command("alice")
    assert "--ros-args" not in command
    assert command[command.index("--link") + 1] == "/tmp/x"


def test_the_simulator_knows_every_flag_that_an_argument_becomes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        simulator(["--help"])
    shown = capsys.readouterr().out
    keys = {key for argument in load_graph("demo").arguments for process, key in argument.sets if process == "imu_sim"}
    assert {key for key in keys if f"--{key.replace('_', '-')} " not in shown} == set()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"prot": "x"}, "prot"),
        ({"baud": "fast"}, "baud: expected a whole number, found 'fast'"),
        ({"rate": "5000"}, "rate: expected 1 to 1000 Hz, found 5000"),
        ({"engine": "magic"}, "engine: expected one of auto, onnxruntime, .* found 'magic'"),
        ({"wearers": "alice"}, "found wearers"),
    ],
)
def test_wrong_arguments_are_refused_with_what_was_found(values: dict[str, str], expected: str) -> None:
    with pytest.raises(GraphError, match=expected):
        load_graph("demo").started_with(values)


def test_an_unknown_graph_names_the_known_ones() -> None:
    with pytest.raises(GraphError, match="demo"):
        load_graph("dance")


def test_the_time_of_all_nodes_is_one_argument() -> None:
    started = {p.name: p for p in load_graph("demo").started_with({"use_sim_time": "true"})}
    told = {name for name, p in started.items() if p.overrides.get("use_sim_time") is True}
    assert told == {name for name, p in started.items() if p.is_node}
    assert "use_sim_time:=true" in started["imu_driver"].command()
    (replay,) = (a for a in load_graph("replay").arguments if a.name == "use_sim_time")
    assert replay.spec.default is True


def test_every_launch_file_is_installed_and_starts_a_known_graph() -> None:
    views = {"rviz.launch.py", "robot_head.launch.py"}  # which start no graph
    files = sorted(f for f in (share_dir() / "launch").glob("*.launch.py") if f.name not in views)
    assert [f.name.partition(".")[0] for f in files] == ["capture", "demo", "inference", "replay", "sensors"]
    for file in files:
        graph = Path(file).name.partition(".")[0]
        assert f'"{graph}"' in file.read_text()
        load_graph(graph)


def test_a_demo_has_a_line_of_its_own_unless_one_is_given() -> None:
    demo, capture = load_graph("demo"), load_graph("capture")
    line = own_line(demo, {})["port"]
    assert str(os.getpid()) in str(line)
    assert own_line(demo, {"port": "/tmp/x"}) == {"port": "/tmp/x"}
    assert own_line(demo, {"udp": "127.0.0.1:5055"}) == {"udp": "127.0.0.1:5055"}
    assert own_line(capture, {}) == {}


@pytest.mark.parametrize("namespace", ["", "/", "alice", "/alice", "lab/alice_2", "alice/"])
def test_namespaces_that_ros_takes_pass(namespace: str) -> None:
    assert checked_namespace(namespace) == namespace


def test_what_holds_of_a_process_is_its_override_or_its_file() -> None:
    (page,) = (process for process in load_graph("demo").processes if process.name == "face_viz")
    assert (page.setting("port"), page.setting("host"), page.setting("none")) == (0, "127.0.0.1", None)


def test_a_robot_is_started_only_where_one_is_named() -> None:
    for name in ("demo", "capture", "sensors", "replay", "replay_weights"):
        graph = load_graph(name)
        assert "robot_head" not in {p.name for p in graph.started_with({})}
        (robot,) = (p for p in graph.started_with({"robot": "demo_head"}) if p.name == "robot_head")
        assert not robot.essential
        assert robot.overrides["robot"] == "demo_head"
