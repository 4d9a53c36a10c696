"""Packets that the hub sends: HELLO, SAMPLE, PONG, ACK. The layout of every field is in docs/protocol.md."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imu_driver.hubs.imusic_v1.protocol.errors import malformed
from imu_driver.hubs.imusic_v1.protocol.wire import PayloadReader, pack, pack_string, whole

MAX_SENSORS = 64
"""Most units on one hub."""


class Fields(IntFlag):
    """Which blocks of motion data a SAMPLE carries, for all units alike."""

    QUATERNION = 1
    GYRO = 2
    ACCEL = 4


class UnitStatus(IntFlag):
    """Bits of SAMPLE's status, one byte for each unit."""

    OK = 1
    GYRO_SATURATED = 2
    ACCEL_SATURATED = 4
    FAULT = 8
    MISSING = 16


class SensorFlags(IntFlag):
    """Bits of a sensor's flags in HELLO."""

    PRESENT = 1


class HubFlags(IntFlag):
    """Bits of the hub's flags in HELLO."""

    STREAMING = 1
    CAN_SEAL = 2


class Result(IntEnum):
    """Outcome in an ACK; codes not listed here are failures too."""

    OK = 0
    UNSUPPORTED = 1
    INVALID_ARGUMENT = 2
    BUSY = 3
    FAILED = 4


_ALL_FIELDS = int(Fields.QUATERNION | Fields.GYRO | Fields.ACCEL)
_WIDTHS = ((int(Fields.QUATERNION), 4), (int(Fields.GYRO), 3), (int(Fields.ACCEL), 3))
_UNIT_BYTES = [2 * sum(width for bit, width in _WIDTHS if fields & bit) for fields in range(_ALL_FIELDS + 1)]
"""Bytes of motion of each unit, by `Fields`."""
_INT16 = np.dtype("<i2")

_HELLO = struct.Struct("<IHHBBB")
_SENSOR = struct.Struct("<BBHB")
_SAMPLE = struct.Struct("<IQBB")
_PONG = struct.Struct("<IQ")
_ACK = struct.Struct("<HBB")


@dataclass(frozen=True)
class SensorInfo:
    """One unit as the hub describes it.

    Attributes:
        id: number of the unit on the hub.
        place: where it sits: the sensor's name in the layout, e.g. `frontalis_left`.
        part: sensor part, e.g. `QMI8658`.
        gyro_range_dps: full scale of the gyroscope, degrees per second; its counts are in units of this / 32768.
        accel_range_g: full scale of the accelerometer, standard gravities; its counts are in units of this / 32768.
        flags: `SensorFlags`.
    """

    id: int
    place: str
    part: str
    gyro_range_dps: int
    accel_range_g: int
    flags: int = int(SensorFlags.PRESENT)

    @property
    def present(self) -> bool:
        """Whether the hub finds the unit on its bus."""
        return bool(self.flags & SensorFlags.PRESENT)


@dataclass(frozen=True)
class Hello:
    """Who the hub is and what it sends.

    Attributes:
        boot_id: random, drawn anew at each boot, so that the host notices a reboot.
        rate_hz: samples per second when streaming.
        max_rate_hz: highest rate that SET_RATE may ask for.
        fields: `Fields` in every SAMPLE.
        hub: name of the hub.
        firmware: version of its firmware.
        sensors: units, in the order of SAMPLE's blocks.
        flags: `HubFlags`.
    """

    TYPE: ClassVar[int] = 0x01

    boot_id: int
    rate_hz: int
    max_rate_hz: int
    fields: int
    hub: str
    firmware: str
    sensors: tuple[SensorInfo, ...]
    flags: int = 0

    @property
    def streaming(self) -> bool:
        """Whether the hub is sending samples."""
        return bool(self.flags & HubFlags.STREAMING)

    @property
    def can_seal(self) -> bool:
        """Whether the hub can be given a key (version 1.1)."""
        return bool(self.flags & HubFlags.CAN_SEAL)

    def to_payload(self) -> bytes:
        """Payload bytes."""
        _check_counts(len(self.sensors), self.fields)
        parts = [
            pack(_HELLO, self.boot_id, self.rate_hz, self.max_rate_hz, self.flags, self.fields, len(self.sensors)),
            pack_string(self.hub),
            pack_string(self.firmware),
        ]
        for sensor in self.sensors:
            parts += [
                pack(_SENSOR, sensor.id, sensor.flags, sensor.gyro_range_dps, sensor.accel_range_g),
                pack_string(sensor.place),
                pack_string(sensor.part),
            ]
        return b"".join(parts)

    @classmethod
    def from_payload(cls, payload: bytes) -> Hello:
        """Read a payload; raises `ProtocolError`."""
        reader = PayloadReader(payload)
        boot_id, rate_hz, max_rate_hz, flags, fields, count = reader.take(_HELLO)
        _check_counts(count, fields)
        hub, firmware = reader.string(), reader.string()
        sensors = []
        for _ in range(count):
            number, sensor_flags, gyro_range_dps, accel_range_g = reader.take(_SENSOR)
            place, part = reader.string(), reader.string()
            sensors.append(SensorInfo(number, place, part, gyro_range_dps, accel_range_g, sensor_flags))
        reader.finish()
        if len({sensor.id for sensor in sensors}) != count:
            raise malformed(f"expected every unit once, found ids {[sensor.id for sensor in sensors]}")
        return cls(boot_id, rate_hz, max_rate_hz, fields, hub, firmware, tuple(sensors), flags)


@dataclass(frozen=True)
class Sample:
    """All `N` units at one time. Bytes are kept as received; the properties view them without a copy.

    Attributes:
        sequence: counted from 0 since START, modulo 2**32.
        hub_time_us: sample time on the hub's own clock.
        fields: `Fields` that `motion` holds.
        status: `N` bytes of `UnitStatus`.
        motion: little endian int16 blocks, each over all units: quaternion (N, 4), gyro (N, 3), accel (N, 3).
    """

    TYPE: ClassVar[int] = 0x02

    sequence: int
    hub_time_us: int
    fields: int
    status: bytes
    motion: bytes

    def __post_init__(self) -> None:
        count, fields = len(self.status), self.fields
        _check_counts(count, fields)
        expected = count * _UNIT_BYTES[fields]
        if len(self.motion) != expected:
            raise malformed(
                f"expected {expected} bytes of motion for {len(self.status)} units, found {len(self.motion)}"
            )

    @classmethod
    def from_arrays(
        cls,
        sequence: int,
        hub_time_us: int,
        status: NDArray[np.uint8],
        *,
        quaternion: NDArray[np.int16] | None = None,
        gyro: NDArray[np.int16] | None = None,
        accel: NDArray[np.int16] | None = None,
    ) -> Sample:
        """Build from counts: status (N,), quaternion (N, 4), gyro (N, 3), accel (N, 3); None leaves a block out."""
        blocks = ((Fields.QUATERNION, quaternion), (Fields.GYRO, gyro), (Fields.ACCEL, accel))
        fields, motion = 0, b""
        for bit, block in blocks:
            if block is not None:
                fields |= bit
                motion += np.ascontiguousarray(block, dtype=_INT16).tobytes()
        return cls(sequence, hub_time_us, int(fields), status.astype(np.uint8).tobytes(), motion)

    @property
    def quaternion(self) -> NDArray[np.int16] | None:
        """(N, 4) counts x, y, z, w in units of 1/32767, or None where the hub sends none."""
        return self._block(0)

    @property
    def gyro(self) -> NDArray[np.int16] | None:
        """(N, 3) counts, units of `SensorInfo.gyro_range_dps` / 32768, or None."""
        return self._block(1)

    @property
    def accel(self) -> NDArray[np.int16] | None:
        """(N, 3) counts, units of `SensorInfo.accel_range_g` / 32768, or None."""
        return self._block(2)

    def _block(self, index: int) -> NDArray[np.int16] | None:
        bit, width = _WIDTHS[index]
        if not self.fields & bit:
            return None
        count = len(self.status)
        before = sum(w for b, w in _WIDTHS[:index] if self.fields & b)
        flat = np.frombuffer(self.motion, dtype=_INT16, count=count * width, offset=2 * count * before)
        return flat.reshape(count, width)

    def to_payload(self) -> bytes:
        """Payload bytes."""
        head = pack(_SAMPLE, self.sequence, self.hub_time_us, self.fields, len(self.status))
        return head + self.status + self.motion

    @classmethod
    def from_payload(cls, payload: bytes) -> Sample:
        """Read a payload; raises `ProtocolError`."""
        if len(payload) < _SAMPLE.size:
            raise malformed(f"expected at least {_SAMPLE.size} bytes of SAMPLE, found {len(payload)}")
        sequence, hub_time_us, fields, count = _SAMPLE.unpack_from(payload)
        split = _SAMPLE.size + count
        status = payload[_SAMPLE.size : split]
        if len(status) != count:
            raise malformed(f"expected status of {count} units, found {len(status)}")
        return cls(sequence, hub_time_us, fields, status, payload[split:])


@dataclass(frozen=True)
class Pong:
    """Answer to PING.

    Attributes:
        token: copied from the PING.
        hub_time_us: hub clock when the PING's last byte arrived.
    """

    TYPE: ClassVar[int] = 0x03

    token: int
    hub_time_us: int

    def to_payload(self) -> bytes:
        """Payload bytes."""
        return pack(_PONG, self.token, self.hub_time_us)

    @classmethod
    def from_payload(cls, payload: bytes) -> Pong:
        """Read a payload; raises `ProtocolError`."""
        return cls(*whole(_PONG, payload))


@dataclass(frozen=True)
class Ack:
    """Answer to every command with a request id.

    Attributes:
        request_id: of the command.
        command: packet type of the command.
        result: a `Result`, or a code of a newer hub.
        message: why not, for people; empty on success.
    """

    TYPE: ClassVar[int] = 0x04

    request_id: int
    command: int
    result: int
    message: str = ""

    def to_payload(self) -> bytes:
        """Payload bytes."""
        return pack(_ACK, self.request_id, self.command, self.result) + pack_string(self.message)

    @classmethod
    def from_payload(cls, payload: bytes) -> Ack:
        """Read a payload; raises `ProtocolError`."""
        if len(payload) == _ACK.size + 1 and not payload[-1]:  # most have no message
            return cls(*_ACK.unpack_from(payload))
        reader = PayloadReader(payload)
        request_id, command, result = reader.take(_ACK)
        ack = cls(request_id, command, result, reader.string())
        reader.finish()
        return ack


def _check_counts(count: int, fields: int) -> None:
    if not 0 < count <= MAX_SENSORS:
        raise malformed(f"expected 1 to {MAX_SENSORS} units, found {count}")
    if fields & ~_ALL_FIELDS:
        raise malformed(f"expected field bits within {_ALL_FIELDS:#x}, found {fields:#x}")
