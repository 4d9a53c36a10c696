"""The skin of the head at y >= 0: a graded scatter of vertices joined to the rings of lids and lips."""

from __future__ import annotations

from typing import Final

import numpy as np

from imu_sim.head import colors, eyes, lattice, mouth
from imu_sim.head import proportions as prop
from imu_sim.head.half import Array, Half, Indices, Region, fan, strips
from imu_sim.head.surface import base_point, hair_cover, hairline, locate, skin_point, v_end

HAIR_COVERS: Final = (0.15, 0.6)
"""Cover at the two lines; `colors.skin` blends between these values."""
HAIRLINE_STEP_MM: Final = 4.5


def _joined() -> tuple[Array, Array, Indices, int, int]:
    """t, v and triangles of the free skin; first the eye's outline, then the mouth's; their lengths."""
    eye_t, eye_v = locate(*eyes.outline().T)
    mouth_t, mouth_v = locate(*mouth.outline().T)
    mouth_t[[0, -1]] = 0.0
    hair_t, hair_v = _hairline()
    above = _with_hairline(0.0, lattice.line_down(0.0, 0.0, float(mouth_v[-1]))[:-1])
    below = lattice.line_down(0.0, float(mouth_v[0]), v_end())[1:-1]
    behind = _with_hairline(np.pi, lattice.line_down(np.pi, 0.0, v_end())[1:-1])
    edge = lattice.edge_around(v_end())
    t = np.concatenate([eye_t, mouth_t, 0.0 * above, 0.0 * below, np.pi + 0.0 * behind, edge, hair_t])
    v = np.concatenate([eye_v, mouth_v, above, below, behind, np.full_like(edge, v_end()), hair_v])
    holes = [lattice.picture(eye_t, eye_v), lattice.picture(mouth_t, mouth_v)]
    free_t, free_v = lattice.scatter(t, v)
    plane = lattice.picture(free_t, free_v)
    outside = ~(lattice.inside(holes[0], plane) | lattice.inside(holes[1], plane))
    fixed = lattice.picture(t, v)
    # Points on the midline must stay exactly on the straight edge of the half disc.
    fixed[(t == 0.0) | (t == np.pi), 1] = 0.0
    plane = np.concatenate([fixed, plane[outside]])
    free = np.arange(len(plane)) >= len(t)
    plane = lattice.relax(plane, free, holes)
    moved_t, moved_v = lattice.from_picture(plane[free])
    triangles = lattice.join(plane, holes)
    return np.concatenate([t, moved_t]), np.concatenate([v, moved_v]), triangles, len(eye_t), len(mouth_t)


def _hairline() -> tuple[Array, Array]:
    """Two lines of vertices along the hairline, so that hair ends in a line and not in teeth; t and v, (N,) each."""
    fine = np.linspace(0.0, np.pi, 2000)
    lines = []
    for cover in HAIR_COVERS:
        path = base_point(fine, hairline(fine, cover))
        length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
        steps = round(float(length[-1]) / HAIRLINE_STEP_MM)
        t = np.interp(np.linspace(0.0, length[-1], steps + 1)[1:-1], length, fine)
        lines.append((t, hairline(t, cover)))
    return np.concatenate([line[0] for line in lines]), np.concatenate([line[1] for line in lines])


def _with_hairline(t: float, v: Array) -> Array:
    """Vertices down the midline, moved to where the hairline crosses it."""
    crossings = hairline(np.full(len(HAIR_COVERS), t), np.array(HAIR_COVERS))
    clear = np.min(np.abs(v[:, None] - crossings[None, :]), axis=1) > 0.6 * HAIRLINE_STEP_MM
    return np.sort(np.concatenate([v[clear], crossings]))


def _neck_cap(t: Array, v: Array) -> Indices:
    """Triangles that close the neck below; its middle is the last free vertex."""
    rim = np.flatnonzero(v == v_end())
    return fan(rim[np.argsort(-t[rim])], len(v) - 1, closed=False)


def _locate_rings(rings: list[Array]) -> tuple[Array, Array]:
    points = np.concatenate(rings)
    t, v = locate(points[:, 1], points[:, 2])
    return np.where(points[:, 1] == 0.0, 0.0, t), v


def half_face() -> tuple[Half, Half, Half]:
    """The visible skin, the socket behind the lids and the lining behind the lips.

    The first rings of socket and lining lie on the skin's margins.
    """
    t, v, triangles, eye_count, mouth_count = _joined()
    neck_tip = [[prop.ROWS[-1].side, 0.0, prop.ROWS[-1].h]]
    t, v = np.append(t, 0.0), np.append(v, v_end() - 1e-6)
    free = np.concatenate([skin_point(t[:-1], v[:-1]), neck_tip])
    free[(t == 0.0) | (t == np.pi), 1] = 0.0
    lid_rings = [eyes.lid_ring(s) for s in eyes.LID_RINGS]
    lip_levels = mouth.RED_RINGS + mouth.SKIN_RINGS
    lip_rings = [mouth.lip_ring(s) for s in lip_levels]
    count = len(free)
    lid_index = count + np.arange(len(lid_rings) * eye_count).reshape(-1, eye_count)
    count += lid_index.size
    lip_index = count + np.arange(len(lip_rings) * mouth_count).reshape(-1, mouth_count)
    eye_outline = np.arange(eye_count)
    mouth_outline = np.arange(eye_count, eye_count + mouth_count)
    lid_lines: list[Indices] = [eye_outline, *lid_index[::-1]]
    lip_lines: list[Indices] = [mouth_outline, *lip_index[::-1]]
    all_triangles = np.concatenate(
        [triangles, _neck_cap(t, v), strips(lid_lines, closed=True), strips(lip_lines, closed=False)]
    )
    lid_s, lid_phi = np.repeat(eyes.LID_RINGS, eye_count), np.tile(eyes.ring_angles(), len(lid_rings))
    lip_s, lip_phi = np.repeat(lip_levels, mouth_count), np.tile(mouth.ring_angles(), len(lip_rings))
    lid_t, lid_v = _locate_rings(lid_rings)
    lip_t, lip_v = _locate_rings(lip_rings)
    points = np.concatenate([free, *lid_rings, *lip_rings])
    face_color = colors.skin(points, np.concatenate([hair_cover(t, v), np.zeros(lid_index.size + lip_index.size)]))
    lids = slice(len(free), len(free) + lid_index.size)
    lips = slice(lids.stop, lids.stop + lip_index.size)
    color = face_color.copy()
    color[lids] = colors.lids(face_color[lids], lid_s, lid_phi)
    color[lips] = colors.lips(face_color[lips], lip_s)
    region = np.concatenate(
        [np.full(len(free), Region.SKIN), np.full(lid_index.size, Region.LID), np.full(lip_index.size, Region.LIP)]
    )
    # The outlines belong to the rings' motion too: there lids and lips move as the face does.
    s = np.concatenate([np.full(len(free), np.nan), lid_s, lip_s])
    phi = np.concatenate([np.full(len(free), np.nan), lid_phi, lip_phi])
    visible = Half(
        points=points,
        triangles=all_triangles,
        region=region,
        color=color,
        t=np.concatenate([t, lid_t, lip_t]),
        v=np.concatenate([v, lid_v, lip_v]),
        s=s,
        phi=phi,
    )
    return visible, _sockets(), _lining()


def _sockets() -> Half:
    rings = [eyes.lid_ring(0.0), *eyes.socket_rings()]
    segments = len(rings[0])
    index = np.arange(len(rings) * segments).reshape(-1, segments)
    s = np.append(np.repeat(np.linspace(0.0, 1.0, len(rings)), segments), 1.0)
    return Half(
        points=np.concatenate([*rings, [[69.0, prop.EYE_Y, 0.0]]]),
        triangles=np.concatenate([strips(list(index), closed=True), fan(index[-1], index.size, closed=True)]),
        region=np.full(len(s), Region.SOCKET),
        color=colors.socket(s),
        s=s,
        phi=np.append(np.tile(eyes.ring_angles(), len(rings)), 0.0),
    )


def _lining() -> Half:
    rings = [mouth.lip_ring(0.0), *mouth.lining_rings()]
    steps = len(rings[0])
    index = np.arange(len(rings) * steps).reshape(-1, steps)
    s = np.append(np.repeat(np.linspace(0.0, 1.0, len(rings)), steps), 1.0)
    return Half(
        points=np.concatenate([*rings, [[50.0, 0.0, -68.0]]]),
        triangles=np.concatenate([strips(list(index), closed=False), fan(index[-1], index.size, closed=False)]),
        region=np.full(len(s), Region.MOUTH),
        color=colors.lining(s),
        s=s,
        phi=np.append(np.tile(mouth.ring_angles(), len(rings)), 0.0),
    )
