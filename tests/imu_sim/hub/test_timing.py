from __future__ import annotations

import numpy as np
import pytest

from face_model import rotation
from imu_sim.hub.timing import HubTiming, as_received
from imu_sim.imu_stream import Frames

RATE_HZ = 100.0


def turning(count: int, rate_rad_s: float = 2.0) -> Frames:
    """One unit that turns evenly about z: every value grows on a line with time."""
    times = np.arange(count) / RATE_HZ
    orientation = rotation.from_vector(np.outer(times * rate_rad_s, [0.0, 0.0, 1.0]))[:, None]
    line = np.repeat(times[:, None, None], 3, axis=2)
    none = np.zeros((count, 1), dtype=np.bool_)
    return Frames(np.asarray(orientation), line, -line, none, none)


def test_an_ideal_hub_changes_nothing() -> None:
    frames = turning(50)
    received, arrived = as_received(frames, HubTiming(), RATE_HZ, np.random.default_rng(1))
    assert arrived.all()
    np.testing.assert_array_equal(received.orientation, frames.orientation)


def test_values_are_as_old_as_stated_and_never_of_the_future() -> None:
    frames = turning(20_000, 0.0005)
    received, _ = as_received(frames, HubTiming(jitter_s=0.0005), RATE_HZ, np.random.default_rng(2))
    age = (frames.angular_velocity - received.angular_velocity)[1:, 0, 0]
    assert age.min() >= 0.0
    assert np.sqrt(np.mean(age**2)) == pytest.approx(0.0005, rel=0.03)
    # All signals of a sample are of one age.
    np.testing.assert_allclose((received.specific_force - frames.specific_force)[1:, 0, 0], age, atol=1e-12)


def test_orientation_ages_too_whatever_its_sign() -> None:
    frames = turning(300)
    frames.orientation[::2] *= -1.0
    received, _ = as_received(frames, HubTiming(jitter_s=0.002), RATE_HZ, np.random.default_rng(3))
    age = (frames.angular_velocity - received.angular_velocity)[:, 0, 0]
    turn = rotation.multiply(rotation.conjugate(received.orientation), frames.orientation)[:, 0]
    np.testing.assert_allclose(rotation.to_vector(turn)[:, 2], 2.0 * age, atol=1e-6)


def test_a_lost_sample_shows_the_last_that_came() -> None:
    frames = turning(5000)
    received, arrived = as_received(frames, HubTiming(loss=0.2), RATE_HZ, np.random.default_rng(4))
    assert arrived[0]
    assert arrived.mean() == pytest.approx(0.8, abs=0.02)
    last = np.maximum.accumulate(np.where(arrived, np.arange(5000), 0))
    np.testing.assert_array_equal(received.angular_velocity, frames.angular_velocity[last])
    np.testing.assert_allclose(received.orientation, frames.orientation[last], atol=1e-12)


def test_a_fast_clock_counts_more_than_a_second_in_a_second() -> None:
    assert HubTiming(skew_ppm=50.0).clock_rate == pytest.approx(1.00005)
