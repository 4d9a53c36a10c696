from __future__ import annotations

import numpy as np

from face_inference.absence import Absence


def test_who_was_away_for_long_is_named_once_when_it_is_back():
    absence, there = Absence(3), np.array([True, True, True])
    without = np.array([True, False, True])
    assert absence.follow(there, 2.0) is None
    for _ in range(3):
        assert absence.follow(without, 2.0) is None
    assert absence.samples.tolist() == [0, 3, 0]
    assert absence.follow(there, 2.0).tolist() == [False, True, False]
    assert absence.follow(there, 2.0) is None


def test_who_was_away_for_a_moment_is_not():
    absence = Absence(2)
    for valid in ([True, False], [True, False], [True, True]):
        assert absence.follow(np.array(valid), 2.0) is None
    assert not absence.samples.any()
