"""What comes of trackers: numbers, reboots, what they say of themselves, and whatever anybody sends."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from face_model.imu_sample import STATUS_FAULT
from imu_driver.datagram_envelopes import Envelope, packed
from imu_driver.hubs.slimevr.trackers import MOST_STRANGERS
from slimevr_trackers import (
    HEAD,
    handshake,
    mac_of,
    nod,
    turned,
)

if TYPE_CHECKING:
    from conftest import Bench


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
