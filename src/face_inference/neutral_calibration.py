"""Collecting a neutral while frames stream in, with a verdict on how still the wearer was."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from face_inference.alignment.sensor_alignment import SensorAlignment, told
from face_inference.mounts import NominalMounts
from face_inference.neutral import Neutral, seen_up, solve_neutral
from face_model.saved_arrays import Arrays, SavedArrays, part_of, text_array

_MOST_PARAM = 1e6


@dataclass(frozen=True)
class CalibrationParams:
    """How long and how still.

    Attributes:
        duration_s: samples of this much time make one neutral.
        max_skull_rate_rad_s: RMS angular velocity of the skull up to which the head counts as still
            (the limit named in imusic/srv/CalibrateNeutral).
        max_face_rate_rad_s: the same for the skin relative to the skull, median over the sensors. A guess: talking
            turns cheek sensors several times faster, sensor noise stays a factor of ten below.
        patience_s: an automatic calibration that never saw a still face takes its stillest window after this long.
    """

    duration_s: float = 2.0
    max_skull_rate_rad_s: float = 0.1
    max_face_rate_rad_s: float = 0.15
    patience_s: float = 15.0

    def saved_state(self) -> Arrays:
        """As arrays, for `from_saved`."""
        return {"params": np.array([getattr(self, f.name) for f in fields(self)], dtype=np.float64)}

    @classmethod
    def from_saved(cls, saved: SavedArrays) -> CalibrationParams:
        """From `saved_state`; raises `SnapshotError`."""
        values = saved.array("params", (len(fields(cls)),), most=_MOST_PARAM)
        if (values < 0.0).any():
            raise saved.refuse("times and rates of 0 or more", values.tolist())
        return cls(*values.tolist())


@dataclass(frozen=True)
class CalibrationResult:
    """How a calibration ended; `neutral` is None exactly if it failed.

    `alignment` is what still holds of the mountings that were known: gravity tells of boards that were glued on anew.
    """

    neutral: Neutral | None
    stillness_rad_s: float
    message: str
    alignment: SensorAlignment | None = None

    @property
    def success(self) -> bool:
        """Whether there is a new neutral."""
        return self.neutral is not None


class NeutralCalibration:
    """Collects frames and ends with one `CalibrationResult`.

    `automatic`: starts over whenever the wearer was not still, until `patience_s`, and does not fail; for start-up,
    when there is no older neutral to fall back on. Otherwise one window decides; for a calibration that was asked for.

    Attributes:
        alignment: how the sensors are mounted, where that is known; may be set meanwhile.
    """

    def __init__(
        self,
        mounts: NominalMounts,
        params: CalibrationParams | None = None,
        automatic: bool = False,
        alignment: SensorAlignment | None = None,
    ) -> None:
        self._mounts = mounts
        self.alignment = alignment
        self.params = params or CalibrationParams()
        self._automatic = automatic
        self._orientation: list[NDArray[np.floating]] = []
        self._angular_velocity: list[NDArray[np.floating]] = []
        self._valid: list[NDArray[np.bool_]] = []
        self._began_s: float | None = None
        self._window_s: float = 0.0
        self._newest_s: float = 0.0
        self._stillest: CalibrationResult | None = None
        self.result: CalibrationResult | None = None
        self.problem = ""

    @property
    def collecting(self) -> bool:
        """Whether frames are still wanted."""
        return self.result is None

    @property
    def complete(self) -> bool:
        """Whether `result` is there."""
        return self.result is not None

    def add(
        self,
        time_s: float,
        orientation: NDArray[np.floating],
        angular_velocity: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> CalibrationResult | None:
        """One frame of `S` sensors at hub time `time_s`; the result once complete.

        Args:
            time_s: increasing, s.
            orientation: (S, 4) sensor to earth.
            angular_velocity: (S, 3) rad/s, sensor frame.
            valid: (S,).
        """
        if self.result is not None:
            return self.result
        if self._began_s is None:
            self._began_s = self._window_s = time_s
        self._newest_s = time_s
        self._orientation.append(np.array(orientation, dtype=np.float64))
        self._angular_velocity.append(np.array(angular_velocity, dtype=np.float64))
        self._valid.append(np.array(valid, dtype=bool))
        if time_s - self._window_s >= self.params.duration_s:
            self._close_window(time_s)
        return self.result

    @property
    def progress(self) -> float:
        """0 to 1, of the time that the window under way takes."""
        if self.complete or not self._valid or self._window_s <= 0.0:
            return float(self.complete)
        return max(0.0, min(1.0, (self._newest_s - self._window_s) / self.params.duration_s))

    @property
    def quality(self) -> float:
        """0 to 1, how still the head is at the newest frame: 1 up to half of what counts as still."""
        reference = self._mounts.reference
        if not self._valid or not self._valid[-1][reference]:
            return 0.0
        rate = self._angular_velocity[-1][reference]
        share = float(np.sqrt(rate @ rate)) / max(self.params.max_skull_rate_rad_s, 1e-6)
        return max(0.0, min(1.0, 1.5 - share))

    def abort(self, reason: str) -> None:
        """End without a neutral, if not complete yet."""
        if self.result is None:
            self.result = CalibrationResult(None, 0.0, reason)

    def saved_state(self) -> Arrays:
        """What was collected, as arrays, for `from_saved`; only while `collecting`."""
        arrays = self.params.saved_state()
        arrays |= {
            "automatic": np.array(self._automatic),
            "window_s": np.array(self._window_s),
            "problem": text_array(self.problem),
        }
        if self._began_s is not None:
            arrays |= {
                "began_s": np.array(self._began_s),
                "orientation": np.stack(self._orientation),
                "angular_velocity": np.stack(self._angular_velocity),
                "valid": np.stack(self._valid),
            }
        if self._stillest is not None and self._stillest.neutral is not None:
            arrays |= part_of("stillest", self._stillest.neutral.saved_state())
            arrays["message"] = text_array(self._stillest.message)
            if self._stillest.alignment is not None:
                arrays |= part_of("stillest_alignment", self._stillest.alignment.saved_state())
        return arrays

    @classmethod
    def from_saved(
        cls, saved: SavedArrays, mounts: NominalMounts, alignment: SensorAlignment | None = None
    ) -> NeutralCalibration:
        """A calibration that goes on with what was collected, from `saved_state`; the alignment is saved elsewhere.

        Raises:
            SnapshotError: it is damaged, or of other sensors.
        """
        calibration = cls(mounts, CalibrationParams.from_saved(saved), saved.flag("automatic"), alignment)
        calibration._window_s = saved.number("window_s")
        calibration.problem = saved.text("problem")
        count = len(mounts.names)
        if "began_s" in saved:
            calibration._began_s = saved.number("began_s")
            orientation = saved.array("orientation", (None, count, 4))
            rates = saved.array("angular_velocity", (len(orientation), count, 3))
            valid = saved.array("valid", (len(orientation), count), "b1")
            calibration._orientation, calibration._angular_velocity = list(orientation), list(rates)
            calibration._valid = list(valid)
        if saved.has_part("stillest"):
            neutral = Neutral.from_saved(saved.part("stillest"), count)
            known = saved.has_part("stillest_alignment")
            still_known = SensorAlignment.from_saved(saved.part("stillest_alignment"), count) if known else None
            message = saved.text("message")
            calibration._stillest = CalibrationResult(neutral, neutral.stillness_rad_s, message, still_known)
        saved.end()
        return calibration

    def _close_window(self, time_s: float) -> None:
        verdict, still = self._judge()
        if still or not self._automatic:
            self.result = verdict
            return
        if verdict.success and (self._stillest is None or verdict.stillness_rad_s < self._stillest.stillness_rad_s):
            self._stillest = verdict
        if time_s - (self._began_s or 0.0) >= self.params.patience_s and self._stillest is not None:
            self.result = self._stillest
            return
        # Half the window is kept: a wearer who just became still waits half as long.
        keep = len(self._valid) // 2
        del self._orientation[:keep], self._angular_velocity[:keep], self._valid[:keep]
        self._window_s = time_s - 0.5 * self.params.duration_s

    def _judge(self) -> tuple[CalibrationResult, bool]:
        """Verdict on the collected window, and whether the wearer was still in it."""
        valid = np.stack(self._valid)
        rates = np.stack(self._angular_velocity)
        orientation = np.stack(self._orientation)
        alignment, moved = self._holding(orientation, valid)
        mounts = self._mounts if alignment is None else alignment.mounts(self._mounts)
        neutral = solve_neutral(mounts, orientation, rates, valid)
        if neutral is None:
            name = self._mounts.names[self._mounts.reference]
            message = self.problem = (
                f"expected the reference sensor {name!r} in at least half of {len(valid)} frames; check its cable"
            )
            return CalibrationResult(None, 0.0, message), False
        if alignment is not None:
            neutral = replace(neutral, turn_deviation_rad=alignment.turn_deviation_rad)
        stillness = neutral.stillness_rad_s
        face = self._face_rate(rates, valid, neutral)
        problems = []
        if stillness > self.params.max_skull_rate_rad_s:
            problems.append(f"the head turned at {stillness:.3f} rad/s, still is {self.params.max_skull_rate_rad_s}")
        if face > self.params.max_face_rate_rad_s:
            problems.append(f"the face moved at {face:.3f} rad/s, relaxed is {self.params.max_face_rate_rad_s}")
        absent = [n for n, seen in zip(self._mounts.names, neutral.calibrated, strict=True) if not seen]
        note = f"; not seen and masked: {', '.join(absent)}" if absent else ""
        note += moved
        if not problems:
            text = f"neutral learned from {len(valid)} frames{note}"
            return CalibrationResult(neutral, stillness, text, alignment), True
        trouble = self.problem = " and ".join(problems)
        if self._automatic:
            text = f"neutral learned although {trouble}; look ahead, relax, keep still and calibrate again{note}"
            return CalibrationResult(neutral, stillness, text, alignment), False
        text = f"{trouble}; the old neutral stays: look ahead, relax, keep still and try again{note}"
        return CalibrationResult(None, stillness, text), False

    def _holding(
        self, orientation: NDArray[np.float64], valid: NDArray[np.bool_]
    ) -> tuple[SensorAlignment | None, str]:
        """What still holds of the alignment, and what is to be said of the rest."""
        alignment, reference = self.alignment, self._mounts.reference
        if alignment is None:
            return None, ""
        seen = valid & valid[:, [reference]]
        there = seen.mean(axis=0) >= 0.5
        if not there[reference]:
            return alignment, ""
        moved = alignment.moved(seen_up(orientation, seen), there, reference)
        if not moved.any():
            return alignment, ""
        if moved[alignment.aligned].all():
            return None, "; the sensors sit otherwise than when they were aligned: align them again"
        names = [name for name, other in zip(self._mounts.names, moved, strict=True) if other]
        return alignment.without(moved), f"; sits otherwise than when it was aligned: {told(names)}; align again"

    def _face_rate(self, rates: NDArray[np.float64], valid: NDArray[np.bool_], neutral: Neutral) -> float:
        """Median over the skin sensors of the RMS angular velocity relative to the skull, rad/s."""
        # Speeds suffice: a sensor that only rides along turns as fast as the skull.
        speed = np.linalg.norm(rates, axis=-1)
        skull = speed[:, self._mounts.reference]
        both = valid & valid[:, [self._mounts.reference]]
        excess = [
            float(np.sqrt(np.mean((speed[both[:, k], k] - skull[both[:, k]]) ** 2)))
            for k in self._mounts.skin
            if neutral.calibrated[k]
        ]
        # Not `numpy.median`: its first call imports a package, for 60 ms, and this runs while frames wait.
        return median(excess) if excess else 0.0
