"""The firmware's hub does what the simulated one does at the same times, and what only a real line asks for."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiled_firmware import CompiledHub, Reading
from face_model.frames import GRAVITY_M_S2
from face_model.layout import load_layout
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_sim.chips.parts import load_part
from imu_sim.hub.clock import HubClock
from imu_sim.hub.faults import Faults
from imu_sim.hub.hub_settings import HubSettings
from imu_sim.hub.simulated_hub import SimulatedHub
from imu_sim.imu_stream import Frames
from imu_sim.motion import Floats

LAYOUT, PART = load_layout("face_12"), load_part()
SENSORS = tuple(p.SensorInfo(s.id, s.name, PART.name, PART.gyro_range_dps, PART.accel_range_g) for s in LAYOUT.sensors)
BOOT_ID = 0x12345678


@dataclass
class VirtualClock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


class StillStream:
    """Units that lie still, z up."""

    def next(self, frames: int) -> Frames:
        shape = (frames, len(SENSORS))
        force = np.zeros((*shape, 3))
        force[..., 2] = GRAVITY_M_S2
        never = np.zeros(shape, np.bool_)
        return Frames(np.full((*shape, 4), 0.5), np.zeros((*shape, 3)), force, never, never)

    def weights(self, times_s: Floats) -> Floats:
        return np.zeros((len(times_s), 52))

    def head(self, time_s: float) -> Floats:
        return np.array([0.0, 0.0, 0.0, 1.0])


def lie_still(due_us: int, readings: ctypes.Array[Reading]) -> int:
    for reading in readings:
        reading.status = p.UnitStatus.OK
        reading.accel[2] = 4096
    return due_us


def both(library: ctypes.CDLL, silence_s: float | None = 10.0) -> tuple[CompiledHub, SimulatedHub, VirtualClock]:
    """A hub of each kind on one clock."""
    clock = VirtualClock()
    settings = HubSettings(name="bench-hub", firmware="1.0", jitter_s=0.0, silence_s=silence_s)
    simulated = SimulatedHub(
        lambda _rate_hz, _start_s: StillStream(),
        LAYOUT,
        PART,
        HubClock(clock, offset_s=0.0, skew_ppm=0.0),
        settings=settings,
        faults=Faults(no_quaternion=True),
    )
    return CompiledHub(library, SENSORS, clock, lie_still, silence_s=silence_s or 0.0), simulated, clock


def comparable(frames: list[bytes]) -> list[tuple[p.Packet, int]]:
    """Packets without what differs between two hubs, and their times apart: those may round otherwise."""
    found: list[tuple[p.Packet, int]] = []
    for frame in frames:
        packet = p.decode(frame)
        if isinstance(packet, p.Hello):
            packet = replace(packet, boot_id=0)
        time_us = packet.hub_time_us if isinstance(packet, p.Sample | p.Pong) else 0
        found.append((replace(packet, hub_time_us=0) if time_us else packet, time_us))  # type: ignore[call-arg]
    return found


def assert_same(ours: list[bytes], theirs: list[bytes]) -> None:
    left, right = comparable(ours), comparable(theirs)
    assert [packet for packet, _ in left] == [packet for packet, _ in right]
    # The simulated hub computes in seconds and cuts off.
    assert all(abs(a - b) <= 1 for (_, a), (_, b) in zip(left, right, strict=True))


u16 = st.integers(0, 2**16 - 1)
# Sample times are multiples of 0.5 ms after a START. Packets arrive at whole ms and 7 us more each, polls are 463 us
# before: none falls together with a sample time, where the rounding of two clocks would decide.
ARRIVAL_S, POLL_S = 7e-6, 463e-6
rates = st.sampled_from([0, 1, 8, 50, 100, 125, 200, 250, 400, 401, 65535])
commands = (
    st.builds(p.HelloRequest, u16)
    | st.builds(p.Start, u16)
    | st.builds(p.Stop, u16)
    | st.builds(p.SetRate, u16, rates)
    | st.builds(p.Ping, st.integers(0, 2**32 - 1))
    | st.builds(p.Identify, u16, st.integers(0, 20))
)
bytes_of_host = commands.map(p.encode) | st.binary(max_size=20) | st.just(p.encode(p.Start(1)))
steps = st.tuples(bytes_of_host, st.sampled_from([1, 4, 10, 37, 300, 999, 1500]) | st.integers(1, 11_000))
"""Bytes that arrive, and ms that pass then."""


@given(st.lists(steps, max_size=25), st.sampled_from([10.0, None]))
def test_answers_and_samples_are_those_of_the_simulated_hub(
    library: ctypes.CDLL, script: list[tuple[bytes, int]], silence_s: float | None
) -> None:
    ours, theirs, clock = both(library, silence_s)
    ms = 0
    for number, (data, wait_ms) in enumerate(script):
        clock.now_s = 1000.0 + 1e-3 * ms + ARRIVAL_S * number
        answers = theirs.receive(data)
        assert_same(ours.receive(data), answers + theirs.due())
        ms += wait_ms
        clock.now_s = 1000.0 + 1e-3 * ms - POLL_S + ARRIVAL_S * number
        assert_same(ours.due(), theirs.due())
    assert ours.counters["lit"] >= bool(theirs.identified)


def started(library: ctypes.CDLL, **settings: Any) -> tuple[CompiledHub, VirtualClock]:
    clock = VirtualClock()
    hub = CompiledHub(library, SENSORS, clock, settings.pop("measure", lie_still), **settings)
    assert hub.problem == 0
    hub.due()
    return hub, clock


def told(hub: CompiledHub, *packets: p.HostPacket) -> list[p.Packet]:
    return [p.decode(frame) for frame in hub.receive(b"".join(map(p.encode, packets)))]


def samples(packets: Sequence[p.Packet]) -> list[p.Sample]:
    return [packet for packet in packets if isinstance(packet, p.Sample)]


def test_hello_says_who_the_hub_is(library: ctypes.CDLL) -> None:
    clock = VirtualClock()
    hub = CompiledHub(library, SENSORS, clock, lie_still)
    (hello,) = map(p.decode, hub.due())
    motion = int(p.Fields.GYRO | p.Fields.ACCEL)
    assert hello == p.Hello(BOOT_ID, 100, 400, motion, "bench-hub", "1.0", SENSORS, int(p.HubFlags.CAN_SEAL))


def test_a_start_that_comes_again_changes_nothing(library: ctypes.CDLL) -> None:
    hub, clock = started(library)
    first = told(hub, p.Start(1))
    clock.now_s += 0.0249
    again = told(hub, p.Start(1))
    clock.now_s += 0.0002
    found = samples(first) + samples(again) + samples([p.decode(frame) for frame in hub.due()])
    assert [sample.sequence for sample in found] == [0, 1, 2]
    assert [sample.hub_time_us for sample in found] == [0, 10_000, 20_000]
    assert p.Ack(1, p.Start.TYPE, 0) in again


@pytest.mark.parametrize("rate_hz", [3, 7, 33, 120, 299, 333])
def test_periods_that_are_no_whole_microseconds_do_not_drift(library: ctypes.CDLL, rate_hz: int) -> None:
    hub, clock = started(library, rate_hz=rate_hz)
    found = samples(told(hub, p.Start(1)))
    for _ in range(40):
        clock.now_s += 0.2503
        found += samples([p.decode(frame) for frame in hub.due()])
    assert len(found) == 1 + int(40 * 0.2503 * rate_hz)
    assert [sample.hub_time_us for sample in found] == [k * 1_000_000 // rate_hz for k in range(len(found))]


@pytest.mark.parametrize("noise", [b"", b"\x01\x02\0", p.encode(p.Pong(1, 2))])
def test_streaming_ends_when_the_host_is_silent_for_ten_seconds(library: ctypes.CDLL, noise: bytes) -> None:
    """What is no intact packet of a host is silence, too."""
    hub, clock = started(library, silence_s=10.0)
    told(hub, p.Start(1))
    clock.now_s += 6.0
    told(hub, p.Ping(1))
    for _ in range(99):
        clock.now_s += 0.1005
        assert hub.receive(noise)
    clock.now_s += 0.1
    assert hub.receive(noise) == []
    clock.now_s += 1.0
    (hello,) = map(p.decode, hub.due())
    assert isinstance(hello, p.Hello)
    assert not hello.streaming


def test_pong_goes_out_before_samples_that_wait(library: ctypes.CDLL) -> None:
    hub, clock = started(library)
    told(hub, p.Start(1))
    hub.give_room(0)
    for _ in range(3):
        clock.now_s += 0.01
        assert hub.due() == []
    assert hub.receive(p.encode(p.Ping(7))) == []
    asked_us = hub.now_us
    assert hub.wait_s == pytest.approx(0.001)
    clock.now_s += 0.002
    hub.give_room(1 << 16)
    pong, *late = map(p.decode, hub.due())
    assert pong == p.Pong(7, asked_us)  # its time is that of the PING, not that of its going out
    assert [sample.sequence for sample in samples(late)] == [1, 2, 3]


def test_no_sample_overtakes_an_answer_on_a_line_that_has_room_for_samples_only(library: ctypes.CDLL) -> None:
    hub, clock = started(library)
    told(hub, p.Start(1))
    hub.give_room(200)  # a SAMPLE has 178 bytes, a HELLO more than 300
    clock.now_s += 0.0101
    assert told(hub, p.HelloRequest(3)) == []
    hub.give_room(1 << 16)
    hello, ack, sample = map(p.decode, hub.due())
    assert isinstance(hello, p.Hello)
    assert ack == p.Ack(3, p.HelloRequest.TYPE, 0)
    assert isinstance(sample, p.Sample)


def test_the_oldest_samples_are_dropped_when_too_many_wait(library: ctypes.CDLL) -> None:
    hub, clock = started(library, waiting_bytes=3 * 180)
    told(hub, p.Start(1))
    hub.give_room(0)
    for _ in range(10):
        clock.now_s += 0.01
        hub.due()
    hub.give_room(1 << 16)
    found = samples([p.decode(frame) for frame in hub.due()])
    assert [sample.sequence for sample in found] == [8, 9, 10]  # the gap tells the host of the seven
    assert hub.counters["dropped"] == 7
    assert hub.counters["sent"] == 4


def test_no_sample_comes_after_the_answer_to_stop(library: ctypes.CDLL) -> None:
    hub, clock = started(library)
    told(hub, p.Start(1))
    hub.give_room(0)
    clock.now_s += 0.0301
    hub.due()
    hub.receive(p.encode(p.Stop(2)))
    hub.give_room(1 << 16)
    assert [p.decode(frame) for frame in hub.due()] == [p.Ack(2, p.Stop.TYPE, 0)]
    clock.now_s += 0.5
    assert hub.due() == []


def test_samples_that_were_missed_count_as_lost(library: ctypes.CDLL) -> None:
    """Real units cannot measure what has passed."""
    hub, clock = started(library, catch_up_s=0.0)
    told(hub, p.Start(1))
    clock.now_s += 0.0351
    found = samples([p.decode(frame) for frame in hub.due()])
    assert [sample.sequence for sample in found] == [3]
    assert hub.counters["missed"] == 2


def test_numbers_go_around(library: ctypes.CDLL) -> None:
    hub, clock = started(library)
    told(hub, p.Start(1))
    hub.number(2**32 - 1)
    clock.now_s += 0.0201
    assert [s.sequence for s in samples([p.decode(frame) for frame in hub.due()])] == [2**32 - 1, 0]


def test_time_never_goes_back(library: ctypes.CDLL) -> None:
    times = iter([500, 400, 450, 600])

    def measure(due_us: int, readings: ctypes.Array[Reading]) -> int:
        return next(times)

    hub, clock = started(library, measure=measure)
    packets = told(hub, p.Start(1))
    clock.now_s += 0.0301
    packets += [p.decode(frame) for frame in hub.due()]
    assert [sample.hub_time_us for sample in samples(packets)] == [500, 500, 500, 600]


def test_the_light_goes_out_after_five_seconds(library: ctypes.CDLL) -> None:
    hub, clock = started(library)
    assert told(hub, p.Identify(1, 3)) == [p.Ack(1, p.Identify.TYPE, 0)]
    assert told(hub, p.Identify(2, 3)) == [p.Ack(2, p.Identify.TYPE, 0)]
    assert (hub.counters["lit"], hub.counters["dimmed"]) == (1, 0)
    told(hub, p.Identify(3, 4))  # one light at a time
    assert (hub.counters["lit"], hub.counters["dimmed"]) == (2, 1)
    clock.now_s += 4.99
    hub.due()
    assert hub.wait_s <= 0.011
    assert hub.counters["dimmed"] == 1
    clock.now_s += 0.02
    hub.due()
    assert hub.counters["dimmed"] == 2


def test_a_unit_that_is_gone_is_not_identified(library: ctypes.CDLL) -> None:
    hub, _ = started(library)
    hub.flag(3, 0)
    (ack,) = told(hub, p.Identify(1, 3))
    assert ack == p.Ack(1, p.Identify.TYPE, 2, "units present: [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]")
    hello, _ = told(hub, p.HelloRequest(2))
    assert isinstance(hello, p.Hello)
    assert [sensor.present for sensor in hello.sensors].count(False) == 1


def test_a_hub_without_lights_says_so(library: ctypes.CDLL) -> None:
    hub, _ = started(library, lights=False)
    assert told(hub, p.Identify(1, 3)) == [p.Ack(1, p.Identify.TYPE, 1, "no lights")]


def test_more_questions_than_can_wait_are_counted(library: ctypes.CDLL) -> None:
    hub, _ = started(library)
    hub.give_room(0)
    told(hub, *(p.Ping(n) for n in range(20)))
    hub.give_room(1 << 16)
    assert [p.decode(frame).token for frame in hub.due()] == list(range(16))  # type: ignore[union-attr]
    assert hub.counters["dropped_answers"] == 4


def test_64_units_fit(library: ctypes.CDLL) -> None:
    clock = VirtualClock()
    many = tuple(p.SensorInfo(i, f"unit_{i}", "QMI8658", 1024, 8) for i in range(64))
    hub = CompiledHub(library, many, clock, lie_still)
    assert hub.problem == 0
    (hello,) = map(p.decode, hub.due())
    assert isinstance(hello, p.Hello)
    assert hello.sensors == many
    (ack,) = told(hub, p.Identify(1, 99))
    assert isinstance(ack, p.Ack)
    assert len(ack.message) == 255  # cut, not refused


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sensors": ()}, 1),
        ({"sensors": (SENSORS[0], SENSORS[0])}, 1),
        ({"sensors": (replace(SENSORS[0], gyro_range_dps=0),)}, 1),
        ({"sensors": (replace(SENSORS[0], accel_range_g=0),)}, 1),
        ({"rate_hz": 0}, 2),
        ({"rate_hz": 401}, 2),
        ({"waiting_bytes": 179}, 3),
        ({"sensors": (replace(SENSORS[0], place="p" * 256),)}, 3),
    ],
)
def test_settings_that_cannot_work_are_refused(library: ctypes.CDLL, change: dict[str, Any], problem: int) -> None:
    sensors = change.pop("sensors", SENSORS)
    assert CompiledHub(library, sensors, VirtualClock(), lie_still, **change).problem == problem
