"""Reading and writing the fields of a payload: little endian numbers and short strings."""

from __future__ import annotations

import struct
from typing import Any

from imu_driver.hubs.imusic_v1.protocol.errors import malformed

MAX_STRING = 255


class PayloadReader:
    """Takes fields off the front of a payload; every overrun is a `ProtocolError`."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._position = 0

    def take(self, layout: struct.Struct) -> tuple[Any, ...]:
        """Fields of fixed size."""
        end = self._position + layout.size
        if end > len(self._payload):
            raise malformed(f"expected a payload of at least {end} bytes, found {len(self._payload)}")
        values = layout.unpack_from(self._payload, self._position)
        self._position = end
        return values

    def string(self) -> str:
        """A string: u8 count of bytes, then UTF-8."""
        (size,) = self.take(_COUNT)
        end = self._position + size
        if end > len(self._payload):
            raise malformed(f"expected a string of {size} bytes, found {len(self._payload)} bytes of payload")
        try:
            text = self._payload[self._position : end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise malformed(f"expected UTF-8, found {error}") from error
        self._position = end
        return text

    def finish(self) -> None:
        """Check that nothing is left over."""
        if self._position != len(self._payload):
            raise malformed(f"expected {self._position} bytes of payload, found {len(self._payload)}")


def whole(layout: struct.Struct, payload: bytes) -> tuple[Any, ...]:
    """The fields of a payload that has nothing else.

    Raises:
        ProtocolError: it is shorter or longer.
    """
    if len(payload) != layout.size:
        raise malformed(f"expected a payload of {layout.size} bytes, found {len(payload)}")
    return layout.unpack(payload)


def pack(layout: struct.Struct, *values: int) -> bytes:
    """Fields of fixed size to bytes.

    Raises:
        ProtocolError: a value does not fit its field.
    """
    try:
        return layout.pack(*values)
    except struct.error as error:
        raise malformed(f"expected values that fit {layout.format!r}, found {values} ({error})") from error


def pack_string(text: str) -> bytes:
    """A string to its count and UTF-8 bytes.

    Raises:
        ProtocolError: longer than 255 bytes, or not encodable.
    """
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise malformed(f"expected text that UTF-8 can hold, found {text!r}") from error
    if len(encoded) > MAX_STRING:
        raise malformed(f"expected a string of at most {MAX_STRING} bytes, found {len(encoded)}")
    return bytes((len(encoded),)) + encoded


_COUNT = struct.Struct("<B")
