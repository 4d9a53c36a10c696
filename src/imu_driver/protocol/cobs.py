"""Consistent Overhead Byte Stuffing: S. Cheshire and M. Baker, IEEE/ACM Transactions on Networking 7(2), 1999.

Encoded data holds no zero byte, so that a zero marks the end of a frame. Each block is a code byte `c` and `c - 1`
bytes without zeros; a code below 255 stands for a zero after its block, except at the end of the data.
"""

from __future__ import annotations

from imu_driver.protocol.errors import BadCobsError

_BLOCK = 254
"""Most data bytes in one block."""


def encoded_size(size: int) -> int:
    """Most bytes that `size` bytes can become, without the delimiter."""
    return size + max(1, -(-size // _BLOCK))


def encode(data: bytes) -> bytes:
    """Encode; the result holds no zero byte and no delimiter."""
    parts: list[bytes] = []
    runs = data.split(b"\0")
    for run in runs:
        start = 0
        while len(run) - start >= _BLOCK:
            parts += (b"\xff", run[start : start + _BLOCK])
            start += _BLOCK
        parts += (bytes((len(run) - start + 1,)), run[start:])
    last = runs[-1]
    if last and len(last) % _BLOCK == 0:
        # A full block at the end of the data needs no empty block after it.
        del parts[-2:]
    return b"".join(parts)


def decode(frame: bytes) -> bytes:
    """Decode a frame without its delimiter.

    Raises:
        BadCobsError: the frame is empty, holds a zero, or a block reaches past its end.
    """
    if not frame:
        raise BadCobsError("expected at least one byte, found an empty frame")
    if 0 in frame:
        raise BadCobsError("expected no zero byte inside a frame, found one")
    # Every code byte sits where a zero of the data was, or before the first byte, or after a full block.
    data = bytearray(frame)
    end = len(data)
    after_full_block: list[int] = []
    position = 0
    while position < end:
        code = data[position]
        data[position] = 0
        position += code
        if code == 255 and position < end:
            after_full_block.append(position)
    if position != end:
        raise BadCobsError(f"expected the last block to end at byte {end}, found an end at {position}")
    for index in reversed(after_full_block):
        del data[index]
    return bytes(memoryview(data)[1:])
