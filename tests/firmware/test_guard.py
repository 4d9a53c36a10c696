"""The firmware's seals against the driver's own: the same keys, the same bytes, the same refusals."""

from __future__ import annotations

import ctypes as c
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiled_firmware import CompiledHub, Reading
from face_model.layout import load_layout
from imu_driver.hub import ConnectionState
from imu_driver.hubs import make_hub, sealed
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.protocol.seal import SessionKeys, hkdf_sha256
from imu_sim.hub.guard import HubGuard
from recorded_hub import SimulatedLine, VirtualClock

KEY = bytes(range(32))
OTHER_KEY = bytes(reversed(range(32)))
HOST_NONCE, HUB_NONCE = bytes([0xA5] * 16), bytes([0x3C] * 16)
LAYOUT = load_layout("face_12")
SENSORS = tuple(p.SensorInfo(sensor.id, sensor.name, "QMI8658", 1024, 8) for sensor in LAYOUT.sensors)
COMMANDS: list[p.HostPacket] = [
    p.HelloRequest(1), p.SetRate(2, 100), p.Start(3), p.Ping(9), p.Identify(4, 2), p.Identify(4, 99), p.Stop(5),
]  # fmt: skip


@given(st.binary(max_size=200), st.binary(max_size=150), st.binary(max_size=150))
def test_derived_keys_are_those_of_the_standard_library(library: c.CDLL, key: bytes, salt: bytes, info: bytes) -> None:
    """Through this, SHA-256 and HMAC of all lengths about a block."""
    out = c.create_string_buffer(96)
    library.imusic_hkdf(key, len(key), salt, len(salt), info, len(info), out, 3)
    assert out.raw == hkdf_sha256(key, salt, info, 96)


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000])
def test_hash(library: c.CDLL, size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    state, digest = c.create_string_buffer(256), c.create_string_buffer(32)
    library.imusic_sha256_begin(state)
    library.imusic_sha256_add(state, data, c.c_size_t(size))
    library.imusic_sha256_end(state, digest)
    assert digest.raw == hashlib.sha256(data).digest()


def test_the_vector_of_the_rfc(library: c.CDLL) -> None:
    """RFC 4231, test case 2."""
    state, digest = c.create_string_buffer(512), c.create_string_buffer(32)
    library.imusic_hmac_begin(state, b"Jefe", c.c_size_t(4))
    library.imusic_hmac_add(state, b"what do ya want for nothing?", c.c_size_t(28))
    library.imusic_hmac_end(state, digest)
    assert digest.raw.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert digest.raw == hmac.digest(b"Jefe", b"what do ya want for nothing?", "sha256")


class Frozen:
    """A clock that a test turns."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def still(due_us: int, readings: c.Array[Reading]) -> int:
    for number, reading in enumerate(readings):
        reading.status = 1
        reading.gyro[:] = [number, -number, due_us % 7]
        reading.accel[:] = [0, 0, 4096]
    return due_us


def pair(library: c.CDLL) -> tuple[CompiledHub, HubGuard, Frozen]:
    """Two hubs with the same key that draw the same nonces."""
    clock = Frozen()
    hub = CompiledHub(library, SENSORS, clock, still, key=KEY, nonce=HUB_NONCE)
    return hub, HubGuard(KEY, clock, draw=lambda _size: HUB_NONCE), clock


def plain_hub(library: c.CDLL, clock: Frozen) -> CompiledHub:
    return CompiledHub(library, SENSORS, clock, still)


def test_a_session_byte_for_byte(library: c.CDLL) -> None:
    """The same commands to both: what the C hub seals is what Python seals of the plain C hub's answers."""
    hub, guard, clock = pair(library)
    plain, parser = plain_hub(library, clock), p.StreamParser()
    refused = hub.due()
    plain.due()
    assert refused == [guard.sealed(p.Hello(1, 1, 1, 7, "", "", SENSORS))]
    request = p.encode(p.AuthRequest(HOST_NONCE))
    challenge = hub.receive(request)
    assert challenge == guard.opened(parser.feed(request))[1]
    assert hub.receive(request) == challenge, "the same nonce, the same answer"
    keys = SessionKeys(KEY, HOST_NONCE, HUB_NONCE)
    host = keys.host_end()
    for number, command in enumerate(COMMANDS * 2):
        clock.now_s += 0.013
        data = host.seal(command)
        inner, answers = guard.opened(parser.feed(data))
        assert inner == [command]
        assert answers == []
        expected = []
        for frame in plain.receive(p.encode(command)):
            packet = p.decode(frame)
            assert isinstance(packet, p.HubPacket)
            expected.append(guard.sealed(packet))
        assert hub.receive(data) == expected, number
        assert hub.receive(data) == [], "once more is once too often"
    assert hub.seal_counters == {
        "unsealed": 0, "bad_tag": 0, "replayed": 14, "no_session": 0, "bad_inner": 0, "sessions": 1,
    }  # fmt: skip


def test_a_host_without_the_key_is_refused_and_changes_nothing(library: c.CDLL) -> None:
    hub, guard, clock = pair(library)
    parser = p.StreamParser()
    hub.due()
    clock.now_s = 0.1
    wrong = SessionKeys(OTHER_KEY, HOST_NONCE, HUB_NONCE).host_end()
    for data in (
        *(p.encode(command) for command in COMMANDS),
        wrong.seal(p.Start(1)),
        p.encode(p.AuthRequest(HOST_NONCE)),
        wrong.seal(p.Start(1)),
    ):
        assert hub.hear(data) == 0
        _inner, answers = guard.opened(parser.feed(data))
        assert hub.due() == answers
    counters = hub.seal_counters
    assert (counters["unsealed"], counters["no_session"], counters["sessions"]) == (len(COMMANDS), 2, 0)
    assert counters["unsealed"] == guard.rejects["unsealed"]
    clock.now_s = 5.0
    assert all(isinstance(p.decode(frame), p.Refused) for frame in hub.due())


@given(st.data())
def test_whatever_is_changed_of_a_command_is_refused(library: c.CDLL, data: st.DataObject) -> None:
    hub, _guard, _clock = pair(library)
    hub.receive(p.encode(p.AuthRequest(HOST_NONCE)))
    host = SessionKeys(KEY, HOST_NONCE, HUB_NONCE).host_end()
    frame = bytearray(host.seal(data.draw(st.sampled_from(COMMANDS))))
    frame[data.draw(st.integers(0, len(frame) - 2))] ^= 1 << data.draw(st.integers(0, 7))
    assert hub.hear(bytes(frame)) == 0
    changed = p.SealedByHost(
        data.draw(st.integers(0, 2**64 - 1)), data.draw(st.binary(min_size=1, max_size=16)), bytes(16)
    )
    assert hub.hear(p.encode(changed)) == 0
    assert hub.hear(host.seal(p.Ping(1))) == 1


def test_what_the_host_sealed_and_is_no_packet_of_a_host_is_dropped(library: c.CDLL) -> None:
    hub, _guard, _clock = pair(library)
    hub.receive(p.encode(p.AuthRequest(HOST_NONCE)))
    host = SessionKeys(KEY, HOST_NONCE, HUB_NONCE).host_end()
    packets = (p.Ack(1, 2, 3), p.Pong(1, 2))
    for packet in packets:
        assert hub.hear(host.seal(packet)) == 0  # type: ignore[arg-type]
    assert hub.seal_counters["bad_inner"] == len(packets)


def test_the_driver_meets_it(library: c.CDLL) -> None:
    clock = VirtualClock()
    hub = CompiledHub(library, SENSORS, clock, still, key=KEY, nonce=HUB_NONCE)
    line = SimulatedLine(hub, clock)
    session = make_hub("imusic_v1", sealed("imusic_v1", line, KEY, clock), LAYOUT, 100, clock=clock)
    count = 0
    for _ in range(2000):
        count += len(session.step())
    assert session.state is ConnectionState.CONNECTED
    assert count > 900
    assert not any(session.figures().rejected.values()), session.figures().rejected
    stranger = make_hub("imusic_v1", sealed("imusic_v1", line, OTHER_KEY, clock), LAYOUT, 100, clock=clock)
    for _ in range(400):
        assert not stranger.step()
    assert "another key" in stranger.problem
