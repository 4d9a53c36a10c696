"""Sample numbers: losses, repetitions, wrap-around, what an older stream leaves behind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imu_driver.hubs.imusic_v1.sequence import SequenceCheck


def test_losses_and_repetitions() -> None:
    check = SequenceCheck()
    assert [check.check(n) for n in (0, 1, 4, 4, 2, 5)] == [0, 0, 2, None, None, 0]


def test_losses_before_the_first() -> None:
    assert SequenceCheck().check(3) == 3


def test_wrap_around() -> None:
    check = SequenceCheck(first_below=2**32, most_lost=2**31)
    check.check(2**32 - 2)
    assert [check.check(n) for n in (2**32 - 1, 0, 2, 2**32 - 1)] == [0, 0, 1, None]


def test_a_gap_too_long_to_be_a_loss() -> None:
    check = SequenceCheck()
    assert [check.check(n) for n in (0, 1001, 2003, 1002)] == [0, 1000, None, 0]


def test_first_number_of_an_older_stream() -> None:
    check = SequenceCheck()
    assert check.check(123456) is None
    assert check.check(0) == 0


def test_track_is_lost_and_found() -> None:
    check = SequenceCheck()
    assert [check.check(n) for n in (0, 900)] == [0, 899]
    for n in range(30):
        assert not check.lost_track
        assert check.check(n) is None
    assert check.lost_track
    check.restart()
    assert not check.lost_track
    assert check.check(0) == 0


@given(st.integers(0, 19))
def test_a_stray_first_number_is_overtaken(stray: int) -> None:
    check = SequenceCheck()
    check.check(stray)
    results = []
    for n in range(60):
        results.append(check.check(n))
        assert not check.lost_track
    assert results[stray + 1 :] == [0] * (59 - stray)


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_never_more_lost_than_numbers(numbers: list[int]) -> None:
    check = SequenceCheck()
    for n in numbers:
        lost = check.check(n)
        assert lost is None or 0 <= lost <= 1000
