"""What each number of a feature vector means: one place for the order that features, augmentation and models share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from face_inference.mounts import NominalMounts

FEATURE_VERSION = 2
"""Changes whenever a channel changes its meaning or place; a model folder names the version it was trained on."""


@dataclass(frozen=True)
class Channels:
    """Order of the `F` channels for `S` sensors, `K` = `S` - 1 of them on the skin.

    All vectors are in `face_head` axes, those of a skin sensor as its mounting was assumed at the neutral: turned about
    the vertical by what a neutral cannot tell (`heading_filter`). In order:
    rotation (K, 3) rad, relative rotation vector of each skin sensor to the skull, zero at neutral, drift of
    heading taken back;
    tilt (K, 3) rad, its part that gravity alone tells, free of heading;
    rate (K, 3) rad/s, angular velocity minus the skull's;
    force (K, 3) m/s2, specific force minus the skull's and minus the centripetal lever-arm term;
    gravity (3) unit vector up; head_rate (3) rad/s, the skull's angular velocity; valid (S) 0 or 1.
    """

    sensors: int
    reference: int

    @classmethod
    def of(cls, mounts: NominalMounts) -> Channels:
        """Channels for a model's sensors."""
        return cls(len(mounts.names), mounts.reference)

    @property
    def skin_count(self) -> int:
        """K, how many sensors sit on the skin."""
        return self.sensors - 1

    @property
    def size(self) -> int:
        """F, how many channels there are."""
        return 12 * self.skin_count + 6 + self.sensors

    def skin_block(self, name: str) -> slice:
        """Channels of `rotation`, `tilt`, `rate` or `force`; reshape to (..., K, 3)."""
        start = ("rotation", "tilt", "rate", "force").index(name) * 3 * self.skin_count
        return slice(start, start + 3 * self.skin_count)

    @property
    def gravity(self) -> slice:
        """Channels of the unit vector up."""
        return slice(12 * self.skin_count, 12 * self.skin_count + 3)

    @property
    def head_rate(self) -> slice:
        """Channels of the skull's angular velocity."""
        return slice(12 * self.skin_count + 3, 12 * self.skin_count + 6)

    @property
    def valid(self) -> slice:
        """Channels of the valid mask."""
        return slice(12 * self.skin_count + 6, self.size)

    def observed(self, features: NDArray[np.floating]) -> NDArray[np.bool_]:
        """(..., F) -> (..., 3 K): which channels of the block `rotation` come from a sensor that is there."""
        there: NDArray[np.bool_] = features[..., self._flag_of_rotation] > 0.5
        return there

    @cached_property
    def _flag_of_rotation(self) -> NDArray[np.intp]:
        """(3 K,) channel of the valid flag that belongs to each channel of the block `rotation`."""
        flag: NDArray[np.intp] = self.valid.start + self.sensor_of[self.skin_block("rotation")]
        return flag

    @cached_property
    def skin(self) -> NDArray[np.intp]:
        """(K,) indices of all sensors but the reference."""
        return np.delete(np.arange(self.sensors), self.reference)

    @cached_property
    def sensor_of(self) -> NDArray[np.intp]:
        """(F,) index of the sensor each channel comes from; the reference for gravity and head rate."""
        per_skin = np.repeat(self.skin, 3)
        return np.concatenate([np.tile(per_skin, 4), np.full(6, self.reference), np.arange(self.sensors)]).astype(
            np.intp
        )
