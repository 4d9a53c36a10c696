"""Incoming sensors matched to the model's, by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import LayoutMismatchError
from face_inference.face_estimate import InputLayout
from face_inference.model_folder import ModelDescription
from face_model.imu_sample import ImuSample


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
            LayoutMismatchError: the model's reference sensor is not among them, or the rate is not positive.
        """
        mounts = self._description.mounts
        reference = mounts.names[mounts.reference]
        if reference not in layout.names or not layout.rate_hz > 0.0:
            raise LayoutMismatchError(
                f"expected a layout with sensor {reference!r} and a positive rate, found {', '.join(layout.names)} "
                f"at {layout.rate_hz} Hz; use the layout of {self._description.title} or train a model for it"
            )
        if layout == self.layout:
            return False
        index = {name: i for i, name in enumerate(layout.names)}
        self._present = np.array([name in index for name in mounts.names])
        self._take = np.array([index.get(name, 0) for name in mounts.names], dtype=np.intp)
        self._identical = layout.names == mounts.names
        self._incoming = len(layout.names)
        self.layout = layout
        return True

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

    def in_model_order(self, sample: ImuSample) -> tuple[Any, Any, Any, NDArray[np.bool_]]:
        """Orientation (S, 4), angular velocity (S, 3), specific force (S, 3) and valid (S,) of the model's sensors."""
        if self._identical:
            return sample.orientation, sample.angular_velocity, sample.specific_force, sample.valid
        take = self._take
        valid = sample.valid[take] & self._present
        return sample.orientation[take], sample.angular_velocity[take], sample.specific_force[take], valid
