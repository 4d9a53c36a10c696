"""A linear map from labels."""

from __future__ import annotations

import numpy as np
import pytest

from face_evaluation.signals import Calibration
from face_evaluation.static_ridge import PENALTIES, StaticRidge, fitted
from face_inference.errors import WearerError


def made(noise: float, rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    weights = np.clip(rng.normal(0.2, 0.2, (rows, 52)), 0.0, 1.0)
    weights[:, 12:] = 0.0
    jacobian = rng.normal(0.0, 0.1, (33, 52))
    return weights @ jacobian.T + 0.3 + noise * rng.normal(size=(rows, 33)), weights


def test_it_finds_the_map_without_noise():
    rotations, weights = made(1e-4)
    found = fitted(rotations, weights)
    assert np.abs(found(rotations) - weights).max() < 0.02
    assert found.penalty == PENALTIES[0]


def test_noise_asks_for_a_penalty():
    rotations, weights = made(0.2, rows=60)
    found = fitted(rotations, weights)
    assert found.penalty > PENALTIES[0]
    guess = found(rotations)
    assert guess.dtype == np.float32
    assert guess.min() >= 0.0


def test_it_takes_part_only_where_there_are_labels(face_12_description):
    ridge = StaticRidge(face_12_description.mounts, face_12_description.prior)
    assert not ridge.knows(Calibration("routine"))
    with pytest.raises(WearerError, match="labelled"):
        ridge.learn(Calibration("routine"))
