"""One topic, from messages to readings: their times, their orientations, and what is wrong with their sensor."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any, Final

from face_model.imu_sample import STATUS_ACCEL_SATURATED, STATUS_FAULT, STATUS_GYRO_SATURATED
from imu_driver.assembler import Reading
from imu_driver.hubs.imu_topics.imu_message import ImuMessage, Triple
from imu_driver.hubs.imu_topics.orientation_check import OrientationCheck
from imu_driver.hubs.imu_topics.topic_clock import Kind, TopicClock, taken_s
from imu_driver.message_pieces import Piece

STUCK_S: Final = 0.5
"""The same numbers for so long: the noise of a living sensor changes them."""

END_RATE_RAD_S: Final = 4.3
END_FORCE_M_S2: Final = 19.0
"""An axis at the same value to the last bit, three times in a row and above this, is at the end of its range, of which
a message says nothing: no part's is below 250 deg/s and 2 g."""

AT_END: Final = 3


class Topic:
    """One topic.

    Args:
        sensor: its index in the layout.
        by_arrival: messages are taken for as old as they are when they come.

    Attributes:
        clock: of its stamps.
        kind: of the clock, as it was when clocks were last compared.
        orientation: whether its orientations can be used.
        distrusted: whether the newest is not, but could be fused here.
    """

    def __init__(self, sensor: int, by_arrival: bool) -> None:
        self.clock, self.orientation = TopicClock(), OrientationCheck()
        self.kind = self.clock.kind
        self.distrusted = False
        self._sensor, self._by_arrival = sensor, by_arrival
        self._values, self._since_s = b"", -math.inf
        self._ends = [0] * 6
        self._axes: tuple[float, ...] = (math.nan,) * 6

    @property
    def rate_hz(self) -> float:
        """Messages per second; NaN before it is known."""
        period_s = self.clock.period_s
        return 1.0 / period_s if period_s > 0.0 else math.nan

    def reading(self, message: ImuMessage, shift_s: float | None, piece: Piece) -> Reading:
        """What the message says, with a verdict."""
        rate, force = message.angular_velocity, message.specific_force
        usable = self.orientation.usable(message.orientation, rate, force)
        # Without rates nothing can be fused here, so what there is is taken.
        self.distrusted = not usable and rate is not None and force is not None
        if message.values != self._values:
            self._values, self._since_s = message.values, piece.arrival_s
        stuck = piece.arrival_s - self._since_s > STUCK_S
        nothing = force is not None and not any(force)
        time_s = piece.arrival_s
        if not self._by_arrival:
            time_s = taken_s(self.clock, shift_s, message.stamp_ns, piece.arrival_s, piece.ros_ns)
        return Reading(
            self._sensor,
            time_s,
            None if self.distrusted else message.orientation,
            rate,
            force,
            self._saturation(rate, force) | (STATUS_FAULT if stuck or nothing else 0),
        )

    def _saturation(self, rate: Triple | None, force: Triple | None) -> int:
        axes = (*(rate or (0.0, 0.0, 0.0)), *(force or (0.0, 0.0, 0.0)))
        before, self._axes = self._axes, axes
        if max(map(abs, axes[:3])) < END_RATE_RAD_S and max(map(abs, axes[3:])) < END_FORCE_M_S2:
            self._ends = [0] * 6
            return 0
        bits = 0
        for i, value in enumerate(axes):
            high = abs(value) >= (END_RATE_RAD_S if i < 3 else END_FORCE_M_S2)
            self._ends[i] = self._ends[i] + 1 if high and value == before[i] else 0
            if self._ends[i] >= AT_END - 1:
                bits |= STATUS_GYRO_SATURATED if i < 3 else STATUS_ACCEL_SATURATED
        return bits

    def saved(self) -> dict[str, Any]:
        """As plain values, for `from_saved`."""
        return {
            "clock": self.clock.saved(),
            "kind": self.kind.name,
            "orientation": asdict(self.orientation),
            "distrusted": self.distrusted,
            "values": self._values.hex(),
            "since_s": self._since_s,
            "ends": self._ends,
            "axes": self._axes,
        }

    @classmethod
    def from_saved(cls, sensor: int, by_arrival: bool, values: dict[str, Any]) -> Topic:
        """Of `saved`; raises `TypeError`, `ValueError` or `KeyError` where it is none."""
        topic = cls(sensor, by_arrival)
        topic.clock, topic.kind = TopicClock.from_saved(values["clock"]), Kind[values["kind"]]
        topic.orientation, topic.distrusted = OrientationCheck(**values["orientation"]), bool(values["distrusted"])
        topic.orientation.as_tuples()
        topic._values, topic._since_s = bytes.fromhex(values["values"]), float(values["since_s"])
        topic._ends = [int(n) for n in values["ends"]]
        topic._axes = tuple(float(v) for v in values["axes"])
        if (len(topic._ends), len(topic._axes)) != (6, 6):
            raise ValueError(f"{len(topic._ends)} axes")
        return topic
