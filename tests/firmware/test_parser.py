"""The firmware's parser against the driver's own: the same packets and the same reasons, whatever arrives."""

from __future__ import annotations

import ctypes
import subprocess
import zlib
from pathlib import Path

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from compiled_firmware import HERE, LIBRARY, CompiledParser, built, compile_c
from imu_driver.hubs.imusic_v1 import protocol as p

u8, u16, u32 = st.integers(0, 255), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
host_packets = (
    st.builds(p.HelloRequest, u16)
    | st.builds(p.Start, u16)
    | st.builds(p.Stop, u16)
    | st.builds(p.SetRate, u16, u16)
    | st.builds(p.Ping, u32)
    | st.builds(p.Identify, u16, u8)
    | st.builds(p.AuthRequest, st.binary(min_size=16, max_size=16))
    | st.builds(
        p.SealedByHost,
        st.integers(0, 2**64 - 1),
        st.binary(min_size=1, max_size=16),
        st.binary(min_size=16, max_size=16),
    )
)


def framed(body: bytes) -> bytes:
    """A frame with a right CRC around any version, type and payload."""
    return cobs.encode(body + zlib.crc32(body).to_bytes(4, "little")) + b"\0"


# Types of a hub are apart: the driver's parser reads them too, the firmware's counts them as echoes.
bodies = st.tuples(st.just(1) | u8, st.integers(8, 255), st.binary(max_size=48)).map(
    lambda parts: bytes(parts[:2]) + parts[2]
)
frames = host_packets.map(p.encode) | bodies.map(framed)
damaged = st.tuples(frames, st.integers(0, 11), u8).map(
    lambda parts: parts[0][: parts[1]] + bytes([parts[2]]) + parts[0][parts[1] + 1 :]
)
cut = st.tuples(frames, st.integers(0, 12)).map(lambda parts: parts[0][: parts[1]])
pieces = st.lists(frames | damaged | cut | st.binary(max_size=30), max_size=12)


def fed(library: ctypes.CDLL, data: bytes, sizes: list[int]) -> tuple[CompiledParser, p.StreamParser]:
    """Both parsers after the same bytes, which arrive in pieces."""
    ours, theirs = CompiledParser(library), p.StreamParser()
    at = 0
    for size in [*sizes, len(data)]:
        piece = data[at : at + size]
        at += size
        assert ours.feed(piece) == [packet for packet in theirs.feed(piece) if packet.TYPE >= 0x80]
    return ours, theirs


@given(pieces, st.lists(st.integers(1, 20), max_size=20))
def test_packets_and_reasons_are_those_of_the_driver(
    library: ctypes.CDLL, parts: list[bytes], sizes: list[int]
) -> None:
    ours, theirs = fed(library, b"".join(parts), sizes)
    assert ours.rejects == theirs.rejects
    assert ours.packets == theirs.packets
    assert ours.echoes == 0


@given(st.binary(max_size=300))
def test_random_bytes(library: ctypes.CDLL, data: bytes) -> None:
    ours, theirs = fed(library, data, [])
    assert ours.rejects == theirs.rejects


@given(st.lists(host_packets, max_size=8), st.lists(st.binary(max_size=40), min_size=9, max_size=9))
def test_valid_frames_among_garbage_are_found(library: ctypes.CDLL, sent: list[p.Packet], garbage: list[bytes]) -> None:
    parser = CompiledParser(library)
    data = b"".join(noise + b"\0" + p.encode(packet) for noise, packet in zip(garbage, sent, strict=False))
    found = iter(parser.feed(data))
    assert all(packet in found for packet in sent)


@pytest.mark.parametrize("size", [p.MAX_FRAME - 1, p.MAX_FRAME, p.MAX_FRAME + 1, 3 * p.MAX_FRAME])
@pytest.mark.parametrize("fill", [b"\x01", b"\x02", b"\xff"])
def test_frames_about_the_longest(library: ctypes.CDLL, size: int, fill: bytes) -> None:
    for data in (fill * size, fill * size + b"\0" + p.encode(p.Ping(1))):
        ours, theirs = fed(library, data, [size - 1, 1])
        assert ours.rejects == theirs.rejects
        assert ours.packets == theirs.packets


@pytest.mark.parametrize("payload", [p.MAX_PACKET - 6, p.MAX_PACKET - 5])
def test_a_long_packet_with_a_right_checksum(library: ctypes.CDLL, payload: int) -> None:
    ours, theirs = fed(library, framed(b"\x01\x82" + b"\x01" * payload), [])
    assert ours.rejects == theirs.rejects
    assert sum(ours.rejects.values()) == 1


def test_packets_of_a_hub_are_no_packets_of_a_host(library: ctypes.CDLL) -> None:
    """A line that echoes what the hub sends must not keep it streaming, nor count as damage."""
    parser = CompiledParser(library)
    assert parser.feed(p.encode(p.Pong(1, 2)) + p.encode(p.Ack(1, 0x82, 0))) == []
    assert parser.echoes == 2
    assert not any(parser.rejects.values())


def test_an_empty_frame_means_nothing(library: ctypes.CDLL) -> None:
    parser = CompiledParser(library)
    assert parser.feed(b"\0\0\0" + p.encode(p.Start(5)) + b"\0") == [p.Start(5)]
    assert not any(parser.rejects.values())


def test_a_million_inputs_under_the_sanitizers(library: ctypes.CDLL, tmp_path: Path) -> None:
    """Parser and state machine on garbage, damaged and valid frames: no report of a sanitizer, no valid frame lost."""
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    probe = tmp_path / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    if compile_c(*sanitizers, probe, "-o", tmp_path / "probe").returncode:
        pytest.skip("the C compiler has no -fsanitize=address,undefined; apt install libasan8 libubsan1")
    program = tmp_path / "fuzz"
    sources = [LIBRARY / f"{name}.c" for name in ("wire", "packets", "parser", "hub", "guard", "sha256")]
    built("-g", "-O1", *sanitizers, HERE / "fuzz.c", *sources, "-o", program)
    done = subprocess.run([program, "1000000", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1000000 inputs" in done.stdout
