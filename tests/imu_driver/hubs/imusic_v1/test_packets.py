"""Golden packets, round trips, and docs/protocol.md against the code."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.protocol.seal import INFO, SEAL_REASONS, SessionKeys, hkdf_sha256

DOC = (Path(__file__).resolve().parents[4] / "docs" / "protocol.md").read_text(encoding="utf-8")

STATUS = np.array([1, 3], np.uint8)
QUATERNION = np.array([[0, 0, 0, 32767], [-16384, 16384, -16384, 16384]], np.int16)
GYRO = np.array([[0, -1, 256], [-32768, 32767, 3]], np.int16)
ACCEL = np.array([[0, 0, 4096], [1, -2, -4096]], np.int16)

HELLO = p.Hello(
    boot_id=0x12345678,
    rate_hz=100,
    max_rate_hz=400,
    fields=7,
    hub="face-hub",
    firmware="1.4.0",
    sensors=(
        p.SensorInfo(0, "skull", "QMI8658", 1024, 8),
        p.SensorInfo(11, "mentalis", "QMI8658", 1024, 8, flags=0),
    ),
    flags=1,
)
SAMPLE = p.Sample.from_arrays(41, 1_000_000, STATUS, quaternion=QUATERNION, gyro=GYRO, accel=ACCEL)
SAMPLE_RAW = p.Sample.from_arrays(4294967295, 5_000_000_000, np.array([1, 16], np.uint8), gyro=GYRO, accel=ACCEL)

KEY, HOST_NONCE, HUB_NONCE = bytes(range(32)), bytes(range(0xA0, 0xB0)), bytes(range(0xC0, 0xD0))

# fmt: off
GOLDEN: list[tuple[p.Packet, bytes]] = [
    (HELLO,
     b"\x08\x01\x01\x78\x56\x34\x12\x64"          # code 8; version 1, HELLO; boot_id; 100 Hz low byte (high byte: code)
     b"\x15\x90\x01\x01\x07\x02\x08face-hub"      # 400 Hz; flags; fields; 2 units; hub name
     b"\x051.4.0"                                 # firmware; its last byte ends the block: unit 0's id is the zero
     b"\x02\x01\x12\x04\x08\x05skull\x07QMI8658"  # id 0 (code), present; 1024 dps; 8 g; place; part
     b"\x0b\x01\x18\x04\x08\x08mentalis\x07QMI8658"  # id 11, not present (code); 1024 dps; 8 g; place; part
     b"\xb4\x71\xae\xb0\x00"),                    # CRC-32, delimiter
    (SAMPLE,
     b"\x04\x01\x02\x29\x01\x01\x04\x40\x42\x0f\x01\x01\x01\x01\x05\x07\x02\x01\x03"  # sequence, time, N, status
     b"\x01\x01\x01\x01\x01\x03\xff\x7f\x02\xc0\x02\x40\x02\xc0\x02\x40"  # quaternions
     b"\x01\x03\xff\xff\x02\x01\x05\x80\xff\x7f\x03"                      # gyro
     b"\x01\x01\x01\x01\x01\x03\x10\x01\x03\xfe\xff\x06\xf0"              # accel
     b"\xd3\xf1\x08\xf8\x00"),
    (SAMPLE_RAW,
     b"\x07\x01\x02\xff\xff\xff\xff\x05\xf2\x05\x2a\x01\x01\x01\x05\x06\x02\x01\x10"  # no quaternion block
     b"\x01\x03\xff\xff\x02\x01\x05\x80\xff\x7f\x03"
     b"\x01\x01\x01\x01\x01\x03\x10\x01\x03\xfe\xff\x06\xf0"
     b"\xc8\xf7\x17\xda\x00"),
    (p.Pong(7, 1234567890123), b"\x04\x01\x03\x07\x01\x01\x07\xcb\x04\xfb\x71\x1f\x01\x01\x05\xd9\x6f\x3a\xe4\x00"),
    (p.Ack(3, p.Start.TYPE, 0), b"\x04\x01\x04\x03\x02\x82\x01\x05\xe2\x23\x9b\x05\x00"),
    (p.Ack(4, p.SetRate.TYPE, 2, "rate 1 to 400 Hz"),
     b"\x04\x01\x04\x04\x18\x84\x02\x10rate 1 to 400 Hz\xf0\x68\x06\x2e\x00"),
    (p.HelloRequest(1), b"\x04\x01\x81\x01\x05\x8f\xf8\x14\x60\x00"),
    (p.SetRate(2, 100), b"\x04\x01\x84\x02\x02\x64\x05\x7c\x02\x60\x95\x00"),
    (p.Start(3), b"\x04\x01\x82\x03\x05\x54\x24\x64\x50\x00"),
    (p.Ping(7), b"\x04\x01\x85\x07\x01\x01\x05\x5d\x75\x4f\x9e\x00"),
    (p.Identify(5, 11), b"\x04\x01\x86\x05\x06\x0b\x29\x2c\x69\xa2\x00"),
    (p.Stop(256), b"\x03\x01\x83\x06\x01\x36\x2d\x8c\x0d\x00"),
    (p.Refused("key"), b"\x0b\x01\x05\x03key\x23\x20\x1a\xd5\x00"),
    (p.AuthRequest(HOST_NONCE), b"\x17\x01\x87" + HOST_NONCE + b"\x35\xa1\xc9\x4c\x00"),
    (p.AuthChallenge(HOST_NONCE, HUB_NONCE, bytes.fromhex("3ef189b1ae53d8d037a1717f66b99022")),
     b"\x37\x01\x06" + HOST_NONCE + HUB_NONCE +
     bytes.fromhex("3ef189b1ae53d8d037a1717f66b99022") + b"\xfb\x4b\x6b\x9b\x00"),
    (p.SealedByHost(1, b"\x81\x00\x00", bytes.fromhex("7e99581b5c47370bb6bc349953971725")),
     b"\x04\x01\x88\x01\x01\x01\x01\x01\x01\x01\x02\x81\x01\x15" +  # counter 1, HELLO_REQUEST 0
     bytes.fromhex("7e99581b5c47370bb6bc349953971725") + b"\x63\x70\x38\x4d\x00"),
    (p.SealedByHub(1, b"\x03" + p.Pong(7, 1234567890123).to_payload(),
                   bytes.fromhex("99d634fa749d8c65c1da5db14d187513")),
     b"\x04\x01\x07\x01\x01\x01\x01\x01\x01\x01\x03\x03\x07\x01\x01\x07\xcb\x04\xfb\x71\x1f\x01\x01\x15" +
     bytes.fromhex("99d634fa749d8c65c1da5db14d187513") + b"\x91\x78\xed\x81\x00"),
]
# fmt: on


@pytest.mark.parametrize(("packet", "frame"), GOLDEN, ids=[type(packet).__name__ for packet, _ in GOLDEN])
def test_golden(packet: p.Packet, frame: bytes) -> None:
    assert p.encode(packet) == frame
    assert p.decode(frame) == packet
    assert p.decode(frame[:-1]) == packet


def test_golden_seals_are_made_with_the_documented_key() -> None:
    keys = SessionKeys(KEY, HOST_NONCE, HUB_NONCE)
    frames = [frame for _, frame in GOLDEN]
    assert p.encode(keys.challenge) in frames
    assert keys.host_end().seal(p.HelloRequest(0)) in frames
    assert keys.hub_end().seal(p.Pong(7, 1234567890123)) in frames
    derived = hkdf_sha256(KEY, HOST_NONCE + HUB_NONCE, INFO, 96).hex()
    assert all(
        part in DOC.replace(" ", "").replace("\n", "") for part in (derived[:64], derived[64:128], derived[128:])
    )


def test_sample_blocks_are_views() -> None:
    sample = p.decode(p.encode(SAMPLE))
    assert isinstance(sample, p.Sample)
    for block, expected in ((sample.quaternion, QUATERNION), (sample.gyro, GYRO), (sample.accel, ACCEL)):
        assert block is not None
        assert not block.flags.owndata
        np.testing.assert_array_equal(block, expected)
    raw = p.decode(p.encode(SAMPLE_RAW))
    assert isinstance(raw, p.Sample)
    assert raw.quaternion is None
    assert raw.gyro is not None
    np.testing.assert_array_equal(raw.gyro, GYRO)


# docs/protocol.md


def test_documented_vectors_are_the_golden_packets() -> None:
    section = DOC.split("## Test vectors", 1)[1]
    blocks = re.findall(r"(?:^ {4}[0-9a-f ]+\n?)+", section, flags=re.MULTILINE)
    assert [bytes.fromhex(block) for block in blocks] == [frame for _, frame in GOLDEN]


def test_documented_types() -> None:
    kinds = (
        p.Hello, p.Sample, p.Pong, p.Ack, p.Refused, p.AuthChallenge, p.SealedByHub,
        p.HelloRequest, p.Start, p.Stop, p.SetRate, p.Ping, p.Identify, p.AuthRequest, p.SealedByHost,
    )  # fmt: skip
    documented = {name: int(code, 16) for code, name in re.findall(r"^\| (0x[0-9a-f]{2}) \| ([A-Z_]+) \|", DOC, re.M)}
    assert documented == {re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).upper(): kind.TYPE for kind in kinds}


def test_documented_reasons_and_bits() -> None:
    reasons = DOC.split("| reason | what |", 1)[1].split("\n\n", 1)[0]
    assert tuple(re.findall(r"^\| ([a-z_]+) \|", reasons, re.M)) == p.REASONS
    sealing = DOC.split("| reason with a key | what |", 1)[1].split("\n\n", 1)[0]
    assert tuple(re.findall(r"^\| ([a-z_]+) \|", sealing, re.M)) == SEAL_REASONS
    bits = {name: int(value) for value, name in re.findall(r"^\| \d \| (\d+) \| ([a-z_]+) \|", DOC, re.M)}
    assert bits == {bit.name.lower(): bit.value for bit in p.UnitStatus if bit.name}


def test_documented_bandwidth() -> None:
    rows = re.findall(r"^\| (\d+) \| (q?[a-z, ]+) \| (\d+) Hz \| (\d+) \| (\d+) \| ([\d.]+) % \|", DOC, re.M)
    assert len(rows) == 5
    for units, fields, rate, size, bits, share in rows:
        n = int(units)
        quaternion = np.full((n, 4), 257, np.int16) if "quaternion" in fields else None
        motion = np.full((n, 3), 257, np.int16)
        sample = p.Sample.from_arrays(1, 1, np.ones(n, np.uint8), quaternion=quaternion, gyro=motion, accel=motion)
        assert len(p.encode(sample)) == int(size)
        assert int(bits) == int(size) * 10 * int(rate)
        assert float(share) == pytest.approx(100 * int(bits) / 921600, abs=0.05)
    assert f"at most {p.MAX_PACKET} bytes" in DOC


# Round trips

u8, u16, u32 = st.integers(0, 255), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
text = st.text(st.characters(codec="utf-8"), max_size=20)
sensors = st.lists(
    st.builds(p.SensorInfo, id=u8, place=text, part=text, gyro_range_dps=u16, accel_range_g=u8, flags=u8),
    min_size=1,
    max_size=16,
    unique_by=lambda s: s.id,
).map(tuple)


@st.composite
def samples(draw: st.DrawFn) -> p.Sample:
    count, fields = draw(st.integers(1, 64)), draw(st.integers(0, 7))
    size = 2 * count * ((fields & 1) * 4 + (fields >> 1 & 1) * 3 + (fields >> 2 & 1) * 3)
    status = draw(st.binary(min_size=count, max_size=count))
    motion = bytes(draw(st.randoms(use_true_random=False)).choices((0, 1, 255), k=size))
    return p.Sample(draw(u32), draw(u64), fields, status, motion)


packets = st.one_of(
    samples(),
    st.builds(p.Hello, u32, u16, u16, st.integers(0, 7), text, text, sensors, u8),
    st.builds(p.Pong, u32, u64),
    st.builds(p.Ack, u16, u8, u8, text),
    *(st.builds(kind, u16) for kind in (p.HelloRequest, p.Start, p.Stop)),
    st.builds(p.SetRate, u16, u16),
    st.builds(p.Ping, u32),
    st.builds(p.Identify, u16, u8),
)


@given(packets)
def test_round_trip(packet: p.Packet) -> None:
    frame = p.encode(packet)
    assert frame.count(0) == 1
    assert len(frame) <= p.MAX_FRAME + 1
    assert p.decode(frame) == packet


@given(packets, st.data())
def test_damaged_frames_are_rejected(packet: p.Packet, data: st.DataObject) -> None:
    frame = bytearray(p.encode(packet)[:-1])
    bit = data.draw(st.integers(0, 8 * len(frame) - 1))
    frame[bit // 8] ^= 1 << bit % 8
    # A flipped code byte may move a zero without a change of length; CRC-32 finds every such burst.
    with pytest.raises(p.ProtocolError) as caught:
        p.decode(bytes(frame))
    assert caught.value.reason in p.REASONS


# Each error


def framed(version: int, kind: int, payload: bytes) -> bytes:
    body = bytes((version, kind)) + payload
    return cobs.encode(body + struct.pack("<I", zlib.crc32(body)))


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", "bad_cobs"),
        (b"\x05\x01", "bad_cobs"),
        (b"\x01\x00\x01", "bad_cobs"),
        (cobs.encode(b"\x01\x02\x03"), "short"),
        (cobs.encode(b"\x01" * 6), "bad_crc"),
        (cobs.encode(b"\x01" * 5000), "oversize"),
        (framed(2, 0x02, b"new"), "wrong_version"),
        (framed(1, 0x7F, b""), "unknown_type"),
        (framed(1, p.Ping.TYPE, b"\1\2\3"), "malformed"),
        (framed(1, p.Ping.TYPE, b"\1\2\3\4\5"), "malformed"),
        (framed(1, p.Sample.TYPE, b"\0" * 12), "malformed"),
        (framed(1, p.Sample.TYPE, b"\0" * 12 + b"\x08\x01" + b"\0"), "malformed"),
        (framed(1, p.Sample.TYPE, b"\0" * 12 + b"\x02\x02" + b"\0"), "malformed"),
        (framed(1, p.Sample.TYPE, b"\0" * 12 + b"\x02\x01" + b"\0" * 8), "malformed"),
        (framed(1, p.Ack.TYPE, b"\0\0\0\0\x02\xff\xfe"), "malformed"),
        (framed(1, p.Hello.TYPE, HELLO.to_payload()[:-1]), "malformed"),
        (framed(1, p.Hello.TYPE, HELLO.to_payload().replace(b"\x0b\0", b"\0\0")), "malformed"),
    ],
)
def test_reasons(frame: bytes, reason: str) -> None:
    with pytest.raises(p.ProtocolError) as caught:
        p.decode(frame)
    assert caught.value.reason == reason


def test_wrong_version_says_which() -> None:
    with pytest.raises(p.ProtocolError, match="version 1, found version 9") as caught:
        p.decode(framed(9, 0x02, b""))
    assert (caught.value.reason, caught.value.found_version) == ("wrong_version", 9)


def test_other_versions_can_be_sent() -> None:
    with pytest.raises(p.ProtocolError, match="found version 2"):
        p.decode(p.encode(p.Ping(7), version=2))


def test_the_longest_frame_is_that_of_the_longest_packet() -> None:
    assert cobs.max_encoded_length(p.MAX_PACKET) == p.MAX_FRAME


@given(st.binary(min_size=1))
def test_what_is_no_cobs_is_rejected_as_that_and_nothing_else_is(frame: bytes) -> None:
    parser = p.StreamParser()
    parser.feed(frame.replace(b"\0", b"\1") + b"\0")
    try:
        cobs.decode(frame.replace(b"\0", b"\1"))
    except cobs.DecodeError:
        assert parser.rejects["bad_cobs"] == 1
    else:
        assert parser.rejects["bad_cobs"] == 0


@pytest.mark.parametrize(
    "packet",
    [
        p.SetRate(1, 70000),
        p.Ping(-1),
        p.Ack(1, 1, 1, "x" * 256),
        p.Ack(1, 1, 1, "\ud800"),
        p.Hello(1, 1, 1, 7, "hub", "1", ()),
        p.Hello(1, 1, 1, 7, "h", "1", tuple(p.SensorInfo(i, "x" * 60, "y" * 60, 1, 1) for i in range(64))),
    ],
    ids=["rate", "token", "long", "surrogate", "empty", "oversize"],
)
def test_what_cannot_be_encoded(packet: p.Packet) -> None:
    with pytest.raises(p.ProtocolError) as caught:
        p.encode(packet)
    assert caught.value.reason == "malformed"


def test_scaling() -> None:
    assert p.gyro_scale(1024) * 16384 == pytest.approx(np.deg2rad(512))
    assert p.accel_scale(8) * 4096 == pytest.approx(9.80665)
    counts = p.to_counts(np.array([9.80665, -1000.0, 1000.0]), p.accel_scale(8))
    np.testing.assert_array_equal(counts, [4096, -32768, 32767])
