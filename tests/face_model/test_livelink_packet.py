"""Live Link Face's datagram: a golden one, round trips, and everything hostile refused with a reason."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import arkit, rotation
from face_model.livelink_packet import (
    VALUES,
    Packet,
    PacketError,
    decode,
    encode,
    eye_angles,
    head_angles,
    head_orientation,
)

GOLDEN = (
    bytes.fromhex(
        "06"  # version
        "00000007 30464135 2d3131"  # device id: 7 bytes, "0FA5-11"
        "00000003 416e61"  # subject: 3 bytes, "Ana"
        "00000078 3f000000"  # frame 120 and a half
        "0000003c 00000001"  # at 60 / 1 frames a second: 2.00833 s after midnight
        "3d"  # 61 values
    )
    + bytes.fromhex("3f000000")  # eyeBlinkLeft 0.5
    + bytes(4 * 16)
    + bytes.fromhex("3e800000")  # jawOpen, the 18th, 0.25
    + bytes(4 * 34)
    + bytes.fromhex("3dcccccd be4ccccd 00000000")  # head: yaw 0.1, pitch -0.2, roll 0 rad
    + bytes(4 * 6)  # eyes
)
"""Put together by hand from the public description of the format."""

REASONS = {
    "empty",
    "version not known",
    "no device id or name",
    "cut short",
    "count of values is not 61",
    "bytes left over",
    "rate out of bounds",
    "time out of bounds",
    "value out of bounds",
    "text too long",
    "text is no UTF-8",
}


def test_the_golden_packet_is_read_and_written() -> None:
    packet = decode(GOLDEN)
    assert (packet.device, packet.subject, packet.frame, packet.part, packet.rate) == (
        "0FA5-11",
        "Ana",
        120,
        0.5,
        (60, 1),
    )
    assert packet.time_s == pytest.approx(120.5 / 60.0)
    assert packet.weights.shape == (arkit.COUNT,)
    assert packet.weights[arkit.INDEX["eyeBlinkLeft"]] == 0.5
    assert packet.weights[arkit.INDEX["jawOpen"]] == 0.25
    assert np.count_nonzero(packet.weights) == 2
    assert packet.head_angles == pytest.approx((0.1, -0.2, 0.0))
    assert encode(packet) == GOLDEN


def test_a_packet_without_a_face() -> None:
    bare = GOLDEN[:19]
    packet = decode(bare)
    assert packet.subject == "Ana"
    assert packet.values is None
    assert math.isnan(packet.time_s)
    assert encode(packet) == bare


@given(
    device=st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=30),
    frame=st.integers(0, 5_000_000),
    part=st.floats(0.0, 1.0, width=32),
    rate=st.sampled_from([(24, 1), (30, 1), (30000, 1001), (60, 1), (60000, 1001)]),
    values=st.lists(st.floats(-3.0, 3.0, width=32), min_size=VALUES, max_size=VALUES),
)
def test_what_is_written_is_read(
    device: str, frame: int, part: float, rate: tuple[int, int], values: list[float]
) -> None:
    packet = Packet(device, "x", frame, part, rate, np.array(values, dtype=np.float32))
    found = decode(encode(packet))
    assert (found.device, found.frame, found.part, found.rate) == (device, frame, part, rate)
    np.testing.assert_array_equal(found.values, packet.values)


def reason_of(data: bytes) -> str:
    try:
        decode(data)
    except PacketError as error:
        return str(error)
    return ""


@given(st.binary(max_size=400))
def test_noise_is_refused_with_one_of_few_reasons(data: bytes) -> None:
    assert reason_of(data) in REASONS | {""}


@given(at=st.integers(0, len(GOLDEN) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_never_crashes_it(at: int, bit: int) -> None:
    damaged = bytearray(GOLDEN)
    damaged[at] ^= 1 << bit
    reason = reason_of(bytes(damaged))
    assert reason in REASONS | {""}
    if not reason:
        packet = decode(bytes(damaged))
        assert packet.values is None or np.isfinite(packet.values).all()


@given(st.integers(1, len(GOLDEN) - 1))
def test_a_packet_cut_short_is_refused(length: int) -> None:
    if length == 19:  # that is one without a face
        return
    with pytest.raises(PacketError):
        decode(GOLDEN[:length])


def with_field(at: int, field: bytes) -> bytes:
    return GOLDEN[:at] + field + GOLDEN[at + len(field) :]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (with_field(0, b"\x07"), "version not known"),
        (with_field(1, struct.pack(">i", 1 << 30)), "text too long"),
        (with_field(1, struct.pack(">i", -1)), "text too long"),
        (with_field(5, b"\xff"), "text is no UTF-8"),
        (with_field(19, struct.pack(">i", -1)), "time out of bounds"),
        (with_field(23, struct.pack(">f", math.nan)), "time out of bounds"),
        (with_field(27, struct.pack(">i", 0)), "rate out of bounds"),
        (with_field(31, struct.pack(">i", 0)), "rate out of bounds"),
        (with_field(27, struct.pack(">i", 2**31 - 1)), "rate out of bounds"),
        (with_field(35, b"\x34"), "count of values is not 61"),
        (with_field(36, struct.pack(">f", math.inf)), "value out of bounds"),
        (with_field(36, struct.pack(">f", 1e30)), "value out of bounds"),
        (GOLDEN + b"\0", "bytes left over"),
        (GOLDEN[:-1], "cut short"),
        (b"\x06" + bytes(8), "no device id or name"),
    ],
)
def test_hostile_packets_are_refused_by_reason(data: bytes, reason: str) -> None:
    with pytest.raises(PacketError, match=f"^{reason}$"):
        decode(data)


@given(yaw=st.floats(-3.0, 3.0), pitch=st.floats(-1.5, 1.5), roll=st.floats(-3.0, 3.0))
def test_angles_of_the_head_there_and_back(yaw: float, pitch: float, roll: float) -> None:
    assert head_angles(head_orientation(yaw, pitch, roll)) == pytest.approx((yaw, pitch, roll), abs=1e-6)


def test_signs_of_the_head() -> None:
    """Positive: to its left, up, leaning to its right; see the module's text for the sources."""
    ahead, left = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    assert rotation.rotate(head_orientation(0.3, 0.0, 0.0), ahead)[1] > 0.0
    assert rotation.rotate(head_orientation(0.0, 0.3, 0.0), ahead)[2] > 0.0
    assert rotation.rotate(head_orientation(0.0, 0.0, 0.3), left)[2] > 0.0


def test_eyes_turn_with_their_weights() -> None:
    weights = np.zeros(arkit.COUNT)
    weights[[arkit.INDEX["eyeLookOutLeft"], arkit.INDEX["eyeLookInRight"]]] = 0.5  # both to the face's left
    weights[[arkit.INDEX["eyeLookDownLeft"], arkit.INDEX["eyeLookDownRight"]]] = 0.25
    np.testing.assert_allclose(eye_angles(weights), [-0.3, 0.15, -0.045] * 2, atol=1e-6)
