"""Who wears the sensors: how strongly each muscle moves the skin, how the face is built, where the boards were glued.

Every spread below is a guess in the range that the literature on facial anatomy and on sensor placement makes
plausible. The aim is that a model trained on many wearers does not lean on one anatomy: people never seen are what
decides its accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from face_model import arkit, rotation
from face_model.layout import SensorLayout
from face_model.rig import FaceRig
from imu_sim.motion import IDENTITY, Floats

_BUMPS = 8
"""Smooth local differences of an anatomy."""


@dataclass(frozen=True)
class Wearer:
    """One person with boards on the face.

    Attributes:
        name: of the person.
        gain: (52,) how far the skin goes at weight 1, against the rig; sides may differ.
        tilt: (52, 3) rotation vector in rad by which the direction of each shape's skin motion differs.
        scale: (3,) size of the head along `face_head` axes.
        bump_centre: (K, 3) where the anatomy differs locally, in units of the face's half extent about its middle.
        bump_shift: (K, 3) by how much the neutral skin differs there, m.
        bump_gain: (52, K) by how much each shape's motion differs there, relative.
        place_offset_m: (S, 2) error of placement along the skin, up and sideways, m.
        mount: (S, 4) quaternion of the error of each board's mounting, in its own frame.
    """

    name: str
    gain: Floats
    tilt: Floats
    scale: Floats
    bump_centre: Floats
    bump_shift: Floats
    bump_gain: Floats
    place_offset_m: Floats
    mount: Floats

    def worn(self, rig: FaceRig) -> FaceRig:
        """The rig with this wearer's anatomy; topology, landmarks and parts stay."""
        skin = rig.neutral[rig.parts["skin"]]
        low, high = skin.min(axis=0), skin.max(axis=0)
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        centres = middle + self.bump_centre * half
        width = 0.35 * float(np.mean(half))
        square = np.sum((rig.neutral[:, None, :] - centres) ** 2, axis=-1)
        bumps = np.exp(-0.5 * square / width**2).astype(np.float32)  # (V, K)
        neutral = (rig.neutral + bumps @ self.bump_shift.astype(np.float32)) * self.scale.astype(np.float32)
        local = 1.0 + self.bump_gain.astype(np.float32) @ bumps.T  # (52, V)
        strength = np.maximum(local, 0.2) * self.gain.astype(np.float32)[:, None]
        turn = rotation.to_matrix(rotation.from_vector(self.tilt)).astype(np.float32)
        deltas = np.einsum("sij,svj->svi", turn, rig.deltas, optimize=True) * strength[..., None]
        return replace(
            rig,
            name=f"{rig.name}/{self.name}",
            neutral=neutral.astype(np.float32),
            deltas=(deltas * self.scale.astype(np.float32)).astype(np.float32),
        )


def nominal_wearer(layout: SensorLayout) -> Wearer:
    """The rig's own face with every board exactly where the layout wants it."""
    sensors = len(layout.sensors)
    return Wearer(
        name="nominal",
        gain=np.ones(arkit.COUNT),
        tilt=np.zeros((arkit.COUNT, 3)),
        scale=np.ones(3),
        bump_centre=np.zeros((0, 3)),
        bump_shift=np.zeros((0, 3)),
        bump_gain=np.zeros((arkit.COUNT, 0)),
        place_offset_m=np.zeros((sensors, 2)),
        mount=np.tile(IDENTITY, (sensors, 1)),
    )


def random_wearer(
    layout: SensorLayout, seed: int, *, placement_m: float = 0.005, mount_rad: float = float(np.deg2rad(10.0))
) -> Wearer:
    """A person drawn at random; the same seed gives the same person.

    Args:
        layout: how many boards there are.
        seed: of the person.
        placement_m: largest distance of a board from its place, m.
        mount_rad: standard deviation of a board's rotation about each axis is a third of a right triangle's:
            `mount_rad` in total, rad.
    """
    rng = np.random.default_rng([seed, 0x57EA4E4])
    sensors = len(layout.sensors)
    pair = rng.lognormal(0.0, 0.22, arkit.COUNT)
    # Both sides share the pair's gain: geometric mean of the draws of the two sides.
    shared = np.sqrt(pair * pair[list(arkit.MIRROR)])
    direction, distance = rng.uniform(0.0, 2.0 * np.pi, sensors), placement_m * np.sqrt(rng.random(sensors))
    return Wearer(
        name=f"wearer_{seed}",
        gain=shared * rng.lognormal(0.0, 0.08, arkit.COUNT),
        tilt=rng.normal(0.0, np.deg2rad(6.0), (arkit.COUNT, 3)),
        scale=1.0 + rng.normal(0.0, 0.04, 3),
        bump_centre=rng.uniform(-1.0, 1.0, (_BUMPS, 3)) * [0.3, 0.8, 0.8] + [0.7, 0.0, 0.0],
        bump_shift=rng.normal(0.0, 0.0025, (_BUMPS, 3)),
        bump_gain=rng.normal(0.0, 0.2, (arkit.COUNT, _BUMPS)),
        place_offset_m=np.stack([distance * np.cos(direction), distance * np.sin(direction)], axis=-1),
        mount=np.asarray(rotation.from_vector(rng.normal(0.0, mount_rad / np.sqrt(3.0), (sensors, 3)))),
    )
