"""Smooth trajectories of face and head from sampled motion, with exact derivatives.

Weights are the control points of a uniform quintic B-spline: the curve stays within the range of its control points (no
overshoot below 0 or above 1), and acts as a low-pass with a standard deviation of sqrt(6/12) = 0.71 samples, 12 ms at
60 Hz, as skin does with muscle twitches. The head's pose is interpolated: its curve passes through the samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.interpolate import make_interp_spline

from imu_sim.motion import FaceMotion, Floats, continuous
from imu_sim.splines import DEGREE, SampledSpline, Sampling, UniformSpline
from imu_sim.vectors import cross

KNOT_RATE_HZ = 60.0
"""Rate of the control points; other rates are resampled to it first."""


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


class HeadPath(Protocol):
    """A head on a regular sampling."""

    def __call__(self, first: int, count: int) -> HeadState:
        """The head at samples `first` and following."""


class Motion(Protocol):
    """What moves a face: control points of the weights, and the head as a function of time."""

    @property
    def weight_spline(self) -> UniformSpline:
        """The 52 weights."""

    def head_on(self, sampling: Sampling) -> HeadPath:
        """The head on a regular sampling."""


class Trajectory:
    """A sampled face motion as functions of time.

    Args:
        motion: what is to be followed.
        loop: repeat it for ever, smoothly through the seam; times may then be any number. The motion is stretched by
            less than half a control point, so that a round is a whole number of them.
        knot_rate_hz: control points per second.

    Attributes:
        motion: as given.
        loop: whether it repeats.
        period_s: length of one round, s.
        weight_spline: the 52 weights.
    """

    def __init__(self, motion: FaceMotion, loop: bool = False, knot_rate_hz: float = KNOT_RATE_HZ) -> None:
        self.motion = motion
        self.loop = loop
        points = motion.resampled(knot_rate_hz).weights
        intervals = len(points) - 1
        self.period_s = intervals / knot_rate_hz
        # The last sample of a loop is its first.
        points = points[:intervals] if loop else points
        self.weight_spline = UniformSpline(np.ascontiguousarray(points.T), knot_rate_hz, loop)
        self._pose = _pose_spline(motion, intervals, knot_rate_hz, loop)

    def weights(self, times_s: Floats, derivative: int = 0) -> Floats:
        """Weights (T, 52) at `times_s` (T,), or their first or second derivative by time (1/s, 1/s2)."""
        return self.weight_spline(times_s, derivative).T

    def head(self, times_s: Floats) -> HeadState:
        """The head at `times_s` (T,)."""
        return _head_state(*(self._pose(times_s, derivative) for derivative in range(3)))

    def head_on(self, sampling: Sampling) -> HeadPath:
        """The head on a regular sampling: the same as `head` at its times, and faster."""
        return self.head_along(self._pose.on(sampling))

    @staticmethod
    def head_along(pose: SampledSpline) -> HeadPath:
        """A head whose quaternion and position are 7 curves on a regular sampling."""
        return lambda first, count: _head_state(*pose(first, count, range(3)))

    @property
    def pose_spline(self) -> UniformSpline:
        """Quaternion and position of the head, 7 curves."""
        return self._pose


def _pose_spline(motion: FaceMotion, intervals: int, knot_rate_hz: float, loop: bool) -> UniformSpline:
    """Quaternion and position as 7 curves with `intervals` control points from the first sample to the last."""
    values = np.concatenate([continuous(motion.head_orientation), motion.head_position], axis=1)
    if intervals + 1 != len(values):
        # Fewer samples than a quintic needs occur only in very short takes.
        degree = min(DEGREE, (len(values) - 1) // 2 * 2 + (len(values) % 2 == 0))
        samples = np.arange(len(values), dtype=np.float64)
        values = make_interp_spline(samples, values, k=degree)(np.linspace(0.0, samples[-1], intervals + 1))
    if not loop:
        return UniformSpline.through(np.asarray(values.T), knot_rate_hz)
    round_ = values[:-1]
    if values[0, :4] @ values[-1, :4] < 0.0:
        # A head that turned once around comes back with the other sign, and with the first one after two rounds.
        round_ = np.concatenate([round_, round_ * np.repeat([-1.0, 1.0], (4, 3))])
    return UniformSpline.through(np.asarray(round_.T), knot_rate_hz, loop=True)


def _head_state(pose: Floats, rate: Floats, acceleration: Floats) -> HeadState:
    """State of a head from its quaternion and position (7, T) and their derivatives by time."""
    q, dq, ddq = (each[:4] for each in (pose, rate, acceleration))
    # The interpolated quaternion is not quite unit: for any q, p = 2 q^-1 dq has the rate of its direction as vector
    # part (Diebel 2006, eq. 39). As d(q^-1)/dt = -q^-1 dq q^-1, its derivative is 2 q^-1 ddq - p^2 / 2, and the vector
    # part of p^2 / 2 is the scalar part of p times its vector part.
    inverse = q / np.sum(q * q, axis=0)
    omega = _vector_part(inverse, dq)
    alpha = _vector_part(inverse, ddq) - 2.0 * np.sum(inverse * dq, axis=0) * omega
    return HeadState(
        orientation=(q / np.sqrt(np.sum(q * q, axis=0))).T,
        angular_velocity=omega.T,
        angular_acceleration=alpha.T,
        acceleration=acceleration[4:].T,
    )


def _vector_part(p: Floats, q: Floats) -> Floats:
    """Vector part (3, T) of 2 conj(p) q, both (4, T)."""
    return np.asarray(2.0 * (p[3] * q[:3] - q[3] * p[:3] - cross(p[:3], q[:3])))
