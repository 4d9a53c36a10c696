from __future__ import annotations

import math
from collections import deque

import pytest

from imu_driver.reading_values import FORCE, ORIENTATION, RATE, believable, nearer, value_at


def test_an_orientation_is_believed_with_a_norm_of_one() -> None:
    found = believable(ORIENTATION, (0.0, 0.0, 0.0, 1.04))
    assert found == (0.0, 0.0, 0.0, 1.0)
    assert believable(ORIENTATION, (0.0, 0.0, 0.0, 1.06)) is None
    assert believable(ORIENTATION, (0.0, 0.0, 0.0, math.nan)) is None


@pytest.mark.parametrize(("kind", "most"), [(RATE, 100.0), (FORCE, 1000.0)])
def test_what_no_unit_measures_is_not_believed(kind: int, most: float) -> None:
    assert believable(kind, (most, 0.0, 0.0)) == (most, 0.0, 0.0)
    assert believable(kind, (most, most, 0.0)) is None
    assert believable(kind, (math.inf, 0.0, 0.0)) is None
    with pytest.raises(ValueError, match="expected 3 numbers, found 2"):
        believable(kind, (0.0, 0.0))


def test_of_two_quaternions_of_one_rotation_the_nearer_is_taken() -> None:
    channel = deque([(0.0, (0.0, 0.0, 0.0, 1.0), 0)])
    assert nearer((0.0, 0.0, -0.1, -0.9), channel) == (-0.0, -0.0, 0.1, 0.9)
    assert nearer((0.0, 0.0, -0.1, -0.9), deque()) == (0.0, 0.0, -0.1, -0.9)


def test_between_two_readings_values_are_interpolated_and_flags_joined() -> None:
    channel = deque([(1.0, (0.0, 0.0, 0.0), 1), (1.02, (2.0, 0.0, 0.0), 2)])
    age_s, values, flags = value_at(channel, 1.005, 0.05, 0.03) or (math.nan, (), 0)
    assert (age_s, flags) == (0.0, 3)
    assert values == pytest.approx((0.5, 0.0, 0.0))


def test_the_newest_holds_for_a_while_and_over_a_gap_nothing_is_made_up() -> None:
    channel = deque([(1.0, (0.0, 0.0, 0.0), 0), (2.0, (2.0, 0.0, 0.0), 4)])
    found = value_at(channel, 2.02, 0.05, 0.03)
    assert found == (pytest.approx(0.02), (2.0, 0.0, 0.0), 4)
    assert value_at(channel, 2.04, 0.05, 0.03) is None
    assert value_at(channel, 1.5, 0.05, 0.03) is None
    assert value_at(channel, 0.5, 0.05, 0.03) is None
