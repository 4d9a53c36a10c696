"""Trackers with the SlimeVR firmware on a virtual clock: written from the firmware's packets, not from the driver."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from face_model import rotation
from face_model.layout import SensorLayout, load_layout
from imu_driver.datagram_envelopes import Envelope, packed, unpacked

SENSORS_EACH = 2
PERIOD_S = 0.01
GRAVITY = 9.80665

Motion = Callable[[int, float], tuple[tuple[float, float, float, float], tuple[float, float, float]]]
"""Orientation and linear acceleration of a sensor, by its index in the layout and the time."""


def lying(_sensor: int, _time_s: float) -> tuple[tuple[float, float, float, float], tuple[float, float, float]]:
    return (0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0)


def mac_of(tracker: int) -> bytes:
    return bytes((0xA4, 0xE5, 0x7C, 0, 0, tracker + 1))


def with_units(layout: SensorLayout) -> SensorLayout:
    """The layout with a tracker's sensor named at each of its sensors."""
    sensors = (
        replace(s, unit=f"{mac_of(i // SENSORS_EACH).hex(':')}/{i % SENSORS_EACH}")
        for i, s in enumerate(layout.sensors)
    )
    return replace(layout, sensors=tuple(sensors))


@dataclass
class SimulatedTracker:
    """One sender with two sensors.

    Attributes:
        number: which one.
        sends_unchanged: whether a sensor that did not turn is sent all the same: the firmware sends nothing then.
        bundles: whether it was told that the server reads bundles, and so sends them.
        patient: whether it goes on for ever with a server that is silent.
        dead: whether it is off.
    """

    number: int
    clock: Callable[[], float]
    motion: Motion = lying
    sensors: int = SENSORS_EACH
    sends_unchanged: bool = False
    bundles: bool = False
    patient: bool = False
    dead: bool = False
    raw_bundling: bool = True
    connected: bool = False
    packets: int = 0
    heard_s: float = -math.inf
    next_hello_s: float = 0.0
    next_sample_s: float = 0.0
    answers: list[bytes] = field(default_factory=list)
    sent: dict[int, tuple[float, ...]] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)
    told_s: float = -math.inf
    asked_s: float = -math.inf

    @property
    def peer(self) -> tuple[str, int]:
        return f"192.168.1.{20 + self.number}", 6969

    def handshake(self) -> bytes:
        text = b"1.0"
        body = struct.pack(">7IB", 9, 10, 2, 0, 0, 0, 22, len(text)) + text + mac_of(self.number) + b"\0\0\0\0\0\0"
        return struct.pack(">IQ", 3, 0) + body

    def boot(self) -> None:
        self.connected, self.packets, self.bundles = False, 0, False
        self.sent.clear()
        self.told.clear()

    def _numbered(self, kind: int, body: bytes) -> bytes:
        self.packets += 1
        return struct.pack(">IQ", kind, self.packets - 1) + body

    def receive(self, data: bytes) -> list[bytes]:
        if self.dead:
            return []
        now_s = self.clock()
        if not self.connected:
            if data[:13] == b"\x03Hey OVR =D 5":
                self.connected, self.heard_s, self.next_sample_s = True, now_s, now_s
                self.told.clear()
            return []
        self.heard_s = now_s
        kind = data[3]
        if kind == 1:
            return [self._numbered(0, b"")]
        if kind == 10:
            return [data]
        if kind == 15:
            self.told.add(data[4])
        if kind == 22:
            self.bundles = self.raw_bundling and bool(data[12] & 1)
        return []

    def due(self) -> list[bytes]:
        now_s, out = self.clock(), []
        if self.dead:
            return []
        if self.connected and not self.patient and now_s - self.heard_s > 3.0:
            self.connected = False
        if not self.connected:
            if now_s >= self.next_hello_s:
                self.next_hello_s = now_s + 1.0
                out.append(self.handshake())
            return out
        if now_s - self.told_s > 1.0:
            self.told_s = now_s
            out += [
                self._numbered(15, struct.pack(">BBBHBBB", i, 1, 10, 0, 1, 0, 0))
                for i in range(self.sensors)
                if i not in self.told
            ]
        if not self.bundles and self.raw_bundling and now_s - self.asked_s > 0.5:
            self.asked_s = now_s
            out.append(self._numbered(22, b"\x06"))
        while self.next_sample_s <= now_s:
            out += self._samples(self.next_sample_s)
            self.next_sample_s += PERIOD_S
        return out

    def _samples(self, time_s: float) -> list[bytes]:
        bodies: list[tuple[int, bytes]] = []
        for i in range(self.sensors):
            quaternion, acceleration = self.motion(self.number * SENSORS_EACH + i, time_s)
            last = self.sent.get(i)
            still = last is not None and all(abs(a - b) < 1e-4 for a, b in zip(quaternion, last, strict=True))
            if still and not self.sends_unchanged:
                continue
            self.sent[i] = quaternion
            bodies.append((17, struct.pack(">BB4fB", i, 1, *quaternion, 0)))
            bodies.append((4, struct.pack(">3fB", *acceleration, i)))
        if not bodies:
            return []
        if not self.bundles:
            return [self._numbered(kind, body) for kind, body in bodies]
        inner = b"".join(struct.pack(">HI", len(body) + 4, kind) + body for kind, body in bodies)
        return [self._numbered(100, inner)]

    @property
    def wait_s(self) -> float:
        if self.dead:
            return 1.0
        return max(0.0, (self.next_sample_s if self.connected else self.next_hello_s) - self.clock())


@dataclass
class Trackers:
    """All of them at one end of a line of envelopes."""

    each: list[SimulatedTracker]

    def receive(self, data: bytes) -> list[bytes]:
        out = []
        for envelope in unpacked(data):
            assert envelope is not None
            assert envelope.to_peer
            for tracker in self.each:
                if tracker.peer == envelope.peer:
                    out += [packed(Envelope(tracker.peer, answer)) for answer in tracker.receive(envelope.data)]
        return out

    def due(self) -> list[bytes]:
        return [packed(Envelope(t.peer, data)) for t in self.each for data in t.due()]

    @property
    def wait_s(self) -> float:
        return min(t.wait_s for t in self.each)


def turned(
    axis: tuple[float, float, float], angle_rad: float, acceleration: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> tuple[tuple[float, float, float, float], tuple[float, float, float]]:
    """What a sensor sends that is turned about an axis."""
    x, y, z, w = rotation.from_vector(np.array(axis) * angle_rad).tolist()
    return (x, y, z, w), acceleration


LAYOUT = with_units(load_layout("face_12"))
"""A face whose sensors are those of trackers."""

HEAD = struct.Struct(">IQ")
"""Kind and number of a datagram."""


def handshake(mac: bytes, firmware: bytes = b"1.0") -> bytes:
    return HEAD.pack(3, 0) + struct.pack(">7IB", 9, 0, 2, 0, 0, 0, 22, len(firmware)) + firmware + mac


def nod(sensor: int, time_s: float) -> tuple[tuple[float, float, float, float], tuple[float, float, float]]:
    """All nod about y; sensor 3 lags behind by 0.1 rad and is pushed along x."""
    angle = 0.3 * math.sin(2.0 * math.pi * time_s) - (0.1 if sensor == 3 else 0.0)
    return turned((0.0, 1.0, 0.0), angle, (2.0 if sensor == 3 else 0.0, 0.0, 0.0))
