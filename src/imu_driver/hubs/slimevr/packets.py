"""The datagrams of SlimeVR trackers, and the answers of a server, as far as faces need them.

Facts from the public firmware (SlimeVR-Tracker-ESP, protocol 22) and server (SlimeVR-Server), both MIT or Apache-2.0:

    datagram = type u32 | number u64 | payload          number counts the datagrams of a tracker since it booted
    bundle   = 100 u32 | number u64 | (size u16 | type u32 | payload)*
    compact  = 101 u32 | number u64 | (size u8 | type u8 | payload)*

All big endian. Nothing here raises anything but `PacketError`, whatever the bytes are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple, TypeAlias

from face_model.frames import GRAVITY_M_S2

HEARTBEAT, ROTATION, GYRO, HANDSHAKE, ACCELERATION = 0, 1, 2, 3, 4
PING, BATTERY, TAP, ERROR, SENSOR_INFO, ROTATION_2, ROTATION_DATA = 10, 12, 13, 14, 15, 16, 17
SIGNAL, TEMPERATURE, FEATURES, ROTATION_ACCELERATION = 19, 20, 22, 23
BUNDLE, COMPACT_BUNDLE = 100, 101

UNUSED: Final = frozenset((GYRO, 5, 6, 7, 9, 11, TAP, 18, 21, 24, 26, 27, 105, 200))
"""Types that trackers send and faces do not need. Raw rates are among them: their units differ between firmwares."""

MOST_IN_BUNDLE: Final = 128
"""Packets that are read of one bundle; a datagram has no room for more that matter."""

NORMAL: Final = 1
"""Of the two kinds of rotation data, the one that is the orientation."""

OFFLINE, WORKING, BROKEN = range(3)
"""What a tracker says of one of its sensors."""

PARTS: Final = (
    "unknown", "MPU9250", "MPU6500", "BNO080", "BNO085", "BNO055", "MPU6050", "BNO086", "BMI160", "ICM20948",
    "ICM42688", "BMI270", "LSM6DS3TRC", "LSM6DSV", "LSM6DSO", "LSM6DSR", "ICM45686", "ICM45605", "ADC",
)  # fmt: skip
"""Sensor parts by the number that the firmware has for them."""

_HEAD: Final = struct.Struct(">IQ")
_ROTATION: Final = struct.Struct(">4f")
_ROTATION_DATA: Final = struct.Struct(">BB4f")
_ACCELERATION: Final = struct.Struct(">3f")
_BOTH: Final = struct.Struct(">B7h")
_SENSOR_INFO: Final = struct.Struct(">BB")
_HANDSHAKE: Final = struct.Struct(">7IB")
_BATTERY: Final = struct.Struct(">2f")
_TEMPERATURE: Final = struct.Struct(">Bf")
_NO_MAC: Final = bytes(6)

_Q15: Final = 1.0 / (1 << 15)
_Q7: Final = 1.0 / (1 << 7)


class PacketError(ValueError):
    """A datagram that no tracker sends.

    Attributes:
        reason: for counters: `short`, `unknown_type` or `malformed`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Handshake:
    """A tracker looks for a server.

    Attributes:
        mac: as `a4:e5:7c:00:00:01`; empty where it has none.
        firmware: its version.
        protocol: version of the protocol.
        part: number of the first sensor's part, as old firmware says.
    """

    mac: str
    firmware: str
    protocol: int
    part: int


class Rotation(NamedTuple):
    """Orientation of a sensor: x, y, z, w, not normalised, sensor axes to an earth frame with z up."""

    sensor: int
    orientation: tuple[float, float, float, float]


class Acceleration(NamedTuple):
    """Linear acceleration of a sensor without gravity, m/s2, in its axes."""

    sensor: int
    acceleration: tuple[float, float, float]


@dataclass(frozen=True)
class SensorInfo:
    """A sensor, its state (`OFFLINE`, `WORKING`, `BROKEN`) and the number of its part."""

    sensor: int
    state: int
    part: int


@dataclass(frozen=True)
class SensorError:
    """A sensor was reset, or does not work, with a code of the firmware."""

    sensor: int
    code: int


@dataclass(frozen=True)
class Ping:
    """The echo of a ping of ours; `token` is ours."""

    token: int


@dataclass(frozen=True)
class Features:
    """A tracker asks what this server can."""


@dataclass(frozen=True)
class Status:
    """What is shown and nothing else: battery 0 to 1 (-1 unknown), signal dBm (0 unknown), temperature degrees C.

    A tracker without a battery says that it has 0 V.
    """

    battery: float = -1.0
    signal_dbm: int = 0
    temperature_c: float | None = None


@dataclass(frozen=True)
class Nothing:
    """A heartbeat, or a packet that faces do not need."""

    HEARTBEAT: ClassVar[int] = HEARTBEAT


Packet: TypeAlias = Handshake | Rotation | Acceleration | SensorInfo | SensorError | Ping | Features | Status | Nothing

_NOTHING: Final = Nothing()


def decode(data: bytes) -> tuple[int, list[Packet]]:
    """Number and packets of a tracker's datagram.

    Raises:
        PacketError: no tracker sends this.
    """
    if len(data) < _HEAD.size:
        raise PacketError("short", f"expected at least {_HEAD.size} bytes, found {len(data)}")
    kind, number = _HEAD.unpack_from(data)
    if kind == BUNDLE:
        return number, _bundled(data, 2, 4)
    if kind == COMPACT_BUNDLE:
        return number, _bundled(data, 1, 1)
    return number, _packets(kind, data[_HEAD.size :])


def _bundled(data: bytes, size_bytes: int, type_bytes: int) -> list[Packet]:
    found: list[Packet] = []
    at = _HEAD.size
    for _ in range(MOST_IN_BUNDLE):
        if at == len(data):
            return found
        begin = at + size_bytes
        size = int.from_bytes(data[at:begin], "big")
        at = begin + size
        if at > len(data) or begin > len(data):
            raise PacketError("malformed", f"a bundle's packet of {size} bytes reaches past its end")
        if size >= type_bytes:
            kind = int.from_bytes(data[begin : begin + type_bytes], "big")
            if kind not in (BUNDLE, COMPACT_BUNDLE, HANDSHAKE):
                found += _packets(kind, data[begin + type_bytes : at])
    raise PacketError("malformed", f"more than {MOST_IN_BUNDLE} packets in a bundle")


def _packets(kind: int, payload: bytes) -> list[Packet]:
    try:
        return _read(kind, payload)
    except struct.error as error:
        raise PacketError("malformed", f"packet {kind}: {error}") from error


def _read(kind: int, payload: bytes) -> list[Packet]:
    if kind == ROTATION_DATA:
        sensor, data_kind, *quaternion = _ROTATION_DATA.unpack_from(payload)
        return [Rotation(sensor, tuple(quaternion))] if data_kind == NORMAL else [_NOTHING]
    if kind == ACCELERATION:
        sensor = payload[_ACCELERATION.size] if len(payload) > _ACCELERATION.size else 0
        return [Acceleration(sensor, _ACCELERATION.unpack_from(payload))]
    if kind == HEARTBEAT or kind in UNUSED:
        return [_NOTHING]
    if kind == ROTATION_ACCELERATION:
        sensor, *counts = _BOTH.unpack_from(payload)
        x, y, z, w = (c * _Q15 for c in counts[:4])
        ax, ay, az = (c * _Q7 for c in counts[4:])
        return [Rotation(sensor, (x, y, z, w)), Acceleration(sensor, (ax, ay, az))]
    if kind in (ROTATION, ROTATION_2):
        return [Rotation(0 if kind == ROTATION else 1, _ROTATION.unpack_from(payload))]
    if kind == HANDSHAKE:
        return [_handshake(payload)]
    if kind == SENSOR_INFO:
        sensor, state = _SENSOR_INFO.unpack_from(payload)
        return [SensorInfo(sensor, state, payload[2] if len(payload) > 2 else 0)]
    if kind == ERROR:
        sensor, code = _SENSOR_INFO.unpack_from(payload)
        return [SensorError(sensor, code)]
    if kind == PING:
        return [Ping(*struct.unpack_from(">I", payload))]
    if kind == FEATURES:
        return [Features()]
    return [_status(kind, payload)]


def _status(kind: int, payload: bytes) -> Packet:
    if kind == BATTERY:
        if len(payload) >= _BATTERY.size:
            volts, level = _BATTERY.unpack_from(payload)
        else:
            volts, level = 1.0, struct.unpack_from(">f", payload)[0]
        return Status(battery=level if volts > 0.0 and 0.0 <= level <= 1.0 else -1.0)
    if kind == SIGNAL:
        return Status(signal_dbm=struct.unpack_from(">Bb", payload)[1])
    if kind == TEMPERATURE:
        _, degrees = _TEMPERATURE.unpack_from(payload)
        return Status(temperature_c=degrees if abs(degrees) < 1000.0 else None)
    raise PacketError("unknown_type", f"expected a packet of a SlimeVR tracker, found type {kind}")


def _handshake(payload: bytes) -> Handshake:
    if len(payload) < _HANDSHAKE.size:
        return Handshake("", "", 0, 0)  # owoTrack and others that say less
    _board, part, _mcu, _, _, _, protocol, length = _HANDSHAKE.unpack_from(payload)
    text = payload[_HANDSHAKE.size : _HANDSHAKE.size + length].split(b"\0")[0].decode("ascii", "replace")
    mac = payload[_HANDSHAKE.size + length :][:6]
    name = mac.hex(":") if len(mac) == 6 and mac != _NO_MAC else ""
    return Handshake(name, "".join(c if c.isprintable() and c != "\ufffd" else "?" for c in text), protocol, part)


def part_name(number: int) -> str:
    """Name of a sensor part."""
    return PARTS[number] if 0 <= number < len(PARTS) else f"part {number}"


def specific_force(
    acceleration: tuple[float, float, float], orientation: tuple[float, float, float, float]
) -> tuple[float, float, float]:
    """What the accelerometer measured, m/s2: the firmware took gravity out by the orientation, which puts it in again.

    Args:
        acceleration: of the tracker, in its axes.
        orientation: unit quaternion x, y, z, w, its axes to an earth frame with z up.
    """
    x, y, z, w = orientation
    ax, ay, az = acceleration
    g = GRAVITY_M_S2
    return (
        ax + g * 2.0 * (x * z - w * y),
        ay + g * 2.0 * (y * z + w * x),
        az + g * (w * w - x * x - y * y + z * z),
    )


# What a server sends.

HANDSHAKE_ANSWER: Final = bytes((HANDSHAKE,)) + b"Hey OVR =D 5"
"""A tracker takes whoever sends this for its server."""

HEARTBEAT_QUESTION: Final = _HEAD.pack(1, 0)
"""Answered by a heartbeat with the tracker's own number."""

FEATURES_ANSWER: Final = _HEAD.pack(FEATURES, 0) + b"\x01"
"""This server reads bundles."""


def ping(token: int) -> bytes:
    """Sent back as it is."""
    return _HEAD.pack(PING, 0) + struct.pack(">I", token)


def sensor_info_answer(info: SensorInfo) -> bytes:
    """Until it comes, a tracker repeats what it said of the sensor."""
    return struct.pack(">IBB", SENSOR_INFO, info.sensor, info.state)
