"""A hub that sends orientations and one that leaves them to the driver give the same face."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("vqf", reason="fusion on the host needs the package `vqf`")
pytest.importorskip("onnxruntime", reason="faces need an engine")

from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.face_estimate import InputLayout
from face_inference.model_folder import load_model
from face_inference.tracker import FaceTracker
from face_model.face_state import FaceState
from face_model.layout import load_layout
from imu_driver.hubs import make_hub
from imu_driver.transport import IsHub
from imu_sim.chips.parts import load_part
from imu_sim.families import load_family
from imu_sim.generator import generate
from imu_sim.hub.clock import HubClock
from imu_sim.hub.faults import Faults
from imu_sim.hub.simulated_hub import SimulatedHub
from imu_sim.imu_stream import ImuStream
from imu_sim.kinematics import Trajectory
from imu_sim.mounted_boards import boards_on
from imu_sim.subject import random_subject

SECONDS, SEED = 25.0, 900_000


class Line:
    """A simulated hub as a transport, on a clock that each read takes on."""

    datagrams, foreign, description = False, 0, "simulated"

    def __init__(self, make: Callable[[Callable[[], float]], SimulatedHub]) -> None:
        self.now_s = 1000.0
        self._answers: list[bytes] = []
        self._hub = make(self.clock)

    def clock(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def open(self, is_hub: IsHub | None = None) -> None:
        """It is open."""

    def close(self) -> None:
        """Nothing to close."""

    def write(self, data: bytes) -> None:
        self._answers += self._hub.receive(data)

    def read(self, timeout_s: float) -> bytes:
        self.now_s += 0.005
        data, self._answers = b"".join(self._answers + self._hub.due()), []
        return data


def faces(raw: bool) -> dict[int, np.ndarray]:
    """Weights by the samples' numbers."""
    layout, part = load_layout("face_12"), load_part()
    subject = random_subject(load_family("head"), layout, SEED, placement_m=0.005)
    boards = boards_on(subject, layout)
    trajectory = Trajectory(generate(SEED, SECONDS).faded(rest_s=5.0))

    def make(clock: Callable[[], float]) -> SimulatedHub:
        def stream(rate_hz: float, start_s: float) -> ImuStream:
            return ImuStream(trajectory, boards, part, rate_hz, SEED, start_s)

        return SimulatedHub(stream, layout, part, HubClock(clock), faults=Faults(no_quaternion=raw), seed=SEED)

    line = Line(make)
    hub = make_hub("imusic_v1", line, layout, 100, clock=line.clock, wait=line.wait)
    model = load_model("imusic")
    tracker = FaceTracker(model.description, OnnxRuntimeEngine(model))
    found = {}
    while line.now_s < 1000.0 + SECONDS:
        for sample in hub.step():
            tracker.set_layout(InputLayout(hub.layout_id, layout.names, 100.0))
            estimate = tracker.update(sample, line.now_s)
            if estimate is not None and estimate.state is not FaceState.CALIBRATING:
                found[sample.sequence] = estimate.weights
    assert hub.identity is not None
    assert hub.identity.sends_orientation is not raw
    return found


def test_raw_and_fused_hubs_give_the_same_face() -> None:
    fused, raw = faces(False), faces(True)
    common = sorted(set(fused) & set(raw))
    assert len(common) > 1500
    apart = np.abs(np.stack([fused[i] - raw[i] for i in common]))
    moved = np.ptp(np.stack([fused[i] for i in common]), axis=0).max()
    assert moved > 0.2, "the face must move"
    assert apart.mean(axis=0).max() < 0.02
    assert apart.max() < 0.05
