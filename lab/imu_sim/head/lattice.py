"""Where the free vertices of the skin go: an even, graded scatter over half the head, joined by Delaunay triangles.

Scattering and triangulation work in a conformal picture of the head: a half disc with the crown in its middle, in
which triangles of good shape are triangles of good shape on the head.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, cKDTree

from imu_sim.head.half import Array, Indices, smoothstep
from imu_sim.head.surface import around_mm, base_point, v_end

SEED: Final = 7
"""Any fixed number: the scatter must be the same on every machine."""
RELAXATIONS: Final = 12


@lru_cache(maxsize=1)
def _log_radius() -> tuple[Array, Array]:
    """log of the picture's radius over v."""
    v = np.linspace(0.02, v_end(), 3000)
    quarter = np.linspace(0.0, np.pi, 24)
    mean = np.mean(around_mm(quarter[None, :], v[:, None]), axis=1)
    steps = 0.5 * (1.0 / mean[1:] + 1.0 / mean[:-1]) * np.diff(v)
    return v, np.concatenate([[0.0], np.cumsum(steps)])


def picture(t: Array, v: Array) -> Array:
    """(t, v) to the conformal plane, (..., 2); the crown is the origin."""
    known_v, log_radius = _log_radius()
    radius = np.where(v <= known_v[0], 0.0, np.exp(np.interp(v, known_v, log_radius)))
    return np.stack([radius * np.cos(t), radius * np.sin(t)], axis=-1)


def from_picture(plane: Array) -> tuple[Array, Array]:
    """Inverse of `picture` on the half with t in [0, pi]."""
    known_v, log_radius = _log_radius()
    radius = np.hypot(plane[..., 0], plane[..., 1])
    v = np.interp(np.log(np.maximum(radius, 1.0)), log_radius, known_v)
    return np.arctan2(plane[..., 1], plane[..., 0]), v


def spacing(t: Array, v: Array) -> Array:
    """Wanted distance between neighbours in mm, (...): fine on the nose, coarse on the cranium."""
    point = base_point(t, v)
    x, y, h = np.moveaxis(point, -1, 0)
    front = smoothstep(-10.0, 60.0, x) * smoothstep(-150.0, -118.0, h) * smoothstep(100.0, 70.0, h)
    size = 10.5 - 5.8 * front
    nose = np.exp(-((y / 22.0) ** 2) - (((h + 36.0) / 20.0) ** 2))
    nose_base = np.exp(-((y / 17.0) ** 2) - (((h + 44.0) / 8.0) ** 2))
    chin = np.exp(-((y / 40.0) ** 2) - (((h + 100.0) / 18.0) ** 2)) * (x > 40.0)
    result: Array = size - front * (2.0 * nose + 1.3 * nose_base + 0.6 * chin)
    return result


def scatter(taken_t: Array, taken_v: Array) -> tuple[Array, Array]:
    """Free points over half the head, clear of the points `taken`, each (N,)."""
    rng = np.random.default_rng(SEED)
    top, end = 2.0, v_end()
    t = rng.uniform(0.0, np.pi, 60_000)
    v = rng.uniform(top, end, len(t))
    # Thin the candidates to a density of about six for each wanted point.
    wanted = around_mm(t, v) / spacing(t, v) ** 2
    keep = rng.uniform(size=len(t)) < wanted / wanted.max()
    t, v = t[keep], v[keep]
    points = np.concatenate([base_point(taken_t, taken_v), base_point(t, v)])
    radius = np.concatenate([spacing(taken_t, taken_v), spacing(t, v)])
    fixed = len(taken_t)
    tree = cKDTree(points)
    chosen = np.ones(len(points), dtype=bool)
    for i, neighbours in enumerate(tree.query_ball_point(points, 0.78 * radius)):
        if not chosen[i]:
            continue
        for j in neighbours:
            if j > i and j >= fixed:
                chosen[j] = False
    # Too close to the midline or the lower edge, where fixed points are.
    y = points[:, 1]
    chosen[fixed:] &= (y[fixed:] > 0.42 * radius[fixed:]) & (v < end - 0.42 * radius[fixed:])
    return t[chosen[fixed:]], v[chosen[fixed:]]


def inside(polygon: Array, plane: Array) -> NDArray[np.bool_]:
    """Whether points (N, 2) lie in a polygon (M, 2), by counting crossings."""
    a, b = polygon, np.roll(polygon, -1, axis=0)
    x, y = plane[:, None, 0], plane[:, None, 1]
    straddles = (a[:, 1] > y) != (b[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = a[:, 0] + (y - a[:, 1]) * (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
    odd: NDArray[np.bool_] = np.sum(straddles & (x < crossing), axis=1) % 2 == 1
    return odd


def join(plane: Array, holes: list[Array]) -> Indices:
    """Delaunay triangles of the plane's points, (M, 3), but none in the holes and none without area."""
    triangles: Indices = Delaunay(plane).simplices.astype(np.int64)
    a, b, c = (plane[triangles[:, k]] for k in range(3))
    ab, ac = b - a, c - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    longest = np.maximum(np.sum(ab**2, axis=1), np.sum(ac**2, axis=1))
    keep = np.abs(area) > 1e-6 * longest
    centre = (a + b + c) / 3.0
    for hole in holes:
        keep &= ~inside(hole, centre)
    triangles = np.where((area < 0.0)[:, None], triangles[:, [0, 2, 1]], triangles)
    kept: Indices = triangles[keep]
    return kept


def relax(plane: Array, free: NDArray[np.bool_], holes: list[Array]) -> Array:
    """Move free points to the middle of their neighbours a few times, (N, 2)."""
    plane = plane.copy()
    for _ in range(RELAXATIONS):
        triangles = join(plane, holes)
        edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
        edges = np.unique(np.sort(edges, axis=1), axis=0)
        total, count = np.zeros_like(plane), np.zeros(len(plane))
        for a, b in ((0, 1), (1, 0)):
            np.add.at(total, edges[:, a], plane[edges[:, b]])
            np.add.at(count, edges[:, a], 1.0)
        middle = total / np.maximum(count, 1.0)[:, None]
        plane[free] += 0.6 * (middle[free] - plane[free])
    return plane


def line_down(t: float, start: float, end: float) -> Array:
    """v of points on a meridian with the wanted spacing, both ends included, (N,)."""
    v = np.linspace(start, end, 2000)
    density = 1.0 / spacing(np.full_like(v, t), v)
    count = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(v))])
    steps = max(2, round(float(count[-1])))
    along: Array = np.interp(np.linspace(0.0, count[-1], steps + 1), count, v)
    return along


def edge_around(v: float) -> Array:
    """t of points around the lower edge, from 0 to pi, (N,)."""
    t = np.linspace(0.0, np.pi, 500)
    length = float(np.mean(around_mm(t, np.full_like(t, v)))) * np.pi
    along: Array = np.linspace(0.0, np.pi, round(length / 10.0) + 1)
    return along
