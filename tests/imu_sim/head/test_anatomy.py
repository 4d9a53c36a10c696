"""How differently people move: spreads as stated, alike within a muscle and on both sides."""

from __future__ import annotations

import numpy as np
import pytest

from imu_sim.head import TYPICAL, random_anatomy
from imu_sim.head.anatomy import MUSCLES, OWN_BOUNDS, Anatomy, Pull, Side

PEOPLE = [random_anatomy(np.random.default_rng(seed)) for seed in range(300)]
SHAPES = list(MUSCLES)


def drawn(attribute: str, side: str = "left") -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([[getattr(getattr(p, side).pull(s), attribute) for s in SHAPES] for p in PEOPLE])


def test_the_typical_anatomy_changes_nothing() -> None:
    assert set(TYPICAL.left.pulls) == {Pull()}
    assert TYPICAL.left == TYPICAL.right
    assert Anatomy() == TYPICAL


def test_amplitude_direction_and_reach_spread_widely() -> None:
    assert 0.25 < np.log(drawn("gain")).std() < 0.40
    assert np.deg2rad(10.0) < drawn("turn_rad").std() < np.deg2rad(15.0)
    assert 0.17 < np.log(drawn("reach")).std() < 0.30
    assert 0.30 < np.log(drawn("bulge")).std() < 0.60


def test_gains_stay_within_bounds() -> None:
    gain = drawn("gain")
    assert gain.min() >= OWN_BOUNDS.gain[0]
    assert gain.max() <= OWN_BOUNDS.gain[1]


def test_shapes_of_one_muscle_and_both_sides_are_alike() -> None:
    gain = np.log(drawn("gain"))
    at = {shape: gain[:, i] for i, shape in enumerate(SHAPES)}
    within = np.corrcoef(at["browInnerUp"], at["browOuterUp"])[0, 1]
    between = np.corrcoef(at["browInnerUp"], at["mouthSmile"])[0, 1]
    assert within > 0.3
    assert abs(between) < 0.2
    assert np.corrcoef(gain.ravel(), np.log(drawn("gain", "right")).ravel())[0, 1] > 0.85


def test_jaws_open_differently() -> None:
    degrees = np.array([p.jaw.open_deg for p in PEOPLE])
    assert 0.10 < degrees.std() / degrees.mean() < 0.22
    assert np.array([p.jaw.slide_mm for p in PEOPLE]).min() > 2.0


def test_a_shape_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        Side().pull("mouthSmileLeft")
