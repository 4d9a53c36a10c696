"""One source is followed at a time, and late frames are caught up with only while that can work."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from face_inference.frame_source import PATIENCE_S, RELEASE_S, FrameSource, comparable, late


@given(
    boots=st.lists(st.floats(-1e5, 1e5), min_size=2, max_size=2).filter(lambda b: abs(b[0] - b[1]) > 0.6),
    order=st.lists(st.integers(0, 1), min_size=2, max_size=200),
    offset_s=st.floats(0, 2e9),
)
def test_of_two_sources_in_any_order_one_is_taken(boots, order, offset_s):
    source, taken = FrameSource(), set()
    for i, who in enumerate(order):
        now_s = 0.002 * i
        if source.takes(offset_s + now_s, now_s + boots[who], now_s):
            taken.add(who)
    assert taken == {order[0]}
    assert source.foreign == order.count(1 - order[0])


def test_another_source_is_taken_when_the_first_is_silent():
    source = FrameSource()
    assert source.takes(100.0, 5.0, 0.0)
    assert not source.takes(100.1, 50.0, 0.1)
    assert not source.silent(0.1)
    assert source.silent(RELEASE_S)
    assert source.takes(100.6, 50.5, RELEASE_S)
    assert not source.takes(100.61, 5.61, RELEASE_S + 0.01)


def test_a_silence_of_one_source_and_a_reboot_after_it_are_taken():
    source = FrameSource()
    assert source.takes(100.0, 5.0, 0.0)
    assert source.takes(130.0, 35.0, 30.0)
    assert source.takes(132.0, 0.1, 32.0)
    assert source.foreign == 0


def test_a_stall_is_caught_up_with_and_a_standing_delay_is_not():
    source = FrameSource()
    assert not any(source.behind(0.2 - 0.01 * i, 0.001 * i) for i in range(20)), "20 frames in 20 ms"
    found = [source.behind(0.2, 0.01 * i) for i in range(30)]
    assert found.index(True) == round(PATIENCE_S / 0.01) + 1
    assert not source.behind(0.01, 0.31)
    assert not source.behind(0.2, 0.32)


def test_ages_on_another_clock_blame_nobody():
    assert not late(1.7e9)
    assert not late(-3600.0)
    assert not comparable(1.7e9)
    assert not comparable(-1.7e9)
    assert comparable(5.0)
    assert late(5.0)
