"""Promise 5: every sample of the stream once, in order, with its loss counted and its time sure."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from face_model.imu_sample import ImuSample
from imu_driver.hub import ConnectionState
from imu_driver.hubs.imusic_v1 import protocol as p

if TYPE_CHECKING:
    from conftest import Rig

CONNECTED = ConnectionState.CONNECTED


def test_lost_samples_are_counted_and_told(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    samples = rig.run(0.1)
    rig.hub.skip(7)
    samples += rig.run(1.0)
    assert rig.session.counters.lost == 7
    assert sorted({b.sequence - a.sequence for a, b in pairwise(samples)}) == [1, 8]


def test_repeated_and_old_samples_are_dropped(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    newest = rig.run(0.1)[-1]
    repeated = p.Sample(newest.sequence, round(1e6 * newest.hub_time_s), 7, b"\1" * 12, b"\1" * 240)
    for _ in range(3):
        rig.line.deliver(p.encode(repeated))
    numbers = [sample.sequence for sample in rig.run(0.5)]
    assert numbers == sorted(set(numbers))
    assert rig.session.counters.out_of_order == 3
    assert rig.session.state is CONNECTED


def gone_on(samples: list[ImuSample]) -> None:
    """Numbers and the hub's clock go on together, so that nothing behind the driver has to begin anew."""
    for a, b in pairwise(samples):
        steps = (b.sequence - a.sequence) % 2**32
        assert steps == pytest.approx(100.0 * (b.hub_time_s - a.hub_time_s), abs=0.5)
        assert 0 < steps < 1000


def test_a_hub_that_counts_anew_is_followed(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    samples = rig.run(1.0)
    rig.hub.number(0)
    samples += rig.run(1.0)
    assert rig.session.state is CONNECTED
    assert rig.sent(p.Start) == 1
    gone_on(samples)
    assert rig.session.counters.lost == 1, "the first that counts anew may be a stray, the second proves it"


@pytest.mark.parametrize("silence_s", [0.3, 0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("counts_anew", [False, True])
def test_a_silence_costs_the_samples_of_the_silence_and_no_more(rig: Rig, silence_s: float, counts_anew: bool) -> None:
    rig.hub.counts_anew = counts_anew
    rig.run_to(CONNECTED)
    samples = rig.run(3.0)
    rig.line.cut = True
    rig.run(silence_s)
    rig.line.cut = False
    samples += rig.run(3.0)
    assert rig.session.state is CONNECTED
    assert rig.sent(p.Start) == 1, "the same boot still streams"
    gone_on(samples)
    assert samples[-1].sequence - samples[0].sequence + 1 == len(samples) + rig.session.counters.lost
    assert rig.session.counters.lost == pytest.approx(100.0 * silence_s, abs=4)
    assert rig.session.counters.stale == 0


@pytest.mark.parametrize("counts_anew", [False, True])
@pytest.mark.parametrize("by_replug", [False, True])
def test_a_hub_that_stopped_in_the_silence_is_started_and_its_numbers_go_on(
    rig: Rig, counts_anew: bool, by_replug: bool
) -> None:
    rig.hub.counts_anew = counts_anew
    rig.run_to(CONNECTED)
    samples = rig.run(1.0)
    rig.hub.streaming = False
    if by_replug:
        rig.line.plugged = False
        rig.run(0.5)
        rig.line.plugged = True
    samples += rig.run(3.0)
    assert rig.sent(p.Start) == 2
    gone_on(samples)
    assert samples[-1].sequence - samples[0].sequence + 1 == len(samples) + rig.session.counters.lost


def test_a_replug_without_a_reboot_goes_on(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    samples = rig.run(1.0)
    rig.line.plugged = False
    rig.run(1.0)
    rig.line.plugged = True
    samples += rig.run(2.0)
    assert rig.sent(p.Start) == 1
    gone_on(samples)


def test_another_boot_counts_for_itself(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    rig.run(3.0)
    rig.hub.reboot()
    samples = rig.run(2.0)
    new = [sample for sample in samples if sample.hub_time_s < 3.0]
    assert new[0].sequence == 0
    assert rig.session.counters.lost == 0


def test_samples_of_an_older_stream_of_a_hub_that_counts_anew_are_not_taken(rig: Rig) -> None:
    rig.hub.counts_anew = True
    rig.hub.receive(p.encode(p.Start(9)))
    rig.hub.number(123456)
    samples = rig.run(1.0)
    assert samples[0].sequence == 0
    assert rig.session.counters.lost == 0


def test_a_reader_that_stood_still_stamps_what_waited_as_of_then(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    samples = rig.run(3.0)
    for _ in range(400):  # arrived while nobody read
        rig.clock.advance(0.01)
        for frame in rig.hub.due():
            rig.line._send(frame)
    samples += rig.run(3.0)
    assert rig.session.counters.untimed == 0
    assert rig.session.clock_map.state.resets == 0
    for sample in samples[100:]:
        assert sample.host_time_s == pytest.approx(rig.hub.boot_s + sample.hub_time_s, abs=1e-3)
    gone_on(samples)


def test_samples_stamped_by_arrival_are_never_in_doubt(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(by_arrival=True)
    rig.run_to(CONNECTED)
    rig.run(1.0)
    rig.hub._clock._zero_s += 0.02
    rig.run(1.0)
    assert rig.session.counters.untimed == 0


def test_a_stream_that_runs_already_is_joined(rig: Rig) -> None:
    rig.hub.receive(p.encode(p.Start(9)))
    rig.hub.number(123456)
    samples = rig.run(1.0)
    assert samples[0].sequence == pytest.approx(123456, abs=3)
    assert rig.session.counters.lost == 0
    gone_on(samples)


def test_streaming_off_and_on(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    off = rig.session.set_streaming(False)
    rig.run(0.1)
    assert off.result(0).ok
    assert not rig.hub.streaming
    assert rig.run(10.0) == []
    assert rig.session.state is CONNECTED
    on = rig.session.set_streaming(True)
    after = rig.run(1.0)
    assert len(after) > 90
    assert on.result(0).ok
    assert rig.session.counters.watchdog == 0
    assert rig.session.counters.lost == 0, "what nobody wanted is not lost"
    gone_on(after)
