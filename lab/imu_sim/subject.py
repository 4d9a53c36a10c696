"""Who wears the sensors: a person with boards on the face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model.layout import SensorLayout
from face_model.rig import FaceRig
from imu_sim.attachment import Attachment, random_attachment, typical_attachment
from imu_sim.families import FaceFamily

_GLUING = 0x61E
"""Stream of random numbers for the attachment, apart from those of the person."""


@dataclass(frozen=True)
class Subject:
    """One person with boards on the face.

    Attributes:
        name: of the person.
        rig: the person's own face.
        attachment: how the boards were glued on.
    """

    name: str
    rig: FaceRig
    attachment: Attachment


def nominal_subject(rig: FaceRig, layout: SensorLayout) -> Subject:
    """A rig with every board exactly where the layout wants it, on usual tissue."""
    return Subject("nominal", rig, typical_attachment(layout))


def random_subject(
    family: FaceFamily,
    layout: SensorLayout,
    seed: int,
    *,
    placement_m: float = 0.005,
    mount_rad: float = float(np.deg2rad(10.0)),
) -> Subject:
    """A person of a family, with boards as somebody glues them on; the same seed gives the same subject.

    Args:
        family: whose people are drawn from.
        layout: which sensors sit where.
        seed: of the person and, as a stream of its own, of the gluing.
        placement_m: largest distance of a board from its place, m.
        mount_rad: root mean square of the angle by which a board is crooked, rad.
    """
    rng = np.random.default_rng([seed, _GLUING])
    attachment = random_attachment(layout, rng, placement_m=placement_m, mount_rad=mount_rad)
    return Subject(f"{family.name}_{seed}", family.subject(seed), attachment)
