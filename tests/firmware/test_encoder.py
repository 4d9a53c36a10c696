"""The firmware's encoder gives the bytes of the driver's own, for all packets and all values."""

from __future__ import annotations

import ctypes
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from compiled_firmware import ROOT, encoded
from imu_driver.hubs.imusic_v1 import protocol as p

DOC = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")

u8, u16, u32 = st.integers(0, 255), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
text = st.text(st.characters(codec="utf-8"), max_size=60).filter(lambda found: len(found.encode()) <= 255)
sensors = st.lists(
    st.builds(p.SensorInfo, id=u8, place=text, part=text, gyro_range_dps=u16, accel_range_g=u8, flags=u8),
    min_size=1,
    max_size=12,
)
hellos = st.builds(
    p.Hello,
    boot_id=u32, rate_hz=u16, max_rate_hz=u16, fields=st.integers(0, 7), hub=text, firmware=text,
    sensors=sensors.map(tuple), flags=u8,
)  # fmt: skip
# Zeros and ends of the range are what COBS and two's complement are about.
counts = st.sampled_from([0, 1, -1, 255, 256, -256, 32767, -32768]) | st.integers(-32768, 32767)


@st.composite
def samples(draw: st.DrawFn) -> p.Sample:
    n = draw(st.integers(1, p.MAX_SENSORS))
    block = {width: nps.arrays(np.int16, (n, width), elements=counts) for width in (3, 4)}
    quaternion = draw(st.none() | block[4])
    status = draw(nps.arrays(np.uint8, n))
    gyro, accel = draw(block[3]), draw(block[3])
    return p.Sample.from_arrays(draw(u32), draw(u64), status, quaternion=quaternion, gyro=gyro, accel=accel)


packets = (
    hellos
    | samples()
    | st.builds(p.Pong, token=u32, hub_time_us=u64)
    | st.builds(p.Ack, request_id=u16, command=u8, result=u8, message=text)
)


@given(packets)
def test_bytes_are_those_of_the_driver(library: ctypes.CDLL, packet: p.HubPacket) -> None:
    try:
        expected = p.encode(packet)
    except p.ProtocolError:  # longer than a packet may be
        expected = b""
    assert encoded(library, packet) == expected


def test_documented_vectors(library: ctypes.CDLL) -> None:
    blocks = re.findall(r"(?:^ {4}[0-9a-f ]+\n?)+", DOC.split("## Test vectors", 1)[1], flags=re.MULTILINE)
    frames = [bytes.fromhex(block) for block in blocks]
    from_hub = [(p.decode(frame), frame) for frame in frames if frame[2] <= p.Ack.TYPE]
    assert len(from_hub) == 6
    for packet, frame in from_hub:
        assert isinstance(packet, p.Hello | p.Sample | p.Pong | p.Ack)
        assert encoded(library, packet) == frame


@pytest.mark.parametrize("size", [247, 248, 249, 250, 501, 502, 503, 504])
@pytest.mark.parametrize("fill", ["x", "\0"])
def test_blocks_that_end_at_their_longest(library: ctypes.CDLL, size: int, fill: str) -> None:
    """COBS ends a block of 254 bytes by itself: around that length, with and without zeros behind it."""
    first, rest = fill * min(size, 250), "x" * (size - min(size, 250))
    packet = p.Hello(0x01010101, 0x0101, 0x0101, 7, first, rest, (p.SensorInfo(1, "", "", 0x0101, 1),), 1)
    assert encoded(library, packet) == p.encode(packet)


@given(packets, st.integers(0, 64))
def test_a_buffer_that_is_too_short_gets_nothing(library: ctypes.CDLL, packet: p.HubPacket, missing: int) -> None:
    whole = encoded(library, packet)
    capacity = max(0, len(whole) - 1 - missing)
    assert encoded(library, packet, capacity) == b""
    assert encoded(library, packet, len(whole)) == whole


def test_what_the_protocol_cannot_hold_is_refused(library: ctypes.CDLL) -> None:
    unit = p.SensorInfo(0, "", "", 1, 1)
    assert encoded(library, p.Hello(1, 1, 1, 7, "h", "f", ())) == b""
    assert encoded(library, p.Hello(1, 1, 1, 7, "h", "f", (unit,) * 65)) == b""
    assert encoded(library, p.Hello(1, 1, 1, 7, "h" * 256, "f", (unit,))) == b""
    assert encoded(library, p.Ack(1, 0x82, 0, "m" * 256)) == b""
    assert encoded(library, p.Ack(1, 0x82, 0, "m" * 255)) == p.encode(p.Ack(1, 0x82, 0, "m" * 255))
