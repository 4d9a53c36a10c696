"""Performances of a face: expressions, speech, chewing, gaze and the head, as smooth motion.

A `perform.Script` says what is done when, a `style.Style` how a person does it, `perform.perform` makes motion of both.
"""

from __future__ import annotations

import numpy as np

from imu_sim.motion import FaceMotion
from imu_sim.performance.demo import script
from imu_sim.performance.perform import perform


def performance(seed: int = 7) -> FaceMotion:
    """The script of `demo`, performed: 84 s that loop; starts with 3 s of still, relaxed neutral.

    Args:
        seed: of what the script leaves open: blinks, gaze, faint muscle play and sway. The same seed gives the same
            motion.

    Raises:
        MotionError: the dictionary that spells its sentences is missing.
    """
    return perform(script(), np.random.default_rng(seed), "performance")
