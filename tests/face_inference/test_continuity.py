from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_inference.continuity import Coming, Continuity, missed_numbers, numbered_anew

MODULUS = 1 << 32
numbers = st.integers(0, MODULUS - 1)


def after(first, sequence, hub_time_s):
    """What a sample is, 10 s after start at 100 Hz."""
    continuity = Continuity(max_gap_s=0.25)
    assert continuity.follow(first, 10.0, 100.0) == (Coming.NEXT, 1), "the first is always welcome"
    return continuity.follow(sequence % MODULUS, hub_time_s, 100.0)


@given(first=numbers, ahead=st.integers(1, 25))
def test_numbers_go_on_and_wrap_around(first, ahead):
    assert after(first, first + ahead, 10.0 + 0.01 * ahead) == (Coming.NEXT, ahead)


@given(first=numbers, ahead=st.integers(1, MODULUS // 2), elapsed_s=st.floats(1e-6, 1e4))
def test_a_gap_is_long_by_either_clock(first, ahead, elapsed_s):
    coming, found = after(first, first + ahead, 10.0 + elapsed_s)
    assert found == ahead
    long = (10.0 + elapsed_s) - 10.0 > 0.25 or ahead > 50
    assert coming is (Coming.GAP if long else Coming.NEXT)


@given(first=numbers, back=st.integers(0, 999), elapsed_s=st.floats(-0.24, 0.0))
def test_a_little_back_by_both_clocks_is_late_and_changes_nothing(first, back, elapsed_s):
    continuity = Continuity(max_gap_s=0.25)
    continuity.follow(first, 10.0, 100.0)
    coming, _ = continuity.follow((first - back) % MODULUS, 10.0 + elapsed_s, 100.0)
    assert coming is Coming.LATE
    assert continuity.newest == (first, 10.0)


@given(first=numbers, ahead=st.integers(1, MODULUS // 2), elapsed_s=st.floats(-1e6, -0.26))
def test_a_clock_that_goes_back_is_a_restart(first, ahead, elapsed_s):
    assert after(first, first + ahead, 10.0 + elapsed_s)[0] is Coming.RESTART
    assert after(first, first - ahead, 10.0 + elapsed_s)[0] is Coming.RESTART


@given(first=numbers, back=st.integers(0, MODULUS // 2 - 1), elapsed_s=st.floats(1e-3, 1e4))
def test_numbers_that_begin_anew_while_the_clock_goes_on_are_a_gap_of_the_clocks_length(first, back, elapsed_s):
    coming, ahead = after(first, first - back, 10.0 + elapsed_s)
    assert coming is Coming.GAP
    assert ahead == max(1, round(100.0 * ((10.0 + elapsed_s) - 10.0)))


@given(first=numbers, ahead=st.integers(1, 1000), elapsed_s=st.floats(-0.24, 0.0))
def test_a_clock_that_steps_back_a_little_is_no_restart(first, ahead, elapsed_s):
    assert after(first, first + ahead, 10.0 + elapsed_s)[0] is Coming.GAP


@pytest.mark.parametrize(("ahead", "elapsed_s"), [(1, -9.0), (-500, -5.0), (-(1 << 30), -1.0), (-5000, -0.1)])
def test_both_clocks_far_back_are_a_restart(ahead, elapsed_s):
    assert after(5000, 5000 + ahead, 10.0 + elapsed_s)[0] is Coming.RESTART


@given(first=numbers, ahead=st.integers(1, 1000))
def test_what_lies_between_two_numbers_was_missed(first, ahead):
    after_it = (first + ahead) % MODULUS
    assert not numbered_anew(first, after_it)
    runs = missed_numbers(first, after_it, ahead)
    assert runs == ([] if ahead == 1 else [((first + 1) % MODULUS, (after_it - 1) % MODULUS)])
    assert missed_numbers(first, after_it, ahead + 1) == [], "the clock says otherwise"


def test_of_numbers_that_began_anew_both_sides_may_have_been_missed():
    assert numbered_anew(70_000, 7)
    assert missed_numbers(70_000, 7, 3) == [(70_001, 74_000), (0, 6)]
    assert missed_numbers(70_000, 0, 3) == [(70_001, 74_000)], "none before the first"
    assert missed_numbers(70_000, 5_000, 3) == [(70_001, 74_000)], "nobody numbers from there"
