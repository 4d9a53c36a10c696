"""Orientations that cannot be used."""

from __future__ import annotations

import numpy as np

from face_model import rotation
from imu_driver.hubs.imu_topics.orientation_check import OrientationCheck


def test_a_living_one_is_used_also_while_it_lies_still() -> None:
    check, rng = OrientationCheck(), np.random.default_rng(1)
    for _ in range(300):
        noise = rng.normal(0.0, 1e-4, 3)
        rate = (float(noise[0]), float(noise[1]), float(noise[2]))
        assert check.usable((float(noise[0]), 0.0, 0.0, 1.0), rate, (0.0, 0.0, 9.8))


def test_one_that_is_filled_in_once_is_refused_and_taken_back_when_it_lives() -> None:
    check = OrientationCheck()
    used = [check.usable((0.0, 0.0, 0.0, 1.0), (0.001 * i, 0.0, 0.0), (0.0, 0.0, 9.8)) for i in range(50)]
    assert used[:20] == [True] * 20
    assert not any(used[20:])
    assert check.reason == "it is always the same"
    assert check.usable((0.01, 0.0, 0.0, 0.99995), (0.0, 0.0, 0.0), (0.0, 0.0, 9.8))


def test_a_unit_whose_values_all_stand_still_is_left_to_others_to_judge() -> None:
    check = OrientationCheck()
    assert all(check.usable((0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 9.8)) for _ in range(100))


def test_another_frame_than_z_up_is_refused() -> None:
    check = OrientationCheck()
    down = rotation.from_vector(np.array([np.pi, 0.0, 0.0]))
    used = []
    for i in range(300):
        q = rotation.multiply(down, rotation.from_vector(np.array([0.0, 0.0, 1e-3 * i])))
        used.append(check.usable(tuple(q.tolist()), (0.0, 0.0, 0.1 + 1e-6 * i), (0.0, 0.0, 9.8)))
    assert not any(used[100:])
    assert check.reason == "it is not against gravity with z up"


def test_none_is_refused() -> None:
    check = OrientationCheck()
    assert not check.usable(None, (0.0, 0.0, 0.0), (0.0, 0.0, 9.8))
    assert check.reason == "it sends none"
