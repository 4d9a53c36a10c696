"""Who is there: trackers that come, move, pretend, or are too many."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from face_model.layout import load_layout
from imu_driver.datagram_envelopes import Envelope, packed
from imu_driver.hub import ConnectionState
from imu_driver.hubs.slimevr.session import SlimeVrHub
from imu_driver.hubs.slimevr.trackers import GONE_S, MOST_SENSORS, MOST_STRANGERS
from slimevr_trackers import (
    HEAD,
    LAYOUT,
    SimulatedTracker,
    handshake,
    mac_of,
    nod,
)

if TYPE_CHECKING:
    from conftest import Bench


def test_unknown_trackers_are_told_with_what_to_write(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(layout=load_layout("face_12"), count=2)
    assert bench.run(3.0) == []
    assert bench.hub.state is ConnectionState.ERROR
    assert "a4:e5:7c:00:00:01/0 (ICM42688)" in bench.hub.problem
    assert "`unit: a4:e5:7c:00:00:01/0`" in bench.hub.problem
    assert "a4:e5:7c:00:00:02/1" in str(bench.hub.figures().more["unknown_trackers"])


def test_a_tracker_with_another_address_is_the_same(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod, count=1)
    bench.run_to_connected()
    bench.trackers[0].dead = True
    bench.run(1.0)
    bench.trackers.append(_Moved(0, bench.clock, nod))
    sample = bench.run(1.0)[-1]
    assert sample.valid[:2].all()
    assert [tracker.peer[0] for tracker in bench.hub.trackers.values()] == ["192.168.7.7"]


class _Moved(SimulatedTracker):
    @property
    def peer(self) -> tuple[str, int]:
        return "192.168.7.7", 1234


def test_nobody_takes_the_place_of_a_tracker_that_is_there(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    bench.run_to_connected()
    for _ in range(50):
        bench.from_elsewhere("10.0.0.66", handshake(mac_of(0)))
        bench.datagram(0, handshake(mac_of(4)))
        assert bench.run(0.05)[-1].valid.all()
    assert bench.hub.figures().rejected["impostor"] == 100
    assert len(bench.hub.trackers) == 6


def test_a_flood_of_strangers_takes_no_room_from_those_in_the_layout(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    for trackers in bench.trackers[1:]:
        trackers.dead = True
    bench.run_to_connected()
    for number in range(3000):
        bench.from_elsewhere(f"10.{number % 200}.{number // 200}.9", handshake(struct.pack(">HI", 7, number)))
        bench.hub.step()
    for trackers in bench.trackers:
        trackers.dead = False
    assert bench.run(3.0)[-1].valid.all()
    assert len(bench.hub.trackers) <= MOST_STRANGERS + 6
    assert bench.hub.figures().rejected["too_many_trackers"] > 2000
    bench.run(GONE_S)
    written = bench.line.written
    bench.run(1.0)
    assert bench.line.written - written < 60_000  # strangers that are gone are not asked any more


def test_a_tracker_has_no_more_sensors_than_any_has(bench: Bench) -> None:
    bench.run_to_connected()
    for number in range(256):
        bench.trackers[0].packets += 1
        bench.datagram(0, HEAD.pack(15, bench.trackers[0].packets + 1000) + bytes((number, 1, 10)))
    bench.run(0.5)
    assert len(bench.hub.trackers[bench.trackers[0].peer].sensors) == MOST_SENSORS
    assert bench.hub.figures().rejected["too_many_sensors"] > 200


def test_trackers_of_a_driver_before_this_one_are_known_at_once(make_bench: Callable[..., Bench]) -> None:
    """They say their names only after 3 s; the network knows their MAC addresses."""
    bench = make_bench(nod)
    bench.run_to_connected()
    bench.run(1.0)
    bench.hub.close()
    line, clock = bench.line, bench.clock
    again = replace(bench, hub=SlimeVrHub(line, LAYOUT, 100, clock=clock, wait=clock.advance))
    start_s = clock()
    again.run(0.1)
    assert again.hub.state is ConnectionState.CONNECTING
    for tracker in bench.trackers:
        line.deliver(packed(Envelope(tracker.peer, mac_of(tracker.number), neighbour=True)))
    line.deliver(packed(Envelope(("10.0.0.3", 6969), b"\1\2\3\4\5\6", neighbour=True)))
    line.deliver(packed(Envelope(("10.0.0.3", 6969), mac_of(0), neighbour=True)))
    assert again.run(0.2)[-1].valid.all()
    assert clock() - start_s < 0.4
    assert len(again.hub.trackers) == 6
    assert again.hub.figures().reboots == again.hub.figures().lost == 0
