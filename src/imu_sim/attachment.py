"""How the boards were glued on: where, how crooked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model import rotation
from face_model.layout import SensorLayout
from imu_sim.motion import IDENTITY, Floats


@dataclass(frozen=True)
class Attachment:
    """The gluing of `S` boards.

    Attributes:
        place_offset_m: (S, 2) error of placement along the skin, up and sideways, m.
        mount: (S, 4) quaternion of the error of each board's mounting, in its own frame.
    """

    place_offset_m: Floats
    mount: Floats


def ideal_attachment(layout: SensorLayout) -> Attachment:
    """Every board exactly where the layout wants it."""
    sensors = len(layout.sensors)
    return Attachment(np.zeros((sensors, 2)), np.tile(IDENTITY, (sensors, 1)))


def random_attachment(
    layout: SensorLayout,
    rng: np.random.Generator,
    *,
    placement_m: float = 0.005,
    mount_rad: float = float(np.deg2rad(10.0)),
) -> Attachment:
    """Boards as somebody glues them on.

    Args:
        layout: how many boards there are.
        rng: what is drawn from.
        placement_m: largest distance of a board from its place, m.
        mount_rad: root mean square of the angle by which a board is crooked, rad.
    """
    sensors = len(layout.sensors)
    direction, distance = rng.uniform(0.0, 2.0 * np.pi, sensors), placement_m * np.sqrt(rng.random(sensors))
    return Attachment(
        place_offset_m=np.stack([distance * np.cos(direction), distance * np.sin(direction)], axis=-1),
        mount=np.asarray(rotation.from_vector(rng.normal(0.0, mount_rad / np.sqrt(3.0), (sensors, 3)))),
    )
