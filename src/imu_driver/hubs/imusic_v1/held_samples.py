"""Samples that wait until their time is sure: they are handed on late, or dropped, never with a wrong time."""

from __future__ import annotations

from dataclasses import dataclass

from face_model.imu_sample import ImuSample
from imu_driver.clock import ClockMapper
from imu_driver.hubs.imusic_v1.conversion import SampleConverter
from imu_driver.hubs.imusic_v1.protocol import Sample


@dataclass(frozen=True)
class Held:
    """A sample that waits.

    Attributes:
        sample: as received.
        lost: samples lost just before it.
        arrival_s: host monotonic time.
        number: its own.
    """

    sample: Sample
    lost: int
    arrival_s: float
    number: int


class HeldSamples:
    """In the order of their numbers.

    Attributes:
        held: those that wait.
        missed: samples before the next one that is handed on that were lost or dropped.
        last_host_s: time of the newest that was handed on, host monotonic.
    """

    def __init__(self) -> None:
        self.held: list[Held] = []
        self.missed = 0
        self.last_host_s = float("-inf")

    def release(self, clock: ClockMapper, converter: SampleConverter, by_arrival: bool) -> list[ImuSample]:
        """All of them, unless their time is in doubt: the next PONG decides, in milliseconds.

        Args:
            clock: hub time to host time.
            converter: to SI units.
            by_arrival: whether they are handed on although their time is in doubt.
        """
        if not (clock.ready and (clock.certain or by_arrival)):
            return []
        released = []
        for held in self.held:
            taken_s = min(clock.to_host(held.sample.hub_time_us), held.arrival_s)
            self.last_host_s = max(taken_s, self.last_host_s + 1e-6)
            missed, self.missed = self.missed + held.lost, 0
            released.append(converter.convert(held.sample, missed, self.last_host_s, held.arrival_s, held.number))
        self.held.clear()
        return released

    def drop_older(self, now_s: float, hold_s: float) -> int:
        """Give up those that waited for longer than `hold_s`: their time is not known soon enough; how many."""
        return self._drop(sum(now_s - held.arrival_s > hold_s for held in self.held))

    def drop_all(self) -> int:
        """Give up all of them; how many."""
        return self._drop(len(self.held))

    def _drop(self, count: int) -> int:
        dropped, self.held = self.held[:count], self.held[count:]
        self.missed += sum(held.lost + 1 for held in dropped)
        return len(dropped)
