from __future__ import annotations

import numpy as np
import pytest

from face_inference.tap_finder import TapFinder
from face_model.taps import find_taps

RATE_HZ = 100.0


def felt(taps_s, seconds=8.0, seed=0):
    """Specific force (T, 3) of a chin that talks, and is tapped."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    force = np.array([9.8, 0.0, 0.0]) + rng.normal(0.0, 0.1, (len(t), 3))
    force[:, 2] += 1.5 * np.sin(2.0 * np.pi * 3.0 * t)
    for at in taps_s:
        force[:, 2] += 35.0 * np.exp(-(((t - at) / 0.012) ** 2))
    return t, force


def test_taps_are_found_once_each_as_they_come_and_as_in_a_recording():
    taps_s = (2.0, 2.61, 3.9, 6.02)
    t, force = felt(taps_s)
    finder = TapFinder()
    found = [(tap, now) for now, row in zip(t, force, strict=True) for tap in finder.add(now, row, round(now, 2))]
    assert [tap.key for tap, _ in found] == pytest.approx(taps_s)
    assert [t[tap.row] for tap in find_taps(t, force)] == pytest.approx(taps_s)
    assert all(now - tap.time_s < 0.4 for tap, now in found)
    assert all(tap.height > 25.0 and tap.clearness > 10.0 for tap, _ in found)


def test_talking_and_a_shaken_head_are_no_taps():
    t, force = felt(())
    force[300:500, 1] += 8.0 * np.sin(2.0 * np.pi * 2.0 * t[300:500])
    finder = TapFinder()
    assert not [tap for now, row in zip(t, force, strict=True) for tap in finder.add(now, row, None)]


def test_a_gap_begins_anew_and_samples_that_are_no_numbers_are_passed_over():
    t, force = felt((2.0, 6.0))
    finder = TapFinder()
    found = []
    for now, row in zip(t, force, strict=True):
        if not 3.0 < now < 4.5:
            found += finder.add(now, np.full(3, np.nan) if round(now * 100) % 7 == 0 else row, round(now, 2))
    assert [tap.key for tap in found] == pytest.approx([2.0, 6.0], abs=0.02)
