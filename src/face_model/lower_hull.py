"""The lower edge of points, such as how late things came over time: what no point lies below."""

from __future__ import annotations

from collections.abc import Iterable

Point = tuple[float, float]


def lower_hull(points: Iterable[Point]) -> list[Point]:
    """Corners of the lower convex hull of points (x, y) that are ordered by x, from the first to the last.

    Source: A. M. Andrew, "Another efficient algorithm for convex hulls in two dimensions", Information Processing
    Letters 9 (1979).
    """
    hull: list[Point] = []
    for x, y in points:
        while len(hull) > 1:
            (x1, y1), (x2, y2) = hull[-2], hull[-1]
            if (y2 - y1) * (x - x2) < (y - y2) * (x2 - x1):
                break
            hull.pop()
        hull.append((x, y))
    return hull
