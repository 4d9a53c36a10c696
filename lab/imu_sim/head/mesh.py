"""The whole head as one mesh, with what the shapes need to know of every vertex."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imu_sim.head import details, eyes, face, mouth
from imu_sim.head.half import Array, Half, Indices, Region


@dataclass(frozen=True)
class HeadMesh:
    """Both halves of every part, in construction millimetres; the attributes are those of `Half`.

    Attributes:
        side: (V,) 1 on the subject's left half, -1 on the right, 0 on the midline.
        mirror: (V,) index of each vertex's mirror image, itself on the midline.
        parts: name to vertex range.
    """

    points: Array
    triangles: Indices
    region: Indices
    color: Array
    t: Array
    v: Array
    s: Array
    phi: Array
    side: Indices
    mirror: Indices
    parts: Mapping[str, slice]

    def of(self, *regions: Region) -> NDArray[np.bool_]:
        """Mask of the vertices of some regions, (V,)."""
        return np.isin(self.region, regions)


def build_mesh() -> HeadMesh:
    """Build every part and its mirror image."""
    visible, sockets, lining = face.half_face()
    halves = {
        "skin": visible,
        "brows": details.brow(),
        "ears": details.ear(),
        "sockets": sockets,
        "mouth": lining,
        "teeth_upper": mouth.teeth(upper=True),
        "teeth_lower": mouth.teeth(upper=False),
        "tongue": mouth.tongue(),
        "eye": eyes.eyeball(),
    }
    start, parts = 0, {}
    triangles, mirrors, columns = [], [], []
    for name, half in halves.items():
        count, off = len(half.points), ~half.on_midline
        image = np.arange(count) + start
        image[off] = start + count + np.arange(int(off.sum()))
        mirrors += [image, start + np.flatnonzero(off)]
        triangles += [half.triangles + start, image[half.triangles][:, ::-1]]
        columns += [_columns(half, np.ones(count, dtype=bool), 1), _columns(half, off, -1)]
        end = start + count + int(off.sum())
        if name == "eye":
            parts["eye_left"], parts["eye_right"] = slice(start, start + count), slice(start + count, end)
        else:
            parts[name] = slice(start, end)
        start = end
    points, region, color, t, v, s, phi, side = (np.concatenate(c) for c in zip(*columns, strict=True))
    return HeadMesh(
        points, np.concatenate(triangles), region, color, t, v, s, phi, side, np.concatenate(mirrors), parts
    )


def _columns(half: Half, chosen: NDArray[np.bool_], side: int) -> tuple[NDArray[np.generic], ...]:
    flip = np.array([1.0, float(side), 1.0])
    phi = half.phi if side > 0 else np.pi - half.phi
    t = np.where(half.on_midline, half.t, side * half.t)
    return tuple(
        values[chosen]
        for values in (
            np.where(half.on_midline[:, None], half.points * [1.0, 0.0, 1.0], half.points * flip),
            half.region,
            half.color,
            t,
            half.v,
            half.s,
            phi,
            np.where(half.on_midline, 0, side),
        )
    )
