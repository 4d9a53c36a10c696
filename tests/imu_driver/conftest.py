"""The simulated hub on a virtual clock or a real pseudo-terminal, and what a test may do to it and to the line."""

from __future__ import annotations

import heapq
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from face_model.frames import GRAVITY_M_S2
from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout, load_layout
from imu_bytes import imu_bytes
from imu_driver import datagram_envelopes as envelopes
from imu_driver.hub import ConnectionState
from imu_driver.hubs.imu_topics.session import TopicsHub
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.sealed_line import SealedLine
from imu_driver.hubs.imusic_v1.session import HubSession
from imu_driver.message_pieces import Piece, packed
from imu_driver.transport import IsHub, LostError, NotFoundError
from imu_sim.chips.parts import load_part
from imu_sim.hub.clock import HubClock
from imu_sim.hub.hub_settings import HubSettings
from imu_sim.hub.pty_link import PtyLink
from imu_sim.hub.server import serve
from imu_sim.hub.simulated_hub import SimulatedHub
from imu_sim.imu_stream import Frames
from imu_sim.motion import Floats
from slimevr_trackers import SimulatedTracker, Trackers, with_units


@dataclass
class VirtualClock:
    """Time that passes only when a test lets it."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass
class StillStream:
    """Units that lie still, z up, with noise of a few counts as living sensors have."""

    units: int
    done: int = 0

    def next(self, frames: int) -> Frames:
        numbers = self.done + np.arange(frames, dtype=np.float64)
        self.done += frames
        shape = (frames, self.units)
        force = np.zeros((*shape, 3))
        force[..., 2] = GRAVITY_M_S2 + 0.005 * (numbers[:, None] % 7.0)
        rate = np.zeros((*shape, 3)) + 0.005 * (numbers[:, None, None] % 5.0)
        orientation = np.zeros((*shape, 4))
        orientation[..., 3] = 1.0
        never = np.zeros(shape, np.bool_)
        return Frames(orientation, rate, force, never, never)

    def head(self, time_s: float) -> Floats:
        return np.array([0.0, 0.0, 0.0, 1.0])

    def weights(self, times_s: Floats) -> Floats:
        return np.zeros((len(times_s), 52))


class BenchHub(SimulatedHub):
    """The simulated hub, with more that can be spoilt.

    Attributes:
        received: packets of the host, in order.
        refuse: answers instead of doing what a type of command asks.
        deaf_to: types of packets that are not heard.
        mute: answers, but sends no samples.
        counts_anew: begins at number 0 with every START, as hubs did before the protocol said that numbers go on.
        start_takes_s: a START keeps it from everything else for so long.
        spoil: changes every HELLO.
        boot_s: host time of the last boot.
    """

    def __init__(self, layout: SensorLayout, clock: Callable[[], float], key: bytes | None = None) -> None:
        self.received: list[p.Packet] = []
        self.refuse: dict[int, p.Ack] = {}
        self.deaf_to: set[int] = set()
        self.mute = False
        self.counts_anew = False
        self.start_takes_s = 0.0
        self._inbox: list[bytes] = []
        self._busy_until_s: float | None = None
        self.spoil: Callable[[p.Hello], p.Hello] = lambda hello: hello
        self.boot_s = clock() - 10.0
        super().__init__(
            lambda _rate_hz, _start_s: StillStream(len(self._layout.sensors)),
            layout,
            load_part(),
            HubClock(clock, offset_s=10.0, skew_ppm=0.0),
            settings=HubSettings(name="bench-hub", firmware="1.0", rate_hz=50, jitter_s=0.0, key=key),
        )

    def wear(self, layout: SensorLayout) -> None:
        """Have other units."""
        self._layout = layout
        self.set_faults(self.faults)
        if self.streaming:
            self._restart_stream(0.0, self._clock.now_s)

    def number(self, sequence: int) -> None:
        """Go on counting samples from here."""
        self._sequence = sequence

    def skip(self, samples: int) -> None:
        """Take samples, but send them not."""
        self._sequence += samples

    def reboot(self) -> None:
        super().reboot()
        self.boot_s = self._clock.now_s

    def due(self) -> list[bytes]:
        answers = self._work()
        if self._busy_until_s is not None:
            return answers
        frames = super().due()
        return answers if self.mute and self.streaming else answers + frames

    def receive(self, data: bytes) -> list[bytes]:
        self._inbox.append(data)
        return self._work()

    @property
    def wait_s(self) -> float:
        busy = self._busy_until_s
        return super().wait_s if busy is None else max(0.0, busy - self._clock.now_s)

    def _work(self) -> list[bytes]:
        answers: list[bytes] = []
        while self._inbox and (self._busy_until_s is None or self._clock.now_s >= self._busy_until_s):
            data = self._inbox[0]
            if self.start_takes_s and self._busy_until_s is None and isinstance(p.decode(data), p.Start):
                self._busy_until_s = self._clock.now_s + self.start_takes_s
                continue
            self._busy_until_s = None
            answers += super().receive(self._inbox.pop(0))
        return answers

    def _start(self) -> None:
        if self.counts_anew:
            self.streaming = False
        super()._start()

    def hello(self) -> p.Hello:
        return self._hello()

    def _hello(self) -> p.Hello:
        return self.spoil(super()._hello())

    def _answers(self, packet: p.Packet) -> list[p.HubPacket]:
        self.received.append(packet)
        if packet.TYPE in self.deaf_to:
            return []
        if packet.TYPE in self.refuse:
            return [replace(self.refuse[packet.TYPE], request_id=packet.request_id)]  # type: ignore[union-attr]
        return super()._answers(packet)


class LineEnd(Protocol):
    """A hub at the end of a `VirtualLine`, on the line's clock."""

    @property
    def wait_s(self) -> float:
        """Time until `due` has something."""
        ...

    def receive(self, data: bytes) -> list[bytes]:
        """Take bytes from the host; the answers, one frame each."""
        ...

    def due(self) -> list[bytes]:
        """What the hub sends by itself up to now, one frame each."""
        ...


@dataclass
class VirtualLine:
    """Transport to a hub that takes `delay_s` each way; reading lets the virtual time pass.

    Attributes:
        plugged: whether it can be opened and used.
        cut: whether nothing passes either way, without a word.
        lose: frames of the hub still to be lost.
        opened: times it was opened.
        written: bytes from the host.
        from_hub: what becomes of each frame of the hub; None: it arrives.
        to_hub: the same of what the host sends.
    """

    clock: VirtualClock
    hub: LineEnd
    delay_s: float = 0.001
    plugged: bool = True
    cut: bool = False
    lose: int = 0
    opened: int = 0
    is_open: bool = False
    written: int = 0
    foreign: int = 0
    datagrams: bool = False
    description: str = "virtual line"
    from_hub: Callable[[bytes], list[bytes]] | None = None
    to_hub: Callable[[bytes], list[bytes]] | None = None
    _events: list[tuple[float, int, bool, bytes]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    def open(self, is_hub: IsHub | None = None) -> None:
        self.opened += 1
        if not self.plugged:
            raise NotFoundError("virtual line: no such port; plug the hub in")
        self.is_open = True
        self._events.clear()

    def close(self) -> None:
        # What was written just before still reaches the hub.
        for when_s, _, to_hub, data in sorted(self._events) if self.is_open and self.plugged else ():
            if to_hub:
                self.clock.now_s = max(self.clock.now_s, when_s)
                self.hub.receive(data)
        self._events.clear()
        self.is_open = False

    def write(self, data: bytes) -> None:
        self._check()
        self.written += len(data)
        if not self.cut:
            for piece in [data] if self.to_hub is None else self.to_hub(data):
                self._put(self.clock() + self.delay_s, True, piece)

    def read(self, timeout_s: float) -> bytes:
        self._check()
        until_s = self.clock() + timeout_s
        while True:
            for frame in self.hub.due():
                self._send(frame)
            if self._events and self._events[0][0] <= self.clock():
                _, _, to_hub, data = heapq.heappop(self._events)
                if not to_hub:
                    return data
                for frame in self.hub.receive(data):
                    self._send(frame)
            elif self.clock() >= until_s:
                return b""
            else:
                next_s = self._events[0][0] if self._events else until_s
                # A nanosecond more: a sum that rounds down would stand still.
                self.clock.now_s = max(self.clock(), min(until_s, next_s, self.clock() + self.hub.wait_s + 1e-9))

    def deliver(self, data: bytes, when_s: float | None = None) -> None:
        """Bytes that reach the host at `when_s`, by default now."""
        self._put(self.clock() if when_s is None else when_s, False, data)

    def _send(self, frame: bytes) -> None:
        if self.lose:
            self.lose -= 1
        elif not self.cut:
            for piece in [frame] if self.from_hub is None else self.from_hub(frame):
                self._put(self.clock() + self.delay_s, False, piece)

    def _put(self, when_s: float, to_hub: bool, data: bytes) -> None:
        heapq.heappush(self._events, (when_s, next(self._order), to_hub, data))

    def _check(self) -> None:
        if not self.is_open or not self.plugged:
            raise LostError("virtual line: unplugged")


@dataclass
class Rig:
    """A session with its hub; `seal` where the session has a key."""

    clock: VirtualClock
    hub: BenchHub
    line: VirtualLine
    layout: SensorLayout
    session: HubSession
    seal: SealedLine | None = None

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


@dataclass
class Peer:
    """The counterpart of a kind of hub in `test_hub_conformance`, with the layout's units.

    Attributes:
        line: to the hub.
        clock: of both.
        identified: ids of units whose light blinked, in order.
        streaming: whether the hub sends samples.
        say_hello: makes the hub say who it is, without being asked.
        layout: of its units.
        named: name and version of the hub.
        ranges: of the units, rad/s and m/s2.
        blinks: whether its units have lights.
    """

    line: VirtualLine
    clock: VirtualClock
    identified: list[int]
    streaming: Callable[[], bool]
    say_hello: Callable[[], None]
    layout: SensorLayout = field(default_factory=load_layout)
    named: tuple[str, str] = ("bench-hub", "1.0")
    ranges: tuple[float, float] = (np.deg2rad(1024), 8 * GRAVITY_M_S2)
    blinks: bool = True


def _imusic_v1_peer() -> Peer:
    clock = VirtualClock()
    hub = BenchHub(load_layout("face_12"), clock)
    line = VirtualLine(clock, hub)
    return Peer(line, clock, hub.identified, lambda: hub.streaming, lambda: line.deliver(p.encode(hub.hello())))


@dataclass(frozen=True)
class Message:
    """Arguments of `imu_bytes`."""

    stamp_ns: int
    rate: tuple[float, ...]
    force: tuple[float, ...]
    orientation: tuple[float, ...]
    frame_id: str = "imu"
    covariances: tuple[float, ...] = (0.0, 0.0, 0.0)


@dataclass
class BenchTopics:
    """Other drivers' units at the end of a line that carries their messages: as still as those of `BenchHub`.

    Attributes:
        offset_s: stamps are this much ahead of the clock.
        silent: units that say nothing.
        spoil: changes every message of a unit.
        step_s: the clock of arrivals moves by so much at a time; 0: it does not stand still.
    """

    clock: VirtualClock
    units: int
    rate_hz: float = 100.0
    offset_s: float = 0.0
    silent: set[int] = field(default_factory=set)
    spoil: Callable[[int, Message], Message] = lambda unit, message: message
    step_s: float = 0.0
    _next: int = 0

    def __post_init__(self) -> None:
        self._stream = StillStream(self.units)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Measure from now on."""
        self._begin_s, self._next = self.clock(), 0

    @property
    def wait_s(self) -> float:
        return max(0.0, self._begin_s + self._next / self.rate_hz - self.clock())

    def receive(self, data: bytes) -> list[bytes]:
        return []

    def due(self) -> list[bytes]:
        found: list[bytes] = []
        while (time_s := self._begin_s + self._next / self.rate_hz) <= self.clock():
            self._next += 1
            frames = self._stream.next(1)
            pieces = [
                self._piece(i, time_s, frames.angular_velocity[0, i], frames.specific_force[0, i])
                for i in range(self.units)
                if i not in self.silent
            ]
            found.append(b"".join(pieces))
        return found

    def _piece(self, unit: int, time_s: float, rate: Floats, force: Floats) -> bytes:
        stamp_ns = round(1e9 * (time_s + self.offset_s))
        turn = 1e-6 * (self._next % 7)
        quaternion = turn, 0.0, 0.0, (1.0 - turn * turn) ** 0.5
        message = Message(stamp_ns, tuple(rate.tolist()), tuple(force.tolist()), quaternion)
        data = imu_bytes(*astuple(self.spoil(unit, message)))
        arrival_s = self.stepped(time_s + 0.001)
        return packed(Piece(unit, arrival_s, round(1e9 * arrival_s), data, self.step_s > 0.0))

    def stepped(self, time_s: float) -> float:
        """A time on the clock of arrivals."""
        return time_s // self.step_s * self.step_s if self.step_s else time_s


def _imu_topics_peer() -> Peer:
    clock = VirtualClock()
    line = VirtualLine(clock, BenchTopics(clock, len(load_layout("face_12").sensors)))
    return Peer(
        line,
        clock,
        [],
        lambda: line.is_open,  # drivers cannot be told to stop
        lambda: None,
        named=("imu_topics", ""),
        ranges=(0.0, 0.0),
        blinks=False,
    )


def _slimevr_peer() -> Peer:
    clock = VirtualClock()
    trackers = Trackers([SimulatedTracker(i, clock, patient=True, sends_unchanged=True) for i in range(6)])
    line = VirtualLine(clock, trackers)

    def say_hello() -> None:
        for tracker in trackers.each:
            line.deliver(envelopes.packed(envelopes.Envelope(tracker.peer, tracker.handshake())))

    return Peer(
        line,
        clock,
        [],
        lambda: line.is_open,  # trackers cannot be told to stop: nobody hears them
        say_hello,
        with_units(load_layout("face_12")),
        ("SlimeVR trackers", "1.0"),
        (np.deg2rad(2000), 16 * GRAVITY_M_S2),
        blinks=False,
    )


PEERS: dict[str, Callable[[], Peer]] = {
    "imusic_v1": _imusic_v1_peer,
    "slimevr": _slimevr_peer,
    "imu_topics": _imu_topics_peer,
}


@pytest.fixture(scope="session")
def peers() -> dict[str, Callable[[], Peer]]:
    return PEERS


@pytest.fixture(scope="session")
def make_line() -> Callable[[LineEnd], tuple[VirtualClock, VirtualLine]]:
    def make(hub: LineEnd) -> tuple[VirtualClock, VirtualLine]:
        clock = VirtualClock()
        return clock, VirtualLine(clock, hub)

    return make


@pytest.fixture(scope="session")
def layout() -> SensorLayout:
    return load_layout("face_12")


@pytest.fixture(scope="session")
def hello(layout: SensorLayout) -> p.Hello:
    return BenchHub(layout, VirtualClock()).hello()


@pytest.fixture(scope="session")
def make_rig(layout: SensorLayout) -> Callable[..., Rig]:
    def make(
        *,
        rate_hz: int = 100,
        listen_only: bool = False,
        by_arrival: bool = False,
        name: str = "",
        key: bytes | None = None,
        hub_key: bytes | None = None,
    ) -> Rig:
        clock = VirtualClock()
        hub = BenchHub(layout, clock, hub_key)
        line = VirtualLine(clock, hub)
        seal = SealedLine(line, key, clock) if key is not None else None
        session = HubSession(
            seal or line,
            layout,
            rate_hz,
            listen_only=listen_only,
            by_arrival=by_arrival,
            name=name,
            clock=clock,
            wait=clock.advance,
        )
        return Rig(clock, hub, line, layout, session, seal)

    return make


@pytest.fixture
def rig(make_rig: Callable[[], Rig]) -> Rig:
    return make_rig()


@dataclass
class TopicsRig:
    """Other drivers' units and the hub made of them."""

    clock: VirtualClock
    units: BenchTopics
    line: VirtualLine
    hub: TopicsHub

    def run(self, seconds: float) -> list[ImuSample]:
        """Step until virtual time has passed."""
        until_s = self.clock() + seconds
        samples: list[ImuSample] = []
        while self.clock() < until_s:
            samples += self.hub.step()
        return samples


@pytest.fixture
def topics_rig(layout: SensorLayout) -> TopicsRig:
    clock = VirtualClock()
    units = BenchTopics(clock, len(layout.sensors))
    line = VirtualLine(clock, units)
    return TopicsRig(clock, units, line, TopicsHub(line, layout, 100, clock=clock, wait=clock.advance))


class _Stop:
    """Ends `serve` from another thread."""

    def __init__(self) -> None:
        self.asked = False
        self.fileno, self._writer = os.pipe()

    def ask(self) -> None:
        self.asked = True
        os.write(self._writer, b"x")

    def close(self) -> None:
        os.close(self.fileno)
        os.close(self._writer)


class PtyHub:
    """The simulated hub on a real pseudo-terminal, in real time, in its own thread; it boots when it is plugged in."""

    def __init__(self, layout: SensorLayout, path: Path) -> None:
        self.hub = BenchHub(layout, time.monotonic)
        self.path = path
        self._running: tuple[threading.Thread, _Stop, PtyLink] | None = None

    def plug(self) -> None:
        """Make the port and serve it."""
        self.hub.reboot()
        stop, link = _Stop(), PtyLink(self.path)
        thread = threading.Thread(target=serve, args=(self.hub, link, stop, None), daemon=True)
        self._running = thread, stop, link
        thread.start()

    def unplug(self) -> None:
        """Take the port away, if it is there."""
        if self._running is None:
            return
        (thread, stop, link), self._running = self._running, None
        stop.ask()
        thread.join()
        link.close()
        stop.close()


@pytest.fixture
def pty_hub(layout: SensorLayout, tmp_path: Path) -> Iterator[PtyHub]:
    hub = PtyHub(layout, tmp_path / "hub")
    yield hub
    hub.unplug()
