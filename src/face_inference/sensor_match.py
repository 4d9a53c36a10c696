"""Incoming sensors matched to the model's, by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import LayoutMismatchError
from face_inference.face_estimate import InputLayout
from face_inference.model_folder import ModelDescription
from face_model.imu_sample import ImuSample

LAYOUT_RATES_HZ = (1.0, 10_000.0)
"""Rates that a layout may state: what hubs for faces could send, with room on both sides."""

MOST_SENSORS = 255
"""Of a layout: units are numbered in one byte."""


class SensorMatch:
    """Without a layout the incoming sensors must be the model's, in its order.

    Attributes:
        layout: of the incoming sensors.
    """

    def __init__(self, description: ModelDescription) -> None:
        self._description = description
        self.layout: InputLayout | None = None
        count = len(description.mounts.names)
        self._incoming = count
        self._take: NDArray[np.intp] = np.arange(count)
        self._present = np.ones(count, dtype=bool)
        self._identical = True

    def follow(self, layout: InputLayout) -> bool:
        """Match another layout; False if it is the same as before.

        Raises:
            LayoutMismatchError: the model's reference sensor is not among them, a name stands twice, or rate or number
                of sensors is out of bounds.
        """
        mounts = self._description.mounts
        if layout == self.layout:
            return False
        self._check(layout)
        index = {name: i for i, name in enumerate(layout.names)}
        self._present = np.array([name in index for name in mounts.names])
        self._take = np.array([index.get(name, 0) for name in mounts.names], dtype=np.intp)
        self._identical = layout.names == mounts.names
        self._incoming = len(layout.names)
        self.layout = layout
        return True

    def _check(self, layout: InputLayout) -> None:
        # Layouts come from outside, and latched: what got past here would end each process that starts after.
        mounts = self._description.mounts
        reference = mounts.names[mounts.reference]
        least_hz, most_hz = LAYOUT_RATES_HZ
        if not (math.isfinite(layout.rate_hz) and least_hz <= layout.rate_hz <= most_hz):
            raise LayoutMismatchError(
                f"expected a layout at {least_hz:g} to {most_hz:g} Hz, found {layout.rate_hz} Hz; look at the driver"
            )
        if len(layout.names) > MOST_SENSORS:
            raise LayoutMismatchError(
                f"expected a layout of at most {MOST_SENSORS} sensors, found {len(layout.names)}; look at the driver"
            )
        if reference not in layout.names:
            raise LayoutMismatchError(
                f"expected a layout with sensor {reference!r}, found {_listed(layout.names)}; "
                f"use the layout of {self._description.title} or train a model for it"
            )
        twice = sorted({name for name in layout.names if layout.names.count(name) > 1})
        if twice:
            raise LayoutMismatchError(
                f"expected each sensor of a layout once, found {_listed(twice)} more than once; correct its file"
            )

    @property
    def missing(self) -> tuple[str, ...]:
        """Sensors the model knows and the layout lacks."""
        names = self._description.mounts.names
        return tuple(name for name, here in zip(names, self._present, strict=True) if not here)

    def fits(self, sample: ImuSample) -> bool:
        """Whether a sample is of the layout and its arrays are of the right shape."""
        count = self._incoming
        return (
            (self.layout is None or sample.layout_id == self.layout.layout_id)
            and sample.orientation.shape == (count, 4)
            and sample.angular_velocity.shape == (count, 3)
            and sample.specific_force.shape == (count, 3)
            and sample.valid.shape == (count,)
        )

    def status_in_model_order(self, sample: ImuSample) -> NDArray[np.uint8]:
        """Status (S,) of the model's sensors; of one that is missing, of any."""
        return sample.status if self._identical else sample.status[self._take]

    def in_model_order(self, sample: ImuSample) -> tuple[Any, Any, Any, NDArray[np.bool_]]:
        """Orientation (S, 4), angular velocity (S, 3), specific force (S, 3) and valid (S,) of the model's sensors."""
        if self._identical:
            return sample.orientation, sample.angular_velocity, sample.specific_force, sample.valid
        take = self._take
        valid = sample.valid[take] & self._present
        return sample.orientation[take], sample.angular_velocity[take], sample.specific_force[take], valid


def _listed(names: Sequence[str]) -> str:
    """In one line of bounded length, whatever the names hold."""
    told = ", ".join(repr(name[:40]) for name in names[:12])
    return f"{told} and {len(names) - 12} more" if len(names) > 12 else told or "none"
