"""Clocks brought together: by faces, by taps, by both; and the uncertainty is right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_model import arkit
from face_model.lag_search import Track
from face_reference.alignment import ClockAlignment, align_faces
from face_reference.errors import AlignmentError
from face_reference.taps import align_taps, combined, felt_taps, seen_jolts

CHANNELS = 9


class Face:
    """A face that moves, a linear wearer, and anybody's idea of one; `seed` tells them apart."""

    def __init__(self, seed: int, duration_s: float = 90.0) -> None:
        rng = np.random.default_rng(seed)
        self.duration_s = duration_s
        knots = np.arange(-5.0, duration_s + 5.0, 0.35)
        self._knots = knots
        shown = rng.random((len(knots), arkit.COUNT)) * (rng.random((len(knots), arkit.COUNT)) < 0.2)
        self._weights = shown
        self.own = rng.normal(0.0, 1.0, (CHANNELS, arkit.COUNT)) * (rng.random((CHANNELS, arkit.COUNT)) < 0.3)
        self.anybody = self.own + rng.normal(0.0, 0.5, self.own.shape) * (np.abs(self.own) > 0.0)
        self.rng = rng

    def weights(self, at_s: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(at_s, self._knots, column) for column in self._weights.T], axis=1)

    def sensors(self, noise: float = 0.3) -> Track:
        at_s = np.arange(round(self.duration_s * 100.0)) / 100.0
        felt = self.weights(at_s) @ self.own.T
        slow = np.cumsum(self.rng.normal(0.0, 0.01, felt.shape), axis=0)
        felt = felt + slow + self.rng.normal(0.0, noise, felt.shape)
        return Track(at_s, felt, np.ones(felt.shape, dtype=bool))

    def camera(
        self, lag_s: float, skew_ppm: float, rate_hz: float = 30.0, drop: float = 0.05, jitter_s: float = 0.004
    ) -> tuple[np.ndarray, Track, np.ndarray]:
        """Its times, what it saw, and what is expected of that."""
        true_s = np.arange(1.0, self.duration_s - 1.0, 1.0 / rate_hz)
        true_s = true_s[self.rng.random(len(true_s)) > drop]
        seen = self.weights(true_s) * self.rng.normal(1.0, 0.2, arkit.COUNT) + 0.05
        seen = seen + self.rng.normal(0.0, 0.02, seen.shape)
        stamped = (true_s + self.rng.normal(0.0, jitter_s, len(true_s)) - lag_s) / (1.0 + 1e-6 * skew_ppm)
        stamped = np.sort(stamped)
        return stamped, Track(stamped, seen, np.ones(seen.shape, dtype=bool)), seen @ self.anybody.T


def error_s(found: ClockAlignment, at_s: float, lag_s: float, skew_ppm: float) -> float:
    return float(found.to_sensors(np.array([at_s]))[0] - (at_s * (1.0 + 1e-6 * skew_ppm) + lag_s))


@settings(deadline=None, max_examples=4)
@given(
    seed=st.integers(0, 10_000),
    lag_s=st.floats(-2.0, 2.0),
    skew_ppm=st.sampled_from([-100.0, 0.0, 100.0]),
    rate_hz=st.sampled_from([24.0, 30.0, 60.0]),
)
def test_a_late_camera_with_a_skew_is_aligned_within_8_ms(
    seed: int, lag_s: float, skew_ppm: float, rate_hz: float
) -> None:
    face = Face(seed)
    camera_s, weights, expected = face.camera(lag_s, skew_ppm, rate_hz)
    found = align_faces(face.sensors(), camera_s, weights, expected, 5.0)
    for at_s in (camera_s[0], found.origin_s, camera_s[-1]):
        assert abs(error_s(found, float(at_s), lag_s, skew_ppm)) < 0.008
    assert 0.0005 < found.deviation_s < 0.006
    assert f"{found.offset_s:+.3f} s" in found.summary


def test_the_truth_is_within_two_standard_deviations() -> None:
    """Of 16 cases, 14 at least: fewer are improbable (4 %) where it is 95 % of them."""
    within = 0
    for seed in range(16):
        rng = np.random.default_rng(seed)
        lag_s, skew_ppm = rng.uniform(-2.0, 2.0), rng.normal(0.0, 60.0)
        face = Face(seed, 60.0)
        camera_s, weights, expected = face.camera(lag_s, skew_ppm)
        found = align_faces(face.sensors(1.0), camera_s, weights, expected, 5.0)
        within += abs(error_s(found, found.origin_s, lag_s, skew_ppm)) <= 2.0 * found.deviation_s
    assert within >= 14


def test_both_directions_are_inverse() -> None:
    found = ClockAlignment(1.5, 80.0, 40.0, 0.001, 5.0, 60.0)
    at_s = np.array([0.0, 40.0, 1e5])
    np.testing.assert_allclose(found.to_camera(found.to_sensors(at_s)), at_s, atol=1e-9)
    assert found.deviation_at(40.0) == 0.001
    assert found.deviation_at(1e6) > 1.0


def test_a_camera_that_lost_the_face_for_a_while_is_aligned() -> None:
    face = Face(4)
    camera_s, weights, expected = face.camera(0.7, 50.0)
    lost = (camera_s > 20.0) & (camera_s < 45.0)
    frozen = weights.values.copy()
    frozen[lost] = frozen[np.flatnonzero(lost)[0]]
    valid = weights.valid & ~lost[:, None]
    found = align_faces(face.sensors(), camera_s, Track(camera_s, frozen, valid), expected, 5.0)
    assert abs(error_s(found, found.origin_s, 0.7, 50.0)) < 0.008
    assert found.overlap_s < 66.0


def test_a_shape_that_is_never_seen_and_a_dead_sensor_are_survived() -> None:
    face = Face(6)
    camera_s, weights, expected = face.camera(-0.4, 0.0)
    valid = weights.valid.copy()
    valid[:, arkit.INDEX["tongueOut"]] = False
    sensors = face.sensors()
    there = sensors.valid.copy()
    there[:, :3] = False
    there[3000:3500] = False
    found = align_faces(
        Track(sensors.time_s, sensors.values, there), camera_s, Track(camera_s, weights.values, valid), expected, 5.0
    )
    assert abs(error_s(found, found.origin_s, -0.4, 0.0)) < 0.008


def test_another_face_is_refused() -> None:
    camera_s, weights, expected = Face(8).camera(0.3, 0.0)
    with pytest.raises(AlignmentError, match="one lag"):
        align_faces(Face(9).sensors(), camera_s, weights, expected, 5.0)


def test_recordings_of_different_times_are_refused() -> None:
    face = Face(8)
    camera_s, weights, expected = face.camera(0.3, 0.0)
    later = Track(camera_s + 1000.0, weights.values, weights.valid)
    with pytest.raises(AlignmentError, match="overlap"):
        align_faces(face.sensors(), later.time_s, later, expected, 5.0)


# Taps.


def tapped_force(taps_s: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """40 s of the chin unit, with chewing and a shaken head."""
    time_s = np.arange(4000) / 100.0
    force = np.array([0.0, 0.0, 9.81]) + rng.normal(0.0, 0.05, (len(time_s), 3))
    force[:, 0] += 1.5 * np.sin(2.0 * np.pi * 2.3 * time_s)
    force[:, 1] += 4.0 * np.exp(-(((time_s - 30.0) / 0.4) ** 2)) * np.sin(2.0 * np.pi * 3.0 * time_s)
    for at_s in taps_s:
        force[:, 2] += 25.0 * np.exp(-(((time_s - at_s) / 0.012) ** 2))
    return time_s, force


TAPS = np.array([5.013, 5.52, 6.31, 7.02])


def test_taps_are_felt_and_nothing_else() -> None:
    found = felt_taps(*tapped_force(TAPS, np.random.default_rng(0)))
    np.testing.assert_allclose(found, TAPS, atol=0.011)
    assert len(felt_taps(*tapped_force(np.zeros(0), np.random.default_rng(0)))) == 0


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10_000), lag_s=st.floats(-2.0, 2.0), rate_hz=st.sampled_from([30.0, 60.0]))
def test_taps_align_to_a_frame(seed: int, lag_s: float, rate_hz: float) -> None:
    rng = np.random.default_rng(seed)
    camera_s = np.arange(0.0, 40.0, 1.0 / rate_hz) + rng.uniform(0.0, 1.0 / rate_hz)
    weights = rng.normal(0.1, 0.004, (len(camera_s), arkit.COUNT))
    for at_s in TAPS - lag_s:
        weights[:, arkit.INDEX["jawOpen"]] += 0.2 * np.exp(-(((camera_s - at_s) / 0.035) ** 2))
    marks = seen_jolts(camera_s, weights)
    found = align_taps(felt_taps(*tapped_force(TAPS, rng)), marks, 3.0, 1.0 / rate_hz)
    assert abs(found.offset_s - lag_s) < min(0.5 / rate_hz, 3.0 * found.deviation_s)
    assert found.method == "taps"


def test_taps_in_step_and_too_few_are_refused() -> None:
    even = np.arange(8) * 0.5
    with pytest.raises(AlignmentError, match="not in step"):
        align_taps(even + 2.0, even[:7], 3.0)
    with pytest.raises(AlignmentError, match="at least 3"):
        align_taps(TAPS[:2], TAPS[:2], 3.0)
    with pytest.raises(AlignmentError):
        align_taps(TAPS, TAPS + 50.0, 3.0)


def test_faces_and_taps_together_are_surer_than_either() -> None:
    faces = ClockAlignment(1.0, 20.0, 50.0, 0.006, 40.0, 90.0, 0.6, 3.0, 0.9)
    taps = ClockAlignment(1.004, 0.0, 10.0, 0.005, 166.0, 3.0, method="taps")
    both = combined(faces, taps)
    assert both.deviation_s < faces.deviation_s
    assert 1.0 < both.to_sensors(np.array([10.0]))[0] - 10.0 < 1.005
    assert both.method == "faces and taps"
    assert both.correlation == 0.6


def test_taps_that_contradict_the_faces_are_refused() -> None:
    faces = ClockAlignment(1.0, 20.0, 50.0, 0.003, 20.0, 90.0)
    with pytest.raises(AlignmentError, match="agree"):
        combined(faces, ClockAlignment(1.3, 0.0, 10.0, 0.005, 166.0, 3.0, method="taps"))
