"""Whether the orientation that a driver sends can be used. Many fill the field in without having one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imu_driver.hubs.imu_topics.imu_message import Quaternion, Triple

STANDING: Final = 20
"""So many messages with the same orientation to the last bit, while the rates change, are a field filled in once."""

LOOKS: Final = 25
"""Messages whose gravity is looked at before an orientation is refused for it."""

LEAST_UP: Final = 0.5
"""Share of the specific force that must point up on the average: 60 degrees off it is another frame, such as one with z
down."""

EVERY: Final = 4
"""Gravity is looked at in every so many messages."""


@dataclass
class OrientationCheck:
    """Follows one topic.

    Attributes:
        reason: why its orientation is not used; empty while it is.
    """

    reason: str = ""
    _before: Quaternion | None = None
    _rate: Triple | None = None
    _same: int = 0
    _count: int = 0
    _up: float = 1.0

    def usable(self, orientation: Quaternion | None, rate: Triple | None, force: Triple | None) -> bool:
        """Whether the orientation of the next message can be used."""
        if orientation is None:
            self.reason = "it sends none"
            return False
        if orientation != self._before:
            self._same = 0
        elif rate != self._rate:
            self._same += 1
        self._before, self._rate = orientation, rate
        self._count += 1
        if force is not None and self._count % EVERY == 0:
            self._look(orientation, force)
        if self._same >= STANDING:
            self.reason = "it is always the same"
        elif self._up < LEAST_UP and self._count >= LOOKS:
            self.reason = "it is not against gravity with z up"
        else:
            self.reason = ""
        return not self.reason

    def _look(self, q: Quaternion, force: Triple) -> None:
        x, y, z, w = q
        fx, fy, fz = force
        size = (fx * fx + fy * fy + fz * fz) ** 0.5
        if not 0.0 < size < 1e6:
            return
        up = 2.0 * (x * z - w * y) * fx + 2.0 * (y * z + w * x) * fy + (w * w - x * x - y * y + z * z) * fz
        self._up += 0.1 * (up / size - self._up)

    def as_tuples(self) -> None:
        """After a way through JSON, which has lists only: what is compared with messages is as these have it."""
        if self._before is not None:
            x, y, z, w = (float(v) for v in self._before)
            self._before = x, y, z, w
        if self._rate is not None:
            rx, ry, rz = (float(v) for v in self._rate)
            self._rate = rx, ry, rz
