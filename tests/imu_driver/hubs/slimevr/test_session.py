from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_model.errors import SnapshotError
from face_model.imu_sample import STATUS_FAULT, STATUS_MISSING, ImuSample
from face_model.layout import SensorLayout, load_layout
from face_model.saved_arrays import packed as packed_arrays
from face_model.saved_arrays import unpacked as unpacked_arrays
from imu_driver.datagram_envelopes import Envelope, packed
from imu_driver.hub import ConnectionState, ReplayableHub
from imu_driver.hubs.slimevr.session import SlimeVrHub
from imu_driver.hubs.slimevr.trackers import GONE_S, MOST_SENSORS, MOST_STRANGERS
from imu_driver.replay import HubReplay, Piece, hub_snapshot
from slimevr_trackers import Motion, SimulatedTracker, Trackers, lying, mac_of, turned, with_units

if TYPE_CHECKING:
    from conftest import VirtualClock, VirtualLine

LAYOUT = with_units(load_layout("face_12"))
HEAD = struct.Struct(">IQ")


@dataclass
class Bench:
    hub: SlimeVrHub
    clock: VirtualClock
    line: VirtualLine
    trackers: list[SimulatedTracker]

    def run(self, seconds: float) -> list[ImuSample]:
        until_s, samples = self.clock() + seconds, []
        while self.clock() < until_s:
            samples += self.hub.step()
        return samples

    def run_to_connected(self) -> None:
        until_s = self.clock() + 10.0
        while self.hub.state is not ConnectionState.CONNECTED:
            assert self.clock() < until_s, self.hub.problem
            self.hub.step()

    def datagram(self, tracker: int, data: bytes) -> None:
        self.line.deliver(packed(Envelope(self.trackers[tracker].peer, data)))

    def from_elsewhere(self, host: str, data: bytes) -> None:
        self.line.deliver(packed(Envelope((host, 6969), data)))


@pytest.fixture(scope="module")
def make_bench(make_line: Callable[..., tuple[VirtualClock, VirtualLine]]) -> Callable[..., Bench]:
    def make(motion: Motion = lying, layout: SensorLayout = LAYOUT, count: int = 6) -> Bench:
        trackers: list[SimulatedTracker] = []
        clock, line = make_line(Trackers(trackers))
        trackers += [SimulatedTracker(i, clock, motion) for i in range(count)]
        return Bench(SlimeVrHub(line, layout, 100, clock=clock, wait=clock.advance), clock, line, trackers)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


def handshake(mac: bytes, firmware: bytes = b"1.0") -> bytes:
    return HEAD.pack(3, 0) + struct.pack(">7IB", 9, 0, 2, 0, 0, 0, 22, len(firmware)) + firmware + mac


def nod(sensor: int, time_s: float) -> tuple[tuple[float, float, float, float], tuple[float, float, float]]:
    """All nod about y; sensor 3 lags behind by 0.1 rad and is pushed along x."""
    angle = 0.3 * math.sin(2.0 * math.pi * time_s) - (0.1 if sensor == 3 else 0.0)
    return turned((0.0, 1.0, 0.0), angle, (2.0 if sensor == 3 else 0.0, 0.0, 0.0))


def test_trackers_are_met_and_served(bench: Bench) -> None:
    bench.run_to_connected()
    samples = bench.run(3.0)
    assert all(sample.valid.all() for sample in samples[5:])
    assert list(bench.hub.notices) == []
    identity = bench.hub.identity
    assert identity is not None
    assert {sensor.part for sensor in identity.sensors} == {"ICM42688"}
    assert [sensor.place for sensor in identity.sensors] == list(LAYOUT.names)
    for tracker in bench.trackers:
        assert tracker.bundles
        assert tracker.told == {0, 1}
    figures = bench.hub.figures()
    assert figures.lost == 0
    assert figures.clock_round_trip_s is not None
    assert 0.0015 < figures.clock_round_trip_s < 0.012
    assert "ICM42688" in str(figures.more["tracker_a4:e5:7c:00:00:01"])


def test_a_face_that_is_held_stays_valid_though_its_trackers_send_nothing(bench: Bench) -> None:
    """The firmware sends no orientation that did not change; the still seconds of the neutral must not be missing."""
    bench.run_to_connected()
    samples = bench.run(5.0)
    assert len(samples) == pytest.approx(500, abs=3)
    assert all(sample.valid.all() for sample in samples)
    for sample in samples:
        np.testing.assert_allclose(sample.specific_force, [[0.0, 0.0, 9.80665]] * 12, atol=1e-4)
        assert not sample.angular_velocity.any()
        assert sample.arrival_s - sample.host_time_s < 0.025


def test_a_quiet_tracker_of_which_a_datagram_was_lost_is_missing_until_it_turns(
    make_bench: Callable[..., Bench],
) -> None:
    angles = [0.0]
    bench = make_bench(lambda _i, _t: turned((1.0, 0.0, 0.0), angles[0]))
    bench.run_to_connected()
    bench.run(1.0)
    bench.trackers[2].packets += 1  # it turned, but that was lost
    missing = bench.run(0.5)[-1]
    assert missing.status[4] == missing.status[5] == STATUS_MISSING
    assert missing.valid[[0, 1, 2, 3, 6, 7]].all()
    assert bench.hub.figures().lost == 1
    angles[0] = 0.05
    assert bench.run(0.5)[-1].valid.all()


def test_motion_comes_through_with_rates_and_forces(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    bench.run_to_connected()
    samples = bench.run(4.0)[20:]
    for sample in samples:
        assert sample.valid.all()
        # What the network and the frames add is common to all.
        angle = 2.0 * np.arctan2(sample.orientation[:, 1], sample.orientation[:, 3])
        np.testing.assert_allclose(angle[0] - angle, [0.1 if i == 3 else 0.0 for i in range(12)], atol=1e-4)
        gravity = 9.80665 * np.stack([-np.sin(angle), np.zeros(12), np.cos(angle)], axis=1)
        gravity[3, 0] += 2.0
        np.testing.assert_allclose(sample.specific_force, gravity, atol=0.02)
    angles = np.array([2.0 * math.atan2(s.orientation[0, 1], s.orientation[0, 3]) for s in samples])
    rates = np.array([s.angular_velocity[0, 1] for s in samples])
    true = np.gradient(angles, 0.01)
    assert np.sqrt(np.mean((rates - true) ** 2)) < 0.15  # of 1.9 rad/s, from 10 ms ago
    assert not bench.hub.figures().rejected


def test_unknown_trackers_are_told_with_what_to_write(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(layout=load_layout("face_12"), count=2)
    assert bench.run(3.0) == []
    assert bench.hub.state is ConnectionState.ERROR
    assert "a4:e5:7c:00:00:01/0 (ICM42688)" in bench.hub.problem
    assert "`unit: a4:e5:7c:00:00:01/0`" in bench.hub.problem
    assert "a4:e5:7c:00:00:02/1" in str(bench.hub.figures().more["unknown_trackers"])


def test_what_is_missing_in_the_layout_and_on_the_network_is_told(make_bench: Callable[..., Bench]) -> None:
    sensors = [replace(s, unit="" if s.name == "mentalis" else s.unit) for s in LAYOUT.sensors]
    bench = make_bench(layout=replace(LAYOUT, sensors=tuple(sensors)))
    bench.trackers[1].dead = True
    bench.run_to_connected()
    sample = bench.run(1.5)[-1]
    assert np.flatnonzero(sample.status == STATUS_MISSING).tolist() == [2, 3, 11]
    said = "; ".join(bench.hub.notices)
    assert "no tracker yet for frontalis_right (a4:e5:7c:00:00:02/0), orbicularis_left (a4:e5:7c:00:00:02/1)" in said
    assert "no `unit` in the layout for mentalis" in said
    assert "a4:e5:7c:00:00:06/1 (ICM42688)" in said
    bench.trackers[1].dead = False  # it is switched on later
    sample = bench.run(3.0)[-1]
    assert np.flatnonzero(sample.status == STATUS_MISSING).tolist() == [11]
    assert "no tracker yet" not in "; ".join(bench.hub.notices)


def test_a_tracker_that_is_turned_by_hand_is_named(make_bench: Callable[..., Bench]) -> None:
    until = [math.inf]
    bench = make_bench(
        lambda i, t: turned((0.0, 1.0, 0.0), math.sin(3.0 * min(t, until[0])) if i == 5 else 0.0),
        layout=load_layout("face_12"),
    )
    bench.run(3.0)
    assert bench.hub.figures().more["turns_most"] == "a4:e5:7c:00:00:03/1"
    until[0] = bench.clock()
    bench.run(3.0)
    assert bench.hub.figures().more["turns_most"] == "none"


def test_units_may_be_written_as_on_a_label(make_bench: Callable[..., Bench]) -> None:
    sensors = [replace(s, unit=s.unit.upper().replace(":", "-").removesuffix("/0")) for s in LAYOUT.sensors]
    bench = make_bench(layout=replace(LAYOUT, sensors=tuple(sensors)))
    bench.run_to_connected()
    assert bench.run(0.5)[-1].valid.all()


def test_one_unit_for_two_sensors_is_refused() -> None:
    sensors = [replace(s, unit="a4:e5:7c:00:00:01/0" if s.id < 2 else "") for s in LAYOUT.sensors]
    with pytest.raises(ValueError, match="every sensor unit once"):
        replace(LAYOUT, sensors=tuple(sensors))


def test_a_tracker_that_goes_is_missing_and_comes_back(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    bench.run_to_connected()
    bench.run(1.0)
    bench.trackers[3].dead = True
    gone = bench.run(1.0)
    assert all((sample.status[6:8] == STATUS_MISSING).all() for sample in gone[10:])
    assert all(sample.valid[[0, 1, 2, 3, 4, 5, 8, 9, 10, 11]].all() for sample in gone)
    bench.trackers[3].dead = False
    assert bench.run(0.2)[-1].valid.all()
    assert bench.hub.figures().reboots == 0


def test_a_reboot_is_counted_and_nothing_is_joined_over_it(make_bench: Callable[..., Bench]) -> None:
    begun = [0.0]
    bench = make_bench(lambda _i, t: turned((0.0, 0.0, 1.0), begun[0] + 0.2 * math.sin(6.0 * t)))
    bench.run_to_connected()
    bench.run(1.0)
    bench.trackers[0].boot()
    bench.trackers[0].dead, begun[0] = True, 2.0
    bench.run(1.0)
    bench.trackers[0].dead = False
    samples = bench.run(2.0)
    assert samples[-1].valid.all()
    assert bench.hub.figures().reboots == 1
    assert max(float(np.abs(sample.angular_velocity[0]).max()) for sample in samples) < 3.0


def test_all_of_them_go_and_the_hub_says_so(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    bench.run_to_connected()
    bench.run(0.5)
    bench.line.cut = True
    bench.run(10.0)
    assert bench.hub.state is ConnectionState.CONNECTING
    assert "nothing any more from a4:e5:7c:00:00:01" in bench.hub.problem
    assert bench.hub.figures().watchdog == 1
    bench.line.cut = False
    start_s = bench.clock()
    bench.run_to_connected()
    assert bench.clock() - start_s < 1.2  # they look for a server once a second
    assert bench.run(1.5)[-1].valid.all()
    assert bench.hub.figures().connections == 2


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


def test_what_strangers_make_up_is_not_counted_as_ours(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    bench.run_to_connected()
    for number in range(20):
        host = f"10.0.0.{number + 1}"
        bench.from_elsewhere(host, handshake(struct.pack(">HI", 7, number)))
        for sensor in range(8):
            bench.from_elsewhere(host, rotation_data(100 * sensor, sensor, [0.0, 0.0, 0.0, 1.0]))
        bench.from_elsewhere(host, rotation_data(3, 0, [0.0, 0.0, 0.0, 1.0]))
        bench.from_elsewhere(host, handshake(struct.pack(">HI", 7, number)))
        bench.from_elsewhere(host, rotation_data(3, 0, [0.0, 0.0, 0.0, 1.0]))
        assert bench.run(0.05)[-1].valid.all()
    figures = bench.hub.figures()
    assert (figures.lost, figures.out_of_order, figures.reboots) == (0, 0, 0)
    assert len(str(figures.more["unknown_trackers"])) < 1500
    assert "and 136 more" in "; ".join(bench.hub.notices)


def test_a_tracker_has_no_more_sensors_than_any_has(bench: Bench) -> None:
    bench.run_to_connected()
    for number in range(256):
        bench.trackers[0].packets += 1
        bench.datagram(0, HEAD.pack(15, bench.trackers[0].packets + 1000) + bytes((number, 1, 10)))
    bench.run(0.5)
    assert len(bench.hub.trackers[bench.trackers[0].peer].sensors) == MOST_SENSORS
    assert bench.hub.figures().rejected["too_many_sensors"] > 200


def test_a_number_from_nowhere_is_got_over(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    bench.run_to_connected()
    bench.datagram(0, HEAD.pack(0, 2**64 - 1))
    bench.run(1.0)
    assert bench.run(0.5)[-1].valid.all()
    figures = bench.hub.figures()
    assert 19 <= figures.out_of_order < 30
    assert figures.lost < 30


def test_broken_sensors_are_faulty_and_told(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    bench.run_to_connected()
    bench.run(1.5)
    bench.trackers[1].packets += 1
    bench.datagram(1, HEAD.pack(15, bench.trackers[1].packets) + bytes((1, 2, 10)))
    sample = bench.run(0.5)[-1]
    assert sample.status[3] == STATUS_FAULT
    assert "broken, as their trackers say: orbicularis_left" in "; ".join(bench.hub.notices)


def test_a_low_battery_is_told(bench: Bench) -> None:
    bench.run_to_connected()
    bench.datagram(2, HEAD.pack(12, 10_000) + struct.pack(">2f", 3.2, 0.08))
    bench.run(0.1)
    assert "battery below 15 %: a4:e5:7c:00:00:03" in "; ".join(bench.hub.notices)
    assert "battery 8 %" in str(bench.hub.figures().more["tracker_a4:e5:7c:00:00:03"])


def test_temperatures_are_those_of_the_layouts_sensors(bench: Bench) -> None:
    bench.run_to_connected()
    assert bench.hub.figures().sensor_temperature_c == ()
    bench.datagram(1, HEAD.pack(20, 10_000) + struct.pack(">Bf", 1, 33.5))
    bench.run(0.1)
    known = {i: t for i, t in enumerate(bench.hub.figures().sensor_temperature_c) if t == t}
    assert known == {3: 33.5}


def test_data_without_a_handshake_are_refused(bench: Bench) -> None:
    bench.run(0.1)
    bench.from_elsewhere("10.0.0.5", HEAD.pack(17, 5) + struct.pack(">BB4fB", 0, 1, 0.0, 0.0, 0.0, 1.0, 0))
    bench.run(0.1)
    assert bench.hub.figures().rejected == {"no_handshake": 1}
    assert "expected a handshake" in bench.hub.figures().last_reject


def test_trackers_of_a_driver_before_this_one_are_known_at_once(make_bench: Callable[..., Bench]) -> None:
    """They say their names only after 3 s; the network knows their MAC addresses."""
    bench = make_bench(nod)
    bench.run_to_connected()
    bench.run(1.0)
    bench.hub.close()
    line, clock = bench.line, bench.clock
    again = Bench(SlimeVrHub(line, LAYOUT, 100, clock=clock, wait=clock.advance), clock, line, bench.trackers)
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


reals = st.one_of(st.floats(width=32), st.sampled_from([0.0, 1.0, -1.0, 0.5]))
bytes_ = st.integers(0, 255)
kinds = st.sampled_from([0, 3, 10, 12, 14, 15, 19, 20, 22, 23, 100, 101])


def rotation_data(number: int, sensor: int, quaternion: list[float]) -> bytes:
    return HEAD.pack(17, number) + struct.pack(">BB4fB", sensor, 1, *quaternion, 0)


def acceleration(number: int, sensor: int, vector: list[float]) -> bytes:
    return HEAD.pack(4, number) + struct.pack(">3fB", *vector, sensor)


datagrams = st.one_of(
    st.binary(max_size=120),
    st.builds(rotation_data, st.integers(0, 2**64 - 1), bytes_, st.lists(reals, min_size=4, max_size=4)),
    st.builds(acceleration, st.integers(0, 300), bytes_, st.lists(reals, min_size=3, max_size=3)),
    st.builds(lambda i: handshake(mac_of(i)), st.integers(0, 8)),
    st.builds(lambda k, n, b: HEAD.pack(k, n) + b, kinds, st.integers(0, 300), st.binary(max_size=60)),
)


@settings(deadline=None, max_examples=12)
@given(st.lists(st.tuples(st.integers(0, 7), datagrams), max_size=60), st.lists(st.binary(max_size=60), max_size=4))
def test_hostile_datagrams_do_no_harm(
    make_bench: Callable[..., Bench], sent: list[tuple[int, bytes]], garbage: list[bytes]
) -> None:
    bench = make_bench(nod, count=2)
    bench.run_to_connected()
    for sender, data in sent:
        # From the trackers' own addresses as well: a sender's address is easily said.
        peer = (f"192.168.1.{20 + sender}", 6969)
        bench.line.deliver(packed(Envelope(peer, data)))
        bench.hub.step()
    for data in garbage:
        bench.line.deliver(data)
    samples = bench.run(0.3)
    for before, after in pairwise(samples):
        assert after.host_time_s > before.host_time_s
    for sample in samples:
        assert np.isfinite(sample.orientation).all()
        assert np.isfinite(sample.specific_force).all()
    assert bench.run(1.5)[-1].valid[:4].all()
    bench.hub.figures()
    assert len(bench.hub.trackers) <= MOST_STRANGERS + 6


# Replays


def test_a_snapshot_and_the_pieces_after_it_give_the_same_samples(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    hub = bench.hub
    assert isinstance(hub, ReplayableHub)
    bench.run_to_connected()
    bench.run(1.0)
    snapshot = hub_snapshot(hub, "slimevr", LAYOUT, 100, False)
    pieces: list[Piece] = []
    hub.tap = lambda what, time_s, data: pieces.append(Piece(what, time_s, data, round(1e9 * time_s)))
    expected = bench.run(1.0)
    bench.trackers[2].dead = True
    expected += bench.run(1.0)
    replay = HubReplay(snapshot)
    found = [sample.sample for piece in pieces for sample in replay.feed(piece)]
    assert replay.unexplained == 0
    assert len(found) == len(expected) > 190
    for a, b in zip(found, expected, strict=True):
        assert (a.sequence, a.host_time_s, a.arrival_s, a.layout_id) == (
            b.sequence,
            b.host_time_s,
            b.arrival_s,
            b.layout_id,
        )
        assert a.status.tobytes() == b.status.tobytes()
        assert a.orientation.tobytes() == b.orientation.tobytes()
        assert a.angular_velocity.tobytes() == b.angular_velocity.tobytes()
        assert a.specific_force.tobytes() == b.specific_force.tobytes()


def test_a_damaged_state_is_refused(bench: Bench) -> None:
    bench.run_to_connected()
    arrays = unpacked_arrays(packed_arrays(bench.hub.saved_state()))
    other = dict(arrays)
    other["session"] = np.frombuffer(b'{"trackers": [1]}', np.uint8)
    for damaged in ({k: v for k, v in arrays.items() if k != "session"}, other):
        with pytest.raises(SnapshotError):
            SlimeVrHub(bench.line, LAYOUT, 100, clock=bench.clock, wait=bench.clock.advance).restore_state(damaged)
