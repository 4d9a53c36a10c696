"""People that several tests look at, built once."""

from __future__ import annotations

import pytest

from face_model.rig import FaceRig
from imu_sim.head import HeadFamily


@pytest.fixture(scope="session")
def people() -> list[FaceRig]:
    return [HeadFamily().subject(seed) for seed in range(12)]
