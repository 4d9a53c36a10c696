"""The calibrations of the neutral that collect at present: the automatic one, and one that somebody asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.mounts import NominalMounts
from face_inference.neutral_calibration import CalibrationParams, CalibrationResult, NeutralCalibration
from face_model.saved_arrays import Arrays, SavedArrays, part_of


class Calibrations:
    """Of one wearer.

    Attributes:
        automatic: until there is a first neutral; None afterwards.
        requested: that somebody asked for; None: nobody did, or it ended.
        alignment: how the sensors are mounted, as a nod and a shake told; None: as the layout has them.
    """

    def __init__(self, mounts: NominalMounts) -> None:
        self._mounts = mounts
        self.automatic: NeutralCalibration | None = None
        self.requested: NeutralCalibration | None = None
        self.alignment: SensorAlignment | None = None

    @property
    def collecting(self) -> bool:
        """Whether frames are wanted."""
        return self.automatic is not None or self.requested is not None

    @property
    def hint(self) -> str:
        """What the wearer should do for the automatic calibration to end."""
        problem = self.automatic.problem if self.automatic is not None else ""
        return problem or "look ahead, relax, keep still"

    def begin_automatic(self, params: CalibrationParams) -> None:
        """Learn a neutral from whenever the wearer is still."""
        self.automatic = NeutralCalibration(self._mounts, params, automatic=True, alignment=self.alignment)

    def begin_requested(self, params: CalibrationParams) -> NeutralCalibration:
        """Learn the neutral anew, from the next samples."""
        self.requested = NeutralCalibration(self._mounts, params, alignment=self.alignment)
        return self.requested

    def use_params(self, params: CalibrationParams) -> None:
        """Let an automatic calibration go on with these times."""
        if self.automatic is not None:
            self.automatic.params = params

    def know(self, alignment: SensorAlignment | None) -> None:
        """Of the mountings, from now on; what is under way goes on with it."""
        self.alignment = alignment
        for calibration in (self.automatic, self.requested):
            if calibration is not None:
                calibration.alignment = alignment

    def add(
        self,
        time_s: float,
        orientation: NDArray[np.floating],
        rates: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> Iterator[CalibrationResult]:
        """A frame of `S` sensors, see `NeutralCalibration.add`; the results that have a neutral, as they come."""
        for calibration in (self.automatic, self.requested):
            if calibration is None or calibration.complete:
                continue
            good = valid & np.isfinite(orientation).all(axis=-1) & np.isfinite(rates).all(axis=-1)
            result = calibration.add(
                time_s, np.where(good[:, None], orientation, 0.0), np.where(good[:, None], rates, 0.0), good
            )
            if result is not None and result.neutral is not None:
                yield result

    def drop_complete(self) -> bool:
        """Let go of the one that was asked for, if it ended; whether it did."""
        if self.requested is None or not self.requested.complete:
            return False
        self.requested = None
        return True

    def abort_requested(self, reason: str) -> None:
        """End the one that was asked for."""
        if self.requested is not None:
            self.requested.abort(reason)
            self.requested = None

    def saved_state(self) -> Arrays:
        """What is collecting, as arrays, for `from_saved`."""
        arrays: Arrays = {}
        for name, calibration in (("automatic", self.automatic), ("requested", self.requested)):
            if calibration is not None and calibration.collecting:
                arrays |= part_of(name, calibration.saved_state())
        return arrays

    @classmethod
    def from_saved(cls, saved: SavedArrays, mounts: NominalMounts, alignment: SensorAlignment | None) -> Calibrations:
        """From parts of `saved` that `saved_state` made; raises `SnapshotError`."""
        found = cls(mounts)
        found.alignment = alignment
        found.automatic, found.requested = (
            NeutralCalibration.from_saved(saved.part(name), mounts, alignment) if saved.has_part(name) else None
            for name in ("automatic", "requested")
        )
        return found
