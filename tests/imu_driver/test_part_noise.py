"""Covariances from datasheets."""

from __future__ import annotations

import math

import pytest

from face_model.frames import GRAVITY_M_S2
from imu_driver.part_noise import part_noise


def test_white_noise_is_density_by_bandwidth_as_the_simulated_part_has_it() -> None:
    np = pytest.importorskip("numpy")
    from imu_sim.chips.parts import load_part
    from imu_sim.chips.sensor import SensorBank

    part = load_part("QMI8658")
    noise = part_noise("QMI8658")
    assert noise is not None
    still = np.zeros((4000, 4, 3))
    force = still + np.array([0.0, 0.0, GRAVITY_M_S2])
    read = SensorBank(part, 4, 1000.0, 10, np.random.default_rng(1)).measure(still, force)
    assert np.diff(read.angular_velocity[50:], axis=0).var() / 2.0 == pytest.approx(noise.rate, rel=0.35)
    assert np.diff(read.specific_force[50:], axis=0).var() / 2.0 == pytest.approx(noise.force, rel=0.35)


@pytest.mark.parametrize(("part", "rate_dps", "force_mg"), [("QMI8658", 0.115, 1.54), ("ICM-42688-P", 0.022, 0.55)])
def test_the_parts_of_the_issue(part: str, rate_dps: float, force_mg: float) -> None:
    noise = part_noise(part)
    assert noise is not None
    assert math.degrees(math.sqrt(noise.rate)) == pytest.approx(rate_dps, rel=0.02)
    assert math.sqrt(noise.force) / GRAVITY_M_S2 * 1e3 == pytest.approx(force_mg, rel=0.02)
    assert 0.01 < math.sqrt(noise.inclination) < 0.06


@pytest.mark.parametrize("name", ["", "unknown", "../layouts/face_12", "QMC5883P", "QMI 8658", "a\0b", "\u00e4"])
def test_of_what_is_not_known_nothing_is_made_up(name: str) -> None:
    assert part_noise(name) is None
