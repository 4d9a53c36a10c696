"""The built-in scripted performance."""

from __future__ import annotations

import numpy as np

from imu_sim.motion import FaceMotion
from imu_sim.score import SCORE
from imu_sim.timeline import perform


def performance(seed: int = 7) -> FaceMotion:
    """The score of `imu_sim.score`, performed: 84 s that loop; starts with 3 s of still, relaxed neutral.

    Args:
        seed: of what the score leaves open: blinks, gaze, faint muscle play and sway. The same seed gives the same
            motion.
    """
    return perform(SCORE, np.random.default_rng(seed), "performance")
