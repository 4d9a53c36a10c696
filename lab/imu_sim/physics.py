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
from imu_sim.mounted_boards import BoardState
from imu_sim.vectors import cross


@dataclass(frozen=True)
class ImuTruth:
    """What ideal IMUs measure, for `S` sensors at `N` times, component by component.

    Attributes:
        angular_velocity: (3, S, N) rad/s.
        specific_force: (3, S, N) m/s2; +9.81 on the axis that points up at rest.
    """

    angular_velocity: Floats
    specific_force: Floats


def imu_truth(head: HeadState, boards: BoardState) -> ImuTruth:
    """Ideal signals of boards that move on a moving head, in the boards' axes.

    The specific force is the acceleration of the chip against free fall: of the head's origin, minus gravity, plus
    Euler, centripetal, Coriolis and relative terms of the chip's lever arm.
    """
    against_free_fall = head.acceleration + np.array([0.0, 0.0, GRAVITY_M_S2])
    origin = rotation.rotate(rotation.conjugate(head.orientation), against_free_fall).T
    omega, alpha = head.angular_velocity.T, head.angular_acceleration.T
    turning = omega[:, None]
    force = boards.acceleration + origin[:, None]
    force += cross(alpha[:, None], boards.position)
    force += cross(turning, cross(turning, boards.position) + 2.0 * boards.velocity)
    return ImuTruth(
        angular_velocity=boards.angular_velocity + np.einsum("ijsn,jn->isn", boards.axes, omega),
        specific_force=np.einsum("ijsn,jsn->isn", boards.axes, force),
    )
