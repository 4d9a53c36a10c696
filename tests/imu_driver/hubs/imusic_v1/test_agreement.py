"""Orientation against rate: spikes and broken units are found, living faces and fast nods are not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from face_model import rotation
from imu_driver.hubs.imusic_v1.agreement import Agreement

Floats = NDArray[np.float32]


def nods(rate_hz: float, turns_hz: float, amplitude_rad: float, seconds: float = 5.0) -> tuple[Floats, Floats]:
    """Orientation (N, 4) and rate (N, 3) of a head that nods about its x axis."""
    t = np.arange(0.0, seconds, 1.0 / rate_hz)
    angle = amplitude_rad * np.sin(2.0 * np.pi * turns_hz * t)
    rate = amplitude_rad * 2.0 * np.pi * turns_hz * np.cos(2.0 * np.pi * turns_hz * t)
    vector, rates = np.zeros((len(t), 3)), np.zeros((len(t), 3), np.float32)
    vector[:, 0], rates[:, 0] = angle, rate
    return rotation.from_vector(vector).astype(np.float32), rates


def judged(q: Floats, w: Floats, rate_hz: float, lost: dict[int, int] | None = None) -> NDArray[np.bool_]:
    agreement, usable = Agreement(1, rate_hz), np.ones(1, np.bool_)
    gaps = lost or {}
    return np.array([agreement.disagrees(q[i : i + 1], w[i : i + 1], usable, gaps.get(i, 0))[0] for i in range(len(q))])


@pytest.mark.parametrize("rate_hz", [50.0, 100.0, 200.0, 400.0])
@pytest.mark.parametrize(("turns_hz", "amplitude_rad"), [(0.5, 1.2), (2.0, 0.6), (4.0, 0.35), (6.0, 0.15)])
def test_fast_nods_agree(rate_hz: float, turns_hz: float, amplitude_rad: float) -> None:
    q, w = nods(rate_hz, turns_hz, amplitude_rad)
    assert not judged(q, w, rate_hz).any()


@pytest.mark.parametrize("angle_rad", [0.3, 1.5, np.pi])
@pytest.mark.parametrize("axis", range(3))
def test_a_spike_costs_one_sample(angle_rad: float, axis: int) -> None:
    q, w = nods(100.0, 1.0, 0.3)
    vector = np.zeros(3)
    vector[axis] = angle_rad
    q[200] = rotation.multiply(q[200], rotation.from_vector(vector).astype(np.float32))
    assert np.flatnonzero(judged(q, w, 100.0)).tolist() == [200]


def test_a_gyroscope_at_full_scale_is_refused_for_ever() -> None:
    q, w = nods(100.0, 1.0, 0.3)
    w[200:, 1] = 17.8
    assert judged(q, w, 100.0)[201:].all(), "one sample alone might be a hub's fusion that is late"


def test_a_fusion_that_starts_anew_costs_one_sample() -> None:
    q, w = nods(100.0, 1.0, 0.3)
    turn = rotation.from_vector(np.array([0.0, 0.0, 2.0])).astype(np.float32)
    q[200:] = rotation.multiply(turn, q[200:])
    assert np.flatnonzero(judged(q, w, 100.0)).tolist() == [200]


@pytest.mark.parametrize("lost", [1, 3, 10, 200])
def test_losses_are_no_disagreement(lost: int) -> None:
    q, w = nods(100.0, 1.0, 0.5)
    keep = np.r_[0:200, 200 + lost : len(q)]
    assert not judged(q[keep], w[keep], 100.0, {200: lost}).any()
