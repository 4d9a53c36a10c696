"""Random people of the generated head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from face_model.rig import FaceRig
from imu_sim.head.anatomy import random_anatomy
from imu_sim.head.build import assemble, build_head
from imu_sim.head.identity import random_identity

_STREAM: Final = 0x4EAD
"""Keeps these draws apart from others with the same seed."""


@dataclass(frozen=True)
class HeadFamily:
    """People around the mean head (`imu_sim.family.FaceFamily`): how they are built, and how their faces move."""

    name: str = "head"

    def typical(self) -> FaceRig:
        """The mean head with the typical anatomy."""
        return build_head()

    def subject(self, seed: int) -> FaceRig:
        """A random person; the same seed, the same person."""
        form, motion = np.random.default_rng([seed, _STREAM]).spawn(2)
        return assemble(f"head {seed}", random_identity(form), random_anatomy(motion))
