"""Times of a tracker: of its neutral, of gaps, and of a face without input."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from face_inference.neutral_calibration import CalibrationParams
from face_model.saved_arrays import Arrays, SavedArrays, part_of

_LONGEST_S = 100.0


@dataclass(frozen=True)
class TrackerParams:
    """Times of the tracker.

    Attributes:
        calibration: duration and stillness of the neutral.
        max_gap_s: a longer gap between samples starts the network anew.
        stale_after_s: without input for this long, confidence falls and the state is STALE.
        neutral_after_s: without input for this long, weights start to fall to neutral.
        fade_s: time the fall of confidence and of weights takes.
    """

    calibration: CalibrationParams = field(default_factory=CalibrationParams)
    max_gap_s: float = 0.25
    stale_after_s: float = 0.1
    neutral_after_s: float = 1.0
    fade_s: float = 0.5

    def saved_state(self) -> Arrays:
        """As arrays, for `from_saved`."""
        times_s = [getattr(self, f.name) for f in fields(self) if f.name != "calibration"]
        return part_of("calibration", self.calibration.saved_state()) | {"times_s": np.array(times_s)}

    @classmethod
    def from_saved(cls, saved: SavedArrays) -> TrackerParams:
        """From `saved_state`; raises `SnapshotError`."""
        part = saved.part("calibration")
        calibration = CalibrationParams.from_saved(part)
        part.end()
        times_s = saved.array("times_s", (len(fields(cls)) - 1,), most=_LONGEST_S)
        saved.end()
        if (times_s < 0.0).any():
            raise saved.refuse("times of 0 or more", times_s.tolist())
        return cls(calibration, *times_s.tolist())
