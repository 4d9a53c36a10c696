"""Orientation as the hub computes it: a VQF filter for each unit, with or without its magnetometer.

Filter: D. Laidig and T. Seel, "VQF: Highly accurate IMU orientation estimation with bias estimation and magnetic
    disturbance rejection", Information Fusion 91, 2023; package `vqf`. Without a magnetometer the heading starts where
    the filter happens to start and drifts with the bias about the vertical, which only rest shows.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt, sosfilt_zi
from vqf import VQF

from imu_sim.motion import Floats

FusionMode = Literal["6d", "9d"]
"""Gyroscope and accelerometer, or these and the magnetometer."""

LEAST_RATE_HZ = 200.0
"""Rate at which sensors are read and fused inside the hub: faster than it sends, which is worth some accuracy."""

_REST_RATE_RAD_S = float(np.deg2rad(2.0))
_REST_FORCE_M_S2 = 0.5
_REST_FILTER_S = 0.5
"""VQF's own thresholds and time constant of its rest detection."""

_DECISION_S = 0.1
"""The hub decides anew this often whether the subject rests."""

_EVERY = 4
"""The hub looks at every fourth sample to decide, which saves time and changes nothing: rest lasts seconds."""


def oversampling(rate_hz: float) -> int:
    """How many internal samples the hub takes for each one it sends at `rate_hz`."""
    return max(1, int(np.ceil(LEAST_RATE_HZ / rate_hz - 1e-9)))


class OrientationFusion:
    """One filter for each unit; chunks of any size give the same result as one batch.

    Args:
        sensors: how many units.
        rate_hz: of their samples.
        mode: "6d" or "9d".
        one_rest: no filter learns its bias unless most units rest. All units feel a turn of the head, but filters that
            decide alone do not end their rest at the same moment: some take a slow turn for bias that others do not,
            and their headings drift apart by up to a hundred degrees in ten minutes of quiet sitting.
    """

    def __init__(self, sensors: int, rate_hz: float, mode: FusionMode = "6d", *, one_rest: bool = True) -> None:
        self.mode = mode
        # The clip works axis by axis, so that units of different mounting would decide differently at its edge.
        clip = {"biasClip": 4.0} if one_rest else {}
        self._filters = [VQF(1.0 / rate_hz, **clip) for _ in range(sensors)]
        self._rest = _HeadRest(rate_hz) if one_rest else None

    def update(self, angular_velocity: Floats, specific_force: Floats, magnetic_field: Floats | None = None) -> Floats:
        """Signals (N, S, 3) to orientations (N, S, 4), x, y, z, w, sensor frame to an earth frame with z up.

        In mode "9d" the earth frame is east, north, up by the magnetic field, and `magnetic_field` is needed.

        Raises:
            ValueError: mode and signals do not fit.
        """
        if (self.mode == "9d") != (magnetic_field is not None):
            raise ValueError(f"expected a magnetic field in mode 9d and none in 6d, found mode {self.mode}")
        out = np.empty((*angular_velocity.shape[:2], 4))
        # The filter wants each unit's samples contiguous.
        signals = [
            np.ascontiguousarray(np.swapaxes(each, 0, 1), dtype=np.float64)
            for each in (angular_velocity, specific_force, magnetic_field)
            if each is not None
        ]
        name = f"quat{self.mode.upper()}"
        for part, resting in self._parts(angular_velocity, specific_force):
            for index, each in enumerate(self._filters):
                if self._rest is not None:
                    each.setRestDetectionThresholds(*(self._rest.THRESHOLDS if resting else (0.0, 0.0)))
                # VQF returns w, x, y, z.
                found = each.updateBatch(*(signal[index, part] for signal in signals))[name]
                out[part, index, :3], out[part, index, 3] = found[:, 1:], found[:, 0]
        return out

    def _parts(self, angular_velocity: Floats, specific_force: Floats) -> list[tuple[slice, bool]]:
        if self._rest is None:
            return [(slice(0, len(angular_velocity)), True)]
        return self._rest.parts(angular_velocity, specific_force)


class _HeadRest:
    """Whether most units rest, decided for a tenth of a second at a time from the tenth before."""

    THRESHOLDS = (float(np.rad2deg(_REST_RATE_RAD_S)), _REST_FORCE_M_S2)
    """In VQF's units, degrees per second and m/s2."""

    def __init__(self, rate_hz: float) -> None:
        # A second-order Butterworth filter with VQF's definition of the time constant.
        self._sos = butter(2, np.sqrt(2.0) / (2.0 * np.pi * _REST_FILTER_S), fs=rate_hz / _EVERY, output="sos")
        self._memory: list[Floats | None] = [None, None]
        self._block = max(1, round(_DECISION_S * rate_hz))
        self._into = self._count = 0
        self._quiet = True
        self._resting = False

    def parts(self, angular_velocity: Floats, specific_force: Floats) -> list[tuple[slice, bool]]:
        """Cut the next samples where the decision may change: slices, and whether the head rests in them."""
        quiet = self._quiet_samples(angular_velocity, specific_force)
        parts: list[tuple[slice, bool]] = []
        start = 0
        while start < len(quiet):
            if self._into == self._block:
                self._resting, self._quiet, self._into = self._quiet, True, 0
            stop = min(len(quiet), start + self._block - self._into)
            self._quiet = self._quiet and bool(quiet[start:stop].all())
            self._into += stop - start
            if parts and parts[-1][1] == self._resting:
                parts[-1] = (slice(parts[-1][0].start, stop), self._resting)
            else:
                parts.append((slice(start, stop), self._resting))
            start = stop
        return parts

    def _quiet_samples(self, angular_velocity: Floats, specific_force: Floats) -> NDArray[np.bool_]:
        quiet = np.ones(len(angular_velocity), dtype=np.bool_)
        seen = slice(-self._count % _EVERY, None, _EVERY)
        self._count += len(angular_velocity)
        rate, force = angular_velocity[seen], specific_force[seen]
        smooth_rate, smooth_force = self._smooth(0, rate), self._smooth(1, force)
        units = (
            (_square(rate - smooth_rate) < _REST_RATE_RAD_S**2)
            & (_square(smooth_rate) < _REST_RATE_RAD_S**2)
            & (_square(force - smooth_force) < _REST_FORCE_M_S2**2)
        )
        quiet[seen] = np.mean(units, axis=1) >= 0.5
        return quiet

    def _smooth(self, which: int, signal: Floats) -> Floats:
        memory = self._memory[which]
        if not len(signal):
            return signal
        if memory is None:
            memory = sosfilt_zi(self._sos)[:, :, None, None] * signal[0]
        smooth, self._memory[which] = sosfilt(self._sos, signal, axis=0, zi=memory)
        return np.asarray(smooth)


def _square(vectors: Floats) -> Floats:
    return np.asarray(np.einsum("nsi,nsi->ns", vectors, vectors))
