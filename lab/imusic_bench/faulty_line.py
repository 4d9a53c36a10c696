"""A line to a simulated hub on virtual time: it fails as it is told to and knows what became of every sample."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import numpy as np

from face_model.imu_sample import ImuSample
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.transport import IsHub, LostError, NotFoundError
from imu_sim.hub.simulated_hub import SimulatedHub

FREE_S: Final = 0.001
"""What a frame takes on a free line, each way."""


@dataclass
class FaultyLine:
    """A transport to a simulated hub on virtual time, which knows of every sample what became of it.

    Attributes:
        now_s: virtual time of the host.
        hub: at the other end.
        rng: for dice.
        sent: samples that the hub sent.
        since_heard: of them, those since the last that arrived whole.
        never_told: samples of a boot that is over, after the last that arrived.
    """

    hub: SimulatedHub = field(init=False)
    rng: np.random.Generator
    now_s: float = 1000.0
    sent: int = 0
    since_heard: int = 0
    never_told: int = 0
    loss: float = 0.0
    corrupt: float = 0.0
    garbage: float = 0.0
    twice: float = 0.0
    held_until_s: float = 0.0
    cut: bool = False
    plugged: bool = True
    foreign: int = 0
    datagrams: bool = False
    description: str = "virtual line"
    _open: bool = False
    _events: list[tuple[float, int, bool, bytes]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    def clock(self) -> float:
        """Time of the host."""
        return self.now_s

    def wait(self, seconds: float) -> None:
        """Let time pass; the hub goes on meanwhile."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s = min(until_s, self.now_s + 0.1)
            self._pump()

    def open(self, is_hub: IsHub | None = None) -> None:
        """See `Transport`."""
        if not self.plugged:
            raise NotFoundError("virtual line: no such port; plug the hub in")
        self._open = True
        self._pump()
        self._events.clear()

    def close(self) -> None:
        """See `Transport`."""
        self._open = False
        self._events.clear()

    def write(self, data: bytes) -> None:
        """See `Transport`."""
        self._check()
        if not self.cut:
            self._put(max(self.now_s + FREE_S, self.held_until_s), True, data)

    def read(self, timeout_s: float) -> bytes:
        """See `Transport`; all that has arrived by now, in one piece."""
        self._check()
        until_s = self.now_s + timeout_s
        while True:
            self._pump()
            arrived = bytearray()
            while self._events and self._events[0][0] <= self.now_s:
                when_s, _, to_hub, data = heapq.heappop(self._events)
                if not to_hub:
                    arrived += data
                    continue
                for frame in self.hub.receive(data):
                    self._send(frame, max(self.now_s, when_s))
            if arrived or self.now_s >= until_s:
                self._heard(bytes(arrived))
                return bytes(arrived)
            next_s = self._events[0][0] if self._events else until_s
            # A nanosecond more: a sum that rounds down would stand still.
            self.now_s = max(self.now_s, min(until_s, next_s, self.now_s + self.hub.wait_s + 1e-9))

    def reboot(self) -> None:
        """Of the hub: what it sent and what did not arrive is gone."""
        self._pump()
        self._events.clear()
        self.never_told += self.since_heard
        self.since_heard = 0
        self.hub.reboot()

    @property
    def quiet(self) -> bool:
        """Whether nothing is on its way, nor will be in a moment."""
        return not self._events and self.hub.wait_s > 2.0 * FREE_S

    def step_clock(self, change_s: float) -> None:
        """Of the hub, as by a time that was set."""
        self.hub._clock._zero_s += change_s

    def taken_s(self, sample: ImuSample) -> float:
        """When a sample was taken, in truth, on the host's clock; of the present boot and step."""
        clock = self.hub._clock
        return clock._zero_s + sample.hub_time_s / clock._rate

    def _pump(self) -> None:
        for frame in self.hub.due():
            is_sample = frame[2] == p.Sample.TYPE
            self.sent += is_sample
            self.since_heard += is_sample
            if self._open and self.plugged:
                self._send(frame, self.now_s)

    def _send(self, frame: bytes, at_s: float) -> None:
        if self.cut or (self.loss and self.rng.random() < self.loss):
            return
        if self.garbage and self.rng.random() < self.garbage:
            frame = self.rng.bytes(int(self.rng.integers(1, 60))) + b"\0" + frame
        if self.corrupt and self.rng.random() < self.corrupt:
            at = int(self.rng.integers(len(frame)))
            frame = frame[:at] + bytes((frame[at] ^ int(self.rng.integers(1, 256)),)) + frame[at + 1 :]
        for _ in range(1 + (self.twice > 0.0 and self.rng.random() < self.twice)):
            self._put(max(at_s + FREE_S, self.held_until_s), False, frame)

    def _heard(self, data: bytes) -> None:
        """Whether a sample came whole decides what is told of those before."""
        for frame in data.split(b"\0"):
            if len(frame) > 20 and frame[2] == p.Sample.TYPE:
                try:
                    p.decode(frame)
                except p.ProtocolError:
                    continue
                self.since_heard = sum(data[2] == p.Sample.TYPE for _, _, to_hub, data in self._events if not to_hub)

    def _put(self, when_s: float, to_hub: bool, data: bytes) -> None:
        heapq.heappush(self._events, (when_s, next(self._order), to_hub, data))

    def _check(self) -> None:
        if not self._open or not self.plugged:
            raise LostError("virtual line: unplugged")
