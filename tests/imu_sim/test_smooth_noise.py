from __future__ import annotations

import numpy as np
import pytest

from imu_sim.smooth_noise import smooth_noise, smooth_noises


@pytest.mark.parametrize("cutoff_hz", [0.15, 1.0, 3.0])
def test_unit_deviation_and_no_content_above_the_cutoff(cutoff_hz: float) -> None:
    noise = smooth_noises(6000, 40, 60.0, cutoff_hz, np.random.default_rng(0))
    assert noise.std() == pytest.approx(1.0, abs=0.06)
    assert noise.mean() == pytest.approx(0.0, abs=0.1)
    windowed = (noise - noise.mean(axis=0)) * np.hanning(len(noise))[:, None]
    power = (np.abs(np.fft.rfft(windowed, axis=0)) ** 2).sum(axis=1)
    frequency = np.fft.rfftfreq(len(noise), 1.0 / 60.0)
    assert power[frequency > 2.5 * cutoff_hz].sum() < 0.02 * power.sum()
    assert power[frequency > 0.5 * cutoff_hz].sum() > 0.1 * power.sum()


def test_channels_are_independent_and_seeds_repeat() -> None:
    noise = smooth_noises(20000, 3, 60.0, 1.0, np.random.default_rng(1))
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 0.2
    again = smooth_noises(20000, 3, 60.0, 1.0, np.random.default_rng(1))
    np.testing.assert_array_equal(noise, again)


def test_one_sample_is_enough() -> None:
    assert smooth_noise(1, 60.0, 1.0, np.random.default_rng(0)).shape == (1,)
