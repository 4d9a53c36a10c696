"""The head's surface: (t, v) and points seen from the front or the side agree."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from imu_sim.head import lattice, surface


@settings(deadline=None)
@given(st.floats(-38.0, 38.0), st.floats(-100.0, 70.0))
def test_locate_finds_the_point_seen_from_the_front(y: float, h: float) -> None:
    point = surface.base_point(*surface.locate(np.array(y), np.array(h)))
    np.testing.assert_allclose(point[1:], [y, h], atol=1e-5)
    assert point[0] > 0.0


@settings(deadline=None)
@given(st.floats(-25.0, 20.0), st.floats(-50.0, 20.0))
def test_beside_finds_the_side_of_the_head(x: float, h: float) -> None:
    y = float(surface.beside(np.array(x), np.array(h)))
    assert 50.0 < y < 80.0


@settings(deadline=None)
@given(st.floats(0.0, np.pi), st.floats(1.0, 300.0))
def test_surface_is_mirror_symmetric(t: float, v: float) -> None:
    left = surface.skin_point(np.array(t), np.array(v))
    right = surface.skin_point(np.array(-t), np.array(v))
    np.testing.assert_allclose(right, left * [1.0, -1.0, 1.0], atol=1e-9)


@settings(deadline=None)
@given(st.floats(0.01, np.pi - 0.01), st.floats(5.0, 300.0))
def test_picture_round_trip(t: float, v: float) -> None:
    back_t, back_v = lattice.from_picture(lattice.picture(np.array(t), np.array(v)))
    np.testing.assert_allclose([float(back_t), float(back_v)], [t, v], atol=1e-2)


def test_hairline_is_where_the_cover_has_the_value() -> None:
    t = np.linspace(0.0, np.pi, 50)
    for cover in (0.15, 0.6):
        np.testing.assert_allclose(surface.hair_cover(t, surface.hairline(t, cover)), cover, atol=1e-6)


def test_inside_a_square() -> None:
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    points = np.array([[0.5, 0.5], [1.5, 0.5], [-0.1, 0.2], [0.9, 0.99]])
    assert lattice.inside(square, points).tolist() == [True, False, False, True]


def test_join_leaves_holes_open() -> None:
    grid = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), axis=-1).reshape(-1, 2)
    hole = np.array([[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, 2.0]])
    triangles = lattice.join(grid, [hole])
    a, b, c = (grid[triangles[:, k]] for k in range(3))
    area = 0.5 * ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    assert (area > 0.0).all()
    assert area.sum() == 15.0
