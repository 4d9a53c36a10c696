"""The tongue comes out between lips that part just enough; the jaw is jawOpen's business."""

from __future__ import annotations

from typing import Final

import numpy as np

from imu_sim.head.anatomy import Pull
from imu_sim.head.fields import MuscleSkin, Skin
from imu_sim.head.half import Array, Indices, Region, smoothstep

REACH_MM: Final = 40.0
_AXIS_H: Final = -74.0


def lips_part(skin: Skin) -> Array:
    """What tongueOut does to the lips, (K, 3)."""
    at = MuscleSkin(skin, Pull())
    lower = (1.0 - skin.upper) * at.around(0.0, -74.0, 15.0, 8.0)
    upper = skin.upper * at.around(0.0, -60.0, 15.0, 8.0)
    return at.slide(0.0, 3.0 * upper - 4.5 * lower, 0.6 * upper + 1.2 * lower)


def reach(skin: Skin) -> tuple[Indices, Array]:
    """Vertices of the tongue, and what tongueOut does to them, (N, 3): level between the teeth, then hanging."""
    mesh = skin.mesh
    tongue = np.flatnonzero(mesh.region == Region.TONGUE)
    along, points = mesh.s[tongue], mesh.points[tongue]
    out = REACH_MM * smoothstep(0.0, 1.0, along) ** 0.9
    # Over the lower lip it stays level; beyond it hangs.
    hang = -0.017 * np.clip(points[:, 0] + out - 103.0, 0.0, None) ** 2
    lift = 6.0 * smoothstep(0.1, 0.7, along)
    thinner = -0.45 * smoothstep(0.2, 0.7, along) * (points[:, 2] - _AXIS_H)
    narrower = -0.18 * smoothstep(0.2, 0.7, along) * points[:, 1]
    fuller = 0.45 * smoothstep(0.75, 1.0, along) * points[:, 1]
    return tongue, np.stack([out, narrower + fuller, hang + lift + thinner], axis=-1)
