"""Messages of several wearers that nobody measured, as fast as asked: what a recorder is fed with when it is measured.

Run as a program: `python -m imusic_bench.made_up_stream NAMESPACES RATE_HZ SECONDS`; prints how many samples it
published for each wearer.
"""

from __future__ import annotations

import struct
import sys
import time
from typing import Any

import numpy as np
import rclpy
from imusic.msg import FaceBlendshapes, HubBytes, ImuFrame, SensorLayout
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message

from imusic_ros.qos import LATCHED, SAMPLES

BYTES = QoSProfile(depth=2000)
KINDS = 50
"""Different contents of each message, so that they do not compress to nothing."""
MATCHED_S = 60.0

_STAMP = struct.Struct("<II")
_NUMBERS = {"imu/bytes": struct.Struct("<Q"), "imu/frame": struct.Struct("<I"), "face/blendshapes": struct.Struct("<I")}
_STAMP_AT, _NUMBER_AT = 4, 28
"""In serialised messages whose frame_id is `face_head`: after the 4 bytes of encapsulation, and after the header."""


def number_of(topic: str, message: bytes) -> int:
    """Number of a serialised message that was made up here; `topic` is relative to the wearer's namespace."""
    return int(_NUMBERS[topic].unpack_from(message, _NUMBER_AT)[0])


def stream(namespaces: list[str], rate_hz: float, seconds: float) -> int:
    """Publish bytes, samples and weights of each wearer once somebody listens; returns how many of each."""
    node = Node("made_up_stream")
    publishers: list[tuple[str, Any]] = []
    for namespace in namespaces:
        kinds = (
            ("imu/bytes", HubBytes, BYTES),
            ("imu/frame", ImuFrame, SAMPLES),
            ("face/blendshapes", FaceBlendshapes, SAMPLES),
        )
        publishers += [(topic, node.create_publisher(kind, f"{namespace}/{topic}", qos)) for topic, kind, qos in kinds]
        layouts = node.create_publisher(SensorLayout, f"{namespace}/imu/layout", LATCHED)
        layouts.publish(SensorLayout(name="made up", rate=rate_hz))
    contents = _contents()
    end_s = time.monotonic() + MATCHED_S
    while not all(publisher.get_subscription_count() for _, publisher in publishers) and time.monotonic() < end_s:
        time.sleep(0.05)
    start_s, count = time.monotonic(), round(seconds * rate_hz)
    for number in range(1, count + 1):
        stamp = divmod(time.time_ns(), 1_000_000_000)
        for topic, publisher in publishers:
            message = contents[topic][number % KINDS]
            _STAMP.pack_into(message, _STAMP_AT, *stamp)
            _NUMBERS[topic].pack_into(message, _NUMBER_AT, number)
            publisher.publish(bytes(message))
        wait_s = start_s + number / rate_hz - time.monotonic()
        if wait_s > 0.0:
            time.sleep(wait_s)
    for _, publisher in publishers:
        publisher.wait_for_all_acked()
    node.destroy_node()
    return count


def _contents() -> dict[str, list[bytearray]]:
    rng = np.random.default_rng(1)

    def frame() -> ImuFrame:
        message = ImuFrame(status=[1] * 12)
        message.orientation, message.angular_velocity, message.specific_force = (
            rng.standard_normal(12 * width).astype(np.float32) for width in (4, 3, 3)
        )
        return message

    def face() -> FaceBlendshapes:
        message = FaceBlendshapes(model="made up")
        message.weights, message.confidence = (rng.random(52, np.float32) for _ in range(2))
        return message

    makes = {"imu/bytes": lambda: HubBytes(data=rng.bytes(340)), "imu/frame": frame, "face/blendshapes": face}
    found: dict[str, list[bytearray]] = {}
    for topic, make in makes.items():
        messages = [make() for _ in range(KINDS)]
        for message in messages:
            message.header.frame_id = "face_head"
        found[topic] = [bytearray(serialize_message(message)) for message in messages]
    return found


if __name__ == "__main__":
    rclpy.init()
    print(stream(sys.argv[1].split(","), float(sys.argv[2]), float(sys.argv[3])), flush=True)  # noqa: T201
    rclpy.try_shutdown()
