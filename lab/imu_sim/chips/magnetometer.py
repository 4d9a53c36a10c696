"""What magnetometers near a face measure: the earth's field, magnets and steel near the head, errors of the part.

Earth axes are east, north, up by the magnetic field, as those of the 9-axis filter. Everything magnetic is a point
dipole: from a distance of a few times its size, any magnet and any magnetised piece of steel is one (J. D. Jackson,
"Classical Electrodynamics", 3rd ed., eq. 5.56).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from face_model import rotation
from imu_sim.chips.parts import MagnetometerPart
from imu_sim.motion import Floats

_MU_0_OVER_4_PI = 1e-7
"""T m/A, to 1e-9 since the SI of 2019."""

_NEAREST_M = 0.01
"""Nobody is nearer to a dipole than this, m: inside a magnet the formula is meaningless."""


@dataclass(frozen=True)
class EarthField:
    """The earth's magnetic field where the subject is.

    Attributes:
        strength_t: T; 25e-6 to 65e-6 on earth.
        inclination_rad: of the field below the horizon; positive on the northern hemisphere. The defaults are those
            of central Europe (World Magnetic Model 2020: 49 uT, 65 degrees at 50 N, 10 E).
    """

    strength_t: float = 49e-6
    inclination_rad: float = float(np.deg2rad(65.0))

    @property
    def vector(self) -> Floats:
        """(3,) T, east, north, up."""
        level, down = np.cos(self.inclination_rad), np.sin(self.inclination_rad)
        return self.strength_t * np.array([0.0, level, -down])


@dataclass(frozen=True)
class Dipole:
    """A magnet or a piece of steel.

    Attributes:
        moment: (3,) A m2.
        position: (3,) m at `time_s`.
        velocity: (3,) m/s, constant.
        time_s: when it is at `position`, s.
        on_head: whether the three vectors are in `face_head`, for glasses and headsets; otherwise in earth axes with
            the origin of `face_head` as origin, for furniture and robots.
    """

    moment: tuple[float, float, float]
    position: tuple[float, float, float]
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)
    time_s: float = 0.0
    on_head: bool = False

    def field(self, points: Floats, times_s: Floats) -> Floats:
        """Field (N, S, 3), T, at points (N, S, 3), m, in the dipole's axes, at times (N,), s."""
        centre = np.array(self.position) + np.outer(times_s - self.time_s, self.velocity)
        away = points - centre[:, None]
        distance = np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), _NEAREST_M)
        normal, moment = away / distance, np.array(self.moment)
        along = np.sum(normal * moment, axis=-1, keepdims=True)
        return np.asarray(_MU_0_OVER_4_PI * (3.0 * normal * along - moment) / distance**3)


@dataclass(frozen=True)
class MagneticScene:
    """All that makes a field around the subject.

    Attributes:
        earth: the earth's field.
        dipoles: what disturbs it.
    """

    earth: EarthField = field(default_factory=EarthField)
    dipoles: tuple[Dipole, ...] = ()

    def field(self, orientation: Floats, head_orientation: Floats, position: Floats, times_s: Floats) -> Floats:
        """Field (N, S, 3), T, in sensor axes.

        Args:
            orientation: (N, S, 4) sensor frame to earth.
            head_orientation: (N, 4) `face_head` to earth.
            position: (N, S, 3) of the sensors in `face_head`, m.
            times_s: (N,) s.
        """
        turn = np.broadcast_to(head_orientation[:, None], orientation.shape)
        total: Floats = np.broadcast_to(self.earth.vector, position.shape)
        in_earth: Floats = np.asarray(rotation.rotate(turn, position) if self.dipoles else position)
        for dipole in self.dipoles:
            if dipole.on_head:
                total = total + np.asarray(rotation.rotate(turn, dipole.field(position, times_s)))
            else:
                total = total + dipole.field(in_earth, times_s)
        return np.asarray(rotation.rotate(rotation.conjugate(orientation), total))


def random_scene(duration_s: float, rng: np.random.Generator) -> MagneticScene:
    """A subject somewhere between 35 and 60 degrees north, in a room with steel in it; all sizes are guesses.

    Half of the subjects have glasses with steel hinges, a quarter a headset, all have steel furniture near; a robot or
    a trolley passes once a minute.
    """
    dipoles = []
    if rng.random() < 0.5:
        dipoles += [_at((0.04, side * 0.07, 0.02), 0.003, rng, on_head=True) for side in (-1.0, 1.0)]
    if rng.random() < 0.25:
        dipoles += [_at((0.0, side * 0.10, 0.0), 0.05, rng, on_head=True) for side in (-1.0, 1.0)]
    for _ in range(2):
        bearing = rng.uniform(0.0, 2.0 * np.pi)
        dipoles.append(_at((0.8 * np.cos(bearing), 0.8 * np.sin(bearing), -0.6), 10.0, rng))
    for _ in range(rng.poisson(duration_s / 60.0)):
        bearing, nearest, speed = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.7, 2.0), rng.uniform(0.3, 1.2)
        place = (nearest * np.cos(bearing), nearest * np.sin(bearing), -0.5)
        velocity = (-speed * np.sin(bearing), speed * np.cos(bearing), 0.0)
        dipoles.append(_at(place, 15.0, rng, velocity=velocity, time_s=float(rng.uniform(0.0, duration_s))))
    inclination = float(np.deg2rad(rng.uniform(52.0, 73.0)))
    return MagneticScene(EarthField(float(rng.uniform(44e-6, 52e-6)), inclination), tuple(dipoles))


def _at(
    position: tuple[float, float, float],
    size: float,
    rng: np.random.Generator,
    *,
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0),
    time_s: float = 0.0,
    on_head: bool = False,
) -> Dipole:
    """A dipole of a random moment of rms `size`, A m2."""
    x, y, z = (float(each) for each in size / np.sqrt(3.0) * rng.standard_normal(3))
    return Dipole((x, y, z), position, velocity, time_s, on_head)


class MagnetometerBank:
    """`sensors` magnetometers with errors of their own; any split of the stream gives the same values.

    Args:
        part: what each of them is.
        sensors: how many.
        rng: of errors and noise.
    """

    def __init__(self, part: MagnetometerPart, sensors: int, rng: np.random.Generator) -> None:
        constant, self._noise = rng.spawn(2)
        self._part = part
        self._hard_iron = part.hard_iron * constant.standard_normal((sensors, 3))
        self._matrix = np.eye(3) + part.soft_iron * constant.standard_normal((sensors, 3, 3))

    def measure(self, field: Floats) -> Floats:
        """Fields (N, S, 3), T, in sensor axes, at the times of the samples, to readings (N, S, 3), T."""
        part = self._part
        value = np.einsum("sij,nsj->nsi", self._matrix, field) + self._hard_iron
        value = value + part.noise * self._noise.standard_normal(field.shape, dtype=np.float32)
        if part.resolution:
            value = np.rint(value / part.resolution) * part.resolution
        return np.asarray(np.clip(value, -part.full_scale, part.full_scale))
