"""No point lies below it, and its corners are points."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from face_model.lower_hull import lower_hull

numbers = st.integers(-1000, 1000)


@given(points=st.dictionaries(numbers, numbers, min_size=1, max_size=40))
def test_no_point_lies_below_it(points: dict[int, int]) -> None:
    ordered = sorted((float(x), float(y)) for x, y in points.items())
    hull = lower_hull(ordered)
    assert set(hull) <= set(ordered)
    assert (hull[0], hull[-1]) == (ordered[0], ordered[-1])
    for (x1, y1), (x2, y2) in pairwise(hull):
        assert all((y - y1) * (x2 - x1) >= (y2 - y1) * (x - x1) for x, y in ordered if x1 <= x <= x2)
