"""The firmware's C library, compiled for this machine, and its structures as ctypes sees them."""

from __future__ import annotations

import ctypes as c
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from imu_driver.hubs.imusic_v1 import protocol as p

ROOT = Path(__file__).parents[1]
FIRMWARE = ROOT / "firmware"
LIBRARY = FIRMWARE / "imusic"
HERE = ROOT / "tests/firmware"
WARNINGS = (
    "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow",
    "-Wstrict-prototypes", "-Werror",
)  # fmt: skip


def compilers() -> list[str]:
    """C compilers of this machine."""
    return [name for name in ("cc", "gcc", "clang") if shutil.which(name)]


def compiler() -> str:
    """The C compiler, or a skip that says what is missing."""
    found = compilers()
    if not found:
        pytest.skip("no C compiler (cc, gcc or clang) on PATH; apt install gcc")
    return found[0]


def compile_c(*arguments: str | Path, with_compiler: str = "") -> subprocess.CompletedProcess[str]:
    """Run the compiler with warnings as errors."""
    command = [with_compiler or compiler(), *WARNINGS, "-I", str(LIBRARY), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def built(*arguments: str | Path) -> None:
    """Compile, or fail with what the compiler says."""
    done = compile_c(*arguments)
    assert done.returncode == 0, done.stderr


class Text(c.Structure):
    _fields_ = (("bytes", c.c_char_p), ("length", c.c_size_t))

    @classmethod
    def of(cls, text: str | bytes) -> Text:
        encoded = text.encode() if isinstance(text, str) else text
        return cls(encoded, len(encoded))


class Unit(c.Structure):
    _fields_ = (
        ("id", c.c_uint8),
        ("flags", c.c_uint8),
        ("gyro_range_dps", c.c_uint16),
        ("accel_range_g", c.c_uint8),
        ("place", Text),
        ("part", Text),
    )

    @classmethod
    def of(cls, sensor: p.SensorInfo) -> Unit:
        place, part = Text.of(sensor.place), Text.of(sensor.part)
        return cls(sensor.id, sensor.flags, sensor.gyro_range_dps, sensor.accel_range_g, place, part)


class HelloStruct(c.Structure):
    _fields_ = (
        ("boot_id", c.c_uint32),
        ("rate_hz", c.c_uint16),
        ("max_rate_hz", c.c_uint16),
        ("flags", c.c_uint8),
        ("fields", c.c_uint8),
        ("hub", Text),
        ("firmware", Text),
        ("units", c.POINTER(Unit)),
        ("unit_count", c.c_size_t),
    )


class Reading(c.Structure):
    _fields_ = (("gyro", c.c_int16 * 3), ("accel", c.c_int16 * 3), ("status", c.c_uint8))


class HostPacket(c.Structure):
    _fields_ = (
        ("type", c.c_uint8),
        ("request_id", c.c_uint16),
        ("rate_hz", c.c_uint16),
        ("sensor_id", c.c_uint8),
        ("token", c.c_uint32),
        ("counter", c.c_uint64),
        ("inner_length", c.c_uint8),
        ("inner", c.c_uint8 * 16),
        ("tag", c.c_uint8 * 16),
        ("nonce", c.c_uint8 * p.NONCE_BYTES),
    )


Measure = c.CFUNCTYPE(c.c_uint64, c.c_uint64, c.POINTER(Reading), c.c_size_t)


def load(folder: Path) -> c.CDLL:
    """The library and `hub_under_test.c`, compiled into `folder`."""
    path = folder / "libimusic_under_test.so"
    built("-O2", "-fPIC", "-shared", HERE / "hub_under_test.c", *sorted(LIBRARY.glob("*.c")), "-o", path)
    library = c.CDLL(str(path))
    size, u8, u16, u32, u64 = c.c_size_t, c.c_uint8, c.c_uint16, c.c_uint32, c.c_uint64
    library.imusic_encode_hello.restype = size
    library.imusic_encode_hello.argtypes = [c.c_char_p, size, c.c_void_p, c.POINTER(HelloStruct)]
    library.imusic_encode_sample.restype = size
    library.imusic_encode_sample.argtypes = [
        c.c_char_p, size, c.c_void_p, u32, u64, c.POINTER(Reading), size, c.c_void_p,
    ]  # fmt: skip
    library.imusic_encode_pong.restype = size
    library.imusic_encode_pong.argtypes = [c.c_char_p, size, c.c_void_p, u32, u64]
    library.imusic_encode_ack.restype = size
    library.imusic_encode_ack.argtypes = [c.c_char_p, size, c.c_void_p, u16, u8, u8, Text]
    library.under_test_bytes.restype = size
    library.under_test_init.argtypes = [
        c.c_char_p, c.POINTER(Unit), size, u16, u16, u64, u64, size, u32, c.c_int, Measure, u64,
    ]  # fmt: skip
    library.under_test_receive.restype = size
    library.under_test_receive.argtypes = [c.c_char_p, c.c_char_p, size, u64]
    library.under_test_poll.argtypes = [c.c_char_p, u64]
    library.under_test_next_us.restype = u64
    library.under_test_next_us.argtypes = [c.c_char_p, u64]
    library.under_test_take.restype = size
    library.under_test_take.argtypes = [c.c_char_p, c.c_char_p]
    library.under_test_give_room.argtypes = [c.c_char_p, size]
    library.under_test_counters.argtypes = [c.c_char_p, c.POINTER(u32)]
    library.under_test_set_sequence.argtypes = [c.c_char_p, u32]
    library.under_test_set_flags.argtypes = [c.c_char_p, size, u8]
    library.under_test_set_key.argtypes = [c.c_char_p, c.c_char_p, c.c_char_p]
    library.under_test_seal_counters.argtypes = [c.c_char_p, c.POINTER(u32)]
    library.imusic_hkdf.argtypes = [c.c_char_p, size, c.c_char_p, size, c.c_char_p, size, c.c_char_p, u8]
    library.parser_bytes.restype = size
    library.parser_feed.restype = size
    library.parser_feed.argtypes = [c.c_char_p, c.c_char_p, size, c.POINTER(HostPacket), size]
    library.parser_counters.argtypes = [c.c_char_p, c.POINTER(u32)]
    library.imusic_parser_init.argtypes = [c.c_char_p]
    return library


_MOST = p.MAX_FRAME + 1
_SENT = 1 << 20


class CompiledHub:
    """A hub of the firmware's library, with the face of `SimulatedHub`: `receive`, `due`, `wait_s`, on a clock in s.

    Args:
        library: of `load`.
        sensors: its units.
        clock: s; the hub's own time is the time since it was made.
        measure: fills the readings of a sample that was due at a hub time in us, and returns the time of measurement.
        key: that the host has to have; None: everybody is answered.
        nonce: that the hub draws for every session.
    """

    def __init__(
        self,
        library: c.CDLL,
        sensors: Sequence[p.SensorInfo],
        clock: Callable[[], float],
        measure: Callable[[int, c.Array[Reading]], int],
        *,
        rate_hz: int = 100,
        max_rate_hz: int = 400,
        silence_s: float = 0.0,
        catch_up_s: float = 1.0,
        waiting_bytes: int = 2048,
        boot_id: int = 0x12345678,
        lights: bool = True,
        key: bytes | None = None,
        nonce: bytes = bytes(p.NONCE_BYTES),
    ) -> None:
        self._library = library
        self._clock = clock
        self._begin_s = clock()
        self._state = c.create_string_buffer(library.under_test_bytes())
        self._out = c.create_string_buffer(_SENT)
        # Kept for as long as the hub: the library points to them.
        self._units = (Unit * max(1, len(sensors)))(*map(Unit.of, sensors))
        self._measure = Measure(
            lambda due_us, readings, count: measure(due_us, c.cast(readings, c.POINTER(Reading * count)).contents)
        )
        self.problem = library.under_test_init(
            self._state, self._units, len(sensors), rate_hz, max_rate_hz, round(1e6 * silence_s),
            round(1e6 * catch_up_s), waiting_bytes, boot_id, lights, self._measure, 0,
        )  # fmt: skip
        if key is not None:
            library.under_test_set_key(self._state, key, nonce)

    @property
    def now_us(self) -> int:
        return round(1e6 * (self._clock() - self._begin_s))

    def hear(self, data: bytes) -> int:
        """Take bytes; how many packets they completed."""
        return int(self._library.under_test_receive(self._state, data, len(data), self.now_us))

    def receive(self, data: bytes) -> list[bytes]:
        self.hear(data)
        return self.due()

    def due(self) -> list[bytes]:
        self._library.under_test_poll(self._state, self.now_us)
        length = self._library.under_test_take(self._state, self._out)
        return [frame + b"\0" for frame in self._out.raw[:length].split(b"\0") if frame]

    @property
    def wait_s(self) -> float:
        next_us = int(self._library.under_test_next_us(self._state, self.now_us))
        return max(0.0, 1e-6 * (next_us - self.now_us))

    def give_room(self, size: int) -> None:
        """How many bytes the line takes from now on."""
        self._library.under_test_give_room(self._state, size)

    def number(self, sequence: int) -> None:
        """Go on counting samples from here."""
        self._library.under_test_set_sequence(self._state, sequence)

    def flag(self, unit: int, flags: int) -> None:
        """Change a unit's flags."""
        self._library.under_test_set_flags(self._state, unit, flags)

    @property
    def seal_counters(self) -> dict[str, int]:
        found = (c.c_uint32 * 6)()
        self._library.under_test_seal_counters(self._state, found)
        names = ("unsealed", "bad_tag", "replayed", "no_session", "bad_inner", "sessions")
        return dict(zip(names, found, strict=True))

    @property
    def counters(self) -> dict[str, int]:
        found = (c.c_uint32 * 6)()
        self._library.under_test_counters(self._state, found)
        return dict(zip(("sent", "dropped", "missed", "dropped_answers", "lit", "dimmed"), found, strict=True))


class CompiledParser:
    """The firmware's parser of host packets, with the face of `StreamParser`."""

    def __init__(self, library: c.CDLL) -> None:
        self._library = library
        self._state = c.create_string_buffer(library.parser_bytes())
        library.imusic_parser_init(self._state)

    def feed(self, data: bytes) -> list[p.Packet]:
        most = len(data) + 1
        packets = (HostPacket * most)()
        count = self._library.parser_feed(self._state, data, len(data), packets, most)
        return [_packet(packets[i]) for i in range(count)]

    def _counters(self) -> list[int]:
        found = (c.c_uint32 * (len(p.REASONS) + 2))()
        self._library.parser_counters(self._state, found)
        return list(found)

    @property
    def rejects(self) -> dict[p.Reason, int]:
        return dict(zip(p.REASONS, self._counters(), strict=False))

    @property
    def echoes(self) -> int:
        return self._counters()[-2]

    @property
    def packets(self) -> int:
        return self._counters()[-1]


def _packet(found: HostPacket) -> p.Packet:
    kinds: dict[int, Callable[[], p.Packet]] = {
        p.Ping.TYPE: lambda: p.Ping(found.token),
        p.SetRate.TYPE: lambda: p.SetRate(found.request_id, found.rate_hz),
        p.Identify.TYPE: lambda: p.Identify(found.request_id, found.sensor_id),
        p.HelloRequest.TYPE: lambda: p.HelloRequest(found.request_id),
        p.Start.TYPE: lambda: p.Start(found.request_id),
        p.Stop.TYPE: lambda: p.Stop(found.request_id),
        p.AuthRequest.TYPE: lambda: p.AuthRequest(bytes(found.nonce)),
        p.SealedByHost.TYPE: lambda: p.SealedByHost(
            found.counter, bytes(found.inner[: found.inner_length]), bytes(found.tag)
        ),
    }
    return kinds[found.type]()


def encoded(library: c.CDLL, packet: p.HubPacket, capacity: int = _MOST) -> bytes:
    """A packet of a hub as the library encodes it; empty where it refuses to."""
    out = c.create_string_buffer(capacity)
    if isinstance(packet, p.Hello):
        units = (Unit * max(1, len(packet.sensors)))(*map(Unit.of, packet.sensors))
        hello = HelloStruct(
            packet.boot_id, packet.rate_hz, packet.max_rate_hz, packet.flags, packet.fields, Text.of(packet.hub),
            Text.of(packet.firmware), units, len(packet.sensors),
        )  # fmt: skip
        length = library.imusic_encode_hello(out, capacity, None, c.byref(hello))
    elif isinstance(packet, p.Sample):
        length = _encoded_sample(library, packet, out, capacity)
    elif isinstance(packet, p.Pong):
        length = library.imusic_encode_pong(out, capacity, None, packet.token, packet.hub_time_us)
    else:
        text = Text.of(packet.message)
        length = library.imusic_encode_ack(out, capacity, None, packet.request_id, packet.command, packet.result, text)
    return out.raw[:length]


def _encoded_sample(library: c.CDLL, packet: p.Sample, out: c.Array[c.c_char], capacity: int) -> int:
    gyro, accel, quaternion = packet.gyro, packet.accel, packet.quaternion
    assert gyro is not None
    assert accel is not None
    count = len(packet.status)
    readings = (Reading * count)()
    for i in range(count):
        readings[i] = Reading((c.c_int16 * 3)(*gyro[i]), (c.c_int16 * 3)(*accel[i]), packet.status[i])
    counts = None if quaternion is None else (c.c_int16 * (4 * count))(*quaternion.ravel())
    length = library.imusic_encode_sample(
        out, capacity, None, packet.sequence, packet.hub_time_us, readings, count, counts
    )
    return int(length)
