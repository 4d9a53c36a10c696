from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from face_model.layout import SensorLayout, load_layout
from face_model.rig import FaceRig
from imu_sim.chips.parts import SensorPart, load_part
from imu_sim.head import build_head
from imu_sim.hub.clock import HubClock
from imu_sim.hub.config import SimulatorConfig
from imu_sim.hub.faults import Faults
from imu_sim.hub.hub_settings import HubSettings
from imu_sim.hub.simulated_hub import SimulatedHub
from imu_sim.imu_stream import ImuStream
from imu_sim.kinematics import Trajectory
from imu_sim.mounted_boards import MountedBoards, boards_on
from imu_sim.performance import performance
from imu_sim.subject import nominal_subject

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def rig() -> FaceRig:
    return build_head()


@pytest.fixture(scope="session")
def layout() -> SensorLayout:
    return load_layout(ROOT / "config" / "layouts" / "face_12.yaml")


@pytest.fixture(scope="session")
def boards(rig: FaceRig, layout: SensorLayout) -> MountedBoards:
    return boards_on(nominal_subject(rig, layout), layout)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the recorded data, which is not part of the package."""
    path = Path(os.environ.get("IMUSIC_SHARED", ROOT.parent / "shared"))
    if not (path / "data" / "motion_arkit").is_dir():
        pytest.skip(f"needs the recorded takes in {path}/data/motion_arkit (set IMUSIC_SHARED)")
    return path


class VirtualClock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def make_hub(boards: MountedBoards, layout: SensorLayout, clock: VirtualClock) -> Callable[..., SimulatedHub]:
    trajectory = Trajectory(performance(), loop=True)

    def make(
        faults: Faults | None = None,
        *,
        seed: int = 3,
        model: SensorPart | None = None,
        settings: HubSettings | None = None,
        skew_ppm: float = 20.0,
    ) -> SimulatedHub:
        sensors = model or load_part()

        def stream(rate_hz: float, start_s: float) -> ImuStream:
            return ImuStream(trajectory, boards, sensors, rate_hz, seed, start_s)

        hub_clock = HubClock(clock, skew_ppm=skew_ppm)
        return SimulatedHub(stream, layout, sensors, hub_clock, settings=settings, faults=faults, seed=seed)

    return make


@pytest.fixture
def config() -> SimulatorConfig:
    return SimulatorConfig(layout=str(ROOT / "config" / "layouts" / "face_12.yaml"))
