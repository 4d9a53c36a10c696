"""A listener that keeps what a running graph publishes, for measurements."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import rclpy
from imusic.msg import FaceBlendshapes, ImuFrame
from numpy.typing import NDArray
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from rclpy.signals import SignalHandlerOptions

from face_model import arkit
from imusic_cli.errors import CommandError

DISCOVERY_PATIENCE_S = 120.0
"""Up to the first face: long, for a machine with more to do; who listens hears earlier of a process that ended."""

_LISTENING = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Deep, so that what is missing was lost by the graph and not by a listener who had to wait for a processor."""


@dataclass(frozen=True)
class Faces:
    """What came on `face/blendshapes` (N messages) and `imu/frame` (M messages) while listening.

    Attributes:
        sequence: (N,) hub sequence numbers.
        stamp_s: (N,) sample times, s since the epoch.
        age_s: (N,) from sample to publishing, as the node stated.
        weights: (N, 52).
        confidence: (N, 52).
        state: (N,) values of FaceBlendshapes.STATE_*.
        frame_sequence: (M,) hub sequence numbers of the IMU frames.
        frame_stamp_s: (M,) their sample times.
    """

    sequence: NDArray[np.int64]
    stamp_s: NDArray[np.float64]
    age_s: NDArray[np.float64]
    weights: NDArray[np.float32]
    confidence: NDArray[np.float32]
    state: NDArray[np.uint8]
    frame_sequence: NDArray[np.int64]
    frame_stamp_s: NDArray[np.float64]


def listen(
    namespace: str,
    seconds: float,
    settle_s: float = 0.0,
    frames_too: bool = True,
    every_second: Callable[[], object] | None = None,
    while_waiting: Callable[[], object] = lambda: None,
) -> Faces:
    """Keep every message of a graph in `namespace` for `seconds`, beginning `settle_s` after the first face.

    Messages are kept as bytes and taken apart at the end, so that listening costs the machine little.

    Args:
        namespace: of the graph, with the leading slash.
        seconds: length.
        settle_s: between the first face and the beginning.
        frames_too: subscribe to `imu/frame` as well, which costs the driver a little.
        every_second: called at the beginning and after each second.
        while_waiting: called now and then before the first face; may raise when there is nothing to wait for any more.

    Raises:
        CommandError: no face came within 120 s.
    """
    (faces,) = listen_to_all((namespace,), seconds, settle_s, frames_too, every_second, while_waiting)
    return faces


def listen_to_all(
    namespaces: Sequence[str],
    seconds: float,
    settle_s: float = 0.0,
    frames_too: bool = True,
    every_second: Callable[[], object] | None = None,
    while_waiting: Callable[[], object] = lambda: None,
) -> list[Faces]:
    """`listen` to several graphs at once, beginning `settle_s` after the first face of the last of them.

    Raises:
        CommandError: no face came from one of them within 120 s for each, as they share the machine while they start.
    """
    # Without rclpy's handlers Ctrl-C is an ordinary KeyboardInterrupt.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = Node(f"listener_{os.getpid()}", namespace=namespaces[0])
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    faces: list[list[bytes]] = [[] for _ in namespaces]
    frames: list[list[bytes]] = [[] for _ in namespaces]
    try:
        for namespace, kept in zip(namespaces, faces, strict=True):
            topic = f"{namespace}/face/blendshapes"
            node.create_subscription(FaceBlendshapes, topic, kept.append, _LISTENING, raw=True)
        patience_s = DISCOVERY_PATIENCE_S * len(namespaces)
        _spin(executor, patience_s, until=lambda: all(faces), every_second=while_waiting)
        for namespace, kept in zip(namespaces, faces, strict=True):
            if not kept:
                raise CommandError(
                    f"expected faces on {namespace}/face/blendshapes within {patience_s:g} s, found none; "
                    "look at what the nodes printed"
                )
        _spin(executor, settle_s)
        if frames_too:
            for namespace, kept in zip(namespaces, frames, strict=True):
                node.create_subscription(ImuFrame, f"{namespace}/imu/frame", kept.append, _LISTENING, raw=True)
            _spin(executor, patience_s, until=lambda: all(frames), every_second=while_waiting)
        for kept in (*faces, *frames):
            kept.clear()
        _spin(executor, seconds, every_second=every_second)
    except ExternalShutdownException as error:
        raise CommandError("listening was ended from outside") from error
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    return [_taken_apart(*pair) for pair in zip(faces, frames, strict=True)]


def _spin(
    executor: SingleThreadedExecutor,
    seconds: float,
    until: Callable[[], bool] = lambda: False,
    every_second: Callable[[], object] | None = None,
) -> None:
    now_s = call_s = time.monotonic()
    deadline_s = now_s + seconds
    while now_s < deadline_s and not until():
        if every_second is not None and now_s >= call_s:
            every_second()
            call_s += 1.0
        executor.spin_once(timeout_sec=min(0.1, deadline_s - now_s))
        now_s = time.monotonic()
    if every_second is not None:
        every_second()


def _taken_apart(faces: list[bytes], frames: list[bytes]) -> Faces:
    messages = [deserialize_message(raw, FaceBlendshapes) for raw in faces]
    samples = [deserialize_message(raw, ImuFrame) for raw in frames]
    count = len(messages)
    return Faces(
        sequence=np.array([m.sequence for m in messages], np.int64),
        stamp_s=np.array([_seconds(m) for m in messages]),
        age_s=np.array([m.age for m in messages], np.float64),
        weights=np.array([m.weights for m in messages], np.float32).reshape(count, arkit.COUNT),
        confidence=np.array([m.confidence for m in messages], np.float32).reshape(count, arkit.COUNT),
        state=np.array([m.state for m in messages], np.uint8),
        frame_sequence=np.array([m.sequence for m in samples], np.int64),
        frame_stamp_s=np.array([_seconds(m) for m in samples]),
    )


def _seconds(message: FaceBlendshapes | ImuFrame) -> float:
    return float(message.header.stamp.sec) + 1e-9 * float(message.header.stamp.nanosec)
