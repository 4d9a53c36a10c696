"""From SAMPLE packets to samples that are handed on: numbered, timed, held while in doubt, converted."""

from __future__ import annotations

from enum import Enum, auto

from face_model.imu_sample import ImuSample
from imu_driver.clock import ClockMapper
from imu_driver.hubs.imusic_v1.conversion import SampleConverter
from imu_driver.hubs.imusic_v1.held_samples import Held, HeldSamples
from imu_driver.hubs.imusic_v1.numbering import SampleNumbers
from imu_driver.hubs.imusic_v1.params import SessionCounters
from imu_driver.hubs.imusic_v1.protocol import Sample


class Taken(Enum):
    """What became of a sample.

    Attributes:
        NEW: it waits for its release.
        OLD: it was dropped.
        LOST_TRACK: it was dropped, as so many before it that the numbers must be of another stream.
    """

    NEW = auto()
    OLD = auto()
    LOST_TRACK = auto()


class SampleFlow:
    """Of one session.

    Args:
        counters: of the session.
        from_any: whether the first sample may have any number, as where nobody sent START.
        by_arrival: hand on samples whose time is in doubt as well.

    Attributes:
        clock_map: hub time to host time.
        numbers: of the samples.
        waiting: samples that are not handed on yet.
        count_lost: whether what is missing before the next sample is lost; else nobody wanted it.
        sampled_s: when the newest sample came.
        by_arrival: as given.
    """

    def __init__(self, counters: SessionCounters, *, from_any: bool, by_arrival: bool) -> None:
        self.clock_map = ClockMapper()
        self.numbers = SampleNumbers(from_any=from_any)
        self.waiting = HeldSamples()
        self.count_lost = True
        self.sampled_s = 0.0
        self.by_arrival = by_arrival
        self._counters = counters

    def take(self, sample: Sample, arrival_s: float, rate_hz: int) -> Taken:
        """The next sample that is wanted, at the rate that is asked of the hub."""
        followed = self.numbers.follow(sample.sequence, sample.hub_time_us, rate_hz)
        if followed is None:
            self._counters.out_of_order += 1
            return Taken.LOST_TRACK if self.numbers.lost_track else Taken.OLD
        number, lost = followed
        self.clock_map.add_sample(sample.hub_time_us, arrival_s)
        self.sampled_s = arrival_s
        self._counters.lost += lost if self.count_lost else 0
        self.count_lost = True
        self.waiting.held.append(Held(sample, lost, arrival_s, number))
        return Taken.NEW

    def release(self, converter: SampleConverter) -> list[ImuSample]:
        """Those whose time is sure."""
        released = self.waiting.release(self.clock_map, converter, self.by_arrival)
        self._counters.samples += len(released)
        return released

    def drop_late(self, now_s: float, hold_s: float) -> None:
        """Give up those that waited for longer than `hold_s`."""
        self._counters.untimed += self.waiting.drop_older(now_s, hold_s)

    def begin_anew(self) -> None:
        """The hub booted: its clock and numbers are others, and what waits is of a clock that is no more."""
        self._counters.untimed += self.waiting.drop_all()
        self.clock_map.reset()
        self.numbers.reboot()
