"""Deviations, the track, regions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from face_fusion.deviation import LEAST_VARIANCE, MOST_VARIANCE, confidence_of, variance_of
from face_fusion.regions import MEMBERS, REGION, REGIONS
from face_fusion.track import Track
from face_inference import uncertainty
from face_model import arkit


@given(st.floats(0.14, 0.9999))
def test_confidence_and_variance_are_each_others_inverse(confidence: float) -> None:
    variance = variance_of(np.array([confidence]))
    if LEAST_VARIANCE < variance[0] < MOST_VARIANCE:
        np.testing.assert_allclose(confidence_of(variance), confidence, rtol=1e-9)


def test_the_law_is_that_of_the_estimator() -> None:
    deviation = np.array([0.02, 0.1, 0.4])
    np.testing.assert_allclose(confidence_of(np.square(deviation)), uncertainty.confidence_of(deviation))


@given(st.floats(0.0, 1.0))
def test_variance_is_bounded(confidence: float) -> None:
    assert LEAST_VARIANCE <= variance_of(np.array([confidence]))[0] <= MOST_VARIANCE


def test_every_shape_is_of_one_region() -> None:
    np.testing.assert_array_equal(MEMBERS.sum(axis=0), 1.0)
    assert REGIONS[REGION[arkit.INDEX["tongueOut"]]] == "mouth"
    assert REGIONS[REGION[arkit.INDEX["eyeLookInLeft"]]] == "eyes"
    assert REGIONS[REGION[arkit.INDEX["browInnerUp"]]] == "brows"


def test_a_track_is_looked_up_between_rows_and_held_at_its_ends() -> None:
    track = Track()
    assert len(track) == 0
    for k in range(3000):
        track.add(0.01 * k, np.full(arkit.COUNT, float(k)))
    assert track.newest_s == 0.01 * 2999
    assert track.oldest_s > 20.0
    np.testing.assert_allclose(track.at(29.505), 2950.5)
    np.testing.assert_allclose(track.at(99.0), 2999.0)
    np.testing.assert_allclose(track.at(0.0), track.oldest_s * 100.0)
    track.clear()
    assert len(track) == 0
    track.add(1.0, np.ones(arkit.COUNT))
    np.testing.assert_allclose(track.at(5.0), 1.0)
