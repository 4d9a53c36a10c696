"""Smooth trajectories of face and head from sampled motion, with exact derivatives.

Weights are the control points of a uniform quintic B-spline: the curve has four continuous derivatives, stays within
the range of its control points (no overshoot below 0 or above 1), and acts as a low-pass with a standard deviation of
sqrt(6/12) = 0.71 samples, 12 ms at 60 Hz (M. Unser, "Splines: a perfect fit for signal and image processing", 1999),
as skin does with muscle twitches. The head's pose is interpolated by a quintic spline: it passes through the samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, make_interp_spline

from face_model import rotation
from imu_sim.motion import FaceMotion, Floats, continuous

KNOT_RATE_HZ = 60.0
"""Rate of the weights' control points; other rates are resampled to it first."""

_DEGREE = 5
_WRAP = 32
"""Samples repeated at the seam of a loop: a quintic interpolation forgets by 0.43 a sample, to 1e-11 here."""


@dataclass(frozen=True)
class HeadState:
    """Rigid motion of the head at `T` times.

    Attributes:
        orientation: (T, 4) `face_head` to earth.
        angular_velocity: (T, 3) rad/s, `face_head` axes.
        angular_acceleration: (T, 3) rad/s2, `face_head` axes.
        acceleration: (T, 3) of the origin of `face_head`, m/s2, earth axes.
    """

    orientation: Floats
    angular_velocity: Floats
    angular_acceleration: Floats
    acceleration: Floats


class Trajectory:
    """A face motion as functions of time.

    Args:
        motion: what is to be followed.
        loop: repeat it for ever, smoothly through the seam; times may then be any number.

    Attributes:
        motion: as given.
        loop: whether it repeats.
        period_s: length of one round, s.
    """

    def __init__(self, motion: FaceMotion, loop: bool = False) -> None:
        self.motion = motion
        self.loop = loop
        self.period_s = motion.duration_s
        points = motion.resampled(KNOT_RATE_HZ).weights
        step = self.period_s / (len(points) - 1)
        pad = _WRAP if loop else _DEGREE // 2 + 1
        points = _padded(points, pad, loop)
        # Control point k has its basis function centred at sample k.
        knots = (np.arange(len(points) + _DEGREE + 1) - (_DEGREE + 1) / 2 - pad) * step
        curve = BSpline(knots, points, _DEGREE)
        self._weight_splines = [curve, curve.derivative(1), curve.derivative(2)]
        quaternions, positions = continuous(motion.head_orientation), motion.head_position
        if loop:
            # A head that turned once around comes back with the other sign: made continuous across the seam again.
            quaternions, positions = continuous(_padded(quaternions, pad, loop)), _padded(positions, pad, loop)
        times = (np.arange(len(positions)) - (pad if loop else 0)) / motion.rate_hz
        # Fewer samples than a quintic needs occur only in very short takes.
        degree = min(_DEGREE, (len(times) - 1) // 2 * 2 + (len(times) % 2 == 0))
        turn = make_interp_spline(times, quaternions, k=degree)
        move = make_interp_spline(times, positions, k=degree)
        self._turn = [turn, turn.derivative(1), turn.derivative(2)]
        self._acceleration = move.derivative(2)

    def _local(self, times_s: Floats) -> Floats:
        if self.loop:
            return np.mod(times_s, self.period_s)
        return np.clip(times_s, 0.0, self.period_s)

    def weights(self, times_s: Floats, derivative: int = 0) -> Floats:
        """Weights (T, 52) at `times_s` (T,), or their first or second derivative by time (1/s, 1/s2)."""
        return np.asarray(self._weight_splines[derivative](self._local(times_s)))

    def head(self, times_s: Floats) -> HeadState:
        """The head at `times_s` (T,)."""
        local = self._local(times_s)
        q, dq, ddq = (spline(local) for spline in self._turn)
        # The interpolated quaternion is not quite unit: for any q, 2 conj(q) dq / |q|^2 has the rate of its direction
        # as vector part, and its derivative follows by the quotient rule (Diebel 2006, eq. 39).
        square = np.sum(q * q, axis=-1, keepdims=True)
        inverse = rotation.conjugate(q) / square
        first = 2.0 * rotation.multiply(inverse, dq)
        second = 2.0 * rotation.multiply(inverse, ddq)
        # d(q^-1)/dt = -q^-1 dq q^-1, hence d(2 q^-1 dq)/dt = 2 q^-1 ddq - (2 q^-1 dq)^2 / 2.
        alpha = second - 0.5 * rotation.multiply(first, first)
        return HeadState(
            orientation=np.asarray(q / np.sqrt(square)),
            angular_velocity=np.asarray(first[..., :3]),
            angular_acceleration=np.asarray(alpha[..., :3]),
            acceleration=np.asarray(self._acceleration(local)),
        )


def _padded(values: Floats, pad: int, loop: bool) -> Floats:
    if not loop:
        return np.pad(values, ((pad, pad), (0, 0)), mode="edge")
    # The last sample of a loop is its first.
    index: NDArray[np.int64] = np.mod(np.arange(-pad, len(values) + pad), len(values) - 1)
    return values[index]
