"""The sensors' signals for plots: taken apart only for viewers that look, and no more of them than a plot can show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from imusic.msg import ImuFrame
from rclpy.node import Node
from rclpy.serialization import deserialize_message

from face_viz.page_format import encode_signals
from imusic_ros.qos import SENSOR_DATA

PIECE_S: Final = 0.1
"""How often a piece is made."""
MOST_SAMPLES: Final = 5
"""Samples in a piece: 50 a second, at whatever rate the hub runs; what happens in between is not seen."""
MOST_KEPT: Final = 256
"""Messages kept between two pieces: 0.1 s of the fastest hub."""


class SignalPieces:
    """Collects `imusic/ImuFrame` as they come, as bytes, and makes a piece of some of them now and then."""

    def __init__(self) -> None:
        self._raw: list[bytes] = []

    def add(self, raw: bytes) -> None:
        """The next message."""
        if len(self._raw) < MOST_KEPT:
            self._raw.append(raw)

    def piece(self) -> bytes | None:
        """What came since the last piece, thinned out; None if nothing came."""
        raw, self._raw = self._raw, []
        step = -(-len(raw) // MOST_SAMPLES) or 1
        times, rates, forces = [], [], []
        for message in (deserialize_message(data, ImuFrame) for data in raw[step - 1 :: step]):
            count = len(message.status)
            if not 3 * count == len(message.angular_velocity) == len(message.specific_force):
                continue
            times.append(message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec)
            rates.append(np.reshape(message.angular_velocity, (count, 3)))
            forces.append(np.reshape(message.specific_force, (count, 3)))
        if not times or len({len(rate) for rate in rates}) != 1:
            return None  # none, or a layout that changed meanwhile
        return encode_signals(np.array(times), np.stack(rates), np.stack(forces))


class SignalWatch:
    """Listens to the sensors' samples while a viewer plots them.

    Args:
        node: that subscription and timer belong to.
        add: gets the next piece, see `FacePage.add_signals`.
    """

    def __init__(self, node: Node, add: Callable[[bytes], None]) -> None:
        self._node, self._add = node, add
        self._pieces = SignalPieces()
        self._taking: tuple[Any, Any] | None = None

    def take(self, on: bool) -> None:
        """Begin or end."""
        if on and self._taking is None:
            self._pieces = SignalPieces()
            frames = self._node.create_subscription(ImuFrame, "imu/frame", self._pieces.add, SENSOR_DATA, raw=True)
            self._taking = frames, self._node.create_timer(PIECE_S, self._send)
        elif not on and self._taking is not None:
            subscription, timer = self._taking
            self._node.destroy_timer(timer)
            self._node.destroy_subscription(subscription)
            self._taking = None

    def _send(self) -> None:
        piece = self._pieces.piece()
        if piece is not None:
            self._add(piece)
