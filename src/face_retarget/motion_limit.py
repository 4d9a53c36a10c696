"""Motion of joints within limits of place, speed and acceleration, whatever is wished and whenever it is asked.

Each step chooses a velocity and holds it for the step. From velocity v, braking by at most a changes the place by at
most v^2 / 2a however the steps are cut, so a velocity is chosen only where that much room is left: to the wish, so that
it is not passed, and to the limit, so that it never can be. The largest such velocity over a step of length h at a
distance d solves v h + v^2 / 2a = d.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_retarget.robot import Joint

Floats = NDArray[np.float64]

MAX_STEP_S = 0.1
"""A longer pause is taken for one of this length: a joint makes no leap because somebody slept."""


class MotionLimit:
    """Places and velocities of `J` joints. All in rad and s, or metres for prismatic joints.

    Args:
        joints: whose limits hold.
        unit: what the numbers of `joints` are multiplied with.
    """

    def __init__(self, joints: tuple[Joint, ...], unit: float = 1.0) -> None:
        self.low, self.high = (unit * np.array([joint.limits[side] for joint in joints]) for side in (0, 1))
        self.max_speed = unit * np.array([joint.max_speed for joint in joints])
        self.max_acceleration = unit * np.array([joint.max_acceleration for joint in joints])
        self.place = unit * np.array([joint.neutral for joint in joints])
        """(J,) now."""
        self.velocity = np.zeros(len(joints))
        """(J,) over the last step."""

    def step(self, wish: Floats, step_s: float) -> Floats:
        """Go on for `step_s` towards `wish`, (J,); the places then, (J,).

        A wish that is no number is not followed: its joint brakes. A step that is not above 0, or no number, does
        nothing.
        """
        if not step_s > 0.0:
            return self.place
        h, a, place, v = min(float(step_s), MAX_STEP_S), self.max_acceleration, self.place, self.velocity
        least, most = v - a * h, v + a * h
        away = np.clip(wish, self.low, self.high) - place
        towards = np.sign(away) * _fastest(np.abs(away), h, a)
        chosen = np.where(np.isfinite(away), towards, 0.0)
        chosen = np.clip(np.clip(chosen, least, most), -self.max_speed, self.max_speed)
        chosen = np.clip(chosen, -_fastest(place - self.low, h, a), _fastest(self.high - place, h, a))
        # Rounding alone could take it beyond its bounds, by the last digit.
        self.place = np.clip(place + chosen * h, self.low, self.high)
        self.velocity = chosen
        return self.place


def _fastest(room: Floats, step_s: float, acceleration: Floats) -> Floats:
    """Velocity, kept for a step, from which braking ends within `room`."""
    room = np.maximum(room, 0.0)
    # The root in the form that is exact for small rooms.
    first = acceleration * step_s
    return np.asarray(2.0 * acceleration * room / (first + np.sqrt(first * first + 2.0 * acceleration * room)))
