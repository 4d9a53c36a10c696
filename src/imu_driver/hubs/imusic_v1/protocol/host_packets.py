"""Packets that the host sends: HELLO_REQUEST, START, STOP, SET_RATE, PING, IDENTIFY."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from imu_driver.hubs.imusic_v1.protocol.wire import PayloadReader, pack

_REQUEST = struct.Struct("<H")
_SET_RATE = struct.Struct("<HH")
_PING = struct.Struct("<I")
_IDENTIFY = struct.Struct("<HB")

C = TypeVar("C", bound="_Command")


@dataclass(frozen=True)
class _Command:
    """A command that needs no argument.

    Attributes:
        request_id: chosen by the host, copied into the ACK.
    """

    TYPE: ClassVar[int]

    request_id: int

    def to_payload(self) -> bytes:
        """Payload bytes."""
        return pack(_REQUEST, self.request_id)

    @classmethod
    def from_payload(cls: type[C], payload: bytes) -> C:
        """Read a payload; raises `ProtocolError`."""
        reader = PayloadReader(payload)
        (request_id,) = reader.take(_REQUEST)
        reader.finish()
        return cls(request_id)


@dataclass(frozen=True)
class HelloRequest(_Command):
    """Ask for HELLO; answered by HELLO, then ACK."""

    TYPE: ClassVar[int] = 0x81


@dataclass(frozen=True)
class Start(_Command):
    """Send samples, from sequence 0 where the hub does not send any yet."""

    TYPE: ClassVar[int] = 0x82


@dataclass(frozen=True)
class Stop(_Command):
    """Send no more samples."""

    TYPE: ClassVar[int] = 0x83


@dataclass(frozen=True)
class SetRate:
    """Change the sample rate.

    Attributes:
        request_id: copied into the ACK.
        rate_hz: 1 to `Hello.max_rate_hz`.
    """

    TYPE: ClassVar[int] = 0x84

    request_id: int
    rate_hz: int

    def to_payload(self) -> bytes:
        """Payload bytes."""
        return pack(_SET_RATE, self.request_id, self.rate_hz)

    @classmethod
    def from_payload(cls, payload: bytes) -> SetRate:
        """Read a payload; raises `ProtocolError`."""
        reader = PayloadReader(payload)
        command = cls(*reader.take(_SET_RATE))
        reader.finish()
        return command


@dataclass(frozen=True)
class Ping:
    """Ask for the hub's time; answered by PONG at once.

    Attributes:
        token: copied into the PONG.
    """

    TYPE: ClassVar[int] = 0x85

    token: int

    def to_payload(self) -> bytes:
        """Payload bytes."""
        return pack(_PING, self.token)

    @classmethod
    def from_payload(cls, payload: bytes) -> Ping:
        """Read a payload; raises `ProtocolError`."""
        reader = PayloadReader(payload)
        command = cls(*reader.take(_PING))
        reader.finish()
        return command


@dataclass(frozen=True)
class Identify:
    """Blink the light of one unit for five seconds.

    Attributes:
        request_id: copied into the ACK.
        sensor_id: `SensorInfo.id`.
    """

    TYPE: ClassVar[int] = 0x86

    request_id: int
    sensor_id: int

    def to_payload(self) -> bytes:
        """Payload bytes."""
        return pack(_IDENTIFY, self.request_id, self.sensor_id)

    @classmethod
    def from_payload(cls, payload: bytes) -> Identify:
        """Read a payload; raises `ProtocolError`."""
        reader = PayloadReader(payload)
        command = cls(*reader.take(_IDENTIFY))
        reader.finish()
        return command
