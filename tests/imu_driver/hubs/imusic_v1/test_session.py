"""Promises 1, 3 and 5 at the connection: the simulated hub on a virtual clock is dropped, rebooted, muted, spoilt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout
from imu_driver.hub import ConnectionState
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_sim.hub.faults import Faults

if TYPE_CHECKING:
    from conftest import Rig

CONNECTED, CONNECTING = ConnectionState.CONNECTED, ConnectionState.CONNECTING
DISCONNECTED, ERROR = ConnectionState.DISCONNECTED, ConnectionState.ERROR


def test_connects_and_streams(rig: Rig) -> None:
    assert rig.session.state is DISCONNECTED
    assert rig.run_to(CONNECTED) < 0.1
    assert rig.session.problem == ""
    assert rig.session.report is not None
    assert rig.session.report.complete
    samples = rig.run(2.0)
    assert 199 <= len(samples) <= 201
    assert rig.session.counters.lost == 0
    assert [b.sequence - a.sequence for a, b in pairwise(samples)] == [1] * (len(samples) - 1)
    # The pings took the line's constant delay out of the stamps.
    for sample in samples[100:]:
        assert sample.host_time_s == pytest.approx(rig.hub.boot_s + sample.hub_time_s, abs=1e-4)
    assert 4 <= rig.sent(p.Ping) <= 8, "a few in quick succession, then one a second"


def test_sends_the_rate_and_no_more_than_the_hub_can(rig: Rig) -> None:
    rig.hub.settings = replace(rig.hub.settings, max_rate_hz=80)
    rig.run_to(CONNECTED)
    assert rig.session.rate_hz == 80
    assert [packet.rate_hz for packet in rig.hub.received if isinstance(packet, p.SetRate)] == [80]


def test_missing_port_is_retried_with_bounded_back_off(rig: Rig) -> None:
    rig.line.plugged = False
    rig.run(10.0)
    assert rig.session.state is DISCONNECTED
    assert "plug the hub in" in rig.session.problem
    assert 38 <= rig.line.opened <= 44
    rig.line.plugged = True
    assert rig.run_to(CONNECTED) < 0.5


def test_a_hundred_replugs(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    for _ in range(100):
        rig.line.plugged = False
        assert rig.run_to(DISCONNECTED) < 0.1
        rig.run(0.7)
        rig.line.plugged = True
        assert rig.run_to(CONNECTED) < 2.0
        assert rig.hub.rate_hz == 100
    assert rig.session.counters.connections == 101


def test_a_hundred_losses_of_the_line_without_a_word(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    for round_number in range(100):
        rig.line.cut = True
        assert rig.run_to(CONNECTING) < 0.5
        rig.run(0.1 * (round_number % 80))
        rig.line.cut = False
        assert rig.run_to(CONNECTED) < 2.0
    assert rig.session.counters.watchdog == 100


def test_reboot_is_noticed_and_settings_are_sent_again(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    before = rig.run(1.0)[-1]
    identity = rig.session.identity
    rig.hub.reboot()
    assert rig.run_to(CONNECTING) < 0.02
    assert rig.run_to(CONNECTED) < 0.1
    after = rig.run(1.0)
    assert rig.session.counters.reboots == 1
    assert rig.hub.rate_hz == 100
    assert after[0].host_time_s > before.host_time_s
    assert after[-1].host_time_s == pytest.approx(rig.clock(), abs=0.02)
    assert rig.session.identity is identity, "the same hub with the same units"
    assert after[0].layout_id == before.layout_id == rig.session.layout_id


def test_another_hub_than_the_named_one_is_refused_until_it_is_changed(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(name="left-half")
    rig.run_to(ERROR)
    assert "expected the hub 'left-half', found 'bench-hub'" in rig.session.problem
    assert rig.run(3.0) == []
    assert not rig.hub.streaming, "another hub is told nothing"
    rig.hub.spoil = lambda hello: replace(hello, hub="left-half")
    assert rig.run_to(CONNECTED) < 1.5
    assert rig.session.identity is not None
    assert rig.session.identity.name == "left-half"


def test_a_stranger_on_the_network_is_no_named_hub(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(name="left-half")
    hello = rig.hub.hello()
    assert not rig.session._is_hub(p.encode(hello))
    assert rig.session._is_hub(p.encode(replace(hello, hub="left-half")))


@pytest.mark.parametrize("says_so", [True, False])
def test_a_unit_that_is_plugged_in_appears_and_nothing_else_changes(rig: Rig, says_so: bool) -> None:
    absent = Faults(missing=("mentalis",))
    rig.hub.set_faults(absent)
    rig.run_to(CONNECTED)
    before = rig.run(1.0)
    assert rig.session.report is not None
    assert rig.session.report.silent == ("mentalis (11)",)
    assert not before[-1].valid[11]
    starts = rig.sent(p.Start)
    rig.hub.set_faults(Faults())
    rig.line.lose = 0 if says_so else 1
    after = rig.run(1.5)
    assert after[-1].valid.all()
    assert rig.session.report.complete
    assert rig.sent(p.Start) == starts
    assert {s.layout_id for s in before + after} == {rig.session.layout_id}
    assert [b.sequence - a.sequence for a, b in pairwise(before[-1:] + after[-100:])][1:] == [1] * 99
    assert rig.session.state is CONNECTED
    rig.hub.set_faults(absent)
    assert not rig.run(1.0)[-1].valid[11], "and it may be pulled again"


def test_a_silent_reboot_before_start_is_found_out_after_it(rig: Rig) -> None:
    """The hub would go on at its own rate, with another clock."""
    while not any(isinstance(packet, p.SetRate) for packet in rig.hub.received):
        rig.session.step()
    rig.session.step()
    assert not rig.hub.streaming
    rig.hub.reboot()
    rig.line.lose = 1
    rig.run_to(CONNECTED)
    rig.run(0.5)
    assert len(rig.run(1.0)) >= 99
    assert rig.session.counters.reboots == 1


@pytest.mark.parametrize("lost_answers", [0, 1, 3])
def test_a_hub_that_streamed_already_and_booted_silently_before_start_is_found_out_after_it(
    rig: Rig, lost_answers: int
) -> None:
    """What it said before its boot, that it streams, is no answer to START."""
    rig.hub.receive(p.encode(p.Start(9)))
    while not any(isinstance(packet, p.SetRate) for packet in rig.hub.received):
        rig.session.step()
    rig.session.step()
    assert rig.session.hello is not None
    assert rig.session.hello.streaming
    rig.hub.reboot()
    rig.line.lose = 1
    answers = rig.hub._answers
    lost: list[p.Packet] = []

    def some_answers(packet: p.Packet) -> list[p.HubPacket]:
        if isinstance(packet, p.HelloRequest) and rig.hub.streaming and len(lost) < lost_answers:
            lost.append(packet)
            return []
        return answers(packet)

    rig.hub._answers = some_answers  # type: ignore[method-assign]
    rig.run_to(CONNECTED)
    rig.run(0.5 + rig.session._params.hello_period_s * lost_answers)
    assert (rig.session.counters.reboots, rig.hub.rate_hz) == (1, 100)
    assert len(rig.run(1.0)) >= 99


def test_a_hub_that_streamed_already_is_asked_once_after_start_too(rig: Rig) -> None:
    rig.hub.receive(p.encode(p.Start(9)))
    rig.run_to(CONNECTED)
    rig.run(3.0)
    assert sum(isinstance(packet, p.HelloRequest) for packet in rig.hub.received) == 2
    assert (rig.sent(p.Start), rig.session.counters.connections) == (2, 1)


def test_who_streams_is_asked_once_after_start(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    rig.run(3.0)
    assert sum(isinstance(packet, p.HelloRequest) for packet in rig.hub.received) == 2


def test_silent_reboot_is_noticed_by_the_watchdog(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    rig.run(0.1)
    rig.hub.reboot()
    rig.line.lose = 1
    assert rig.run_to(CONNECTING) < 0.5
    assert rig.run_to(CONNECTED) < 0.2
    assert (rig.session.counters.reboots, rig.session.counters.watchdog) == (1, 1)


def test_a_hub_that_stopped_streaming_is_started_again(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    rig.hub.streaming = False
    rig.line.deliver(p.encode(rig.hub.hello()))
    assert rig.run_to(CONNECTING) < 0.02
    assert rig.run_to(CONNECTED) < 0.1


def test_other_units_on_the_same_hub(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    before = rig.session.layout_id
    rig.hub.set_faults(Faults(missing=("skull",)))
    rig.line.deliver(p.encode(rig.hub.hello()))
    rig.session.step()
    rig.run_to(CONNECTED)
    assert rig.session.identity is not None
    assert [s.present for s in rig.session.identity.sensors] == [False] + [True] * 11
    assert rig.session.layout_id == before, "every unit is where it was"
    rig.hub.set_faults(Faults(unlisted=("mentalis",), missing=("skull",)))
    rig.run(0.1)
    rig.run_to(CONNECTED)
    assert rig.session.layout_id not in (0, before)
    assert rig.run(0.1)[-1].layout_id == rig.session.layout_id
    assert rig.session.report is not None
    assert rig.session.report.silent == ("skull (0)",)


def test_silence_reopens_the_transport(rig: Rig) -> None:
    rig.line.cut = True
    rig.run(3.0)
    assert (rig.session.state, rig.line.opened) == (CONNECTING, 1)
    assert rig.run_to(DISCONNECTED) < 3.0
    assert "silence" in rig.session.problem
    rig.run(0.5)
    assert rig.line.opened == 2


def test_garbage_is_named_as_such(rig: Rig) -> None:
    rig.line.cut = True
    rig.session.step()
    for i in range(400):
        rig.line.deliver(b"\x13\x37\x00garbage" * 10, rig.clock() + 0.01 * i)
    rig.run_to(DISCONNECTED)
    assert "without a valid packet" in rig.session.problem
    assert "baud" in rig.session.problem
    assert sum(rig.session.parser.rejects.values()) > 400


@pytest.mark.parametrize("garbage", [False, True])
def test_over_udp_the_baud_rate_is_not_blamed(rig: Rig, garbage: bool) -> None:
    rig.line.cut = rig.line.datagrams = True
    rig.session.step()
    if garbage:
        rig.line.deliver(b"\x13\x37\x00garbage", rig.clock() + 0.01)
    rig.run_to(DISCONNECTED)
    assert "sends to this address and port" in rig.session.problem
    assert "baud" not in rig.session.problem


def test_only_the_same_hub_is_followed_to_another_address(rig: Rig) -> None:
    assert rig.session._is_hub(p.encode(rig.hub.hello()))
    rig.run_to(CONNECTED)
    assert rig.session._is_hub(p.encode(replace(rig.hub.hello(), boot_id=5)))
    assert not rig.session._is_hub(p.encode(replace(rig.hub.hello(), hub="another")))
    assert not rig.session._is_hub(p.encode(p.Ping(1)))


def test_wrong_version_is_an_error_that_heals(rig: Rig) -> None:
    rig.hub.set_faults(Faults(wrong_version=True))
    rig.run_to(ERROR)
    assert "version 1, found version 2" in rig.session.problem
    rig.run(20.0)
    assert rig.session.state is ERROR
    assert rig.line.opened == 1
    assert 15 <= rig.sent(p.HelloRequest) <= 25
    rig.hub.set_faults(Faults())
    assert rig.run_to(CONNECTED) < 1.2
    assert rig.session.problem == ""


def test_a_stray_packet_of_another_version_does_not_stop_a_running_hub(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    rig.line.deliver(p.encode(p.Pong(1, 1), version=3))
    rig.run(1.0)
    assert rig.session.state is CONNECTED
    assert rig.session.parser.rejects["wrong_version"] == 1


def test_the_report_names_all_differences_at_once(rig: Rig, layout: SensorLayout) -> None:
    sensors = {sensor.id: sensor for sensor in layout.sensors}
    sensors[3] = replace(sensors[3], name="zygomaticus_left")
    del sensors[5]
    sensors[40] = replace(sensors[4], id=40, name="ear")
    rig.hub.wear(replace(layout, sensors=tuple(sensors.values())))
    rig.hub.set_faults(Faults(missing=("frontalis_left",)))
    rig.run_to(CONNECTED)
    report = rig.session.report
    assert report is not None
    assert report.usable
    assert not report.complete
    assert report.missing == ("zygomaticus_left (5)",)
    assert report.silent == ("frontalis_left (1)",)
    assert report.unknown == ("ear (40)",)
    assert report.misnamed == ((3, "orbicularis_left", "zygomaticus_left"),)
    for words in ("zygomaticus_left (5)", "frontalis_left (1)", "ear (40)", "id 3 expected orbicularis_left"):
        assert words in report.summary


@pytest.mark.parametrize(
    "spoil",
    [
        lambda hello: replace(hello, sensors=(p.SensorInfo(99, "elbow", "X", 1, 1),)),
        lambda hello: replace(hello, sensors=tuple(replace(s, flags=0) for s in hello.sensors)),
        lambda hello: replace(hello, fields=1),
        lambda hello: replace(hello, fields=3),
    ],
    ids=["foreign", "all silent", "quaternion only", "no accelerometer"],
)
def test_a_hub_without_a_usable_unit(rig: Rig, spoil: Callable[[p.Hello], p.Hello]) -> None:
    rig.hub.spoil = spoil
    rig.run_to(ERROR)
    assert "no unit of layout face_12 can be used" in rig.session.problem
    rig.hub.spoil = lambda hello: hello
    assert rig.run_to(CONNECTED) < 1.2


def test_a_refused_command_is_an_error_with_the_hubs_words(rig: Rig) -> None:
    rig.hub.refuse[p.SetRate.TYPE] = p.Ack(0, p.SetRate.TYPE, 2, "rate 1 to 60 Hz")
    rig.run_to(ERROR)
    assert rig.session.problem == "the hub refused SetRate: rate 1 to 60 Hz"
    rig.hub.refuse.clear()
    assert rig.run_to(CONNECTED) < 1.2


@pytest.mark.parametrize("kind", [p.SetRate, p.Start])
def test_unanswered_commands_are_repeated_and_then_the_handshake(rig: Rig, kind: type[p.Packet]) -> None:
    rig.hub.deaf_to.add(kind.TYPE)
    rig.run(0.6)
    assert rig.sent(kind) == 3
    rig.run(1.4)
    assert rig.sent(p.HelloRequest) >= 2
    rig.hub.deaf_to.clear()
    assert rig.run_to(CONNECTED) < 1.2


def test_start_without_samples(rig: Rig) -> None:
    rig.hub.mute = True
    rig.run(1.5)
    assert rig.session.state is CONNECTING
    assert rig.sent(p.Start) == 2
    rig.hub.mute = False
    assert rig.run_to(CONNECTED) < 2.0


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


@pytest.mark.parametrize("rate_hz", [50, 100, 200, 400])
@pytest.mark.parametrize("counts_anew", [False, True])
@pytest.mark.parametrize("start_takes_s", [0.1, 0.3, 0.6])
def test_a_start_that_takes_long_is_not_repeated_for_ever(
    rig: Rig, start_takes_s: float, counts_anew: bool, rate_hz: int
) -> None:
    rig.session._rate_hz = rate_hz
    rig.hub.counts_anew, rig.hub.start_takes_s = counts_anew, start_takes_s
    rig.run(3.0)
    assert rig.session.state is CONNECTED
    connections, starts = rig.session.counters.connections, rig.sent(p.Start)
    assert connections <= 2
    assert starts <= 1 + start_takes_s / 0.25
    samples = rig.run(30.0)
    assert len(samples) == pytest.approx(30 * rate_hz, abs=2)
    assert (rig.session.counters.connections, rig.sent(p.Start)) == (connections, starts)


@pytest.mark.parametrize("lost_acks", [1, 2, 3])
def test_a_start_that_is_done_twice_does_no_harm(rig: Rig, lost_acks: int) -> None:
    rig.session._rate_hz = 400
    acks = rig.hub._answers

    def answers(packet: p.Packet) -> list[p.HubPacket]:
        made = acks(packet)
        return [] if isinstance(packet, p.Start) and rig.sent(p.Start) <= lost_acks else made

    rig.hub._answers = answers  # type: ignore[method-assign]
    rig.run_to(CONNECTED)
    rig.run(5.0)
    assert (rig.session.counters.connections, rig.sent(p.Start)) == (1, 1 + lost_acks)
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


def test_samples_stamped_by_arrival_are_never_in_doubt(rig: Rig) -> None:
    rig.session._by_arrival = True
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


def test_streaming_off_outlives_a_replug(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    rig.line.plugged = False
    rig.run(0.1)
    off = rig.session.set_streaming(False)
    rig.run(0.1)
    assert off.result(0).ok
    assert "connected" in off.result(0).message
    rig.line.plugged = True
    assert rig.run(3.0) == []
    assert rig.session.state is CONNECTED
    assert not rig.hub.streaming


def test_an_idle_hub_that_vanishes_is_noticed(rig: Rig) -> None:
    rig.session.set_streaming(False)
    rig.run_to(CONNECTED)
    rig.line.cut = True
    assert rig.run_to(CONNECTING) < 5.0


def test_identify(rig: Rig) -> None:
    early = rig.session.identify(3)
    rig.session.step()
    assert not early.result(0).ok
    rig.run_to(CONNECTED)
    rig.hub.refuse[p.Identify.TYPE] = p.Ack(0, p.Identify.TYPE, 2)
    refused = rig.session.identify(77)
    rig.run(0.1)
    assert refused.result(0).message == "the hub refused Identify: invalid argument"
    rig.hub.refuse.clear()
    done = rig.session.identify(3)
    rig.run(0.1)
    assert done.result(0).ok
    assert isinstance(rig.hub.received[-1], p.Identify | p.Ping)
    rig.line.cut = True
    lost = rig.session.identify(3)
    rig.run(2.0)
    assert not lost.result(0).ok


def test_close_stops_the_hub(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    waiting = rig.session.identify(1)
    rig.session.close()
    assert not rig.hub.streaming
    assert not rig.line.is_open
    assert not waiting.result(0).ok
    rig.session.close()
    assert rig.run_to(CONNECTED) < 2.0


def test_an_echoing_line_does_no_harm(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    for packet in (p.Ping(1), p.Start(1), p.HelloRequest(0)):
        rig.line.deliver(p.encode(packet))
    rig.run(1.0)
    assert rig.session.state is CONNECTED


frames = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(
        [
            p.encode(p.Ack(1, p.Start.TYPE, 0)),
            p.encode(p.Ack(2, p.SetRate.TYPE, 9)),
            p.encode(p.Pong(1, 2**64 - 1)),
            p.encode(p.Pong(2, 0)),
            p.encode(p.Sample(0, 0, 0, b"\1", b"")),
            p.encode(p.Sample(1, 2**64 - 1, 7, b"\1" * 12, b"\0" * 240)),
            p.encode(p.Sample(2**32 - 1, 5, 7, b"\1" * 12, b"\0" * 240)),
            p.encode(p.Hello(1, 0, 0, 0, "", "", (p.SensorInfo(0, "", "", 0, 0),))),
        ]
    ),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(frames, max_size=20))
def test_whatever_arrives_the_session_comes_back(make_rig: Callable[[], Rig], pieces: list[bytes]) -> None:
    rig = make_rig()
    rig.session.step()
    for i, piece in enumerate(pieces):
        rig.line.deliver(piece + b"\0", rig.clock() + 0.004 * i)
    samples = rig.run(8.0)
    assert rig.session.state is CONNECTED
    assert len(samples) > 300
    assert all(b.host_time_s > a.host_time_s for a, b in pairwise(samples))
    assert all(sample.host_time_s <= sample.arrival_s + 1e-3 for sample in samples)
