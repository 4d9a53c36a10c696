"""Promises 1 and 2: no byte sequence harms the parser, every reject is counted, the next valid packet gets through."""

from __future__ import annotations

import random
import zlib

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from imu_driver.hubs.imusic_v1 import protocol as p

PING, PONG = p.Ping(7), p.Pong(9, 123456)
ACK = p.Ack(3, p.Start.TYPE, 2, "no")
SAMPLE = p.Sample(5, 10**6, 7, b"\1" * 12, bytes(range(240)))
VALID = [PING, PONG, ACK, SAMPLE]


def test_whole_packets_in_any_cut() -> None:
    stream = b"".join(p.encode(packet) for packet in VALID)
    for size in range(1, len(stream) + 1):
        parser = p.StreamParser()
        found = [packet for i in range(0, len(stream), size) for packet in parser.feed(stream[i : i + size])]
        assert found == VALID
        assert sum(parser.rejects.values()) == 0
        assert (parser.packets, parser.bytes, parser.pending) == (4, len(stream), 0)


@given(st.lists(st.binary(max_size=300)), st.sampled_from(VALID))
def test_any_bytes_then_a_valid_packet(chunks: list[bytes], packet: p.Packet) -> None:
    parser = p.StreamParser()
    for chunk in chunks:
        parser.feed(chunk)
        assert parser.pending <= p.MAX_FRAME
    assert parser.feed(b"\0" + p.encode(packet))[-1] == packet


@given(st.binary(max_size=p.MAX_FRAME * 3), st.integers(1, 5000))
def test_garbage_in_any_cut_gives_the_same_counters(garbage: bytes, size: int) -> None:
    whole, cut = p.StreamParser(), p.StreamParser()
    found = whole.feed(garbage)
    assert found == [x for i in range(0, len(garbage), size) for x in cut.feed(garbage[i : i + size])]
    assert whole.rejects == cut.rejects
    assert whole.pending == cut.pending


def test_truncated_at_every_length() -> None:
    frame = p.encode(SAMPLE)
    for length in range(1, len(frame) - 1):
        parser = p.StreamParser()
        assert parser.feed(frame[:length] + b"\0" + frame) == [SAMPLE]
        assert sum(parser.rejects.values()) == 1


def test_every_bit_flipped() -> None:
    frame = p.encode(SAMPLE)
    for bit in range(8 * len(frame)):
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << bit % 8
        parser = p.StreamParser()
        assert parser.feed(bytes(damaged) + b"\0" + frame) == [SAMPLE]
        # A flip to zero cuts the frame in two.
        assert 1 <= sum(parser.rejects.values()) <= 2


def test_ten_megabytes_of_garbage() -> None:
    rng = random.Random(1)
    parser = p.StreamParser()
    for _ in range(160):
        assert parser.feed(rng.randbytes(65536)) == []
        assert parser.pending <= p.MAX_FRAME
    assert parser.bytes == 160 * 65536
    assert sum(parser.rejects.values()) > 10_000
    assert parser.feed(b"\0" + p.encode(PING)) == [PING]


@pytest.mark.parametrize("size", [1, 1000, p.MAX_FRAME + 1, 100_000])
def test_without_a_delimiter_oversize_is_counted_once(size: int) -> None:
    parser = p.StreamParser()
    for _ in range(100_000 // size):
        parser.feed(b"\x41" * size)
        assert parser.pending <= p.MAX_FRAME
    assert parser.rejects["oversize"] == 1
    assert parser.feed(b"\0" + p.encode(PING)) == [PING]
    assert sum(parser.rejects.values()) == 1


def test_the_longest_packet_passes() -> None:
    sensors = tuple(p.SensorInfo(i, "x" * 60, "", 1, 1) for i in range(60))
    room = p.MAX_PACKET - 6 - len(p.Hello(1, 1, 1, 7, "", "", sensors).to_payload())
    longest = p.Hello(1, 1, 1, 7, "h" * min(room, 255), "f" * max(0, room - 255), sensors)
    frame = p.encode(longest)
    assert len(cobs.decode(frame[:-1])) == p.MAX_PACKET
    parser = p.StreamParser()
    assert parser.feed(frame[:-1]) == []
    assert parser.feed(frame[-1:]) == [longest]


def test_counters_by_reason_and_version() -> None:
    body = bytes((3, 2)) + b"later"
    other = cobs.encode(body + zlib.crc32(body).to_bytes(4, "little")) + b"\0"
    parser = p.StreamParser()
    assert parser.feed(other * 3 + b"\x09\x01\x00" * 2 + b"\0\0\0" + p.encode(ACK)) == [ACK]
    assert parser.rejects == {**dict.fromkeys(p.REASONS, 0), "wrong_version": 3, "bad_cobs": 2}
    assert parser.found_version == 3
    assert parser.last_error is not None
    assert parser.last_error.reason == "bad_cobs"


def test_reset_forgets_the_cut_frame_only() -> None:
    parser = p.StreamParser()
    parser.feed(p.encode(SAMPLE)[:50])
    parser.reset()
    assert parser.feed(p.encode(PING)) == [PING]
    assert sum(parser.rejects.values()) == 0


def _one_by_one(data: bytes) -> tuple[list[p.Packet], dict[str, int]]:
    """What `packets.decode`, which is told of every frame alone, makes of whole frames."""
    found: list[p.Packet] = []
    rejects = dict.fromkeys(map(str, p.REASONS), 0)
    for frame in filter(None, data.split(b"\0")):
        if len(frame) > p.MAX_FRAME:
            rejects["oversize"] += 1
            continue
        try:
            found.append(p.decode(frame))
        except p.ProtocolError as error:
            rejects[error.reason] += 1
    return found, rejects


_PIECES = st.one_of(
    st.binary(max_size=9),
    st.lists(st.sampled_from(b"\1\2\3\xfe\xff"), max_size=8).map(bytes),
    st.binary(min_size=250, max_size=260).map(lambda data: cobs.encode(data)),
    st.binary(max_size=12).map(lambda data: cobs.encode(data + zlib.crc32(data).to_bytes(4, "little"))),
    st.sampled_from([p.encode(packet)[:-1] for packet in VALID]),
)


@given(st.lists(_PIECES, max_size=8), st.integers(1, 40))
def test_many_pieces_at_once_are_sorted_as_each_alone(pieces: list[bytes], times: int) -> None:
    data = b"\0".join(pieces * times) + b"\0"
    parser = p.StreamParser()
    assert (parser.feed(data), parser.rejects) == _one_by_one(data)
    assert (parser.last_error is None) == (not any(parser.rejects.values()))


def test_the_newest_reject_is_told_in_words_whatever_it_was() -> None:
    for frame, words in (
        (b"\x05\1", "COBS"),
        (b"\1\1", "at least 6"),
        (b"\x07abcdef", "CRC-32"),
        (b"\1" * 5000, "5000"),
    ):
        parser = p.StreamParser()
        parser.feed(frame + b"\0")
        assert words in str(parser.last_error)
