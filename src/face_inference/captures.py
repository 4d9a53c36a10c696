"""What a wearer is asked to do and is collected while they do it: the guided routine, the nod and the shake."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_inference.alignment.capture import AlignmentCapture
from face_inference.channels import Channels
from face_inference.mounts import NominalMounts
from face_inference.wearer.routine_capture import RoutineCapture


class Captures:
    """Those that are under way; whoever began one keeps it and looks at it."""

    def __init__(self) -> None:
        self._routine: RoutineCapture | None = None
        self._aligning: AlignmentCapture | None = None

    def begin_routine(self, channels: Channels) -> RoutineCapture:
        """Collect the guided routine from the next features on."""
        self._routine = RoutineCapture(channels)
        return self._routine

    def begin_alignment(self, mounts: NominalMounts) -> AlignmentCapture:
        """Collect the nod and the shake from the next motion on."""
        self._aligning = AlignmentCapture(len(mounts.names), mounts.reference)
        return self._aligning

    def add_motion(
        self,
        time_s: float,
        orientation: NDArray[np.floating],
        rates: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> None:
        """What the sensors measured, see `AlignmentCapture.add`."""
        if self._aligning is not None:
            self._aligning.add(time_s, orientation, rates, valid)
            self._aligning = None if self._aligning.complete else self._aligning

    def add_features(self, time_s: float, features: NDArray[np.float32]) -> None:
        """What was made of it, see `RoutineCapture.add`."""
        if self._routine is not None:
            self._routine.add(time_s, features)
            self._routine = None if self._routine.complete else self._routine

    def end_routine(self, reason: str) -> None:
        """End the routine without a result."""
        if self._routine is not None:
            self._routine.abort(reason)
            self._routine = None

    def end(self, reason: str) -> None:
        """End all."""
        self.end_routine(reason)
        if self._aligning is not None:
            self._aligning.abort(reason)
            self._aligning = None
