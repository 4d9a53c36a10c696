from __future__ import annotations

import math

import pytest

from imu_driver.assembler import AssemblerParams
from imu_driver.reading_values import FORCE, ORIENTATION, RATE, checked, nearer


def test_what_no_unit_measures_is_none() -> None:
    assert checked(RATE, (99.0, 0.0, 0.0)) == (99.0, 0.0, 0.0)
    assert checked(RATE, (101.0, 0.0, 0.0)) is None
    assert checked(FORCE, (101.0, 0.0, 0.0)) == (101.0, 0.0, 0.0)
    assert checked(FORCE, (0.0, 1001.0, 0.0)) is None
    assert checked(FORCE, (math.nan, 0.0, 0.0)) is None
    assert checked(ORIENTATION, (0.0, 0.0, 0.0, 1.04)) == (0.0, 0.0, 0.0, 1.0)
    assert checked(ORIENTATION, (0.0, 0.0, 0.0, 1.06)) is None
    with pytest.raises(ValueError, match="expected 4 numbers, found 3"):
        checked(ORIENTATION, (0.0, 0.0, 1.0))


def test_of_two_quaternions_of_one_rotation_the_nearer_is_taken() -> None:
    assert nearer((0.0, 0.0, 0.0, -1.0), (0.0, 0.0, 0.1, 0.9)) == (0.0, 0.0, 0.0, 1.0)
    assert nearer((0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.1, 0.9)) == (0.0, 0.0, 0.0, 1.0)


def test_slow_units_are_waited_for() -> None:
    usual = AssemblerParams()
    assert usual.for_period(0.01) == usual
    slow = usual.for_period(0.1)
    assert (slow.wait_s, slow.predict_s, slow.gap_s, slow.alive_s) == pytest.approx((0.125, 0.15, 0.25, 0.25))
