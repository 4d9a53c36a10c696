"""What two shapes of the mouth do together that is not their sum. Amounts are guesses, judged by eye."""

from __future__ import annotations

from typing import Final

import numpy as np

from imu_sim.head.fields import Skin
from imu_sim.head.half import Array, smoothstep

AGAINST_THE_RING: Final[dict[str, tuple[float, float]]] = {"mouthPucker": (0.40, 0.30), "mouthFunnel": (0.30, 0.20)}
"""Smile against the ring muscle of the mouth: what share of the smile and what share of the ring's motion is lost."""
CORNER_HELD_BY_JAW: Final = 0.22
"""Share of a corner's pull that skin stretched by an open jaw does not allow."""
FUNNEL_ALREADY_OPEN: Final = 0.60
"""Share of the funnel's parting of the lips that an open jaw has made already."""
PUCKER_CLOSES: Final = 0.25
"""Share of an open mouth that a pucker closes again."""
TONGUE_TILTS: Final = 0.6
"""Share of the jaw's turn that a tongue put out over the lower teeth takes up."""


def mouth_correctives(skin: Skin, made: dict[str, Array]) -> dict[tuple[str, str], Array]:
    """Left and midline pairs on the mean head, skin displacements (K, 3); `made` holds the left shapes."""
    left = smoothstep(-12.0, 12.0, skin.y)[:, None]
    mouth = np.exp(-0.5 * (((np.abs(skin.y) - 22.0) / 16.0) ** 2 + ((skin.h + 67.0) / 15.0) ** 2))[:, None]
    found = {}
    for ring, (smile_lost, ring_lost) in AGAINST_THE_RING.items():
        found["mouthSmileLeft", ring] = -smile_lost * mouth * made["mouthSmileLeft"] - ring_lost * left * made[ring]
    for pull in ("mouthSmileLeft", "mouthStretchLeft"):
        found["jawOpen", pull] = -CORNER_HELD_BY_JAW * mouth * made[pull]
    found["jawOpen", "mouthFunnel"] = -FUNNEL_ALREADY_OPEN * made["mouthFunnel"] * [0.0, 0.0, 1.0]
    return found
