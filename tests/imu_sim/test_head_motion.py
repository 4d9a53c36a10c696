from __future__ import annotations

import numpy as np
import pytest

from face_model import rotation
from imu_sim.head_motion import (
    KINDS,
    NECK_TO_HEAD_M,
    HeadGesture,
    HeadTrack,
    Walk,
    natural,
    neck_position,
    random_gestures,
)

RATE_HZ = 60.0
TIMES = np.arange(0.0, 20.0, 1.0 / RATE_HZ)


@pytest.mark.parametrize(
    ("kind", "axis", "sign"), [("turn", 2, 1.0), ("tilt", 0, -1.0), ("look_up", 1, -1.0), ("look_down", 1, 1.0)]
)
def test_gestures_turn_the_head_the_way_they_say(kind: str, axis: int, sign: float) -> None:
    track = HeadTrack(TIMES)
    track.gesture(HeadGesture(2.0, kind, 10.0, duration_s=3.0))
    orientation, _ = track.pose()
    vector = np.rad2deg(rotation.to_vector(orientation))
    assert (sign * vector[:, axis]).max() == pytest.approx(10.0, abs=0.1)
    assert (sign * vector[:, axis]).min() > -0.1
    outside = (TIMES < 2.0) | (TIMES > 5.0)
    np.testing.assert_allclose(vector[outside], 0.0, atol=1e-9)


def test_a_nod_repeats_and_fades() -> None:
    track = HeadTrack(TIMES)
    track.gesture(HeadGesture(1.0, "nod", 8.0, duration_s=2.0, cycles=3.0))
    pitch = np.rad2deg(track.angles[:, 1])
    tops = np.flatnonzero((pitch[1:-1] > pitch[:-2]) & (pitch[1:-1] > pitch[2:]) & (pitch[1:-1] > 1.0)) + 1
    assert len(tops) == 3
    # The first swells up, the others fade.
    assert pitch[tops[1]] > pitch[tops[2]]
    assert pitch.max() < 8.0
    assert not track.angles[:, [0, 2]].any()


@pytest.mark.parametrize("step_hz", [1.6, 1.9, 2.2])
def test_walking_bounces_once_a_step_and_sways_once_in_two(step_hz: float) -> None:
    track = HeadTrack(TIMES)
    track.walk(Walk(0.0, 20.0, step_hz, bounce_m=0.02), np.random.default_rng(0))
    frequency = np.fft.rfftfreq(len(TIMES), 1.0 / RATE_HZ)

    def main(values: np.ndarray) -> float:
        return float(frequency[np.argmax(np.abs(np.fft.rfft(values - values.mean())))])

    _, position = track.pose()
    assert main(position[:, 2]) == pytest.approx(step_hz, rel=0.08)
    assert main(track.shift[:, 1]) == pytest.approx(0.5 * step_hz, rel=0.08)
    assert 0.015 < np.ptp(position[300:900, 2]) / 2.0 < 0.03
    # The head feels two to six m/s2, as heads of walkers do.
    assert 1.0 < np.abs(np.gradient(np.gradient(position[:, 2], 1 / RATE_HZ), 1 / RATE_HZ)).max() < 8.0
    np.testing.assert_allclose(track.angles[[0, -1]], 0.0, atol=1e-3)


def test_a_walk_outside_the_take_leaves_nothing() -> None:
    track = HeadTrack(TIMES)
    track.walk(Walk(30.0, 5.0), np.random.default_rng(0))
    assert not track.shift.any()


def test_talking_moves_the_head_more_than_sitting() -> None:
    sitting, talking = HeadTrack(TIMES), HeadTrack(TIMES)
    sitting.live(np.zeros(len(TIMES)), 1.0, np.random.default_rng(0))
    talking.live(np.ones(len(TIMES)), 1.0, np.random.default_rng(0))
    assert talking.angles.std() > 4.0 * sitting.angles.std()
    assert np.rad2deg(np.abs(talking.angles).max()) < 15.0


def test_the_head_turns_about_the_neck() -> None:
    down = rotation.from_vector(np.array([[0.0, 0.3, 0.0]]))
    (position,) = neck_position(down)
    assert position[0] > 0.03  # forward
    assert position[2] < 0.0  # and down
    assert np.linalg.norm(position + NECK_TO_HEAD_M) == pytest.approx(np.linalg.norm(NECK_TO_HEAD_M))


def test_random_gestures_are_known_and_within_their_time() -> None:
    for seed in range(20):
        gestures = random_gestures(3.0, 40.0, np.random.default_rng(seed), every_s=3.0)
        assert all(g.kind in KINDS and g.start_s >= 3.0 and g.start_s + g.duration_s <= 40.0 + 1e-9 for g in gestures)
    assert gestures


def test_natural_motion_is_smooth_and_small() -> None:
    orientation, position = natural(30.0, RATE_HZ, np.random.default_rng(2))
    assert orientation.shape == (1801, 4)
    assert position.shape == (1801, 3)
    step = rotation.multiply(rotation.conjugate(orientation[:-1]), orientation[1:])
    rate = np.rad2deg(np.linalg.norm(rotation.to_vector(step), axis=1)) * RATE_HZ
    assert 1.0 < np.sqrt(np.mean(rate**2)) < 40.0
    assert rate.max() < 150.0
