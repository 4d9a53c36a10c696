"""Open Sound Control 1.0, decoded: messages of a datagram, bundles within bundles, in bounded time and memory.

Written from the specification (M. Wright, "The Open Sound Control 1.0 Specification", 2002). Ours, since a reader that
faces a network has to count and refuse what is broken, and needs four argument types.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MOST_DEPTH = 4
MOST_MESSAGES = 1024
MOST_ARGUMENTS = 256

_AT_ONCE = 1
"""Time tag of a bundle that says no time."""
_SECONDS_1900_TO_1970 = 2_208_988_800


class OscError(ValueError):
    """A datagram that is no OSC; the message is the reason it is counted under, one of few."""


@dataclass(frozen=True)
class OscMessage:
    """One message.

    Attributes:
        address: pattern, as sent.
        arguments: whole numbers, floats, texts, bytes, truths and None, as their tags say.
        time_s: Unix time of the bundle that it came in, None if it says none.
    """

    address: str
    arguments: tuple[object, ...]
    time_s: float | None = None


def decode(data: bytes) -> list[OscMessage]:
    """All messages of a datagram, in order.

    Raises:
        OscError: it is broken anywhere; nothing of it counts then.
    """
    messages: list[OscMessage] = []
    for message in _packet(data, None, 0):
        messages.append(message)
        if len(messages) > MOST_MESSAGES:
            raise OscError("too many messages")
    return messages


def _packet(data: bytes, time_s: float | None, depth: int) -> Iterator[OscMessage]:
    if not data or len(data) % 4:
        raise OscError("length is no multiple of 4")
    if not data.startswith(b"#bundle\0"):
        yield _message(data, time_s)
        return
    if depth >= MOST_DEPTH:
        raise OscError("bundles too deep")
    if len(data) < 16:
        raise OscError("cut short")
    (tag,) = struct.unpack_from(">Q", data, 8)
    if tag != _AT_ONCE:
        time_s = tag / 2**32 - _SECONDS_1900_TO_1970
    at = 16
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        at += 4
        if size <= 0 or at + size > len(data):
            raise OscError("cut short")
        yield from _packet(data[at : at + size], time_s, depth + 1)
        at += size


def _message(data: bytes, time_s: float | None) -> OscMessage:
    address, at = _text(data, 0)
    if not address.startswith("/"):
        raise OscError("no address")
    if at == len(data):
        return OscMessage(address, (), time_s)  # old senders leave the tags out where there are no arguments
    tags, at = _text(data, at)
    if not tags.startswith(","):
        raise OscError("no type tags")
    if len(tags) > MOST_ARGUMENTS:
        raise OscError("too many arguments")
    arguments: list[object] = []
    for tag in tags[1:]:
        argument, at = _argument(tag, data, at)
        arguments.append(argument)
    if at != len(data):
        raise OscError("bytes left over")
    return OscMessage(address, tuple(arguments), time_s)


_NUMBERS = {"i": struct.Struct(">i"), "f": struct.Struct(">f"), "h": struct.Struct(">q"), "d": struct.Struct(">d")}
_TOKENS: dict[str, object] = {"T": True, "F": False, "N": None, "I": None}


def _argument(tag: str, data: bytes, at: int) -> tuple[object, int]:
    if tag in _NUMBERS:
        number = _NUMBERS[tag]
        if at + number.size > len(data):
            raise OscError("cut short")
        return number.unpack_from(data, at)[0], at + number.size
    if tag in "sS":
        return _text(data, at)
    if tag in _TOKENS:
        return _TOKENS[tag], at
    if tag == "b":
        if at + 4 > len(data):
            raise OscError("cut short")
        (size,) = struct.unpack_from(">i", data, at)
        end = at + 4 + size
        if size < 0 or end > len(data):
            raise OscError("cut short")
        return data[at + 4 : end], end + -size % 4
    raise OscError("type tag not known")


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    if end < 0:
        raise OscError("cut short")
    try:
        text = data[at:end].decode("utf-8")
    except UnicodeDecodeError as error:
        raise OscError("text is no UTF-8") from error
    following = end + 4 - (end - at) % 4
    if following > len(data):
        raise OscError("cut short")
    return text, following
