from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, unit_impulse

from imu_sim.chips.noise import FilteredNoise, Flicker, Warming


@pytest.mark.parametrize("bandwidth_hz", [10.0, 48.3, 120.0])
def test_filtered_noise_has_the_statistics_of_filtering_at_full_rate(bandwidth_hz: float) -> None:
    sos = butter(2, bandwidth_hz, fs=1000.0, output="sos")
    response = sosfilt(sos, unit_impulse(800))
    drawn = FilteredNoise(2.0, response, 5, (200,), np.random.default_rng(1)).draw(5000)
    # Every fifth value of white noise of deviation 2 behind the filter has the covariance 4 sum h[n] h[n + 5 k].
    for lag in range(6):
        expected = 4.0 * float(response[: 800 - 5 * lag] @ response[5 * lag :])
        found = float(np.mean(drawn[lag:] * drawn[: 5000 - lag]))
        assert found == pytest.approx(expected, abs=0.01 * 4.0 * float(response @ response))


def test_filtered_noise_is_the_same_for_any_split() -> None:
    response = np.array([0.5, 0.3, 0.1, 0.05, 0.02])
    whole = FilteredNoise(1.0, response, 2, (3,), np.random.default_rng(2)).draw(100)
    source = FilteredNoise(1.0, response, 2, (3,), np.random.default_rng(2))
    joined = np.concatenate([source.draw(count) for count in (0, 1, 1, 30, 68)])
    np.testing.assert_array_equal(joined, whole)


def test_flicker_falls_as_one_over_frequency_and_is_the_same_for_any_split() -> None:
    times = np.arange(40_000) * 0.5
    whole = Flicker(1.0, (30,), np.random.default_rng(3)).at(times)
    source = Flicker(1.0, (30,), np.random.default_rng(3))
    joined = np.concatenate([source.at(times[a:b]) for a, b in pairwise((0, 1, 3, 3, 20_001, 40_000))])
    np.testing.assert_array_equal(joined, whole)
    power = np.mean(np.abs(np.fft.rfft((whole - whole.mean(0)) * np.hanning(40_000)[:, None], axis=0)) ** 2, axis=1)
    frequency = np.fft.rfftfreq(40_000, 0.5)
    inside = (frequency > 3e-4) & (frequency < 3e-2)
    slope = np.polyfit(np.log(frequency[inside]), np.log(power[inside]), 1)[0]
    assert slope == pytest.approx(-1.0, abs=0.1)


def test_warming_goes_from_room_to_skin() -> None:
    warming = Warming(room_c=20.0, skin_c=34.0, time_constant_s=100.0, worn_s=0.0)
    above = warming.above_reference(np.array([0.0, 100.0, 1e5]))
    np.testing.assert_allclose(above + 25.0, [20.0, 34.0 - 14.0 / np.e, 34.0], atol=1e-9)
