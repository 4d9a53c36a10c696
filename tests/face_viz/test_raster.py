import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_viz.raster import rasterise

COORDINATE = st.floats(-5.0, 25.0, allow_nan=False).map(lambda v: round(v, 3))


def test_a_known_triangle_covers_known_pixels() -> None:
    # Right angle at the upper left, counter-clockwise as seen: rows of 3, 2 and 1 pixels' centres lie inside.
    points = np.array([[1.0, 1.0, 0.0], [1.0, 4.6, 0.0], [4.6, 1.0, 0.0]])
    seen = rasterise(points, np.array([[0, 1, 2]]), height=6, width=8)
    rows, columns = seen.pixel // 8, seen.pixel % 8
    assert list(zip(rows, columns, strict=True)) == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)]
    np.testing.assert_allclose(seen.share @ points[:, 0], columns + 0.5)
    np.testing.assert_allclose(seen.share @ points[:, 1], rows + 0.5)


def test_backs_are_not_seen() -> None:
    points = np.array([[1.0, 1.0, 0.0], [1.0, 5.0, 0.0], [5.0, 1.0, 0.0]])
    assert not len(rasterise(points, np.array([[0, 2, 1]]), 6, 6).pixel)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_the_nearer_surface_hides_the_farther_whatever_comes_first(order: list[int]) -> None:
    near = np.array([[2.0, 2.0, 1.0], [2.0, 6.0, 1.0], [6.0, 2.0, 1.0]])
    far = np.array([[0.0, 0.0, 2.0], [0.0, 20.0, 2.0], [20.0, 0.0, 2.0]])
    triangles = np.array([[0, 1, 2], [3, 4, 5]])[order]
    seen = rasterise(np.concatenate([near, far]), triangles, 10, 10)
    alone = rasterise(near, np.array([[0, 1, 2]]), 10, 10)
    hidden = np.isin(seen.pixel, alone.pixel)
    assert (seen.triangle[hidden] == order.index(0)).all()
    assert (seen.triangle[~hidden] == order.index(1)).all()
    assert len(seen.pixel) == 100


def test_surfaces_that_cross_are_told_apart_at_each_pixel() -> None:
    square = np.array([[0, 0], [0, 10], [10, 10], [10, 0]])
    flat = np.column_stack([square, np.full(4, 5.0)])
    tilted = np.column_stack([square, square[:, 0]])
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    seen = rasterise(np.concatenate([flat, tilted]), np.concatenate([triangles, triangles + 4]), 10, 10)
    assert np.array_equal(seen.triangle >= 2, seen.pixel % 10 < 5)


@given(st.lists(st.tuples(COORDINATE, COORDINATE, COORDINATE), min_size=3, max_size=3))
def test_exactly_the_pixels_inside_are_covered(corners: list[tuple[float, float, float]]) -> None:
    points = np.array(corners)
    seen = rasterise(points, np.array([[0, 1, 2]]), 20, 20)
    assert np.isfinite(seen.share).all()
    assert (seen.share > -1e-6).all()
    a, b, c = points[:, :2]

    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        return (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1]) - (q[..., 1] - p[..., 1]) * (r[..., 0] - p[..., 0])

    centre = np.stack(np.meshgrid(np.arange(20) + 0.5, np.arange(20) + 0.5), axis=-1).reshape(-1, 2)
    sides = -np.stack([side(a, b, centre), side(b, c, centre), side(c, a, centre)])
    front = -side(a, b, c) > 1e-6
    sure = front & (sides > 1e-6).all(axis=0)
    maybe = front & (sides > -1e-6).all(axis=0)
    covered = np.isin(np.arange(400), seen.pixel)
    assert (covered >= sure).all()
    if front:
        assert (covered <= maybe).all()


def test_nothing_in_view() -> None:
    assert not len(rasterise(np.zeros((0, 3)), np.zeros((0, 3), int), 4, 4).pixel)
    far_off = np.array([[100.0, 1.0, 0.0], [100.0, 5.0, 0.0], [105.0, 1.0, 0.0]])
    assert not len(rasterise(far_off, np.array([[0, 1, 2]]), 6, 6).pixel)
