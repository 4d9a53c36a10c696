"""Promises 1, 3 and 5 at the connection: the simulated hub on a virtual clock is dropped, rebooted, muted, spoilt."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imu_driver.hub import ConnectionState
from imu_driver.hubs.imusic_v1 import protocol as p

if TYPE_CHECKING:
    from conftest import Rig

CONNECTED, CONNECTING = ConnectionState.CONNECTED, ConnectionState.CONNECTING
DISCONNECTED = ConnectionState.DISCONNECTED


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
