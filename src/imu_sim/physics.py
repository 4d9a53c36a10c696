"""What an IMU on a moving board feels: angular velocity and specific force.

Rigid-body kinematics in a moving frame: P. Zipfel, "Modeling and Simulation of Aerospace Vehicle Dynamics", 2007,
chapters 4 and 5; any mechanics text has the same formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model import rotation
from face_model.frames import GRAVITY_M_S2
from imu_sim.kinematics import HeadState
from imu_sim.motion import Floats


@dataclass(frozen=True)
class BoardState:
    """`S` boards at `T` times, all in `face_head` axes and relative to the head.

    Attributes:
        position: (T, S, 3) m.
        velocity: (T, S, 3) m/s.
        acceleration: (T, S, 3) m/s2.
        orientation: (T, S, 4) sensor frame to `face_head`.
        angular_velocity: (T, S, 3) rad/s, of the board relative to the head.
    """

    position: Floats
    velocity: Floats
    acceleration: Floats
    orientation: Floats
    angular_velocity: Floats


@dataclass(frozen=True)
class ImuTruth:
    """What ideal IMUs measure, for `T` times and `S` sensors.

    Attributes:
        orientation: (T, S, 4) sensor frame to earth.
        angular_velocity: (T, S, 3) rad/s, sensor frame.
        specific_force: (T, S, 3) m/s2, sensor frame; +9.81 on the axis that points up at rest.
    """

    orientation: Floats
    angular_velocity: Floats
    specific_force: Floats


def imu_truth(head: HeadState, boards: BoardState) -> ImuTruth:
    """Ideal signals of boards that move on a moving head.

    The specific force is the acceleration of the board against free fall: of the head's origin, minus gravity, plus
    Euler, centripetal, Coriolis and relative terms of the board's lever arm.
    """
    turn = head.orientation[:, None, :]
    omega = np.broadcast_to(head.angular_velocity[:, None, :], boards.position.shape)
    alpha = np.broadcast_to(head.angular_acceleration[:, None, :], boards.position.shape)
    against_free_fall = head.acceleration + np.array([0.0, 0.0, GRAVITY_M_S2])
    origin = rotation.rotate(rotation.conjugate(head.orientation), against_free_fall)[:, None, :]
    force = (
        origin
        + boards.acceleration
        + 2.0 * rotation.cross(omega, boards.velocity)
        + rotation.cross(alpha, boards.position)
        + rotation.cross(omega, rotation.cross(omega, boards.position))
    )
    to_sensor = rotation.conjugate(boards.orientation)
    return ImuTruth(
        orientation=np.asarray(rotation.multiply(np.broadcast_to(turn, boards.orientation.shape), boards.orientation)),
        angular_velocity=np.asarray(rotation.rotate(to_sensor, omega + boards.angular_velocity)),
        specific_force=np.asarray(rotation.rotate(to_sensor, force)),
    )
