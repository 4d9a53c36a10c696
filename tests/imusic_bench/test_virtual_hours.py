"""Simulated hours: what the line did to every sample is known, and the account is exact."""

from __future__ import annotations

import pytest

from imu_driver.hubs.imusic_v1.numbering import SampleNumbers
from imusic_bench.fixed_engine import FixedEngine
from imusic_bench.virtual_hours import Hours, measure_hours


def minutes(seed: int) -> Hours:
    return measure_hours(0.08, 30, seed, engine=FixedEngine)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_sample_of_disturbed_minutes_is_accounted_for(seed: int) -> None:
    found = minutes(seed)
    assert found.faults > 5
    assert found.sent > 6_000
    assert found.lost > 0
    assert (found.in_doubt, found.tracker_in_doubt) == (0, 0)
    assert found.p99_stamp_ms < 1.0


def test_a_loss_that_is_not_counted_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    follow = SampleNumbers.follow

    def forgetful(self: SampleNumbers, sequence: int, hub_time_us: int, rate_hz: float) -> tuple[int, int] | None:
        found = follow(self, sequence, hub_time_us, rate_hz)
        return None if found is None else (found[0], min(found[1], 3))

    monkeypatch.setattr(SampleNumbers, "follow", forgetful)
    assert minutes(1).in_doubt > 0


def test_a_sample_costs_far_less_than_a_tick() -> None:
    """Processor time of simulator, driver, tracker and the shipped network together; 60 faces a second have 16.7 ms."""
    found = measure_hours(0.02, 60, 4)
    assert 1e3 * found.cpu_s / found.tracked < 16.7 / 2.0
