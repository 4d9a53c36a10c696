"""Policies of SROS 2: each node may do what it does, and nothing else."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from face_model.share import share_dir
from imusic_ros.enclaves import command_line_arguments, enclave_arguments
from imusic_ros.graph import load_graph
from imusic_ros.security_policy import POLICY, Interfaces, compared, main, observed, policy_xml, read_policy

ROOT = Path(__file__).parents[2]
SHIPPED = read_policy(ROOT / POLICY)
PLACE = "policy_check"

STARTED: dict[str, list[str]] = {
    "imu_driver": ["port:=/tmp/no_such_hub"],
    "face_inference": [],
    "face_viz": ["port:=0"],
    "recorder": [],
    "face_fusion": ["enabled:=true"],
    "face_affect": ["enabled:=true"],
    "robot_head": ["robot:=demo_head"],
    "face_streams": ["streams:=vmc://"],
    "face_reference": ["source:=livelink"],
}
"""Nodes that a test can start as they are, with the parameters that they need."""

NOT_STARTED = {
    "player": "needs a recording, and publishes what is in it",
    "face_hri": "needs hri_msgs",
    "imu_sim": "is a node only while somebody follows prompts",
    "imusic": "the verbs of the command line, each for as long as it asks",
}

SOMETIMES: dict[str, set[str]] = {
    "face_inference": {"publish /tf", "subscribe /clock", "reply ~/restore"},  # a named parent frame, a replay
    "face_viz": {  # what a viewer looks at, a replay, sensors' places where tf2_msgs is installed
        "publish /tf_static", "subscribe /clock", "subscribe /diagnostics", "subscribe face/blendshapes",
        "subscribe face/prompt", "subscribe face/reference", "subscribe imu/frame", "subscribe imu/states",
        "subscribe player/status", "subscribe recording/status", "subscribe robot_head/description",
        "subscribe robot_head/joints",
    },
    "recorder": {  # while it records
        *(f"subscribe {name}" for name in SHIPPED["recorder"].subscribe),
        *(f"request {name}" for name in SHIPPED["recorder"].request),
    },
    "robot_head": {"subscribe /clock"},  # a replay
    "face_affect": {"subscribe /clock"},
    "face_fusion": {"subscribe /clock"},
}  # fmt: skip
"""What a policy allows and a node has only when it is asked to."""


def test_every_node_that_a_graph_starts_has_a_policy() -> None:
    graphs = ("demo", "capture", "sensors", "inference", "replay", "reference", "streams")
    nodes = {process.name for graph in graphs for process in load_graph(graph).processes if process.is_node}
    assert nodes <= set(SHIPPED)
    assert set(SHIPPED) == set(STARTED) | set(NOT_STARTED)


def test_nothing_is_allowed_that_matches_everything() -> None:
    for node, interfaces in SHIPPED.items():
        for names in vars(interfaces).values():
            assert all(name.count("*") <= 1 and len(name.strip("/*~")) > 1 for name in names), node
            assert len(set(names)) == len(names)


def test_a_difference_is_seen_both_ways() -> None:
    allowed = Interfaces(publish=("imu/*/data", "imu/frame"), request=("~/x",))
    found = Interfaces(publish=("imu/skull/data", "imu/extra"), subscribe=("imu/frame",))
    difference = compared(allowed, found)
    assert difference.denied == ["publish imu/extra", "subscribe imu/frame"]
    assert difference.unused == ["publish imu/frame", "request ~/x"]
    assert compared(allowed, Interfaces(publish=("imu/a/data", "imu/frame"), request=("~/x",))).denied == []


def test_a_policy_is_written_and_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.xml"
    path.write_text(policy_xml(SHIPPED, "alice"))
    assert read_policy(path) == SHIPPED
    enclaves = {enclave.attrib["path"] for enclave in ET.parse(path).getroot().iter("enclave")}
    assert "/alice/imu_driver" in enclaves
    assert {profile.attrib["ns"] for profile in ET.parse(path).getroot().iter("profile")} == {"/alice"}
    assert policy_xml(SHIPPED) == (ROOT / POLICY).read_text(encoding="utf-8"), "not as the program writes it"
    assert main(["--namespace", "alice"]) == 0
    assert capsys.readouterr().out == path.read_text()
    assert (share_dir() / POLICY).is_file()


def test_enclaves_are_named_where_security_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    (driver,) = [process for process in load_graph("capture").processes if process.name == "imu_driver"]
    monkeypatch.delenv("ROS_SECURITY_ENABLE", raising=False)
    assert "--enclave" not in driver.command("alice")
    assert command_line_arguments() is None
    on = {"ROS_SECURITY_ENABLE": "true"}
    assert enclave_arguments("imu_driver", "/alice/", on) == ["--enclave", "/alice/imu_driver"]
    assert enclave_arguments("imu_driver", "", on) == ["--enclave", "/imu_driver"]
    monkeypatch.setenv("ROS_SECURITY_ENABLE", "true")
    command = driver.command("alice")
    assert command[command.index("--ros-args") :].count("--enclave") == 1
    assert command_line_arguments("") == ["--ros-args", "--enclave", "/imusic"]


@contextmanager
def started(node: str, parameters: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    from imusic_ros.graph import executable_path

    command = [
        str(executable_path(node)), "--ros-args", "--params-file", str(share_dir() / "config" / f"{node}.yaml"),
        "-r", f"__node:={node}", "-r", f"__ns:=/{PLACE}", "-p", "autostart:=true",
    ]  # fmt: skip
    for parameter in parameters:
        command += ["-p", parameter]
    with (folder / f"{node}.log").open("wb") as log:
        child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield child
        finally:
            child.send_signal(signal.SIGINT)
            child.wait(timeout=120)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """All nodes that can be started, and a node that looks at them."""
    rclpy = pytest.importorskip("rclpy")
    folder = tmp_path_factory.mktemp("nodes")
    context = rclpy.Context()
    rclpy.init(context=context)
    observer = rclpy.create_node("observer", context=context, enable_rosout=False)
    try:
        with ExitStack() as nodes:
            for node, parameters in STARTED.items():
                nodes.enter_context(started(node, parameters, folder))
            yield observer
    finally:
        observer.destroy_node()
        rclpy.shutdown(context=context)


@pytest.mark.parametrize("node", STARTED)
def test_a_node_is_what_its_policy_allows(running: object, node: str) -> None:
    """A topic, service or action more than in config/security/policy.xml, or one less, is told by its name."""
    from rclpy._rclpy_pybind11 import NodeNameNonExistentError

    allowed, sometimes = SHIPPED[node], SOMETIMES.get(node, set())
    end_s = time.monotonic() + 120.0
    while True:
        try:
            difference = compared(allowed, observed(running, node, PLACE))
            unused = [name for name in difference.unused if name not in sometimes]
        except NodeNameNonExistentError:
            unused = ["the node has not started"]
        if not unused:
            break
        assert time.monotonic() < end_s, f"{POLICY} allows {node} what it does not have: {unused}"
        time.sleep(0.2)
    # All that it has at rest is there: what else it may have come up with is there, too.
    assert difference.denied == [], f"{node} has what {POLICY} does not allow: {difference.denied}; add it there"


def test_a_node_does_not_run_without_security_where_it_is_enforced(tmp_path: Path) -> None:
    """No keystore, or a middleware that was built without DDS Security: it ends, and never runs open."""
    from imusic_ros.graph import executable_path

    environment = {
        **os.environ,
        "ROS_SECURITY_ENABLE": "true",
        "ROS_SECURITY_STRATEGY": "Enforce",
        "ROS_SECURITY_KEYSTORE": str(tmp_path),
    }
    done = subprocess.run(
        [str(executable_path("imu_driver")), "--ros-args", *enclave_arguments("imu_driver", "", environment)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "security" in done.stderr.lower()


def test_permissions_made_by_sros2(tmp_path: Path) -> None:
    """The tools of ROS 2 make permissions from our policy; runs where they are installed."""
    if importlib.util.find_spec("sros2") is None:
        pytest.skip("no sros2 here: its tools come with a ROS 2 distribution (ros-$ROS_DISTRO-sros2)")
    keystore = tmp_path / "keystore"
    ros2 = [sys.executable, "-c", "import sys; from ros2cli.cli import main; sys.exit(main())", "security"]
    subprocess.run([*ros2, "create_keystore", str(keystore)], check=True)
    subprocess.run([*ros2, "generate_artifacts", "-k", str(keystore), "-p", str(ROOT / POLICY)], check=True)
    for node in SHIPPED:
        text = (keystore / "enclaves" / node / "permissions.xml").read_text(encoding="utf-8")
        assert "<default>DENY</default>" in text
