"""`sensor_msgs/Imu` as bytes, as another driver's middleware would send them; written without the code under test."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def imu_bytes(
    stamp_ns: int,
    rate: Sequence[float] = (0.0, 0.0, 0.0),
    force: Sequence[float] = (0.0, 0.0, 9.81),
    orientation: Sequence[float] = (0.0, 0.0, 0.0, 1.0),
    frame_id: str = "imu",
    covariances: Sequence[float] = (0.0, 0.0, 0.0),
    order: str = "<",
) -> bytes:
    """A message; `covariances` are the first elements of the three, in the message's order."""
    name = frame_id.encode() + b"\0"
    head = struct.pack(f"{order}iII", *divmod(stamp_ns, 1_000_000_000), len(name)) + name
    head += b"\0" * (-len(head) % 8)
    none = [0.0] * 8
    numbers = [*orientation, covariances[0], *none, *rate, covariances[1], *none, *force, covariances[2], *none]
    return (b"\0\1\0\0" if order == "<" else b"\0\0\0\0") + head + struct.pack(f"{order}37d", *numbers)
