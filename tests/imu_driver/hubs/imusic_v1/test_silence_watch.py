"""Promise 3: silences, streams that stop and hubs of another version are noticed and named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imu_driver.hub import ConnectionState
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_sim.hub.faults import Faults

if TYPE_CHECKING:
    from conftest import Rig

CONNECTED, CONNECTING = ConnectionState.CONNECTED, ConnectionState.CONNECTING
DISCONNECTED, ERROR = ConnectionState.DISCONNECTED, ConnectionState.ERROR


def test_silent_reboot_is_noticed_by_the_watchdog(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    rig.run(0.1)
    rig.hub.reboot()
    rig.line.lose = 1
    assert rig.run_to(CONNECTING) < 0.5
    assert rig.run_to(CONNECTED) < 0.2
    assert (rig.session.counters.reboots, rig.session.counters.watchdog) == (1, 1)


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


def test_start_without_samples(rig: Rig) -> None:
    rig.hub.mute = True
    rig.run(1.5)
    assert rig.session.state is CONNECTING
    assert rig.sent(p.Start) == 2
    rig.hub.mute = False
    assert rig.run_to(CONNECTED) < 2.0


def test_an_idle_hub_that_vanishes_is_noticed(rig: Rig) -> None:
    rig.session.set_streaming(False)
    rig.run_to(CONNECTED)
    rig.line.cut = True
    assert rig.run_to(CONNECTING) < 5.0
