"""How boards are glued on: where, how crooked, how high, on what tissue.

What no source is named for is a guess. The aim is variety: a model must not lean on one gluing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model import rotation
from face_model.layout import Sensor, SensorLayout
from face_model.skin import PATCH_RADIUS_M
from imu_sim.motion import IDENTITY, Floats
from imu_sim.tissue import MODES, Tissue, natural_frequencies, rigid_tissue

CHIP_HEIGHT_M = 0.0015
"""From the skin to the sense element: circuit board 0.8 mm, glue and half a package; a guess."""
DAMPING = 0.25
"""Ratio to the critical damping; a guess: the sources call the system underdamped."""
TILT_RAD = 0.1
"""Tilt of a board for each unit of strain of the skin under it, 1.1 degrees at 20 %; a guess."""

_BONE = (20e3, 0.003)
_SOFT = (4e3, 0.008)
_TISSUES: dict[str, tuple[float, float]] = {
    "frontalis": (8e3, 0.005),
    "orbicularis oculi": (5e3, 0.006),
    "zygomaticus major": (4e3, 0.010),
    "levator labii superioris": (4e3, 0.009),
    "buccinator": (3e3, 0.015),
    "mentalis": (5e3, 0.011),
}
"""Shear modulus in Pa and depth in m over bone or teeth, by muscle. Depths lie in the range of published means (C.
Stephan, E. Simpson, "Facial soft tissue depths in craniofacial identification", J. Forensic Sci. 53, 2008); moduli of
skin with fat and muscle are guesses of some kPa, stiffer where the skin is thin and tight."""


@dataclass(frozen=True)
class Attachment:
    """The gluing of `S` boards. The skull unit's place and patch do not matter: its pose is the layout's.

    Attributes:
        place_offset_m: (S, 2) error of placement along the skin, up and sideways, m.
        mount: (S, 4) quaternion of the error of each board's mounting, in its own frame.
        patch_radius_m: (S,) how far the skin reaches that a board follows, m.
        chip_m: (S, 3) sense element from the point of the skin under the board's middle, board axes, m.
        tilt_rad: (S, 2) tilt for each unit of strain: about the board's x for strain along y, about y for strain along
            x. A stiff board on stretching skin is held by an uneven line of glue, so that one edge is pulled more.
        tissue: springs under the boards.
    """

    place_offset_m: Floats
    mount: Floats
    patch_radius_m: Floats
    chip_m: Floats
    tilt_rad: Floats
    tissue: Tissue


def ideal_attachment(layout: SensorLayout) -> Attachment:
    """Every board exactly where the layout wants it, without height, on rigid tissue."""
    sensors = len(layout.sensors)
    return Attachment(
        place_offset_m=np.zeros((sensors, 2)),
        mount=np.tile(IDENTITY, (sensors, 1)),
        patch_radius_m=np.full(sensors, PATCH_RADIUS_M),
        chip_m=np.zeros((sensors, 3)),
        tilt_rad=np.zeros((sensors, 2)),
        tissue=rigid_tissue(sensors),
    )


def typical_attachment(layout: SensorLayout) -> Attachment:
    """Every board exactly where the layout wants it, of usual height, on usual tissue."""
    ideal = ideal_attachment(layout)
    sensors = len(layout.sensors)
    modulus, depth = _tissue_of(layout)
    frequency = natural_frequencies(modulus, depth, np.full(sensors, CHIP_HEIGHT_M))
    return Attachment(
        place_offset_m=ideal.place_offset_m,
        mount=ideal.mount,
        patch_radius_m=ideal.patch_radius_m,
        chip_m=np.tile([0.0, 0.0, CHIP_HEIGHT_M], (sensors, 1)),
        tilt_rad=ideal.tilt_rad,
        tissue=Tissue(frequency, np.full((sensors, len(MODES)), DAMPING)),
    )


def random_attachment(
    layout: SensorLayout,
    rng: np.random.Generator,
    *,
    placement_m: float = 0.005,
    mount_rad: float = float(np.deg2rad(10.0)),
) -> Attachment:
    """Boards as somebody glues them on.

    Args:
        layout: how many boards there are, and on which muscles.
        rng: what is drawn from.
        placement_m: largest distance of a board from its place, m.
        mount_rad: root mean square of the angle by which a board is crooked, rad.
    """
    sensors = len(layout.sensors)
    direction, distance = rng.uniform(0.0, 2.0 * np.pi, sensors), placement_m * np.sqrt(rng.random(sensors))
    mount = rotation.from_vector(rng.normal(0.0, mount_rad / np.sqrt(3.0), (sensors, 3)))
    chip = np.concatenate([rng.normal(0.0, 0.0007, (sensors, 2)), rng.uniform(0.001, 0.0025, (sensors, 1))], axis=1)
    modulus, depth = _tissue_of(layout)
    # A person's tissue is soft or firm as a whole, and then differs from site to site.
    modulus = modulus * rng.lognormal(0.0, 0.35) * rng.lognormal(0.0, 0.25, sensors)
    depth = depth * rng.lognormal(0.0, 0.15) * rng.lognormal(0.0, 0.15, sensors)
    damping = DAMPING * rng.lognormal(0.0, 0.35, (sensors, len(MODES)))
    return Attachment(
        place_offset_m=np.stack([distance * np.cos(direction), distance * np.sin(direction)], axis=-1),
        mount=np.asarray(mount),
        patch_radius_m=PATCH_RADIUS_M * rng.uniform(0.75, 1.25, sensors),
        chip_m=chip,
        tilt_rad=rng.normal(0.0, TILT_RAD, (sensors, 2)),
        tissue=Tissue(natural_frequencies(modulus, depth, chip[:, 2]), np.clip(damping, 0.08, 0.9)),
    )


def _tissue_of(layout: SensorLayout) -> tuple[Floats, Floats]:
    """Typical shear modulus in Pa and depth in m under each sensor, (S,) each."""
    modulus, depth = np.array([_site(sensor) for sensor in layout.sensors]).T
    return modulus, depth


def _site(sensor: Sensor) -> tuple[float, float]:
    return _BONE if sensor.skull is not None else _TISSUES.get(sensor.muscle, _SOFT)
