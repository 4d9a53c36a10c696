"""What the fuzzers feed: parsers and sessions of hubs that take any bytes, each with what must hold whatever comes."""

from __future__ import annotations

import math
import struct
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol

import numpy as np
from cobs import cobs

from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout, load_layout
from imu_driver.datagram_envelopes import Envelope, packed
from imu_driver.hub import ConnectionState, Hub
from imu_driver.hubs import make_hub
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.session import HubSession
from imu_driver.transport import IsHub

ANEW: Final = 512
"""Inputs after which a session is made anew, so that what spoilt one for good is not all that is tried."""
MOST_STEPS: Final = 400
MOST_PIECES: Final = 16
_LAYOUT: Final = load_layout("face_12")
_UNITS: Final = tuple(p.SensorInfo(sensor.id, sensor.name, "QMI8658", 2000, 16) for sensor in _LAYOUT.sensors)
_HELLO: Final = p.Hello(7, 100, 200, 7, "fuzzed", "1.0", _UNITS)
_MOTION: Final = np.arange(10 * len(_UNITS), dtype="<i2").tobytes()
_SEEDS: Final = (
    _HELLO,
    p.Sample(0, 10**6, 7, b"\1" * len(_UNITS), _MOTION),
    p.Sample(2**32 - 1, 2**64 - 1, 7, bytes(range(len(_UNITS))), _MOTION[::-1]),
    p.Sample(5, 10**6, 6, b"\1", bytes(12)),
    p.Pong(1, 10**6),
    p.Ack(1, p.Start.TYPE, 0),
    p.Ack(2, p.SetRate.TYPE, 2, "no"),
    p.Ping(7),
    p.SetRate(1, 100),
    p.Identify(1, 3),
)


class Target(Protocol):
    """Takes one input after another; raises whatever must not happen."""

    @property
    def seeds(self) -> list[bytes]:
        """Inputs to begin with."""
        ...

    def __call__(self, data: bytes) -> None:
        """One input: its first byte says how it is cut and whether it is sealed as an intact packet."""
        ...


def sealed(body: bytes) -> bytes:
    """A frame with the right checksum, so that fuzzing reaches what lies behind it."""
    body = body[: p.MAX_PACKET - 4]
    return bytes(cobs.encode(body + zlib.crc32(body).to_bytes(4, "little"))) + p.DELIMITER


def pieces(data: bytes) -> list[bytes]:
    """What an input is to a line: its first byte seals it (1), or cuts it in pieces of so many bytes."""
    how, rest = data[:1], data[1:]
    if not how:
        return []
    if how[0] & 1:
        return [sealed(rest)]
    size = max(how[0] // 2, len(rest) // MOST_PIECES, 1) if how[0] else max(1, len(rest))
    return [rest[i : i + size] for i in range(0, len(rest), size)]


def _protocol_seeds() -> list[bytes]:
    packets = [bytes((p.VERSION, packet.TYPE)) + packet.to_payload() for packet in _SEEDS]
    frames = [p.encode(packet) for packet in _SEEDS]
    return [b"\1" + packet for packet in packets] + [b"\0" + b"".join(frames), b"\x10" + b"".join(frames[1:4])]


class StreamTarget:
    """The stream parser: bounded memory, every frame accepted or counted, the next packet gets through."""

    def __init__(self) -> None:
        self.seeds = _protocol_seeds()
        self._parser = p.StreamParser()

    def __call__(self, data: bytes) -> None:
        """See `Target`."""
        parser = self._parser
        for piece in pieces(data):
            parser.feed(piece)
            assert parser.pending <= p.MAX_FRAME, f"{parser.pending} bytes kept"
        assert parser.feed(b"\0" + p.encode(p.Ping(7)))[-1:] == [p.Ping(7)], "the next packet was lost"
        assert p.leading_hello(data) is None or p.is_hello(data)


_TRACKERS: Final = 6
_EACH: Final = 2
_HANDSHAKE: Final = 3
_INFO: Final = 15
_TURN: Final = 17


def _mac(number: int) -> bytes:
    return bytes((0xA4, 0xE5, 0x7C, 0, 0, number + 1))


def _with_units(layout: SensorLayout) -> SensorLayout:
    sensors = (replace(s, unit=f"{_mac(i // _EACH).hex(':')}/{i % _EACH}") for i, s in enumerate(layout.sensors))
    return replace(layout, sensors=tuple(sensors))


def _tracker_packet(kind: int, number: int, payload: bytes) -> bytes:
    return struct.pack(">IQ", kind, number) + payload


def _handshake(number: int) -> bytes:
    body = struct.pack(">7IB", 9, 10, 2, 0, 0, 0, 22, 3) + b"1.0" + _mac(number) + bytes(6)
    return _tracker_packet(_HANDSHAKE, 0, body)


def _enveloped(number: int, datagram: bytes) -> bytes:
    return packed(Envelope((f"192.168.1.{20 + number}", 6969), datagram))


def envelopes(data: bytes) -> list[bytes]:
    """What an input is to many senders: bytes of the stream of envelopes (1), or a datagram of one of eight of them."""
    if not data:
        return []
    return [data[1:]] if data[0] & 1 else [_enveloped(data[0] >> 1 & 7, data[1:])]


def _tracker_seeds() -> list[bytes]:
    line = _Line(answers=False)
    turned = struct.pack(">4fB", 0.0, 0.0, 0.0, 1.0, 0)
    datagrams = [
        _handshake(1),
        _tracker_packet(_INFO, 1, bytes((0, 1, 9))),
        _tracker_packet(_TURN, 2, b"\0\1" + turned),
        _tracker_packet(4, 3, struct.pack(">3fB", 0.1, 0.2, 9.8, 0)),
        _tracker_packet(10, 4, struct.pack(">I", 7)),
        _tracker_packet(12, 5, struct.pack(">2f", 3.9, 0.8)),
        _tracker_packet(20, 6, struct.pack(">Bf", 0, 30.0)),
        _tracker_packet(23, 7, struct.pack(">B7h", 0, 0, 0, 0, 32767, 1, 2, 3)),
        _tracker_packet(100, 8, struct.pack(">H", 22) + _tracker_packet(_TURN, 0, b"\0\1" + turned)[3:]),
    ]
    return [b"\2" + datagram for datagram in datagrams] + [b"\1" + b"".join(line.trackers())]


class _Line:
    """A transport whose hub answers as it should, and says what is fuzzed beside it; time passes as it is read."""

    foreign = 0
    datagrams = False
    description = "fuzzed line"

    def __init__(self, answers: bool) -> None:
        self.now_s = 1000.0
        self.arriving: deque[bytes] = deque()
        self._answers = answers
        self._hello = _HELLO
        self._number = 0

    def clock(self) -> float:
        """Virtual time."""
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def open(self, is_hub: IsHub | None = None) -> None:
        self.arriving.clear()

    def close(self) -> None:
        self.arriving.clear()

    def read(self, timeout_s: float) -> bytes:
        self.now_s += 0.001 if self.arriving else timeout_s
        return self.arriving.popleft() if self.arriving else b""

    def write(self, data: bytes) -> None:
        for frame in filter(None, data.split(p.DELIMITER)) if self._answers else ():
            self.arriving.append(b"".join(map(p.encode, self._answered(p.decode(frame)))))

    def samples(self) -> list[bytes]:
        """The next sample of an honest hub of protocol v1."""
        self._number += 1
        return [p.encode(p.Sample(self._number, self._hub_us(), 7, b"\1" * len(_UNITS), _MOTION))]

    def trackers(self) -> list[bytes]:
        """What honest trackers with the SlimeVR firmware send at a time: who they are, at first and now and then."""
        self._number += 1
        half_rad = 0.01 * (self._number % 100)
        turned = struct.pack(">4fB", math.sin(half_rad), 0.0, 0.0, math.cos(half_rad), 0)
        sent = []
        for number in range(_TRACKERS):
            if self._number % 50 == 1:
                sent.append(_enveloped(number, _handshake(number)))
                sent += [_enveloped(number, _tracker_packet(_INFO, 0, bytes((i, 1, 9)))) for i in range(_EACH)]
            for i in range(_EACH):
                packet = _tracker_packet(_TURN, self._number, bytes((i, 1)) + turned)
                sent.append(_enveloped(number, packet))
        return [b"".join(sent)]

    def _hub_us(self) -> int:
        return int(1e6 * (self.now_s - 990.0))

    def _answered(self, packet: p.Packet) -> list[p.HubPacket]:
        if isinstance(packet, p.HelloRequest):
            return [self._hello]
        if isinstance(packet, p.Start | p.Stop):
            self._number = self._number if self._hello.streaming else 0
            self._hello = replace(_HELLO, flags=p.HubFlags.STREAMING if isinstance(packet, p.Start) else 0)
        if isinstance(packet, p.Ping):
            return [p.Pong(packet.token, self._hub_us())]
        return [p.Ack(packet.request_id, packet.TYPE, 0)] if isinstance(packet, p.HostPacket) else []


class HubTarget:
    """A hub of any kind on a line: nothing is raised, samples are finite and in order, nothing is kept for ever."""

    def __init__(
        self,
        seeds: list[bytes],
        make: Callable[[_Line], Hub],
        honest: Callable[[_Line], list[bytes]] | None = None,
        arriving: Callable[[bytes], list[bytes]] = pieces,
        answers: bool = False,
    ) -> None:
        """How it is fed.

        Args:
            seeds: see `Target`.
            make: makes the hub.
            honest: what an honest hub sends meanwhile; None: there is none.
            arriving: what reads give of an input.
            answers: whether an honest hub of protocol v1 answers.
        """
        self.seeds = seeds
        self._make, self._honest, self._arriving, self._answers = make, honest, arriving, answers
        self._done = 0
        self._anew()

    def _anew(self) -> None:
        self._line = _Line(self._answers)
        self._hub = self._make(self._line)
        self._last_s = -math.inf
        # Most inputs are to meet a hub that streams.
        for _ in range(MOST_STEPS):
            if self._honest is None or self._hub.state is ConnectionState.CONNECTED:
                break
            self._line.arriving.extend(self._honest(self._line))
            self._step()

    def __call__(self, data: bytes) -> None:
        """See `Target`."""
        self._done += 1
        if self._done % ANEW == 0:
            self._hub.close()
            self._anew()
        line, hub = self._line, self._hub
        if self._honest is not None:
            line.arriving.extend(self._honest(line))
        line.arriving.extend(self._arriving(data))
        self._step()
        for _ in range(MOST_STEPS):
            if not line.arriving:
                break
            self._step()
        if isinstance(hub, HubSession):
            assert hub.parser.pending <= p.MAX_FRAME, f"{hub.parser.pending} bytes kept"
            held = len(hub._flow.waiting.held)
            assert held <= 512, f"{held} samples held"
        assert len(hub.problem) < 20_000, f"a problem of {len(hub.problem)} letters"

    def _step(self) -> None:
        for sample in self._hub.step():
            self._check(sample)

    def _check(self, sample: ImuSample) -> None:
        values = (sample.orientation, sample.angular_velocity, sample.specific_force)
        assert all(np.isfinite(each).all() for each in values), f"not finite: {values}"
        assert sample.host_time_s > self._last_s, f"{sample.host_time_s} after {self._last_s}"
        self._last_s = sample.host_time_s


def _hub(kind: str, *, listen_only: bool = False, layout: SensorLayout = _LAYOUT) -> Callable[[_Line], Hub]:
    return lambda line: make_hub(kind, line, layout, 100, listen_only, clock=line.clock, wait=line.wait)


TARGETS: Final[Mapping[str, Callable[[], Target]]] = {
    "stream": StreamTarget,
    "session": lambda: HubTarget(_protocol_seeds(), _hub("imusic_v1"), _Line.samples, answers=True),
    "listener": lambda: HubTarget(_protocol_seeds(), _hub("imusic_v1", listen_only=True)),
    "slimevr": lambda: HubTarget(
        _tracker_seeds(), _hub("slimevr", layout=_with_units(_LAYOUT)), _Line.trackers, envelopes
    ),
}
"""By name: the parser of the stream, a session with a hub that answers, one that only listens, SlimeVR trackers."""
