"""One Euro by time: the same motion comes out alike at any rate and with jitter; at rest it is calm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_streams.one_euro import LONGEST_GAP_S, OneEuro, OneEuroFilter

SECONDS = 3.0


def motion(times: np.ndarray, seed: int) -> np.ndarray:
    """A weight that a face could have: a few slow waves and a quick rise and fall, 0 to 1."""
    rng = np.random.default_rng(seed)
    waves = sum(
        rng.uniform(0.0, 0.15) * np.sin(2.0 * np.pi * rng.uniform(0.2, 2.0) * times + rng.uniform(0.0, 6.0))
        for _ in range(4)
    )
    blink = np.exp(-0.5 * ((times - rng.uniform(0.8, 2.2)) / 0.08) ** 2)
    return np.clip(0.3 + waves + 0.6 * blink, 0.0, 1.0)


def smoothed(times: np.ndarray, values: np.ndarray, setting: OneEuro) -> np.ndarray:
    run = OneEuroFilter([setting])
    return np.array([run(np.array([value]), time)[0] for time, value in zip(times, values, strict=True)])


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    cutoff=st.floats(1.0, 10.0),
    beta=st.floats(0.0, 6.0),
    rate=st.sampled_from([30.0, 60.0, 100.0]),
    jitter=st.floats(0.0, 0.4),
)
def test_the_rate_does_not_matter(seed: int, cutoff: float, beta: float, rate: float, jitter: float) -> None:
    setting = OneEuro(cutoff, beta)
    fine = np.arange(0.0, SECONDS, 1.0 / 1000.0)
    truth = smoothed(fine, motion(fine, seed), setting)
    times = np.arange(0.0, SECONDS, 1.0 / rate)
    times[1:] += np.random.default_rng(seed).uniform(-jitter, jitter, len(times) - 1) / rate
    found = smoothed(times, motion(times, seed), setting)
    # What a coarse clock cannot know is the motion between its samples: a curve is then a few straight lines.
    unknown = np.abs(np.interp(fine, times, motion(times, seed)) - motion(fine, seed)).max()
    assert np.abs(found - np.interp(times, fine, truth)).max() <= 0.02 + 2.0 * unknown


@given(cutoff=st.floats(0.5, 20.0), rate=st.sampled_from([30.0, 60.0, 100.0]))
def test_a_ramp_is_late_by_the_time_constant_at_every_rate(cutoff: float, rate: float) -> None:
    times = np.arange(0.0, 5.0, 1.0 / rate)
    late = times - smoothed(times, times, OneEuro(cutoff))
    assert late[-1] == pytest.approx(1.0 / (2.0 * np.pi * cutoff), rel=1e-3)


def test_noise_at_rest_is_calmed_and_speed_is_followed() -> None:
    times = np.arange(0.0, 4.0, 0.01)
    noise = np.random.default_rng(1).normal(0.0, 0.02, len(times))
    assert smoothed(times, 0.5 + noise, OneEuro(1.0))[100:].std() < 0.3 * noise.std()
    slow, quick = (times - smoothed(times, times, OneEuro(1.0, beta)) for beta in (0.0, 5.0))
    assert quick[-1] < 0.3 * slow[-1]


def test_a_constant_stays_what_it_is() -> None:
    times = np.cumsum(np.random.default_rng(0).uniform(0.001, 0.1, 200))
    np.testing.assert_allclose(smoothed(times, np.full(200, 0.7), OneEuro(2.0, 3.0)), 0.7, atol=1e-12)


@pytest.mark.parametrize("step_s", [-1.0, LONGEST_GAP_S + 0.1])
def test_it_begins_anew_after_a_gap_or_where_time_goes_back(step_s: float) -> None:
    run = OneEuroFilter([OneEuro(1.0)])
    run(np.array([0.0]), 10.0)
    assert run(np.array([1.0]), 10.0 + step_s)[0] == 1.0


def test_what_has_no_filter_stays_raw_and_a_time_given_twice_changes_nothing() -> None:
    run = OneEuroFilter([None, OneEuro(1.0)])
    run(np.array([0.0, 0.0]), 0.0)
    out = run(np.array([1.0, 1.0]), 0.01)
    assert out[0] == 1.0
    assert 0.0 < out[1] < 0.1
    np.testing.assert_array_equal(run(np.array([1.0, 1.0]), 0.01), out)
    assert OneEuroFilter([None]).is_idle


@pytest.mark.parametrize("values", [{"minimum_cutoff_hz": 0.0}, {"minimum_cutoff_hz": 1.0, "beta": -1.0}])
def test_settings_out_of_bounds(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        OneEuro(**values)
