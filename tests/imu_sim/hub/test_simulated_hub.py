from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_model.frames import GRAVITY_M_S2
from face_model.layout import SensorLayout
from imu_driver.hubs.imusic_v1.protocol import (
    Ack,
    Fields,
    Hello,
    HelloRequest,
    Identify,
    Packet,
    Ping,
    Pong,
    Result,
    Sample,
    SetRate,
    Start,
    Stop,
    StreamParser,
    UnitStatus,
    accel_scale,
    encode,
)
from imu_sim.chips.parts import perfect_part
from imu_sim.errors import SimulatorConfigError
from imu_sim.hub.faults import Faults
from imu_sim.hub.hub_settings import HubSettings
from imu_sim.hub.simulated_hub import SimulatedHub
from imu_sim.performance import performance

MakeHub = Callable[..., SimulatedHub]
PROMPT = HubSettings(jitter_s=0.0)


@dataclass
class Host:
    """A driver's end of the line, on the hub's virtual clock."""

    hub: SimulatedHub
    clock: object
    parser: StreamParser = field(default_factory=StreamParser)

    def ask(self, *packets: Packet) -> list[Packet]:
        return self.parser.feed(b"".join(self.hub.receive(b"".join(encode(p) for p in packets))))

    def wait(self, seconds: float, step_s: float = 0.005) -> list[Packet]:
        got: list[Packet] = []
        for _ in range(round(seconds / step_s)):
            self.clock.now_s += step_s  # type: ignore[attr-defined]
            got += self.parser.feed(b"".join(self.hub.due()))
        return got

    def samples(self, seconds: float) -> list[Sample]:
        return [p for p in self.wait(seconds) if isinstance(p, Sample)]


@pytest.fixture
def start(make_hub: MakeHub, clock: object) -> Callable[..., Host]:
    def started(*args: object, **kwargs: object) -> Host:
        host = Host(make_hub(*args, **kwargs), clock)
        host.ask(Start(1))
        return host

    return started


def test_says_hello_at_boot_and_each_idle_second(make_hub: MakeHub, clock: object, layout: SensorLayout) -> None:
    host = Host(make_hub(), clock)
    hellos = host.wait(3.5)
    assert len(hellos) == 4
    hello = hellos[0]
    assert isinstance(hello, Hello)
    assert [s.place for s in hello.sensors] == list(layout.names)
    assert all(s.present and s.part == "QMI8658" for s in hello.sensors)
    assert not hello.streaming
    assert hello.fields == Fields.QUATERNION | Fields.GYRO | Fields.ACCEL


def test_answers_every_command(make_hub: MakeHub, clock: object) -> None:
    host = Host(make_hub(), clock)
    hello, ack = host.ask(HelloRequest(7))
    assert isinstance(hello, Hello)
    assert ack == Ack(7, HelloRequest.TYPE, Result.OK)
    assert host.ask(SetRate(8, 200)) == [Ack(8, SetRate.TYPE, Result.OK)]
    refused = host.ask(SetRate(9, 401))[0]
    assert isinstance(refused, Ack)
    assert (refused.result, refused.message) == (Result.INVALID_ARGUMENT, "rate 1 to 400 Hz")
    assert host.hub.rate_hz == 200
    assert host.ask(Identify(10, 11))[0] == Ack(10, Identify.TYPE, Result.OK)
    assert host.hub.identified == [11]
    assert host.ask(Identify(11, 99))[0].result == Result.INVALID_ARGUMENT  # type: ignore[union-attr]
    assert host.ask(Start(12)) == [Ack(12, Start.TYPE, Result.OK)]
    assert host.ask(HelloRequest(13))[0].streaming  # type: ignore[union-attr]
    assert host.samples(0.1)
    assert host.ask(Stop(14)) == [Ack(14, Stop.TYPE, Result.OK)]
    assert host.samples(0.5) == []


def test_samples_come_at_the_rate_with_hub_time_and_no_gap(start: Callable[..., Host], clock: object) -> None:
    host = start(settings=PROMPT, skew_ppm=400.0)
    samples = host.samples(20.0)
    assert [s.sequence for s in samples] == list(range(len(samples)))
    times = np.array([s.hub_time_us for s in samples])
    np.testing.assert_allclose(np.diff(times), 10000, atol=1)
    # A hub clock that is 400 ppm fast takes 0.8 samples more in twenty seconds.
    assert len(samples) == pytest.approx(2000 * 1.0004, abs=1.5)
    pong = host.ask(Ping(99))[0]
    assert isinstance(pong, Pong)
    assert pong.token == 99
    assert pong.hub_time_us == pytest.approx((12.0 + 20.0 * 1.0004) * 1e6, abs=100)


def test_jitter_delays_but_never_reorders_or_loses(start: Callable[..., Host]) -> None:
    host = start(settings=HubSettings(jitter_s=0.02))
    samples = host.samples(10.0)
    assert [s.sequence for s in samples] == list(range(len(samples)))
    assert len(samples) > 980
    assert host.hub.cadence.worst_late_s > 0.02


def test_truth_is_the_motion_at_the_sample(start: Callable[..., Host]) -> None:
    host = start()
    host.wait(6.0)
    motion = performance()
    for sequence in (0, 500, 8400 + 500):
        np.testing.assert_allclose(host.hub.truth(sequence), motion.weights[round(sequence % 8400 * 0.6)], atol=0.12)
    assert host.hub.truth(500).max() > 0.3
    np.testing.assert_allclose(host.hub.truth(500), host.hub.truth(8900), atol=1e-9)


def test_start_twice_changes_nothing(start: Callable[..., Host]) -> None:
    host = start(model=perfect_part(), settings=PROMPT)
    first = host.samples(1.0)
    host.ask(Start(2))
    second = host.samples(1.0)
    assert second[0].sequence == first[-1].sequence + 1


def test_start_again_begins_the_motion_again(start: Callable[..., Host]) -> None:
    host = start(model=perfect_part(), settings=PROMPT)
    first = host.samples(5.0)
    host.ask(Stop(2))
    host.ask(Start(3))
    second = host.samples(5.0)
    assert second[0].sequence == 0
    assert [s.motion for s in second[:400]] == [s.motion for s in first[:400]]


def test_rate_change_keeps_sequence_and_motion(start: Callable[..., Host]) -> None:
    host = start(settings=PROMPT)
    before = host.samples(4.0)
    host.ask(SetRate(2, 50))
    after = host.samples(4.0)
    sequences = [s.sequence for s in (*before, *after)]
    assert sequences == list(range(len(sequences)))
    assert len(after) == pytest.approx(200, abs=2)
    np.testing.assert_allclose(np.diff([s.hub_time_us for s in after]), 20000, atol=1)
    last = sequences[-1]
    assert host.hub.motion_time_s(last) == pytest.approx(len(before) / 100 + (last - len(before)) / 50, abs=1e-9)


def test_truth_before_start_is_an_error(make_hub: MakeHub) -> None:
    with pytest.raises(LookupError, match="START"):
        make_hub().truth(0)


def test_gravity_survives_the_wire(start: Callable[..., Host]) -> None:
    sample = start().samples(0.5)[-1]
    accel = sample.accel * accel_scale(8)  # type: ignore[operator]
    np.testing.assert_allclose(np.linalg.norm(accel, axis=-1), GRAVITY_M_S2, atol=0.5)
    quaternion = sample.quaternion / 32767.0  # type: ignore[operator]
    np.testing.assert_allclose(np.linalg.norm(quaternion, axis=-1), 1.0, atol=1e-4)
    assert set(sample.status) == {UnitStatus.OK}


def test_same_seed_same_bytes(make_hub: MakeHub, clock: object) -> None:
    streams = []
    for seed in (5, 5, 6):
        clock.now_s = 1000.0  # type: ignore[attr-defined]
        hub = make_hub(seed=seed)
        sent = b"".join(hub.receive(encode(Start(1))))
        for _ in range(300):
            clock.now_s += 0.005  # type: ignore[attr-defined]
            sent += b"".join(hub.due())
        streams.append(sent)
    assert streams[0] == streams[1]
    assert streams[0] != streams[2]


def test_silence_ends_streaming_over_udp(start: Callable[..., Host]) -> None:
    host = start(settings=HubSettings(silence_s=2.0))
    assert host.samples(1.5)
    host.ask(Ping(1))
    assert host.samples(1.5)
    host.wait(1.0)
    assert not host.hub.streaming
    assert any(isinstance(p, Hello) for p in host.wait(1.5))


@given(st.lists(st.binary(max_size=200), max_size=20))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_from_the_host_do_harm(make_hub: MakeHub, clock: object, chunks: list[bytes]) -> None:
    host = Host(make_hub(), clock)
    for chunk in chunks:
        host.hub.receive(chunk)
    host.hub.receive(b"\0")
    assert host.ask(HelloRequest(1))[-1] == Ack(1, HelloRequest.TYPE, Result.OK)


def named(layout: SensorLayout, *names: str) -> list[int]:
    return [layout.names.index(name) for name in names]


def test_dead_and_faulty_units_begin_when_told(start: Callable[..., Host], layout: SensorLayout) -> None:
    host = start(Faults(begin_s=1.0, dead=("mentalis",), faulty=("skull",)), settings=PROMPT)
    mentalis, skull = named(layout, "mentalis", "skull")
    samples = host.samples(2.0)
    assert samples[50].status[mentalis] == samples[50].status[skull] == UnitStatus.OK
    last = samples[-1]
    assert last.status[mentalis] == UnitStatus.MISSING
    assert last.status[skull] == UnitStatus.FAULT
    assert not last.gyro[[mentalis, skull]].any()  # type: ignore[index]
    assert not last.quaternion[[mentalis, skull]].any()  # type: ignore[index]
    others = [i for i in range(12) if i not in (mentalis, skull)]
    assert {last.status[i] for i in others} == {UnitStatus.OK}


def test_exchanged_units_send_each_other_s_values(start: Callable[..., Host], layout: SensorLayout) -> None:
    left, right = layout.names.index("zygomaticus_left"), layout.names.index("zygomaticus_right")
    plain = start(Faults(), settings=PROMPT).samples(0.3)
    other = start(Faults(exchanged=("zygomaticus_left", "zygomaticus_right")), settings=PROMPT).samples(0.3)
    for before, after in zip(plain, other, strict=True):
        assert np.array_equal(after.gyro[left], before.gyro[right])  # type: ignore[index]
        assert np.array_equal(after.accel[right], before.accel[left])  # type: ignore[index]
        assert np.array_equal(after.gyro[0], before.gyro[0])  # type: ignore[index]
    with pytest.raises(SimulatorConfigError, match="pairs"):
        Faults(exchanged=("zygomaticus_left",)).check(layout.names)


def test_frozen_unit_repeats_itself_and_claims_to_be_well(start: Callable[..., Host], layout: SensorLayout) -> None:
    host = start(Faults(begin_s=0.5, frozen=("zygomaticus_left",)), settings=PROMPT)
    (unit,) = named(layout, "zygomaticus_left")
    samples = host.samples(3.0)
    frozen = np.stack([s.gyro[unit] for s in samples[51:]])  # type: ignore[index]
    assert np.ptp(frozen, axis=0).max() == 0
    assert all(s.status[unit] == UnitStatus.OK for s in samples)
    assert np.ptp(np.stack([s.gyro[unit] for s in samples[:50]]), axis=0).max() > 0  # type: ignore[index]
    assert np.ptp(np.stack([s.gyro[unit + 1] for s in samples]), axis=0).max() > 0  # type: ignore[index]


def test_saturated_unit_sits_at_the_end_of_its_range(start: Callable[..., Host], layout: SensorLayout) -> None:
    sample = start(Faults(saturated=("mentalis",))).samples(0.3)[-1]
    (unit,) = named(layout, "mentalis")
    assert sample.status[unit] == UnitStatus.OK | UnitStatus.GYRO_SATURATED | UnitStatus.ACCEL_SATURATED
    assert np.all(np.abs(sample.gyro[unit].astype(int)) >= 32767)  # type: ignore[index]


def test_spikes_are_rare_and_huge(start: Callable[..., Host]) -> None:
    samples = start(Faults(spike_rate_hz=1.0), settings=PROMPT).samples(20.0)
    gyro = np.stack([s.gyro for s in samples]).astype(int)  # type: ignore[arg-type]
    huge = np.abs(gyro).max(axis=-1) > 8000  # 250 deg/s: no face does that
    assert huge.sum() == pytest.approx(240, rel=0.3)
    assert all(s == UnitStatus.OK for sample in samples for s in sample.status)


def test_drops_show_as_gaps_and_damage_as_rejects(start: Callable[..., Host]) -> None:
    host = start(Faults(drop=0.1), settings=PROMPT)
    sequences = [s.sequence for s in host.samples(20.0)]
    assert len(sequences) == pytest.approx(1800, rel=0.03)
    assert sequences[-1] > 1980
    host = start(Faults(corrupt=0.2, garbage_rate_hz=2.0), settings=PROMPT)
    samples = host.samples(20.0)
    assert 1300 < len(samples) < 1800
    assert sum(host.parser.rejects.values()) > 300
    assert host.parser.rejects["wrong_version"] == 0


def test_stall_is_silent_counts_on_and_ends(start: Callable[..., Host]) -> None:
    host = start(Faults(stall_at_s=1.0, stall_s=0.7), settings=PROMPT)
    assert host.samples(0.95)
    host.wait(0.1)
    assert host.wait(0.5) == []
    assert host.ask(Ping(1)) == []
    after = host.samples(0.5)
    assert after[0].sequence == pytest.approx(170, abs=3)


def test_reboot_forgets_streaming_and_restarts_the_clock_once(start: Callable[..., Host]) -> None:
    host = start(Faults(reboot_at_s=1.0), settings=PROMPT)
    before = host.ask(HelloRequest(1))[0]
    packets = host.wait(1.3)
    after = next(p for p in packets if isinstance(p, Hello))
    assert isinstance(before, Hello)
    assert after.boot_id != before.boot_id
    assert not after.streaming
    assert host.ask(Ping(1))[0].hub_time_us < 1_000_000  # type: ignore[union-attr]
    host.ask(Start(2))
    again = host.samples(3.0)
    assert [s.sequence for s in again] == list(range(len(again)))
    assert len(again) > 290


def test_wrong_version_is_seen_as_that(start: Callable[..., Host]) -> None:
    host = start(Faults(wrong_version=True))
    host.wait(0.2)
    assert host.parser.packets == 0
    assert host.parser.found_version == 2
    assert host.parser.rejects["wrong_version"] > 10


def test_missing_and_unlisted_units(start: Callable[..., Host], layout: SensorLayout) -> None:
    host = start(Faults(missing=("levator_left",), unlisted=("skull", "mentalis")))
    hello = host.ask(HelloRequest(1))[0]
    assert isinstance(hello, Hello)
    assert len(hello.sensors) == 10
    assert [s.place for s in hello.sensors if not s.present] == ["levator_left"]
    sample = host.samples(0.2)[-1]
    assert len(sample.status) == 10
    index = [s.place for s in hello.sensors].index("levator_left")
    assert sample.status[index] == UnitStatus.MISSING
    assert host.ask(Identify(2, layout.names.index("mentalis")))[0].result == Result.INVALID_ARGUMENT  # type: ignore[union-attr]


def test_hub_without_fusion_sends_no_quaternion(start: Callable[..., Host]) -> None:
    sample = start(Faults(no_quaternion=True)).samples(0.2)[-1]
    assert sample.quaternion is None
    assert sample.gyro is not None


def test_faults_can_change_while_running(start: Callable[..., Host], layout: SensorLayout) -> None:
    host = start(settings=PROMPT)
    (unit,) = named(layout, "mentalis")
    assert host.samples(1.0)[-1].status[unit] == UnitStatus.OK
    host.hub.set_faults(Faults(dead=("mentalis",)))
    assert host.samples(1.0)[-1].status[unit] == UnitStatus.MISSING
    host.hub.set_faults(Faults())
    assert host.samples(1.0)[-1].status[unit] == UnitStatus.OK


@pytest.mark.parametrize(
    ("faults", "word"),
    [
        (Faults(dead=("nose",)), "nose"),
        (Faults(drop=1.5), "drop"),
        (Faults(spike_rate_hz=-1.0), "spike_rate_hz"),
        (Faults(corrupt=float("nan")), "corrupt"),
    ],
)
def test_impossible_faults_are_refused(make_hub: MakeHub, faults: Faults, word: str) -> None:
    with pytest.raises(SimulatorConfigError, match=word):
        make_hub(faults)


def test_a_long_pause_of_the_process_loses_old_samples_only(start: Callable[..., Host], clock: object) -> None:
    host = start(settings=PROMPT)
    host.samples(1.0)
    clock.now_s += 30.0  # type: ignore[attr-defined]
    late = [p for p in host.parser.feed(b"".join(host.hub.due())) if isinstance(p, Sample)]
    assert len(late) <= 101
    assert late[-1].sequence == pytest.approx(3100, abs=2)
    assert host.hub.cadence.overruns > 0
