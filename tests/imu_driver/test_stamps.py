from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imu_driver.stamps import Stamps


def test_a_step_of_the_computers_clock_is_followed_at_once() -> None:
    stamps = Stamps()
    assert stamps.of(1000, 10, False) == 990
    assert stamps.of(500, 10, False) == 490


def test_on_a_clock_that_stands_still_stamps_stand_still() -> None:
    stamps = Stamps()
    assert [stamps.of(1000, latency, True) for latency in (20, 90, 5, 700)] == [980, 980, 995, 995]


def test_a_clock_that_goes_back_is_followed() -> None:
    stamps = Stamps()
    stamps.of(10_000, 5, True)
    assert stamps.of(300, 5, True) == 295
    assert stamps.of(0, 5, True) == 0  # nothing on /clock yet


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**10)), min_size=1))
def test_stamps_are_never_negative_never_ahead_and_in_order_while_the_clock_is(pairs: list[tuple[int, int]]) -> None:
    stamps, now_before, before = Stamps(), 0, 0
    for now_ns, latency_ns in pairs:
        stamp_ns = stamps.of(now_ns, latency_ns, True)
        assert 0 <= stamp_ns <= now_ns
        assert stamp_ns >= before or now_ns < now_before
        now_before, before = now_ns, stamp_ns
