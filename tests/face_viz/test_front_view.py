import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import rotation
from face_viz.front_view import RECENTRE_S, FrontView
from face_viz.page import RateMeter

UNIT = st.lists(st.floats(-1, 1), min_size=4, max_size=4).map(np.array).filter(lambda q: np.linalg.norm(q) > 0.1)


def heading_rad(q: np.ndarray) -> float:
    forward = rotation.rotate(np.asarray(q, float), np.array([1.0, 0.0, 0.0]))
    return math.atan2(forward[1], forward[0])


def turned(angle_rad: float) -> np.ndarray:
    return rotation.from_vector(np.array([0.0, 0.0, angle_rad]))


@given(UNIT)
def test_after_a_reset_the_face_looks_ahead_and_keeps_its_tilt(q: np.ndarray) -> None:
    q = q / np.linalg.norm(q)
    view = FrontView()
    view.reset()
    shown = view.turn(q, 0.0)
    forward = rotation.rotate(q, np.array([1.0, 0.0, 0.0]))
    if math.hypot(forward[0], forward[1]) > 0.05:
        assert heading_rad(shown) == pytest.approx(0.0, abs=1e-3)
    up = rotation.rotate(rotation.conjugate(q), np.array([0.0, 0.0, 1.0]))
    up_shown = rotation.rotate(rotation.conjugate(shown.astype(float)), np.array([0.0, 0.0, 1.0]))
    assert up_shown == pytest.approx(up, abs=1e-5)


@given(st.floats(-3.1, 3.1), st.floats(-0.6, 0.6))
def test_a_quick_turn_is_seen_whatever_the_arbitrary_heading(start_rad: float, turn_rad: float) -> None:
    view = FrontView()
    view.reset()
    view.turn(turned(start_rad), 0.0)
    assert heading_rad(view.turn(turned(start_rad + turn_rad), 0.1)) == pytest.approx(turn_rad, abs=0.01)


def test_a_lasting_heading_becomes_the_front() -> None:
    view = FrontView()
    view.turn(turned(0.0), 0.0)
    for step in range(1, 1000):
        shown = view.turn(turned(1.0), 0.1 * step)
    assert abs(heading_rad(shown)) < math.exp(-99.0 / RECENTRE_S) * 1.2


def test_the_front_is_where_the_wearer_looked_at_neutral() -> None:
    """A page that is opened while the head is turned must not take that for the front."""
    assert heading_rad(FrontView().turn(turned(0.7), 0.0)) == pytest.approx(0.7, abs=1e-6)


def test_reset_makes_the_next_heading_the_front() -> None:
    view = FrontView()
    view.turn(turned(0.0), 0.0)
    view.reset()
    assert heading_rad(view.turn(turned(2.0), 0.1)) == pytest.approx(0.0, abs=1e-6)


def test_an_unset_orientation_is_straight_ahead() -> None:
    assert FrontView().turn(np.zeros(4), 0.0).tolist() == [0.0, 0.0, 0.0, 1.0]


def test_rate_counts_over_a_second_and_forgets_a_pause() -> None:
    meter = RateMeter()
    assert meter.update(0, 0.0) is None
    assert meter.update(50, 0.5) is None
    assert meter.update(100, 1.0) == pytest.approx(100.0)
    assert meter.update(160, 2.0) == pytest.approx(60.0)
    assert meter.update(10_000, 100.0) is None
