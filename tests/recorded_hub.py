"""A recording of some seconds of a simulated hub, made on a virtual clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from face_model.imu_sample import ImuSample
from face_model.layout import load_layout
from imu_driver.hubs import make_hub
from imu_driver.recorded_bytes import RecordingTransport
from imu_driver.transport import IsHub
from imu_sim.hub.config import SimulatorConfig
from imu_sim.hub.server import build_hub

SAMPLES = 900
"""9 s: rest, in which the neutral is learned, and the first poses of the routine."""


@dataclass
class VirtualClock:
    """Time that passes only when it is read from the line."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


class LineEnd(Protocol):
    """A hub in this process."""

    def receive(self, data: bytes) -> list[bytes]:
        """Take bytes from the host; the answers."""

    def due(self) -> list[bytes]:
        """What it sends by itself up to now."""


@dataclass
class SimulatedLine:
    """A transport to a hub in this process; each read lets 5 ms pass."""

    hub: LineEnd
    clock: VirtualClock
    foreign: int = 0
    datagrams: bool = False
    description: str = "simulated line"
    answers: list[bytes] = field(default_factory=list)

    def open(self, is_hub: IsHub | None = None) -> None:
        self.answers.clear()

    def read(self, timeout_s: float) -> bytes:
        self.clock.now_s += 0.005
        frames = [*self.answers, *self.hub.due()]
        self.answers.clear()
        return b"".join(frames)

    def write(self, data: bytes) -> None:
        self.answers += self.hub.receive(data)

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def hub_bytes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[ImuSample]]:
    """The file, and the samples as they came while it was written."""
    clock = VirtualClock()
    hub = build_hub(SimulatorConfig(motion="routine"), clock)
    path = tmp_path_factory.mktemp("recording") / "routine.bytes"
    transport = RecordingTransport(SimulatedLine(hub, clock), path, clock)
    session = make_hub("imusic_v1", transport, load_layout("face_12"), 100, clock=clock)
    samples: list[ImuSample] = []
    while len(samples) < SAMPLES:
        samples += session.step()
    transport.close_file()
    return path, samples


@pytest.fixture(scope="session")
def hub_file(hub_bytes: tuple[Path, list[ImuSample]]) -> Path:
    """The file alone."""
    return hub_bytes[0]
