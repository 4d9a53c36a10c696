"""A hub at packet level on a virtual clock, and the line to it."""

from __future__ import annotations

import heapq
import math
import os
import select
import threading
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout, load_layout
from imu_driver.hub import ConnectionState
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.session import HubSession
from imu_driver.transport import IsHub, LostError, NotFoundError


@dataclass
class VirtualClock:
    """Time that passes only when a test lets it."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        self.now_s += seconds


def hello_for(layout: SensorLayout, **changes: object) -> p.Hello:
    sensors = tuple(p.SensorInfo(s.id, s.name, "QMI8658", 1024, 8) for s in layout.sensors)
    return replace(p.Hello(0x1234, 50, 400, 7, "fake-hub", "1.0", sensors), **changes)


@dataclass
class FakeHub:
    """Does what docs/protocol.md asks of a hub. Everything a test may spoil is an attribute."""

    hello: p.Hello
    powered: bool = True
    version: int = p.VERSION
    refuse: dict[int, p.Ack] = field(default_factory=dict)
    deaf_to: set[int] = field(default_factory=set)
    silent: bool = False
    sequence: int = 0
    streaming: bool = False
    boot_s: float = 990.0
    next_sample_s: float = 0.0
    received: list[p.Packet] = field(default_factory=list)

    def boot(self, now_s: float) -> list[p.Packet]:
        self.hello = replace(self.hello, boot_id=self.hello.boot_id + 1, rate_hz=50, flags=0)
        self.boot_s, self.streaming, self.sequence, self.powered = now_s, False, 0, True
        return [self.hello]

    def time_us(self, now_s: float) -> int:
        return round((now_s - self.boot_s) * 1e6)

    def answer(self, packet: p.Packet, now_s: float) -> list[p.Packet]:
        self.received.append(packet)
        if packet.TYPE in self.deaf_to:
            return []
        if isinstance(packet, p.Ping):
            return [p.Pong(packet.token, self.time_us(now_s))]
        assert isinstance(packet, p.HelloRequest | p.Start | p.Stop | p.SetRate | p.Identify)
        if packet.TYPE in self.refuse:
            return [replace(self.refuse[packet.TYPE], request_id=packet.request_id)]
        answers: list[p.Packet] = []
        if isinstance(packet, p.HelloRequest):
            answers.append(replace(self.hello, flags=int(self.streaming)))
        elif isinstance(packet, p.SetRate):
            self.hello = replace(self.hello, rate_hz=packet.rate_hz)
        elif isinstance(packet, p.Start):
            self.streaming, self.sequence, self.next_sample_s = True, 0, now_s
        elif isinstance(packet, p.Stop):
            self.streaming = False
        return [*answers, p.Ack(packet.request_id, packet.TYPE, 0)]

    def sample(self, now_s: float) -> p.Sample:
        n = len(self.hello.sensors)
        fields = self.hello.fields
        still = np.tile(np.array([0, 0, 4096], np.int16), (n, 1)) + (self.sequence % 7)
        unit = np.tile(np.array([0, 0, 0, 32767], np.int16), (n, 1))
        made = p.Sample.from_arrays(
            self.sequence,
            self.time_us(now_s),
            np.ones(n, np.uint8),
            quaternion=unit if fields & 1 else None,
            gyro=still * 0 + self.sequence % 5 if fields & 2 else None,
            accel=still if fields & 4 else None,
        )
        self.sequence += 1
        return made


@dataclass
class FakeLine:
    """Transport to a `FakeHub` that takes `delay_s` each way; reading lets the virtual time pass."""

    clock: VirtualClock
    hub: FakeHub
    delay_s: float = 0.001
    plugged: bool = True
    cut: bool = False
    opened: int = 0
    is_open: bool = False
    lose: int = 0
    foreign: int = 0
    arriving: list[tuple[float, int, bytes]] = field(default_factory=list)
    order: count[int] = field(default_factory=count)
    parser: p.StreamParser = field(default_factory=p.StreamParser)
    description: str = "fake line"

    def open(self, is_hub: IsHub | None = None) -> None:
        self.opened += 1
        if not self.plugged:
            raise NotFoundError("fake line: no such port; plug the hub in")
        self.is_open = True
        self.arriving.clear()

    def close(self) -> None:
        self.is_open = False

    def write(self, data: bytes) -> None:
        self._check()
        for packet in self.parser.feed(data):
            if self.hub.powered and not self.cut:
                for answer in self.hub.answer(packet, self.clock() + self.delay_s):
                    self.deliver(self._encode(answer), self.clock() + 2.0 * self.delay_s)

    def read(self, timeout_s: float) -> bytes:
        self._check()
        until = self.clock() + timeout_s
        while self._next_sample_s() <= min(until, self.arriving[0][0] if self.arriving else until):
            self._take_sample()
        if not self.arriving or self.arriving[0][0] > until:
            self.clock.now_s = until
            return b""
        when, _, data = heapq.heappop(self.arriving)
        self.clock.now_s = max(when, self.clock.now_s)
        return data

    def deliver(self, data: bytes, when_s: float) -> None:
        heapq.heappush(self.arriving, (when_s, next(self.order), data))

    def _next_sample_s(self) -> float:
        return self.hub.next_sample_s + self.delay_s if self.hub.streaming else math.inf

    def _take_sample(self) -> None:
        hub = self.hub
        sample = hub.sample(hub.next_sample_s)
        if hub.powered and not hub.silent and not self.cut:
            if self.lose:
                self.lose -= 1
            else:
                self.deliver(self._encode(sample), self._next_sample_s())
        hub.next_sample_s += 1.0 / hub.hello.rate_hz

    def _encode(self, packet: p.Packet) -> bytes:
        return p.encode(packet, self.hub.version)

    def _check(self) -> None:
        if not self.is_open or not self.plugged:
            raise LostError("fake line: unplugged")


@dataclass
class Rig:
    """A session with its fake hub."""

    clock: VirtualClock
    hub: FakeHub
    line: FakeLine
    session: HubSession

    def run(self, seconds: float) -> list[ImuSample]:
        """Step until virtual time has passed."""
        until = self.clock() + seconds
        samples: list[ImuSample] = []
        while self.clock() < until:
            samples += self.session.step()
        return samples

    def run_to(self, state: ConnectionState, limit_s: float = 10.0) -> float:
        """Step to a state; the virtual time it took."""
        start = self.clock()
        while self.session.state is not state:
            assert self.clock() < start + limit_s, f"{self.session.state} after {limit_s} s: {self.session.problem}"
            self.session.step()
        return self.clock() - start

    def sent(self, kind: type[p.Packet]) -> int:
        """How often the hub received a kind of packet."""
        return sum(isinstance(packet, kind) for packet in self.hub.received)


@pytest.fixture
def layout() -> SensorLayout:
    return load_layout("face_12")


@pytest.fixture
def hello(layout: SensorLayout) -> p.Hello:
    return hello_for(layout)


@pytest.fixture(scope="session")
def make_rig() -> Callable[[], Rig]:
    def make() -> Rig:
        clock, layout = VirtualClock(), load_layout("face_12")
        hub = FakeHub(hello_for(layout))
        line = FakeLine(clock, hub)
        session = HubSession(line, layout, 100, clock=clock, wait=clock.advance)
        return Rig(clock, hub, line, session)

    return make


@pytest.fixture
def rig(make_rig: Callable[[], Rig]) -> Rig:
    return make_rig()


@pytest.fixture(scope="session")
def hello_for_layout() -> Callable[[SensorLayout], p.Hello]:
    return hello_for


class PtyHub:
    """A `FakeHub` on a real pseudo-terminal, in real time, in its own thread."""

    def __init__(self, hub: FakeHub, link: Path) -> None:
        self.hub = hub
        self.link = link
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def plug(self) -> None:
        """Make the port and serve it."""
        self._stop.clear()
        master, slave = os.openpty()
        tty.setraw(slave)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))
        self._thread = threading.Thread(target=self._serve, args=(master, slave), daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Take the port away."""
        self._stop.set()
        self.link.unlink(missing_ok=True)
        if self._thread is not None:
            self._thread.join(5.0)

    def _serve(self, master: int, slave: int) -> None:
        hub, parser = self.hub, p.StreamParser()
        hub.boot(time.monotonic())
        while not self._stop.is_set():
            readable, _, _ = select.select([master], [], [], 0.002)
            now = time.monotonic()
            if readable:
                for packet in parser.feed(os.read(master, 4096)):
                    for answer in hub.answer(packet, now):
                        os.write(master, p.encode(answer))
            while hub.streaming and hub.next_sample_s <= now:
                os.write(master, p.encode(hub.sample(hub.next_sample_s)))
                hub.next_sample_s += 1.0 / hub.hello.rate_hz
        os.close(slave)
        os.close(master)


@pytest.fixture
def pty_hub(hello: p.Hello, tmp_path: Path) -> Iterator[PtyHub]:
    hub = PtyHub(FakeHub(hello), tmp_path / "hub")
    yield hub
    hub.unplug()
