"""Open Sound Control 1.0: messages of a datagram, bundles within bundles, decoded in bounded time and memory; encoded.

Written from the specification (M. Wright, "The Open Sound Control 1.0 Specification", 2002). Ours, since a reader that
faces a network has to count and refuse what is broken, and needs four argument types.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MOST_DEPTH = 4
MOST_MESSAGES = 1024
MOST_ARGUMENTS = 256

BUNDLE = b"#bundle\0"
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


def encode(address: str, arguments: Sequence[object] = ()) -> bytes:
    """One message: whole numbers as int32, floats as float32, texts, bytes, truths and None.

    Raises:
        ValueError: the address does not begin with a slash, a text holds a zero, a number does not fit or is not
            finite, or OSC has no such type.
    """
    if not address.startswith("/"):
        raise ValueError(f"expected an OSC address that begins with /, found {address!r}")
    tags, content = ",", b""
    for argument in arguments:
        tag, data = _encoded(argument)
        tags, content = tags + tag, content + data
    return _padded(address) + _padded(tags) + content


def bundle(messages: Iterable[bytes], time_s: float | None = None) -> bytes:
    """A bundle of messages or bundles that are encoded already, in order; `time_s` is its Unix time."""
    tag = _AT_ONCE if time_s is None else round((time_s + _SECONDS_1900_TO_1970) * 2**32)
    return BUNDLE + struct.pack(">Q", tag) + b"".join(struct.pack(">i", len(part)) + part for part in messages)


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
    if not data.startswith(BUNDLE):
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


def _encoded(argument: object) -> tuple[str, bytes]:
    if argument is None or isinstance(argument, bool):
        return {None: "N", True: "T", False: "F"}[argument], b""
    if isinstance(argument, str):
        return "s", _padded(argument)
    if isinstance(argument, bytes):
        return "b", struct.pack(">i", len(argument)) + argument + bytes(-len(argument) % 4)
    try:
        if isinstance(argument, int):
            return "i", struct.pack(">i", argument)
        if isinstance(argument, float) and math.isfinite(argument):
            return "f", struct.pack(">f", argument)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"expected a number that fits into 32 bits, found {argument}") from error
    raise ValueError(f"expected a number, text, bytes, true, false or none, found {argument!r}")


def _padded(text: str) -> bytes:
    data = text.encode()
    if b"\0" in data:
        raise ValueError(f"expected a text without zeros, found {text!r}")
    return data + bytes(4 - len(data) % 4)
