from __future__ import annotations

import numpy as np

from face_model import arkit
from imu_sim.performance.style import PLAIN, draw_style


def test_people_differ_and_are_the_same_for_the_same_seed() -> None:
    people = [draw_style(np.random.default_rng(seed)) for seed in range(200)]
    again = draw_style(np.random.default_rng(3))
    assert again.intensity == people[3].intensity
    np.testing.assert_array_equal(again.companions, people[3].companions)
    for name in ("intensity", "pace", "loudness", "speech_pace", "blink_interval_s", "head"):
        values = np.array([getattr(p, name) for p in people])
        assert values.min() > 0.0
        assert values.max() > 1.3 * values.min(), name
    assert 0.1 < np.mean([not p.companions.any() for p in people]) < 0.3
    assert np.median([p.blink_interval_s for p in people]) < 5.5


def test_sides_of_a_person_differ_less_than_shapes() -> None:
    gains = np.array([draw_style(np.random.default_rng(seed)).gain for seed in range(100)])
    sides = np.log(gains / gains[:, list(arkit.MIRROR)]).std()
    shapes = np.log(gains[:, arkit.INDEX["jawOpen"]] / gains[:, arkit.INDEX["browInnerUp"]]).std()
    assert 0.02 < sides < 0.6 * shapes


def test_plain_changes_nothing() -> None:
    assert not PLAIN.companions.any()
    assert not PLAIN.antagonists.any()
    assert not PLAIN.tonus.any()
    assert np.all(PLAIN.gain == 1.0)
