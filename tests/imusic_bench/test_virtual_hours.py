"""Simulated hours: what the line did to every sample is known, and the account is exact."""

from __future__ import annotations

import numpy as np
import pytest

from imu_driver.hubs.imusic_v1.numbering import SampleNumbers
from imusic_bench.virtual_hours import FixedEngine, Hours, NoddingStream, measure_hours


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


def test_the_nodding_boards_agree_with_themselves() -> None:
    frames = NoddingStream(2, 100.0, 0.0).next(3000)
    w = frames.orientation[:, 0, 3]
    angle = 2.0 * np.arctan2(frames.orientation[:, 0, 1], w)
    rate = np.gradient(angle, 0.01)
    assert np.abs(rate - frames.angular_velocity[:, 0, 1])[1:-1].max() < 0.03
    assert np.linalg.norm(frames.specific_force[:, 0], axis=1) == pytest.approx(9.80665, abs=0.1)
    assert np.ptp(angle[:900]) < 1e-9
