"""What the face adds to the signals of each unit, beside what is there when the face rests.

The floor is not the noise of a part alone: it is all that moves a unit while the face does nothing, with a head that
moves as in a talk. The rigid motion of the head is taken out as far as the skull unit can tell it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model import rotation
from imu_sim.motion import Floats
from imu_sim.recording import Recording

CHANNELS = ("tilt_deg", "rotation_deg", "rate_deg_s", "force_m_s2")


@dataclass(frozen=True)
class Signals:
    """Size of what a unit feels against its neutral pose on the skull; arrays (T, S), or (S,) where summed up.

    Attributes:
        tilt_deg: turn of gravity as the unit sees it, against the skull's; needs no heading, degrees.
        rotation_deg: turn of the unit on the skull, heading included, degrees.
        rate_deg_s: angular velocity against the skull's, degrees per second.
        force_m_s2: specific force against the skull's (lever arms left in), m/s2.
    """

    tilt_deg: Floats
    rotation_deg: Floats
    rate_deg_s: Floats
    force_m_s2: Floats

    def root_mean_square(self) -> Signals:
        """(S,) over all rows."""
        return Signals(*(np.sqrt(np.mean(np.square(getattr(self, name)), axis=0)) for name in CHANNELS))

    def largest(self) -> Signals:
        """(S,) over all rows."""
        return Signals(*(np.max(getattr(self, name), axis=0) for name in CHANNELS))


def signals_of(
    recording: Recording, reference: int, rows: slice, neutral: slice, on_skull: Floats | None = None
) -> Signals:
    """Signals of every unit in some rows.

    Args:
        recording: of one person.
        reference: index of the skull unit.
        rows: of the recording.
        neutral: rows with which they are compared: face at rest, head still.
        on_skull: (S, 4) sensor frame to the skull unit's frame at neutral, as a calibration gives it. Without it the
            filters' orientations are taken, whose headings are arbitrary: good enough only while the head keeps still.
    """
    pose, rate, force = (
        np.asarray(values, dtype=np.float64)
        for values in (recording.orientation, recording.angular_velocity, recording.specific_force)
    )
    at_rest = _mean_turn(pose[neutral], reference)
    from_skull = rotation.conjugate(at_rest if on_skull is None else on_skull)

    def felt_by_skull(of_units: Floats) -> Floats:
        """What each unit would feel if it were fixed to the skull as at rest."""
        skull = of_units[:, [reference]]
        return np.asarray(rotation.rotate(np.broadcast_to(from_skull, (*of_units.shape[:2], 4)), skull))

    def beyond_skull(values: Floats) -> Floats:
        bias = (values[neutral] - felt_by_skull(values[neutral])).mean(axis=0)
        return np.asarray(np.linalg.norm(values[rows] - felt_by_skull(values[rows]) - bias, axis=-1))

    gravity = np.asarray(rotation.rotate(rotation.conjugate(pose[rows]), np.array([0.0, 0.0, 1.0])), dtype=np.float64)
    turned = rotation.multiply(rotation.conjugate(at_rest), _turn(pose[rows], reference))
    return Signals(
        tilt_deg=_angle_deg(gravity, felt_by_skull(gravity)),
        rotation_deg=np.rad2deg(np.linalg.norm(rotation.to_vector(turned), axis=-1)),
        rate_deg_s=np.rad2deg(beyond_skull(rate)),
        force_m_s2=beyond_skull(force),
    )


def _turn(pose: Floats, reference: int) -> Floats:
    """Units against the skull unit as the filters say, (T, S, 4); each has an arbitrary heading of its own."""
    return np.asarray(rotation.multiply(rotation.conjugate(pose[:, [reference]]), pose))


def _mean_turn(pose: Floats, reference: int) -> Floats:
    """Mean of `_turn` over rows that hardly differ, (S, 4)."""
    turn = _turn(pose, reference)
    apart = rotation.to_vector(rotation.multiply(rotation.conjugate(turn[:1]), turn)).mean(axis=0)
    return np.asarray(rotation.multiply(turn[0], rotation.from_vector(apart)))


def _angle_deg(a: Floats, b: Floats) -> Floats:
    # By sine and cosine: the arc cosine alone is blind to small angles.
    sine = np.linalg.norm(rotation.cross(a, b), axis=-1)
    return np.asarray(np.rad2deg(np.arctan2(sine, np.sum(a * b, axis=-1))))
