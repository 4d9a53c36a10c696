"""Orientation fused on the host, for hubs that send none.

VQF without magnetometer: D. Laidig and T. Seel, "VQF: Highly accurate IMU orientation estimation with bias estimation
and magnetic disturbance rejection", Information Fusion 91, 2023; by the authors' package `vqf`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from face_model.errors import SnapshotError
from imu_driver.head_rest import FORCE_M_S2, OWN, RATE_RAD_S, SHARED, HeadRest

if TYPE_CHECKING:
    from vqf import VQF

MISSING_PACKAGE = (
    "the hub sends no quaternions and the package `vqf` that computes them here is not installed: orientation is "
    "marked invalid; `pip install vqf` and restart the driver, or switch quaternions on in the hub"
)

MOST_BIAS_DEG_S = 4.0
"""No gyroscope of a kind that is glued to faces has more."""

LONGEST_HOLD = 20
"""Lost samples bridged by holding the next angular velocity; a longer gap leaves an error that gravity corrects."""


class OrientationFilter:
    """One 6-axis VQF per sensor. None learns its bias from rest unless most of them rest: see `head_rest`.

    Args:
        sensors: how many.
        rate_hz: sample rate.

    Raises:
        ImportError: `vqf` is not installed; see `MISSING_PACKAGE`.
    """

    def __init__(self, sensors: int, rate_hz: float) -> None:
        from vqf import VQF

        # The clip works axis by axis, so that units of different mounting would decide differently at its edge.
        self._filters: list[VQF] = [VQF(1.0 / rate_hz, biasClip=MOST_BIAS_DEG_S) for _ in range(sensors)]
        self._rest = HeadRest(sensors, rate_hz)
        self._allow_rest()

    @property
    def bias(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(S, 3) rad/s, gyroscope biases, and (S,) rad/s their standard deviations, as the filters believe."""
        found = [one.getBiasEstimate() for one in self._filters]
        return np.array([bias for bias, _ in found]), np.array([deviation for _, deviation in found])

    def use_bias(self, sensor: int, bias_rad_s: NDArray[np.float64], deviation_rad_s: float) -> None:
        """Go on from a known bias (3,) of one sensor, known so well."""
        self._filters[sensor].setBiasEstimate(np.ascontiguousarray(bias_rad_s, dtype=np.float64), deviation_rad_s)

    def saved_state(self) -> NDArray[np.float64]:
        """(S, n) all that each filter remembers, and how the head rests."""
        return np.concatenate([[_flat(one.state) for one in self._filters], self._rest.saved_state()], axis=1)

    def restore_state(self, state: NDArray[np.float64]) -> None:
        """Continue from `saved_state`.

        Raises:
            SnapshotError: it is that of another version of `vqf`.
        """
        size = len(_flat(self._filters[0].state)) if self._filters else 0
        if state.shape[1] not in (size, size + SHARED + OWN) or not np.isfinite(state[:, size:]).all():
            raise SnapshotError(
                f"expected {size + SHARED + OWN} numbers as a filter's state, found {state.shape[1]}; replay with the "
                "version of imusic and of the package `vqf` that recorded"
            )
        if state.shape[1] > size and len(state):  # of before units rested together: as at first
            self._rest.restore_state(state[:, size:])
        self._allow_rest()
        for one, row in zip(self._filters, state[:, :size], strict=True):
            own, values = one.state, row.tolist()
            for name, value in own.items():
                if isinstance(value, list):
                    own[name], values = values[: len(value)], values[len(value) :]
                else:
                    own[name] = type(value)(values.pop(0))
            one.state = own

    def update(
        self,
        angular_velocity: NDArray[np.float32],
        specific_force: NDArray[np.float32],
        usable: NDArray[np.bool_],
        lost: int = 0,
    ) -> NDArray[np.float32]:
        """One step.

        Args:
            angular_velocity: (S, 3), rad/s.
            specific_force: (S, 3), m/s2.
            usable: (S,); the others keep their last orientation.
            lost: samples lost just before this one.

        Returns:
            (S, 4) quaternions x, y, z, w, sensor frame to an earth frame with z up.
        """
        # The filter takes C-contiguous float64 rows.
        rates = angular_velocity.astype(np.float64)
        forces = specific_force.astype(np.float64)
        scalar_first = np.empty((len(self._filters), 4))
        hold = min(lost, LONGEST_HOLD)
        if self._rest.add(rates, forces, usable):
            self._allow_rest()
        for i, one in enumerate(self._filters):
            if usable[i]:
                for _ in range(hold):
                    one.updateGyr(rates[i])
                one.update(rates[i], forces[i])
            scalar_first[i] = one.getQuat6D()
        return scalar_first[:, [1, 2, 3, 0]].astype(np.float32)

    def _allow_rest(self) -> None:
        """Let the filters learn from rest, or not."""
        thresholds = (np.rad2deg(RATE_RAD_S), FORCE_M_S2) if self._rest.resting else (0.0, 0.0)
        for one in self._filters:
            one.setRestDetectionThresholds(*thresholds)


def _flat(state: Mapping[str, Any]) -> list[float]:
    """A filter's state as numbers, in its own order."""
    return [float(v) for value in state.values() for v in (value if isinstance(value, list) else (value,))]


def make_filter(sensors: int, rate_hz: float) -> OrientationFilter | None:
    """A filter, or None where `vqf` is not installed."""
    try:
        return OrientationFilter(sensors, rate_hz)
    except ImportError:
        return None
