from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import arkit, rotation
from imu_sim.errors import ImuSimError
from imu_sim.motion import IDENTITY, FaceMotion
from imu_sim.realism.statistics import (
    BANDS_HZ,
    PAIRS,
    blink_durations,
    correlations,
    event_durations,
    motion_statistics,
)

JAW, BROW = arkit.INDEX["jawOpen"], arkit.INDEX["browInnerUp"]
SMILE = arkit.INDEX["mouthSmileLeft"], arkit.INDEX["mouthSmileRight"]
LIDS = [arkit.INDEX["eyeBlinkLeft"], arkit.INDEX["eyeBlinkRight"]]


def take(seconds: float = 60.0, rate_hz: float = 60.0, **shapes: np.ndarray) -> FaceMotion:
    count = round(seconds * rate_hz) + 1
    weights = np.zeros((count, arkit.COUNT))
    for name, values in shapes.items():
        weights[:, arkit.INDEX[name]] = values
    return FaceMotion(rate_hz, weights, np.tile(IDENTITY, (count, 1)), np.zeros((count, 3)))


def times(seconds: float = 60.0, rate_hz: float = 60.0) -> np.ndarray:
    return np.arange(round(seconds * rate_hz) + 1) / rate_hz


def pulses(starts: list[float], lasts_s: float) -> np.ndarray:
    t = times()
    return np.asarray(sum(((t >= s) & (t < s + lasts_s)).astype(float) for s in starts))


@pytest.mark.parametrize("frequency_hz", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("rate_hz", [30.0, 60.0])
def test_a_sine_has_its_frequency_speed_and_level(frequency_hz: float, rate_hz: float) -> None:
    t = times(60.0, rate_hz)
    s = motion_statistics([take(60.0, rate_hz, jawOpen=0.5 + 0.4 * np.sin(2.0 * np.pi * frequency_hz * t))])
    assert s.edge_hz[JAW] == pytest.approx(frequency_hz, abs=0.26)
    band = int(np.searchsorted(BANDS_HZ, frequency_hz, side="right")) - 1
    assert s.bands[[band - 1, band], JAW].sum() > 0.95
    assert s.mean[JAW] == pytest.approx(0.5, abs=0.01)
    assert s.deviation[JAW] == pytest.approx(0.4 / np.sqrt(2.0), abs=0.01)
    # |cos| is above 0.997 for five in a hundred of its time; differences at 30 Hz fall a little short of the slope.
    assert s.speed[2][JAW] == pytest.approx(0.4 * 2.0 * np.pi * frequency_hz, rel=0.08)
    assert s.onset[JAW] == pytest.approx(s.offset[JAW], rel=0.02)
    assert s.seconds == pytest.approx(60.0)


def test_a_train_of_events_has_its_number_and_durations() -> None:
    s = motion_statistics([take(browInnerUp=pulses([5.0, 15.0, 30.0], 2.0)), take(browInnerUp=pulses([10.0], 4.0))])
    assert s.events_per_min[BROW] == pytest.approx(2.0)
    np.testing.assert_allclose(s.event_s[BROW], [2.0, 2.0, 2.0, 4.0], atol=0.04)
    assert s.strong[BROW] == pytest.approx(10.0 / 120.0, abs=0.002)
    assert not len(s.event_s[JAW])


def test_events_have_hysteresis_and_are_whole() -> None:
    waver = np.array([0.0, 0.4, 0.2, 0.4, 0.2, 0.1, 0.0, 0.2, 0.29, 0.0])
    np.testing.assert_allclose(event_durations(waver, 10.0), [0.4])
    assert not len(event_durations(np.ones(10), 10.0))
    assert not len(event_durations(np.array([0.0, 1.0, 1.0]), 10.0))
    assert not len(event_durations(np.array([1.0, 1.0, 0.0]), 10.0))


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60))
def test_events_are_never_longer_than_the_take(values: list[float]) -> None:
    found = event_durations(np.array(values), 10.0)
    assert np.all(found > 0.0)
    assert found.sum() <= 0.1 * len(values)


def test_blinks_are_counted_and_timed_and_long_closures_are_not() -> None:
    t = times()
    lids = np.zeros(len(t))
    for start in (5.0, 10.0, 20.0):
        lids = np.maximum(lids, np.clip(1.0 - np.abs(t - start) / 0.15, 0.0, 1.0))
    lids = np.maximum(lids, pulses([30.0], 3.0))
    motion = take(eyeBlinkLeft=lids, eyeBlinkRight=lids)
    np.testing.assert_allclose(blink_durations(motion), 0.15, atol=0.01)
    assert motion_statistics([motion]).blinks_per_min == pytest.approx(3.0)
    # A wink is no blink.
    assert not len(blink_durations(take(eyeBlinkLeft=lids)))


def test_correlation_of_sides_and_of_shapes_that_never_move() -> None:
    wave = 0.5 + 0.4 * np.sin(times())
    s = motion_statistics([take(mouthSmileLeft=wave, mouthSmileRight=0.5 * wave, jawOpen=1.0 - wave)])
    assert s.correlation[SMILE] == pytest.approx(1.0)
    assert s.correlation[SMILE[0], JAW] == pytest.approx(-1.0)
    assert s.left_right[PAIRS.index(SMILE)] == pytest.approx(1.0)
    assert not s.correlation[BROW].any()
    assert correlations(np.zeros((5, 2))).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_pairs_are_left_and_right_of_one_movement() -> None:
    assert all(arkit.MIRROR[left] == right and left < right for left, right in PAIRS)
    assert not any(arkit.BLENDSHAPES[left].startswith(("jaw", "mouthLeft")) for left, _ in PAIRS)
    stems = {arkit.BLENDSHAPES[left].removesuffix("Left") for left, _ in PAIRS}
    assert {"mouthSmile", "browDown", "eyeLookOut"} <= stems


def test_head_rate_where_there_is_one() -> None:
    t = times(10.0)
    zero = np.zeros(len(t))
    turning = FaceMotion(
        60.0,
        np.zeros((len(t), arkit.COUNT)),
        np.asarray(rotation.from_vector(np.stack([zero, zero, np.deg2rad(20.0) * t], 1))),
        np.zeros((len(t), 3)),
    )
    s = motion_statistics([turning])
    assert s.head_deg_s == pytest.approx(20.0, rel=1e-3)
    assert s.head_turning == 1.0
    unknown = motion_statistics([turning], head=False)
    assert np.isnan(unknown.head_deg_s)
    assert np.isnan(unknown.head_turning)


def test_takes_too_short_are_refused() -> None:
    with pytest.raises(ImuSimError, match="expected takes"):
        motion_statistics([])
    with pytest.raises(ImuSimError, match="a second or more"):
        motion_statistics([take(0.5)])
