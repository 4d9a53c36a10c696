"""The wearer through the running graph: prompted by the hub's own clock; cancelling leaves all as it was."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
torch = pytest.importorskip("torch", reason="a model is written, which needs PyTorch")
pytest.importorskip("onnx", reason="a model is written, which needs the package onnx")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from imusic.msg import FaceBlendshapes, WearerPrompt  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402

from face_inference.channels import Channels  # noqa: E402
from face_inference.model_folder import load_model  # noqa: E402
from face_inference.mounts import NominalMounts  # noqa: E402
from face_inference.network_inputs import input_size  # noqa: E402
from face_inference.wearer.prior import Prior  # noqa: E402
from face_inference.wearer.profile import new_profile  # noqa: E402
from face_inference.wearer.profile_folder import ProfileFolder  # noqa: E402
from face_model import arkit, routine  # noqa: E402
from face_model.layout import load_layout  # noqa: E402
from face_training.model_writing import write_model  # noqa: E402
from face_training.networks import NetworkConfig, build_network  # noqa: E402
from imu_sim.families import load_family  # noqa: E402
from imusic_cli.errors import CommandError  # noqa: E402
from imusic_cli.guide import follow_routine, use_wearer  # noqa: E402
from imusic_cli.supervisor import Supervisor  # noqa: E402
from imusic_ros.graph import load_graph  # noqa: E402
from imusic_ros.qos import LATCHED, SENSOR_DATA  # noqa: E402

pytestmark = pytest.mark.ros

NAMESPACE = f"wearer_{os.getpid()}"
WEARER = "ann"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the shipped layout that never learned anything: what is tested here is around it."""
    mounts = NominalMounts.on_rig(load_family("head").typical(), load_layout("face_12"))
    rng = np.random.default_rng(1)
    count = 3 * len(mounts.skin)
    prior = Prior(
        mean=rng.normal(0.0, 0.06, (count, arkit.COUNT)).astype(np.float32),
        factors=np.zeros((1, count, arkit.COUNT), np.float32),
        spread=np.full((count, arkit.COUNT), 0.02, np.float32),
        noise=(np.eye(count) * 0.01**2).astype(np.float32),
        weights_mean=np.full(arkit.COUNT, 0.05, np.float32),
        weights_covariance=(np.eye(arkit.COUNT) * 0.15**2).astype(np.float32),
    )
    torch.manual_seed(0)
    network = build_network(NetworkConfig(inputs=input_size(Channels.of(mounts)), architecture="ridge"))
    folder = tmp_path_factory.mktemp("models") / "untrained"
    named: Any = SimpleNamespace(name="untrained", version="1", rate_hz=100.0)
    write_model(network, mounts, named, folder, {}, {}, {}, prior)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[ProfileFolder]:
    """The user's profiles: one, of ann."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        folder = ProfileFolder()
        description = load_model(model).description
        names, prior = description.mounts.names, description.prior
        folder.save(new_profile(WEARER, prior.unknown_wearer, prior, names, names[0], description.title, "a test"))
        yield folder


@pytest.fixture(scope="module")
def graph(folder: ProfileFolder, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Simulated hub, driver and inference, tracking."""
    link = tmp_path_factory.mktemp("line") / "hub"
    lines: list[str] = []
    values = {"port": str(link), "model": str(model), "motion": "routine"}
    processes = load_graph("headless").started_with(values)
    with Supervisor(processes, NAMESPACE, lambda name, line: lines.append(f"{name}: {line}")):
        faces = heard(FaceBlendshapes, "face/blendshapes", SENSOR_DATA, until=is_tracking, limit_s=240.0)
        assert faces, "no tracked face; the nodes printed:\n" + "\n".join(lines)
        yield


def is_tracking(messages: list[Any]) -> bool:
    return bool(messages) and messages[-1].state == FaceBlendshapes.STATE_TRACKING


def heard(kind: Any, topic: str, quality: Any, until: Any, limit_s: float = 240.0) -> list[Any]:
    """Messages until `until` of them is true; none if it never was."""
    rclpy.init()
    node = rclpy.create_node("onlooker", namespace=NAMESPACE)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    messages: list[Any] = []
    try:
        node.create_subscription(kind, topic, messages.append, quality)
        end_s = time.monotonic() + limit_s
        while not until(messages) and time.monotonic() < end_s:
            executor.spin_once(timeout_sec=0.1)
        return messages if until(messages) else []
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()


def known() -> dict[str, str]:
    """What the node says of its wearer."""
    name = f"{NAMESPACE}/face_inference"

    def told(messages: list[Any]) -> bool:
        return any(status.name == name for message in messages for status in message.status)

    messages = heard(DiagnosticArray, "/diagnostics", 10, until=told)
    status = next(s for m in messages for s in m.status if s.name == name)
    return {pair.key: pair.value for pair in status.values}


def test_it_says_that_it_knows_nobody(graph: None) -> None:
    assert known()["wearer_known_from"] == "population"


def test_the_wearer_is_guided_and_cancelling_leaves_all_as_it_was(graph: None, folder: ProfileFolder) -> None:
    prompts: list[WearerPrompt] = []

    def until_the_first_relaxing(prompt: WearerPrompt) -> None:
        prompts.append(prompt)
        if prompt.number == 1 and not prompt.hold:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow_routine("bob", NAMESPACE, until_the_first_relaxing)
    texts = list(dict.fromkeys(prompt.text for prompt in prompts))
    assert texts == [routine.REST_TEXT, routine.ROUTINE[0].text, routine.RELAX_TEXT]
    first_s = routine.DURATION_S - prompts[0].routine_left
    assert 0.0 <= first_s < routine.REST_S
    # What stays on the topic for those who come late: it is over.
    last = heard(WearerPrompt, "face/prompt", LATCHED, until=lambda m: bool(m) and not m[-1].text)
    assert last[-1].count == len(routine.ROUTINE)
    assert folder.names() == [WEARER]
    assert known()["wearer_known_from"] == "population"


def test_a_profile_is_used_while_it_runs(graph: None) -> None:
    answer = use_wearer(WEARER, NAMESPACE)
    assert answer is not None
    assert known()["wearer"] == WEARER
    with pytest.raises(CommandError, match=WEARER):
        use_wearer("nobody", NAMESPACE)
    assert known()["wearer"] == WEARER
    assert use_wearer("", NAMESPACE) is not None


def test_where_no_graph_runs_it_says_so(graph: None) -> None:
    assert use_wearer(WEARER, "nowhere", patience_s=0.5) is None
