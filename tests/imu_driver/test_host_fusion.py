"""The driver's own fusion: units rest together, biases go on, and a hub that fuses gives the same face."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("vqf", reason="fusion on the host needs the package `vqf`")

from face_model.errors import SnapshotError
from imu_driver.host_fusion import OrientationFilter

RATE_HZ, UNITS = 100.0, 4
BIAS = np.array([[0.01, 0.0, -0.01], [0.0, 0.02, 0.0], [0.005, 0.0, 0.0], [-0.02, 0.01, 0.015]])
UP = np.tile([0.0, 0.0, 9.81], (UNITS, 1))
ALL = np.ones(UNITS, dtype=bool)


def still(fusion: OrientationFilter, seconds: float, turn=0.0, usable=ALL, seed=0) -> np.ndarray:
    """Units at rest on a head that turns about the vertical, rad/s; the last orientations."""
    rng = np.random.default_rng(seed)
    out = np.zeros((UNITS, 4))
    for _ in range(round(seconds * RATE_HZ)):
        rates = BIAS + [0.0, 0.0, 1.0] * np.broadcast_to(turn, UNITS)[:, None] + rng.normal(0.0, 0.002, (UNITS, 3))
        forces = UP + rng.normal(0.0, 0.02, (UNITS, 3))
        out = fusion.update(rates.astype(np.float32), forces.astype(np.float32), usable)
    return out


def test_biases_are_learned_where_all_rest() -> None:
    fusion = OrientationFilter(UNITS, RATE_HZ)
    still(fusion, 10.0)
    found, deviation = fusion.bias
    np.testing.assert_allclose(found, BIAS, atol=2e-3)
    assert (deviation < np.deg2rad(0.25)).all()


def test_a_unit_that_seems_to_rest_alone_learns_nothing() -> None:
    """A slow turn that only one filter would take for its bias, because most units see it for a turn."""
    fusion = OrientationFilter(UNITS, RATE_HZ)
    still(fusion, 6.0, turn=np.array([0.02, 0.2, 0.2, 0.2]))
    found, _ = fusion.bias
    assert np.abs(found[0, 2] - BIAS[0, 2]) > 0.005


def test_missing_units_have_no_vote() -> None:
    fusion = OrientationFilter(UNITS, RATE_HZ)
    turning = np.array([0.0, 0.5, 0.5, 0.5])
    still(fusion, 10.0, turn=turning, usable=np.array([True, False, False, False]))
    np.testing.assert_allclose(fusion.bias[0][0], BIAS[0], atol=2e-3)
    assert not fusion.bias[0][1:].any()


def test_a_known_bias_keeps_headings_where_a_fresh_filter_drifts() -> None:
    turned = []
    for known in (False, True):
        fusion = OrientationFilter(UNITS, RATE_HZ)
        for unit in range(UNITS if known else 0):
            fusion.use_bias(unit, BIAS[unit], np.deg2rad(0.15))
        # A head that keeps moving: nobody rests.
        first = still(fusion, 0.5, turn=0.3)
        last = still(fusion, 20.0, turn=0.3)
        angle = 2.0 * (np.arctan2(last[:, 2], last[:, 3]) - np.arctan2(first[:, 2], first[:, 3])) - 6.0
        turned.append(np.abs(np.remainder(angle + np.pi, 2.0 * np.pi) - np.pi).max())
    assert turned[1] < 0.02 < 0.2 < turned[0]


@pytest.mark.parametrize("seconds", [0.03, 0.5, 4.13])
def test_it_goes_on_bit_for_bit(seconds: float) -> None:
    fusion, other = (OrientationFilter(UNITS, RATE_HZ) for _ in range(2))
    still(fusion, seconds, usable=np.array([True, True, False, True]))
    other.restore_state(fusion.saved_state())
    for part in (3.0, 2.0):
        np.testing.assert_array_equal(still(fusion, part, turn=0.01, seed=1), still(other, part, turn=0.01, seed=1))
    np.testing.assert_array_equal(fusion.saved_state(), other.saved_state())


def test_states_of_before_units_rested_together_restore_and_others_do_not() -> None:
    fusion = OrientationFilter(UNITS, RATE_HZ)
    still(fusion, 1.0)
    state = fusion.saved_state()
    OrientationFilter(UNITS, RATE_HZ).restore_state(state[:, :-17])
    for wrong in (state[:, :-1], state[:, :10]):
        with pytest.raises(SnapshotError, match="version"):
            OrientationFilter(UNITS, RATE_HZ).restore_state(wrong)
