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

if TYPE_CHECKING:
    from vqf import VQF

MISSING_PACKAGE = (
    "the hub sends no quaternions and the package `vqf` that computes them here is not installed: orientation is "
    "marked invalid; `pip install vqf` and restart the driver, or switch quaternions on in the hub"
)

LONGEST_HOLD = 20
"""Lost samples bridged by holding the next angular velocity; a longer gap leaves an error that gravity corrects."""


class OrientationFilter:
    """One 6-axis VQF per sensor.

    Args:
        sensors: how many.
        rate_hz: sample rate.

    Raises:
        ImportError: `vqf` is not installed; see `MISSING_PACKAGE`.
    """

    def __init__(self, sensors: int, rate_hz: float) -> None:
        from vqf import VQF

        self._filters: list[VQF] = [VQF(1.0 / rate_hz) for _ in range(sensors)]

    def saved_state(self) -> NDArray[np.float64]:
        """(S, n) all that each filter remembers."""
        return np.array([_flat(one.state) for one in self._filters])

    def restore_state(self, state: NDArray[np.float64]) -> None:
        """Continue from `saved_state`.

        Raises:
            SnapshotError: it is that of another version of `vqf`.
        """
        for one, row in zip(self._filters, state, strict=True):
            own, values = one.state, row.tolist()
            if len(_flat(own)) != len(values):
                raise SnapshotError(
                    f"expected {len(_flat(own))} numbers as a filter's state, found {len(values)}; replay with the "
                    "version of the package `vqf` that recorded"
                )
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
        for i, one in enumerate(self._filters):
            if usable[i]:
                for _ in range(hold):
                    one.updateGyr(rates[i])
                one.update(rates[i], forces[i])
            scalar_first[i] = one.getQuat6D()
        return scalar_first[:, [1, 2, 3, 0]].astype(np.float32)


def _flat(state: Mapping[str, Any]) -> list[float]:
    """A filter's state as numbers, in its own order."""
    return [float(v) for value in state.values() for v in (value if isinstance(value, list) else (value,))]


def make_filter(sensors: int, rate_hz: float) -> OrientationFilter | None:
    """A filter, or None where `vqf` is not installed."""
    try:
        return OrientationFilter(sensors, rate_hz)
    except ImportError:
        return None
