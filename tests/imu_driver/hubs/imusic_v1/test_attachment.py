"""From HELLO to the first sample: who is taken, what is asked, what is sent again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from face_model.layout import SensorLayout
from imu_driver.hub import ConnectionState
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_sim.hub.faults import Faults

if TYPE_CHECKING:
    from conftest import Rig

CONNECTED, CONNECTING = ConnectionState.CONNECTED, ConnectionState.CONNECTING
ERROR = ConnectionState.ERROR


def test_sends_the_rate_and_no_more_than_the_hub_can(rig: Rig) -> None:
    rig.hub.settings = replace(rig.hub.settings, max_rate_hz=80)
    rig.run_to(CONNECTED)
    assert rig.session.rate_hz == 80
    assert [packet.rate_hz for packet in rig.hub.received if isinstance(packet, p.SetRate)] == [80]


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


@pytest.mark.parametrize("rate_hz", [50, 100, 200, 400])
@pytest.mark.parametrize("counts_anew", [False, True])
@pytest.mark.parametrize("start_takes_s", [0.1, 0.3, 0.6])
def test_a_start_that_takes_long_is_not_repeated_for_ever(
    make_rig: Callable[..., Rig], start_takes_s: float, counts_anew: bool, rate_hz: int
) -> None:
    rig = make_rig(rate_hz=rate_hz)
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
def test_a_start_that_is_done_twice_does_no_harm(make_rig: Callable[..., Rig], lost_acks: int) -> None:
    rig = make_rig(rate_hz=400)
    acks = rig.hub._answers

    def answers(packet: p.Packet) -> list[p.HubPacket]:
        made = acks(packet)
        return [] if isinstance(packet, p.Start) and rig.sent(p.Start) <= lost_acks else made

    rig.hub._answers = answers  # type: ignore[method-assign]
    rig.run_to(CONNECTED)
    rig.run(5.0)
    assert (rig.session.counters.connections, rig.sent(p.Start)) == (1, 1 + lost_acks)
    assert rig.session.counters.lost == 0


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
