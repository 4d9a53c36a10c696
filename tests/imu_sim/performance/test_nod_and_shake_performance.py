from __future__ import annotations

import numpy as np
import pytest

from face_model import nod_and_shake, rotation
from imu_sim.performance.nod_and_shake_performance import perform_nod_and_shake


def turning(motion):
    """(T,) s and (T, 3) rad/s of the head, in its own axes."""
    q = motion.head_orientation
    step = rotation.to_vector(rotation.multiply(rotation.conjugate(q[:-1]), q[1:])) * motion.rate_hz
    return np.arange(len(step)) / motion.rate_hz, step


@pytest.mark.parametrize("seed", range(4))
def test_the_head_is_still_then_nods_then_shakes(seed):
    time_s, rate = turning(perform_nod_and_shake(seed))
    assert np.abs(rate[time_s < nod_and_shake.STILL_S - 0.2]).max() < 0.02
    nod = (time_s > nod_and_shake.STILL_S) & (time_s < nod_and_shake.PHASES[1].end_s)
    shake = (time_s > nod_and_shake.PHASES[2].start_s + 0.8) & (time_s < nod_and_shake.DURATION_S - 0.5)
    assert np.square(rate[nod, 1]).mean() > 5.0 * np.square(rate[nod, 2]).mean()
    assert np.square(rate[shake, 2]).mean() > 5.0 * np.square(rate[shake, 1]).mean()
    assert np.sqrt(np.square(rate[nod, 1]).mean()) > 0.25


def test_it_ends_where_it_began_and_the_same_seed_is_the_same_motion():
    first, again = perform_nod_and_shake(5), perform_nod_and_shake(5)
    assert np.array_equal(first.head_orientation, again.head_orientation)
    assert first.loops


def test_who_only_nods_does_not_shake():
    time_s, rate = turning(perform_nod_and_shake(2, "nod"))
    late = time_s > nod_and_shake.PHASES[2].start_s + 0.8
    assert np.abs(rate[late]).max() < 0.4
    assert np.abs(turning(perform_nod_and_shake(2, "nothing"))[1]).max() < 0.4
