"""When the states of the sensors are published, and that no short fault is hidden."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from face_model.imu_sample import (
    STATUS_ACCEL_SATURATED,
    STATUS_FAULT,
    STATUS_GYRO_SATURATED,
    STATUS_MISSING,
    STATUS_USABLE,
)
from imu_driver.sensor_states import CHANGE_PERIOD_S, PERIOD_S, StatesWatch

TROUBLE = STATUS_GYRO_SATURATED | STATUS_ACCEL_SATURATED | STATUS_MISSING | STATUS_FAULT
GOOD, BAD = bytes([STATUS_USABLE] * 3), bytes([STATUS_USABLE, STATUS_FAULT, STATUS_USABLE])


def test_the_first_sample_and_then_one_a_second() -> None:
    states = StatesWatch()
    published = [i for i in range(1000) if states.due(GOOD, 50.0 + 0.01 * i)]
    assert published[0] == 0
    assert len(published) == 10
    assert not states.lately.any()


def test_a_change_is_published_at_once_and_the_way_back_soon() -> None:
    states = StatesWatch()
    assert states.due(GOOD, 0.0)
    assert states.due(BAD, 0.2)
    assert states.lately.tolist() == [0, STATUS_FAULT, 0]
    assert not states.due(GOOD, 0.21)
    assert states.due(GOOD, 0.2 + CHANGE_PERIOD_S)
    assert states.lately.tolist() == [0, STATUS_FAULT, 0]
    for tick_s in (1.0, 2.0):
        assert states.due(GOOD, tick_s)
        assert states.lately.tolist() == [0, STATUS_FAULT, 0], "one to two seconds"
    assert states.due(GOOD, 3.0)
    assert states.lately.tolist() == [0, 0, 0]


def test_a_sensor_that_changes_with_every_sample_is_published_ten_times_a_second() -> None:
    states = StatesWatch()
    published = sum(states.due(GOOD if i % 2 else BAD, 0.01 * i) for i in range(1000))
    assert 90 <= published <= 101


def test_another_number_of_sensors() -> None:
    states = StatesWatch()
    assert states.due(BAD, 0.0)
    assert states.due(BAD * 2, 1.0)
    assert states.lately.tolist() == [0, STATUS_FAULT, 0] * 2


@given(st.lists(st.sampled_from([GOOD, BAD, bytes([STATUS_MISSING] * 3), bytes([11, 3, 19])]), max_size=400))
def test_nothing_is_hidden(statuses: list[bytes]) -> None:
    """What went wrong in the second before a publication is in it; what is over for two seconds is not."""
    states, published_s = StatesWatch(), 0.0
    seen = np.array([list(status) for status in statuses], np.uint8).reshape(-1, 3) & TROUBLE
    for i, status in enumerate(statuses):
        now_s = 0.01 * i
        if states.due(status, now_s):
            published_s = now_s
            last = np.bitwise_or.reduce(seen[max(0, i - 99) : i + 1])
            longest = np.bitwise_or.reduce(seen[max(0, i - 205) : i + 1])
            assert (states.lately & last == last).all()
            assert (states.lately | longest == longest).all()
        assert now_s - published_s <= PERIOD_S + 0.011
