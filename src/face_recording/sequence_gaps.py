"""How many messages of a topic are missing, by the numbers that they carry, read from their bytes as they are."""

from __future__ import annotations

import struct

_AFTER_HEADER = {
    "imusic/msg/ImuFrame": (4, "I"),  # behind layout_id
    "imusic/msg/FaceBlendshapes": (0, "I"),
    "imusic/msg/HubBytes": (0, "Q"),
}
"""Where a message has its number, behind its header, and of what type it is."""
MOST = 1 << 20
"""A number that is this much larger than the one before it is a new beginning."""
_BEGIN = 4
"""Bytes of a serialized message before its body: how it is encoded (CDR)."""


class SequenceGaps:
    """Follows the numbers of one topic.

    Args:
        type_name: of its messages; of types without a number nothing is known to be missing.

    Attributes:
        missing: messages that did not come.
    """

    def __init__(self, type_name: str) -> None:
        self.missing = 0
        self._place = _AFTER_HEADER.get(type_name)
        self._last: int | None = None

    def see(self, data: bytes) -> None:
        """Take the next message of the topic, as serialized."""
        if self._place is None:
            return
        number = number_of(data, *self._place)
        if number is None:
            return
        if self._last is not None:
            gap = (number - self._last) % (1 << (32 if self._place[1] == "I" else 64)) - 1
            if 0 < gap < MOST:  # a number again, or a smaller one: its source began anew
                self.missing += gap
        self._last = number


def number_of(data: bytes, skip: int, kind: str) -> int | None:
    """The number behind a message's header and `skip` bytes, a struct's `I` or `Q`; None where there is none.

    A header is sec, nanosec, length and letters of frame_id; numbers lie at multiples of their size (CDR).
    """
    if len(data) < _BEGIN + 12 or data[0] != 0 or data[1] > 1:
        return None
    order = "<" if data[1] else ">"
    (letters,) = struct.unpack_from(f"{order}I", data, _BEGIN + 8)
    size = struct.calcsize(kind)
    at = -(-(12 + letters) // 4) * 4 + skip
    at = _BEGIN + -(-at // size) * size
    if at + size > len(data):
        return None
    (number,) = struct.unpack_from(f"{order}{kind}", data, at)
    return int(number)
