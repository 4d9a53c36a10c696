"""`imusic bench decoder`: what the stream parser takes of bytes that are wrong, and whether it finds what is right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu_driver.hubs.imusic_v1 import protocol as p
from imusic_cli.errors import CommandError

WANTED_MB_S: Final = 20.0
"""Of processor time, whatever noise comes: over two hundred times what a serial line of 921600 baud can carry."""
READ_BYTES: Final = 4096
"""What is fed at once: a read of a serial port returns no more."""
_BLOCK: Final = 1 << 20
_UNITS: Final = 12


@dataclass(frozen=True)
class Throughput:
    """One kind of bytes.

    Attributes:
        bytes_are: what they are.
        mb_s: megabytes per second of processor time.
        packets_s: packets accepted per second of processor time.
        noise: whether no packet is in them, so that `WANTED_MB_S` is to be held.
    """

    bytes_are: str
    mb_s: float
    packets_s: float
    noise: bool


@dataclass(frozen=True)
class Recovered:
    """Valid frames in garbage.

    Attributes:
        megabytes: of all.
        frames: valid ones in it.
        recovered: of them, in order and as they were.
        rejected: pieces that were counted as what they were.
        mb_s: megabytes per second of processor time, without making the garbage.
        most_pending: most bytes that the parser kept.
    """

    megabytes: float
    frames: int
    recovered: int
    rejected: int
    mb_s: float
    most_pending: int


def measure_decoder(megabytes: float) -> list[Throughput]:
    """Every kind of bytes, so many megabytes each."""
    return [_throughput(name, make(), noise, megabytes) for name, (make, noise) in KINDS.items()]


def _throughput(name: str, pattern: bytes, noise: bool, megabytes: float) -> Throughput:
    data = pattern * max(1, round(1e6 * megabytes / len(pattern)))
    pieces = [data[i : i + READ_BYTES] for i in range(0, len(data), READ_BYTES)]
    parser = p.StreamParser()
    began_s = time.process_time()
    for piece in pieces:
        parser.feed(piece)
    took_s = time.process_time() - began_s
    return Throughput(name, 1e-6 * len(data) / took_s, parser.packets / took_s, noise)


def _random() -> bytes:
    return np.random.default_rng(0).bytes(_BLOCK)


def _sample() -> bytes:
    motion = np.random.default_rng(0).integers(-3000, 3000, 10 * _UNITS, np.int16).tobytes()
    return p.encode(p.Sample(5, 10**6, 7, b"\1" * _UNITS, motion))


def _broken(frame: bytes) -> bytes:
    return frame[:-2] + bytes((frame[-2] ^ 1 or 2, 0))


KINDS: Final[dict[str, tuple[Callable[[], bytes], bool]]] = {
    "random bytes": (_random, True),
    "zeros": (lambda: b"\0", True),
    "no zero at all": (lambda: b"\x55", True),
    "1 byte, zero": (lambda: b"\1\0", True),
    "2 bytes, zero, no COBS": (lambda: b"\xff\1\0", True),
    "6 bytes, zero": (lambda: b"\6abcde\0", True),
    "7 bytes, zero, wrong checksum": (lambda: b"\7abcdef\0", True),
    "short and long in turn": (lambda: b"\1\0\x0dabcdefghijkl\0", True),
    "SAMPLEs of 12 units, checksum wrong": (lambda: _broken(_sample()), True),
    "SAMPLEs of 12 units": (_sample, False),
    "SAMPLEs of 1 unit": (lambda: p.encode(p.Sample(5, 10**6, 6, b"\1", bytes(range(1, 13)))), False),
    "PONGs": (lambda: p.encode(p.Pong(1, 10**6)), False),
    "ACKs": (lambda: p.encode(p.Ack(1, p.Start.TYPE, 0)), False),
}


def measure_garbage(megabytes: float, seed: int = 0, say: Callable[[str], object] = lambda _: None) -> Recovered:
    """Valid frames in garbage of every kind, cut anywhere.

    Raises:
        CommandError: a frame was lost, changed or invented.
    """
    rng = np.random.default_rng(seed)
    parser = p.StreamParser()
    done = frames = recovered = most_pending = 0
    took_s, told = 0.0, 0
    while done < 1e6 * megabytes:
        data, sent = _garbage(rng, frames)
        frames += len(sent)
        found: list[p.Packet] = []
        for piece in _cut(rng, data):
            began_s = time.process_time()
            found += parser.feed(piece)
            took_s += time.process_time() - began_s
            most_pending = max(most_pending, parser.pending)
        if found != sent:
            raise CommandError(
                f"expected {len(sent)} packets in the garbage after byte {done} of seed {seed}, found {len(found)} "
                "or others"
            )
        recovered += len(found)
        done += len(data)
        if done // 10**8 > told:
            told = done // 10**8
            say(f"{done // 10**6} MB")
    return Recovered(1e-6 * done, frames, recovered, sum(parser.rejects.values()), 1e-6 * done / took_s, most_pending)


def _garbage(rng: np.random.Generator, number: int) -> tuple[bytes, list[p.Packet]]:
    """About a megabyte of garbage with packets in it, and these."""
    parts: list[bytes] = []
    sent: list[p.Packet] = []
    size = 0
    while size < _BLOCK:
        noise = _noise(rng)
        # A sender ends what came before with a delimiter; what follows a frame may begin at once.
        packet = _packet(rng, number + len(sent))
        parts += [noise, b"\0", p.encode(packet)]
        sent.append(packet)
        size += len(noise)
    return b"".join(parts), sent


def _noise(rng: np.random.Generator) -> bytes:
    size = int(rng.integers(1, 20_000))
    kind = int(rng.integers(6))
    if kind == 0:
        return rng.bytes(size)
    if kind == 1:
        return (rng.integers(0, 256, size) * (rng.random(size) < 0.3)).astype(np.uint8).tobytes()
    if kind == 2:
        return rng.integers(1, 4, size, np.uint8).tobytes()
    frame = _sample()
    if kind == 3:
        return frame[: int(rng.integers(1, len(frame) - 1))]
    if kind == 4:
        return _broken(frame) * (size // len(frame))
    return bytes((int(rng.integers(256)),)) * size


def _packet(rng: np.random.Generator, number: int) -> p.Packet:
    if number % 3:
        return p.Sample(number, 10_000 * number, 7, b"\1" * _UNITS, rng.bytes(20 * _UNITS))
    return p.Pong(number, int(rng.integers(1 << 62))) if number % 2 else p.Ack(number & 0xFFFF, 0x82, 2, "no")


def _cut(rng: np.random.Generator, data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = int(rng.integers(1, 65_537))
        yield data[at : at + size]
        at += size
