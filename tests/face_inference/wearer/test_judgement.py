"""Scores by region, and what would help."""

from __future__ import annotations

import math

import numpy as np
import pytest

from face_inference.wearer.judgement import Judgement, Score, judged, not_exercised, unlike
from face_model import arkit, routine


def moving(seed=1, count=400):
    return np.random.default_rng(seed).uniform(0.0, 1.0, (count, arkit.COUNT))


def test_a_perfect_reading_has_no_error_in_any_region():
    labels = moving()
    found = judged(labels, labels)
    assert found.whole.mae == 0.0
    assert found.whole.r == pytest.approx(1.0)
    assert set(found.regions) == {"brows", "eyes", "cheeks and nose", "jaw", "mouth"}


def test_error_stays_in_its_region():
    labels = moving()
    read = labels.copy()
    read[:, [i for i, name in enumerate(arkit.BLENDSHAPES) if name.startswith("jaw")]] = 0.5
    found = judged(labels, read)
    assert found.regions["jaw"].mae > 0.2
    assert found.regions["jaw"].r == pytest.approx(0.0, abs=1e-6)
    assert all(score.mae == 0.0 for name, score in found.regions.items() if name != "jaw")


def test_a_region_that_never_moved_is_not_judged():
    labels = moving()
    labels[:, [i for i, name in enumerate(arkit.BLENDSHAPES) if name.startswith("brow")]] = 0.1
    assert "brows" not in judged(labels, labels).regions
    assert math.isnan(judged(np.zeros((50, arkit.COUNT)), np.zeros((50, arkit.COUNT))).whole.r)


def test_shapes_that_sensors_do_not_see_are_not_judged():
    labels = moving()
    read = labels.copy()
    read[:, arkit.INDEX["tongueOut"]] = 0.0
    assert judged(labels, read).whole.mae == 0.0


def test_worse_is_more_than_chance():
    assert not Score(0.0505, 0.80).worse_than(Score(0.05, 0.81))
    assert Score(0.06, 0.81).worse_than(Score(0.05, 0.80))
    assert not Score(0.054, 0.60).worse_than(Score(0.05, 0.50))
    assert Score(0.06, 0.60).worse_than(Score(0.05, 0.50))
    assert Score(0.05, 0.70).worse_than(Score(0.05, 0.80))
    assert not Score(0.05, math.nan).worse_than(Score(0.05, math.nan))
    before = Judgement(Score(0.05, 0.8), {"jaw": Score(0.05, 0.8), "brows": Score(0.05, 0.8)})
    after = Judgement(Score(0.05, 0.8), {"jaw": Score(0.09, 0.8), "brows": Score(0.04, 0.8), "mouth": Score(1.0, 0.0)})
    assert list(unlike(before, after)) == ["jaw"]


def test_what_was_not_shown_is_asked_for_in_the_routines_words():
    assert not_exercised(moving()) == ()
    labels = moving()
    labels[:, arkit.INDEX["jawOpen"]] = 0.1
    texts = {prompt.name: prompt.text for prompt in routine.ROUTINE}
    assert not_exercised(labels) == (texts["jaw_open"],)
    assert len(not_exercised(np.zeros((100, arkit.COUNT)))) > 10


def test_one_pose_of_a_second_was_shown_and_a_flicker_was_not():
    labels = np.zeros((1500, arkit.COUNT))
    labels[700:710] = 0.8
    assert not_exercised(labels) == ()
    labels[702:710] = 0.0
    assert len(not_exercised(labels)) > 10
