from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from face_inference.progress import ProgressLines


def test_it_tells_the_first_each_tenth_and_after_two_seconds():
    lines = ProgressLines()
    assert lines.line(0.0, "building", 5.0) == "building: 0 %"
    assert lines.line(0.09, "building", 5.1) is None
    assert lines.line(0.1, "building", 5.2) == "building: 10 %"
    assert lines.line(0.11, "building", 7.1) is None
    assert lines.line(0.12, "building", 7.2) == "building: 12 %"
    assert lines.line(0.0, "the next", 7.3) == "the next: 0 %"


@given(st.lists(st.tuples(st.floats(0.0, 0.01), st.floats(0.0, 0.1)), max_size=500))
def test_lines_are_few(steps):
    lines, share, now_s, told = ProgressLines(), 0.0, 0.0, 0
    for more, later_s in steps:
        share, now_s = share + more, now_s + later_s
        told += lines.line(share, "building", now_s) is not None
    assert told <= 1 + share / 0.1 + now_s / 2.0
