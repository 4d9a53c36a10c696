"""Linear wearers drawn from the made-up prior, who do the routine: exact truth, no simulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from face_inference.mounts import NominalMounts
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import Prior
from face_model import arkit, rotation, routine
from face_model.frames import GRAVITY_M_S2
from imu_sim.recording import Recording

RECORDED_HZ = 25.0
"""Slow, so that a minute is streamed in a second or two."""


@dataclass(frozen=True)
class Wearer:
    """A Jacobian (D, 52), what the sensors saw of the routine, and the weights (T, 52) meanwhile."""

    jacobian: np.ndarray
    observations: Observations
    weights: np.ndarray


def _routine_weights(time_s: np.ndarray, amount: float = 0.75, late_s: float = 0.45) -> np.ndarray:
    """(T, 52) of somebody who reacts after `late_s`, takes 0.3 s to the pose and back, and goes to `amount`."""
    weights = np.zeros((len(time_s), arkit.COUNT))
    for cue, pose in zip(routine.schedule(), routine.nominal_weights(), strict=True):
        rise = np.clip((time_s - cue.start_s - late_s) / 0.3, 0.0, 1.0)
        fall = np.clip((time_s - cue.relax_s - 0.15) / 0.3, 0.0, 1.0)
        weights += (amount * rise * (1.0 - fall))[:, None] * pose
    return weights


def _make_wearer(
    prior: Prior, seed: int = 3, rate_hz: float = 50.0, noise: float = 0.001, drift: float = 0.0
) -> Wearer:
    """A wearer drawn from the prior; `drift` in rad/s on every channel."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0.0, 1.0, len(prior.factors))
    jacobian = prior.mean + np.einsum("r,rds->ds", own, prior.factors)
    jacobian = jacobian + prior.spread * rng.normal(0.0, 1.0, jacobian.shape)
    time_s = np.arange(round(routine.DURATION_S * rate_hz)) / rate_hz
    weights = _routine_weights(time_s)
    values = weights @ jacobian.T + drift * time_s[:, None]
    values = values + rng.normal(0.0, noise, values.shape)
    valid = np.ones(values.shape, dtype=bool)
    return Wearer(jacobian, Observations(time_s, values.astype(np.float32), valid), weights)


@pytest.fixture
def wearer(prior: Prior) -> Wearer:
    return _make_wearer(prior)


@pytest.fixture(scope="session")
def make_wearer() -> Callable[..., Wearer]:
    return _make_wearer


@pytest.fixture(scope="session")
def routine_weights() -> Callable[..., np.ndarray]:
    return _routine_weights


@pytest.fixture(scope="session")
def routine_recording(mounts: NominalMounts, prior: Prior) -> Recording:
    """The routine as the boards of a wearer would record it on a head that keeps still."""
    wearer = _make_wearer(prior, rate_hz=RECORDED_HZ, noise=0.0)
    count, sensors = len(wearer.weights), len(mounts.names)
    turn = np.zeros((count, sensors, 3))
    turn[:, list(mounts.skin)] = (wearer.weights @ wearer.jacobian.T).reshape(count, -1, 3)
    orientation = rotation.multiply(rotation.from_vector(turn), mounts.orientation[None])
    before, after = orientation[np.r_[0, : count - 1]], orientation[np.r_[1:count, count - 1]]
    rate = 0.5 * RECORDED_HZ * rotation.to_vector(rotation.multiply(rotation.conjugate(before), after))
    up = np.broadcast_to([0.0, 0.0, GRAVITY_M_S2], (count, sensors, 3))
    return Recording(
        person="ann",
        take="routine",
        rate_hz=RECORDED_HZ,
        sensor_names=mounts.names,
        orientation=orientation.astype(np.float32),
        angular_velocity=rate.astype(np.float32),
        specific_force=rotation.rotate(rotation.conjugate(orientation), up).astype(np.float32),
        valid=np.ones((count, sensors), dtype=bool),
        weights=wearer.weights.astype(np.float32),
        head_orientation=np.tile([0.0, 0.0, 0.0, 1.0], (count, 1)).astype(np.float32),
    )
