"""A subject who rests until told, and then does what prompts ask for at their times: the guided routine, a nod and a
shake of the head."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.routine import DURATION_S
from imu_sim.kinematics import HeadPath, Trajectory
from imu_sim.motion import IDENTITY, FaceMotion, Floats
from imu_sim.splines import Sampling, UniformSpline

ATTENTIVE_S = 1.0
"""After the first prompt the subject rests on for this long, whenever they heard of it, s; the routine asks for 2.8."""
_REST_S = 3.0
_AGREED_S = 0.5
"""A prompt that says another time than those before by more than this belongs to another routine, s."""


ALIGNMENT_AT_S = DURATION_S + 20.0
"""Where the nod and the shake begin, s from the routine's beginning: a subject knows one course of motion, of which
prompts say which part it is time for."""


def with_alignment(routine: FaceMotion, nod_and_shake: FaceMotion) -> FaceMotion:
    """The routine, a rest, and from `ALIGNMENT_AT_S` on the nod and the shake; both begin and end at rest."""
    rest = round(ALIGNMENT_AT_S * routine.rate_hz) - routine.samples
    other = nod_and_shake.resampled(routine.rate_hz)
    return replace(
        routine,
        weights=np.concatenate([routine.weights, np.zeros((rest, arkit.COUNT)), other.weights]),
        head_orientation=np.concatenate(
            [routine.head_orientation, np.tile(IDENTITY, (rest, 1)), other.head_orientation]
        ),
        head_position=np.concatenate([routine.head_position, np.zeros((rest, 3)), other.head_position]),
    )


@dataclass
class Cue:
    """When the routine begins.

    Attributes:
        begin: control point of the stream at which the motion's first stands; None: the subject rests.
    """

    begin: int | None = None


@dataclass(frozen=True)
class CuedSpline(UniformSpline):
    """Curves that stay at their first control points until the cue, and at their last ones after the end."""

    cue: Cue = field(default_factory=Cue)

    def points_at(self, index: NDArray[np.int64]) -> Floats:
        """Control points of any numbers, of the motion as it is cued now."""
        begin = self.cue.begin
        return super().points_at(np.full_like(index, self.first) if begin is None else index - begin)


class CuedTrajectory:
    """What moves the face: at rest until `prompted`. A `Motion`.

    At rest all control points are the same, so that the motion begins without a jump.

    Args:
        routine: the motion, from the routine's beginning.
    """

    def __init__(self, routine: FaceMotion) -> None:
        cut = round(ATTENTIVE_S * routine.rate_hz)
        motion = replace(
            routine,
            weights=routine.weights[cut:],
            head_orientation=routine.head_orientation[cut:],
            head_position=routine.head_position[cut:],
        ).faded(rest_s=_REST_S)
        self._cue = Cue()
        self._whole = Trajectory(motion)
        self.weight_spline = self._cued(self._whole.weight_spline)
        self._pose = self._cued(self._whole.pose_spline)

    def _cued(self, spline: UniformSpline) -> CuedSpline:
        return CuedSpline(spline.points, spline.rate_hz, False, spline.first, self._cue)

    def head_on(self, sampling: Sampling) -> HeadPath:
        """The head on a regular sampling."""
        return self._whole.head_along(self._pose.on(sampling))

    @property
    def resting(self) -> bool:
        """Whether nobody has asked for anything."""
        return self._cue.begin is None

    def prompted(self, elapsed_s: float | None, stream_s: float) -> None:
        """Somebody says where the routine is; from the next block of samples on the subject is there, too.

        Args:
            elapsed_s: since the routine's beginning, s; None: it is over, or was cancelled.
            stream_s: motion time of the stream at that moment, s.
        """
        if elapsed_s is None:
            self._cue.begin = None
            return
        rate_hz = self.weight_spline.rate_hz
        begin = round((stream_s - elapsed_s - _REST_S + ATTENTIVE_S) * rate_hz)
        if self._cue.begin is None or abs(begin - self._cue.begin) > _AGREED_S * rate_hz:
            self._cue.begin = begin
