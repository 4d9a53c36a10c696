"""Bags of made-up messages, written without ROS."""

from __future__ import annotations

import struct
from pathlib import Path

from face_recording.bag_metadata import BagTopic, qos_text
from face_recording.bag_writer import BagWriter

FRAMES = BagTopic("/imu/frame", "imusic/msg/ImuFrame", qos_text(False, False, 5), "RIHS01_1")
LAYOUT = BagTopic("/imu/layout", "imusic/msg/SensorLayout", qos_text(True, True, 1), "RIHS01_2")
START_NS = 1_700_000_000_000_000_000
STEP_NS = 10_000_000


def frame(sequence: int, frame_id: str = "face_head", size: int = 40) -> bytes:
    """The begin of an `ImuFrame` as CDR has it, and something behind it."""
    name = frame_id.encode() + b"\0"
    body = struct.pack("<iII", 1, 2, len(name)) + name
    body += b"\0" * (-len(body) % 4) + struct.pack("<II", 7, sequence)
    return b"\0\1\0\0" + body + bytes((sequence * 7 + i) % 251 for i in range(size))


def write_bag(folder: Path, count: int, flush_every: int = 10, split_s: float = 0.0) -> BagWriter:
    """A bag that is not closed, with a layout and `count` frames."""
    folder.mkdir(parents=True, exist_ok=True)
    bag = BagWriter(folder, split_s=split_s)
    for topic in (FRAMES, LAYOUT):
        bag.define(topic.type, "uint32 number\n")
    bag.repeat(LAYOUT)
    bag.write(LAYOUT, START_NS, b"\0\1\0\0layout")
    for number in range(count):
        bag.write(FRAMES, START_NS + number * STEP_NS, frame(number))
        if number % flush_every == flush_every - 1:
            bag.flush(sync=False)
    return bag
