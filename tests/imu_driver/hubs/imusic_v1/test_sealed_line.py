"""A hub with a key: who has it is heard, and nobody else, whatever is done to the line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout
from imu_driver.diagnostics import ERROR, Reporter
from imu_driver.hub import FROM_HUB, LINE, TO_HUB, ConnectionState
from imu_driver.hub_thread import HubThread
from imu_driver.hubs import make_hub, sealed
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.protocol.seal import SEAL_REASONS, HostEnd, HubEnd, SessionKeys, hkdf_sha256
from imu_driver.hubs.imusic_v1.sealed_line import SealedLine
from imu_driver.hubs.imusic_v1.session import HubSession
from imu_driver.recorded_bytes import RecordedBytesTransport, RecordingTransport
from imu_driver.replay import Piece, hub_snapshot, replayed
from imu_driver.transport import IsHub
from imu_sim.hub.faults import Faults
from imu_sim.hub.guard import HubGuard

if TYPE_CHECKING:
    from conftest import Rig

    MakeRig = Callable[..., Rig]

KEY = bytes(range(32))
OTHER_KEY = bytes(reversed(range(32)))
CONNECTED = ConnectionState.CONNECTED
PACKETS: list[p.HubPacket] = [
    p.Hello(1, 100, 400, 7, "hub", "1", (p.SensorInfo(0, "skull", "QMI8658", 1024, 8),), 3),
    p.Sample.from_arrays(
        5, 10**9, np.ones(12, np.uint8), gyro=np.full((12, 3), -7, np.int16), accel=np.zeros((12, 3), np.int16)
    ),
    p.Pong(7, 2**40),
    p.Ack(3, 0x82, 0),
]
HOST_PACKETS: list[p.HostPacket] = [p.HelloRequest(0), p.SetRate(2, 100), p.Start(3), p.Ping(9), p.Identify(4, 2)]


# What it is built of.


@pytest.mark.parametrize(
    ("salt", "info", "expected"),
    [  # RFC 5869, test cases 1 and 3
        (
            bytes(range(13)),
            bytes(range(0xF0, 0xFA)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (b"", b"", "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
    ],
)
def test_keys_are_derived_as_the_rfc_says(salt: bytes, info: bytes, expected: str) -> None:
    assert hkdf_sha256(b"\x0b" * 22, salt, info, 42).hex() == expected


class NoLine:
    """A transport on which the test puts what is read."""

    foreign = 0
    datagrams = True
    description = "no line"

    def __init__(self) -> None:
        self.waiting: list[bytes] = []
        self.sent: list[bytes] = []

    def open(self, is_hub: IsHub | None = None) -> None:
        pass

    def read(self, timeout_s: float) -> bytes:
        return self.waiting.pop(0) if self.waiting else b""

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        pass


def test_a_key_of_another_length_or_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a key of 32 bytes, found 31"):
        sealed("imusic_v1", NoLine(), KEY[:31])
    with pytest.raises(ValueError, match="kind of hub that has keys"):
        sealed("another", NoLine(), KEY)


def ends() -> tuple[HostEnd, HubEnd]:
    keys = SessionKeys(KEY, bytes(16), bytes([1] * 16))
    return keys.host_end(), keys.hub_end()


def sealed_by_hub(frame: bytes) -> p.SealedByHub:
    packet = p.decode(frame)
    assert isinstance(packet, p.SealedByHub)
    return packet


@pytest.mark.parametrize("packet", PACKETS, ids=lambda packet: type(packet).__name__)
def test_what_the_hub_seals_the_host_opens_once(packet: p.HubPacket) -> None:
    host, hub = ends()
    frame = hub.seal(packet)
    assert host.open(sealed_by_hub(frame)) == packet
    assert host.open(sealed_by_hub(frame)) == "replayed"


def test_nothing_that_is_no_packet_of_version_1_may_be_sealed() -> None:
    host, hub = ends()
    nested = p.Refused("x")
    with pytest.raises(p.ProtocolError, match="may be sealed"):
        host.open(sealed_by_hub(hub.seal(nested)))  # type: ignore[arg-type]


# A driver and a hub on virtual time.


def test_both_have_the_key(make_rig: MakeRig) -> None:
    rig = make_rig(key=KEY, hub_key=KEY)
    assert rig.run_to(CONNECTED) < 1.0
    samples = rig.run(3.0)
    assert 297 <= len(samples) <= 302
    figures = rig.session.figures()
    assert figures.lost == figures.reboots == 0
    assert not any(figures.rejected.values()), figures.rejected
    assert rig.seal is not None
    assert rig.seal.sessions == rig.hub.guard.sessions == 1
    assert not any(rig.hub.guard.rejects.values()) or rig.hub.guard.rejects["unsealed"] <= 1
    done = rig.session.identify(3)
    rig.run(0.2)
    assert done.result().ok


def told(rig: Rig, layout: SensorLayout) -> str:
    """What the diagnostics say; they are never OK meanwhile, and never better than ERROR once the reason is known."""
    reporter = Reporter(rig.session, HubThread(rig.session, lambda _sample: None), layout, rig.clock())
    reporter._thread = _Alive()  # type: ignore[assignment]
    levels = []
    for _ in range(40):
        assert not rig.run(0.25)
        report = reporter.report(rig.clock())
        levels.append(report.level)
    assert set(levels[8:]) == {ERROR}, levels
    assert rig.session.state is not CONNECTED
    return report.message


class _Alive:
    alive, newest = True, None


@pytest.mark.parametrize(
    ("key", "hub_key", "words"),
    [
        (KEY, OTHER_KEY, "the hub has another key than this driver: give both the same key"),
        (KEY, None, "the hub has none: give it this key"),
        (None, KEY, "set the driver's `key_file`"),
    ],
    ids=["another key", "the hub has none", "the driver has none"],
)
def test_a_key_that_does_not_fit_is_told_and_healed(
    make_rig: MakeRig, layout: SensorLayout, key: bytes | None, hub_key: bytes | None, words: str
) -> None:
    rig = make_rig(key=key, hub_key=hub_key)
    assert words in told(rig, layout)
    # The hub is given the right key, which is a boot.
    rig.hub.guard = HubGuard(key, rig.clock) if key is not None else None
    rig.hub.reboot()
    rig.run_to(CONNECTED, limit_s=4.0)
    assert rig.run(1.0)
    assert rig.session.problem == ""


def test_a_hub_of_version_1_0_is_told_as_such(make_rig: MakeRig, layout: SensorLayout) -> None:
    from dataclasses import replace

    rig = make_rig(key=KEY)
    rig.hub.spoil = lambda hello: replace(hello, flags=hello.flags & 1)
    assert "version 1.0, which knows none: update its firmware" in told(rig, layout)
    assert rig.session.figures().rejected["unsealed"] > 5


def test_another_version_is_told(make_rig: MakeRig, layout: SensorLayout) -> None:
    rig = make_rig(key=KEY)
    rig.hub.set_faults(Faults(wrong_version=True))
    assert "found version 2" in told(rig, layout)


def test_a_hub_that_boots_has_a_new_session(make_rig: MakeRig) -> None:
    rig = make_rig(key=KEY, hub_key=KEY)
    rig.run_to(CONNECTED)
    rig.run(1.0)
    rig.hub.reboot()
    rig.run(0.05)
    rig.run_to(CONNECTED, limit_s=1.0)
    assert rig.run(1.0)
    assert rig.session.counters.reboots == 1
    assert rig.seal is not None
    assert rig.seal.sessions == 2


def test_a_driver_that_comes_again_has_a_new_session(make_rig: MakeRig, layout: SensorLayout) -> None:
    rig = make_rig(key=KEY, hub_key=KEY)
    rig.run_to(CONNECTED)
    rig.run(1.0)  # it dies without a word, and the hub streams on
    seal = SealedLine(rig.line, KEY, rig.clock)
    rig.session = HubSession(seal, layout, 100, clock=rig.clock, wait=rig.clock.advance)
    assert rig.run_to(CONNECTED) < 1.5
    assert rig.run(1.0)
    assert rig.hub.guard.sessions == 2


@pytest.mark.parametrize("way", ["from_hub", "to_hub"])
def test_a_line_that_loses_half_heals(make_rig: MakeRig, way: str) -> None:
    rig = make_rig(key=KEY, hub_key=KEY)
    random = np.random.default_rng(5)
    setattr(rig.line, way, lambda data: [data] if random.random() < 0.5 else [])
    rig.run(20.0)
    setattr(rig.line, way, None)
    rig.run(1.0)
    rig.run_to(CONNECTED, limit_s=4.0)
    assert len(rig.run(1.0)) >= 90
    assert rig.seal is not None
    assert not rig.seal.rejected["bad_tag"]


def test_an_unplugged_hub_comes_back(make_rig: MakeRig) -> None:
    rig = make_rig(key=KEY, hub_key=KEY)
    for _ in range(5):
        rig.run_to(CONNECTED, limit_s=4.0)
        assert rig.run(0.5)
        rig.line.plugged = False
        rig.run(0.5)
        rig.hub.reboot()
        rig.line.plugged = True


# Somebody on the line.


def test_replayed_frames_are_refused(make_rig: MakeRig) -> None:
    rig = make_rig(key=KEY, hub_key=KEY)
    kept: list[bytes] = []
    rig.line.from_hub = lambda frame: [frame, kept[-1]] if (kept.append(frame) or len(kept)) > 50 else [frame]  # type: ignore[func-returns-value]
    rig.run_to(CONNECTED)
    samples = rig.run(2.0)
    assert rig.seal is not None
    assert rig.seal.rejected["replayed"] > 100
    assert len({sample.sequence for sample in samples}) == len(samples) > 190
    assert rig.session.counters.out_of_order == 0, "the session above never sees them"


def test_an_old_recording_of_the_same_hub_is_no_hub(make_rig: MakeRig) -> None:
    """All that a hub ever said, once more: nothing of it is taken."""
    rig = make_rig(key=KEY, hub_key=KEY)
    kept: list[bytes] = []
    rig.line.from_hub = lambda frame: [kept.append(frame) or frame]  # type: ignore[func-returns-value]
    rig.run_to(CONNECTED)
    assert rig.run(2.0)
    again = NoLine()
    seal = SealedLine(again, KEY, rig.clock)
    seal.open()
    seal.write(p.encode(p.HelloRequest(0)))
    again.waiting = list(kept)
    assert b"".join(seal.read(0.0) for _ in kept) == b""
    assert seal.rejected["replayed"] >= 1
    assert seal.rejected["no_session"] > 200


def test_old_commands_do_nothing(make_rig: MakeRig) -> None:
    rig = make_rig(key=KEY, hub_key=KEY)
    kept: list[bytes] = []
    rig.line.to_hub = lambda data: [kept.append(data) or data]  # type: ignore[func-returns-value]
    rig.run_to(CONNECTED)
    rig.session.set_streaming(False)
    rig.run(0.5)
    rig.session.set_streaming(True)
    rig.run(0.5)
    before = len(rig.hub.received)
    for data in kept:
        rig.hub.receive(data)
    assert len(rig.hub.received) == before
    assert rig.hub.guard.rejects["replayed"] >= 8
    assert rig.run(1.0)
    assert rig.session.state is CONNECTED


def test_what_is_reflected_is_refused(make_rig: MakeRig) -> None:
    rig = make_rig(key=KEY, hub_key=KEY)
    rig.line.to_hub = lambda data: [rig.line.deliver(data) or data]  # type: ignore[func-returns-value]
    rig.run_to(CONNECTED)
    assert rig.run(1.0)
    assert rig.seal is not None
    assert rig.seal.rejected["reflected"] >= 5
    assert rig.seal.sessions == 1
    host, _hub = ends()
    sealed_by_host = p.decode(host.seal(p.Ping(1)))
    assert isinstance(sealed_by_host, p.SealedByHost)
    # With its type changed to that of the hub, and the checksum made anew.
    turned = p.SealedByHub(sealed_by_host.counter, sealed_by_host.inner, sealed_by_host.tag)
    assert host.judged(turned) == "bad_tag"


def test_plain_frames_between_are_refused(make_rig: MakeRig) -> None:
    """Who feigns the hub without the key: HELLO of another boot, samples, REFUSED."""
    rig = make_rig(key=KEY, hub_key=KEY)
    rig.run_to(CONNECTED)
    for packet in (*PACKETS, p.Refused("go away"), p.AuthChallenge(bytes(16), bytes(16), bytes(16))):
        for _ in range(20):
            rig.line.deliver(p.encode(packet))
            rig.run(0.01)
    rig.run(0.5)
    assert rig.session.state is CONNECTED
    assert rig.session.counters.connections == 1
    assert rig.session.counters.reboots == 0
    assert rig.seal is not None
    assert rig.seal.rejected["unsealed"] == 80
    assert rig.seal.rejected["replayed"] == 20
    assert rig.session.counters.lost == 0


def test_a_hub_does_nothing_without_a_seal(make_rig: MakeRig) -> None:
    rig = make_rig(key=KEY, hub_key=KEY)
    answers = [frame for packet in HOST_PACKETS for frame in rig.hub.receive(p.encode(packet))]
    assert [type(p.decode(frame)) for frame in answers] == [p.Refused]
    assert not rig.hub.streaming
    assert rig.hub.guard.rejects["unsealed"] == len(HOST_PACKETS)
    assert all(isinstance(p.decode(frame), p.Refused) for frame in rig.hub.due())


@st.composite
def damage(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """A change of a packet, behind which the checksum is made anew: what a line does not do, but somebody on it."""
    kind = draw(st.sampled_from(["flip", "cut", "grow", "counter"]))
    at, bit, more = draw(st.integers(0, 10**6)), draw(st.integers(0, 7)), draw(st.binary(min_size=1, max_size=20))

    def change(body: bytes) -> bytes:
        place = 2 + at % (len(body) - 2)
        if kind == "flip":
            return body[:place] + bytes((body[place] ^ (1 << bit),)) + body[place + 1 :]
        if kind == "cut":
            return body[:place]
        if kind == "grow":
            return body + more
        return body[:2] + bytes((body[2] ^ (1 << bit),)) + body[3:]

    return change


def _again(frame: bytes, change: Callable[[bytes], bytes]) -> bytes:
    import zlib

    from cobs import cobs

    body = change(cobs.decode(frame[:-1])[:-4])
    return bytes(cobs.encode(body + zlib.crc32(body).to_bytes(4, "little"))) + b"\0"


@given(st.sampled_from(PACKETS), damage())
def test_whatever_is_changed_of_an_envelope_is_refused(packet: p.HubPacket, change: Callable[[bytes], bytes]) -> None:
    host, hub = ends()
    frame = _again(hub.seal(packet), change)
    try:
        found = p.decode(frame)
    except p.ProtocolError:
        return
    assert isinstance(found, p.SealedByHub)
    assert host.open(found) == "bad_tag"


@given(st.sampled_from(HOST_PACKETS), damage())
def test_whatever_is_changed_of_a_command_is_refused(packet: p.HostPacket, change: Callable[[bytes], bytes]) -> None:
    host, hub = ends()
    frame = _again(host.seal(packet), change)
    try:
        found = p.decode(frame)
    except p.ProtocolError:
        return
    assert isinstance(found, p.SealedByHost)
    assert hub.open(found) == "bad_tag"


@given(st.permutations(range(12)))
def test_what_comes_out_of_order_is_taken_upwards_only(order: list[int]) -> None:
    host, hub = ends()
    frames = [hub.seal(p.Pong(number, 1)) for number in range(12)]
    newest = -1
    for number in order:
        found = host.open(sealed_by_hub(frames[number]))
        assert found == (p.Pong(number, 1) if number > newest else "replayed")
        newest = max(newest, number)


def test_a_slow_hub_that_answers_each_request_is_no_attack() -> None:
    line, now = NoLine(), [0.0]
    seal = SealedLine(line, KEY, lambda: now[0], draw=bytes)
    seal.open()
    challenge = p.encode(SessionKeys(KEY, bytes(16), bytes(16)).challenge)
    for _ in range(3):
        seal.write(p.encode(p.HelloRequest(0)))
        now[0] += 0.25
    for _ in range(3):
        line.waiting.append(challenge)
        seal.read(0.0)
    assert (seal.sessions, seal.rejected["replayed"]) == (1, 0)
    now[0] += 10.0
    line.waiting.append(challenge)
    seal.read(0.0)
    assert (seal.sessions, seal.rejected["replayed"]) == (1, 1), "somebody else, by now"


pieces = st.binary(max_size=60) | st.sampled_from(
    [p.encode(packet) for packet in (*PACKETS, *HOST_PACKETS, p.Refused("x"))]
    + [SessionKeys(KEY, bytes(16), bytes(16)).hub_end().seal(packet) for packet in PACKETS]
    + [SessionKeys(KEY, bytes(16), bytes(16)).host_end().seal(packet) for packet in HOST_PACKETS]
    + [p.encode(SessionKeys(KEY, bytes(16), bytes(16)).challenge), p.encode(p.AuthRequest(bytes(16)))]
)


@given(st.lists(pieces, max_size=30), st.booleans())
@example([p.encode(SessionKeys(KEY, bytes(16), bytes(16)).challenge)] * 2, True)
def test_no_bytes_harm_the_host(chunks: list[bytes], known: bool) -> None:
    line = NoLine()
    now = [0.0]
    # The nonce may be guessed here, so that challenges of the right and of the wrong key come through.
    seal = SealedLine(line, KEY if known else OTHER_KEY, lambda: now[0], draw=bytes)
    seal.open()
    for chunk in chunks:
        now[0] += 0.1
        seal.write(p.encode(p.HelloRequest(0)))
        line.waiting.append(chunk)
        for frame in seal.read(0.0).split(b"\0")[:-1]:
            packet = p.decode(frame)
            assert isinstance(packet, p.Refused) or (known and packet in PACKETS)
        seal._has_key(chunk)
    assert seal.parser.pending <= p.MAX_FRAME


@given(st.lists(pieces, max_size=30))
def test_no_bytes_harm_the_hub(chunks: list[bytes]) -> None:
    guard = HubGuard(OTHER_KEY, lambda: 0.0, draw=bytes)
    parser = p.StreamParser()
    for chunk in chunks:
        inner, answers = guard.opened(parser.feed(chunk))
        assert inner == []
        assert all(isinstance(p.decode(answer), p.Refused | p.AuthChallenge) for answer in answers)
    assert guard.sessions == 0
    assert set(guard.rejects) == set(SEAL_REASONS)


@given(st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_to_the_line_the_session_heals(make_rig: MakeRig, data: st.DataObject) -> None:
    """Losses, repetitions, changed bytes and boots for a while; then samples flow, and none was made up."""
    rig = make_rig(key=KEY, hub_key=KEY)
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    kept: list[bytes] = [b"\0"]

    def spoil(frame: bytes) -> list[bytes]:
        kept.append(frame)
        what = random.integers(0, 12)
        if what == 0:
            return []
        if what == 1:
            return [kept[random.integers(0, len(kept))], frame]
        if what == 2:
            return [bytes((frame[0] ^ 1, *frame[1:]))]
        return [frame]

    rig.line.from_hub = rig.line.to_hub = spoil
    for _ in range(data.draw(st.integers(1, 4))):
        rig.run(data.draw(st.floats(0.1, 3.0)))
        if data.draw(st.booleans()):
            rig.hub.reboot()
    rig.line.from_hub = rig.line.to_hub = None
    rig.run(1.0)
    rig.run_to(CONNECTED, limit_s=6.0)
    assert len(rig.run(1.0)) >= 90


# Recordings.


def test_a_recording_is_read_without_the_key(make_rig: MakeRig, layout: SensorLayout, tmp_path: Path) -> None:
    rig = make_rig(hub_key=KEY)
    path = tmp_path / "bytes"
    recorder = RecordingTransport(sealed("imusic_v1", rig.line, KEY, rig.clock), path, rig.clock)
    rig.session = HubSession(recorder, layout, 100, clock=rig.clock, wait=rig.clock.advance)
    rig.run_to(CONNECTED)
    samples = rig.run(1.0)
    recorder.close_file()
    assert KEY not in path.read_bytes()
    listener = make_hub("imusic_v1", RecordedBytesTransport(path), layout, 100)
    found: list[ImuSample] = []
    while listener.state is not ConnectionState.ENDED:
        found += listener.step()
    assert len(found) >= len(samples) > 90
    by_number = {sample.hub_time_s: sample for sample in found}
    for sample in samples:
        np.testing.assert_array_equal(by_number[sample.hub_time_s].angular_velocity, sample.angular_velocity)


def test_a_tap_is_replayed_without_the_key(make_rig: MakeRig, layout: SensorLayout) -> None:
    rig = make_rig(key=KEY, hub_key=KEY)
    pieces: list[Piece] = []
    rig.session.tap = lambda what, time_s, data: pieces.append(Piece(what, time_s, data, round(1e9 * time_s)))
    snapshot = hub_snapshot(rig.session, "imusic_v1", layout, 100, False)
    samples = [*rig.run(2.0)]
    rig.hub.reboot()
    samples += rig.run(2.0)
    assert {piece.direction for piece in pieces} == {FROM_HUB, TO_HUB, LINE}
    again = [found.sample for found in replayed(snapshot, pieces)]
    assert len(again) == len(samples) > 300
    for one, other in zip(again, samples, strict=True):
        assert one.host_time_s == other.host_time_s
        np.testing.assert_array_equal(one.specific_force, other.specific_force)
    assert KEY not in snapshot
    assert KEY.hex().encode() not in snapshot
