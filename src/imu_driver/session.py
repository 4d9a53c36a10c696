"""The connection to one hub: open, handshake, keep alive, recover. No ROS, no thread of its own, no wall clock.

| state | event | next |
|---|---|---|
| DISCONNECTED | transport opened; tried after 0.1 s, doubling up to 1 s | CONNECTING |
| CONNECTING | HELLO, SET_RATE and START answered, and a first sample | CONNECTED |
| CONNECTED | samples stop, the hub reboots or changes | CONNECTING |
| CONNECTING, CONNECTED | the hub cannot be used: version, units, command refused | ERROR |
| ERROR | a HELLO that can be used | CONNECTING |
| CONNECTING, ERROR | silence for 5 s | DISCONNECTED |
| any | transport failed | DISCONNECTED |

docs/protocol.md tells firmware engineers the same.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from enum import Enum, auto
from typing import Any, TypeAlias

from face_model.layout import SensorLayout
from imu_driver import protocol as p
from imu_driver.clock import ClockMapper
from imu_driver.connection import ConnectionState, SessionCounters, SessionParams, TimedSample
from imu_driver.handshake import HandshakeReport, compare
from imu_driver.pinger import Pinger
from imu_driver.requests import Build, Done, Outcome, RequestBook
from imu_driver.sequence import SequenceCheck
from imu_driver.transport import Transport, TransportError

_Command: TypeAlias = Callable[[float], None]
"""Something another thread asked for, run in the next step with the time."""


_VOLATILE: dict[str, Any] = {"boot_id": 0, "rate_hz": 0, "flags": 0}
"""What may change in HELLO while the hub stays the same hub."""


class _Stage(Enum):
    """How far the handshake is."""

    HELLO = auto()
    RATE = auto()
    START = auto()
    FIRST_SAMPLE = auto()
    DONE = auto()


class HubSession:
    """Keeps one hub streaming.

    `step` belongs to one thread; `identify` and `set_streaming` may be called from any.

    Args:
        transport: to the hub; opened and closed here.
        layout: the sensors expected.
        params: timing and rate.
        clock: host monotonic time, s.
        wait: sleeps for some seconds, used while disconnected only.

    Attributes:
        state: see the module's table.
        hello: of the hub in use, None before the first.
        report: `hello` against the layout.
        generation: grows when another hub, or the same with other units, is attached: who caches something compares it.
        problem: why the hub is not in use, and what to do; empty while CONNECTED.
        streaming: whether samples are wanted.
        counters: what happened so far.
        parser: its counters say what was rejected.
        clock_map: hub time to host time.
    """

    def __init__(
        self,
        transport: Transport,
        layout: SensorLayout,
        params: SessionParams,
        *,
        clock: Callable[[], float],
        wait: Callable[[float], object],
    ) -> None:
        self.state = ConnectionState.DISCONNECTED
        self.hello: p.Hello | None = None
        self.report: HandshakeReport | None = None
        self.generation = 0
        self.problem = f"{transport.description}: not tried yet"
        self.streaming = True
        self.counters = SessionCounters()
        self.parser = p.StreamParser()
        self.clock_map = ClockMapper()
        self._transport = transport
        self._layout = layout
        self._params = params
        self._clock = clock
        self._wait = wait
        self._stage = _Stage.HELLO
        self._requests = RequestBook(params.request_period_s, params.request_tries)
        self._pinger = Pinger(self.clock_map, params.ping_period_s, params.ping_fast_s)
        self._sequence = SequenceCheck()
        self._commands: queue.SimpleQueue[_Command] = queue.SimpleQueue()
        self._retry_s = params.retry_first_s
        self._next_open_s = float("-inf")
        self._next_hello_s = 0.0
        self._stage_since_s = 0.0
        self._heard_s = 0.0
        self._sampled_s = 0.0
        self._last_host_s = float("-inf")
        self._other_versions = 0
        self._bytes_before = 0

    @property
    def description(self) -> str:
        """Where the hub is."""
        return self._transport.description

    @property
    def foreign_datagrams(self) -> int:
        """Datagrams dropped because somebody else sent them; 0 where the transport has one sender only."""
        return self._transport.foreign

    @property
    def rate_hz(self) -> int:
        """Rate asked of the hub in use."""
        wanted = self._params.rate_hz
        return min(wanted, self.hello.max_rate_hz) if self.hello else wanted

    def identify(self, sensor_id: int) -> Future[Outcome]:
        """Blink one unit's light."""
        future: Future[Outcome] = Future()

        def begin(now: float) -> None:
            if self.state is ConnectionState.CONNECTED:
                self._request(lambda number: p.Identify(number, sensor_id), future.set_result, now)
            else:
                future.set_result(Outcome(False, False, f"the hub is not connected: {self.problem}"))

        self._commands.put(begin)
        return future

    def set_streaming(self, wanted: bool) -> Future[Outcome]:
        """Start or stop the samples; remembered, and sent again whenever the hub is attached anew."""
        future: Future[Outcome] = Future()

        def begin(now: float) -> None:
            self.streaming = wanted
            if self.state is not ConnectionState.CONNECTED:
                future.set_result(Outcome(True, False, f"done once the hub is connected: {self.problem}"))
                return
            self._begin_streaming(now, future.set_result)

        self._commands.put(begin)
        return future

    def step(self) -> list[TimedSample]:
        """Do what is due, read once, and return the samples read; to be called again and again without pause."""
        samples: list[TimedSample] = []
        try:
            now = self._clock()
            while not self._commands.empty():
                self._commands.get()(now)
            if self.state is ConnectionState.DISCONNECTED and not self._reopen(now):
                return samples
            self._send_due(now)
            data = self._transport.read(self._params.read_timeout_s)
            arrival = self._clock()
            for packet in self.parser.feed(data) if data else ():
                self._handle(packet, arrival, samples)
            self._check(arrival)
        except TransportError as error:
            self._disconnect(str(error))
        return samples

    def close(self) -> None:
        """Ask the hub to stop, as far as it can hear, and close the transport."""
        if self.state is not ConnectionState.DISCONNECTED:
            try:
                self._send(p.Stop(0))
            except TransportError as error:
                # The hub is gone already, which is where this leads anyway.
                self.problem = str(error)
        self._disconnect("the driver is closed")
        now = self._clock()
        while not self._commands.empty():
            self._commands.get()(now)

    # Opening and closing

    def _reopen(self, now: float) -> bool:
        remaining = self._next_open_s - now
        if remaining > 0.0:
            self._wait(min(remaining, self._params.read_timeout_s))
            return False
        self._transport.open()
        self.parser.reset()
        self._pinger.forget()
        self._heard_s = now
        self._bytes_before = self.parser.bytes
        self._begin_handshake(now, f"{self.description}: waiting for HELLO")
        return True

    def _disconnect(self, problem: str) -> None:
        self._transport.close()
        self.problem = problem
        self.state = ConnectionState.DISCONNECTED
        self._abandon(problem)
        self._next_open_s = self._clock() + self._retry_s
        self._retry_s = min(2.0 * self._retry_s, self._params.retry_most_s)

    def _abandon(self, reason: str) -> None:
        # The stage first: what is abandoned must not lead the handshake on.
        self._stage = _Stage.HELLO
        self._requests.abandon(reason)

    # Sending

    def _send(self, packet: p.HostPacket) -> None:
        self._transport.write(p.encode(packet))

    def _request(self, build: Build, done: Done, now: float) -> None:
        self._send(self._requests.begin(build, done, now))

    def _send_due(self, now: float) -> None:
        for packet in self._requests.due(now):
            self._send(packet)
        if self._stage is _Stage.HELLO and now >= self._next_hello_s:
            failed = self.state is ConnectionState.ERROR
            self._next_hello_s = now + (self._params.error_period_s if failed else self._params.hello_period_s)
            # Not in the book: HELLO is the answer, and the next request follows anyway.
            self._send(p.HelloRequest(0))
        if self._stage in (_Stage.FIRST_SAMPLE, _Stage.DONE):
            ping = self._pinger.due(self._clock())
            if ping is not None:
                self._send(ping)

    # Receiving

    def _handle(self, packet: p.Packet, arrival: float, samples: list[TimedSample]) -> None:
        self._heard_s = arrival
        if isinstance(packet, p.Sample):
            self._on_sample(packet, arrival, samples)
        elif isinstance(packet, p.Pong):
            self._pinger.answered(packet, arrival)
        elif isinstance(packet, p.Ack):
            self._requests.acknowledge(packet)
        elif isinstance(packet, p.Hello):
            self._on_hello(packet, arrival)
        # Host packets come back from a line that echoes; they mean nothing here.

    def _on_sample(self, sample: p.Sample, arrival: float, samples: list[TimedSample]) -> None:
        if self._stage not in (_Stage.FIRST_SAMPLE, _Stage.DONE) or not self.streaming or self.hello is None:
            self.counters.stale += 1
            return
        if (len(sample.status), sample.fields) != (len(self.hello.sensors), self.hello.fields):
            self._begin_handshake(arrival, "the hub's samples have other units or fields than its HELLO")
            return
        lost = self._sequence.check(sample.sequence)
        if lost is None:
            self.counters.out_of_order += 1
            if self._sequence.lost_track:
                self._begin_handshake(arrival, "the hub's sample numbers went back")
            return
        mapped = self.clock_map.add_sample(sample.hub_time_us, arrival)
        self._last_host_s = max(mapped, self._last_host_s + 1e-6)
        self._sampled_s = arrival
        self.counters.samples += 1
        self.counters.lost += lost
        samples.append(TimedSample(sample, self._last_host_s, arrival, lost))
        if self._stage is _Stage.FIRST_SAMPLE:
            self._connected(arrival)

    # Handshake

    def _begin_handshake(self, now: float, why: str) -> None:
        self._abandon(why)
        self._enter(ConnectionState.CONNECTING, _Stage.HELLO, now)
        self.problem = why
        self._next_hello_s = now

    def _on_hello(self, hello: p.Hello, now: float) -> None:
        known = self.hello
        rebooted = known is not None and hello.boot_id != known.boot_id
        if rebooted:
            self.counters.reboots += 1
            self.clock_map.reset()
            self._pinger.forget()
        elif known is not None and self._stage is not _Stage.HELLO:
            changed = (hello.sensors, hello.fields) != (known.sensors, known.fields)
            stopped = self._stage is _Stage.DONE and self.streaming and not hello.streaming
            if not changed and not stopped:
                return
        self._abandon("the hub was attached anew")
        if known is None or replace(hello, **_VOLATILE) != replace(known, **_VOLATILE):
            self.generation += 1
        self.hello, self.report = hello, compare(hello, self._layout)
        if not self.report.usable:
            self._fail(f"no unit of layout {self._layout.name} can be used: {self.report.summary}", now)
            return
        self._enter(ConnectionState.CONNECTING, _Stage.RATE, now)
        self.problem = f"{self.description}: the hub answers, waiting for samples"
        self._request(lambda number: p.SetRate(number, self.rate_hz), self._rate_set, now)

    def _rate_set(self, outcome: Outcome) -> None:
        if self._stage is _Stage.RATE and self._accepted(outcome):
            self._begin_streaming(self._clock(), None)

    def _begin_streaming(self, now: float, done: Done | None) -> None:
        """Send START or STOP, as wanted; `done` is told how it ended."""
        self._enter(self.state, _Stage.START, now)

        def finish(outcome: Outcome) -> None:
            if self._stage is _Stage.START and self._accepted(outcome):
                self._sequence.restart()
                if self.streaming:
                    self._enter(self.state, _Stage.FIRST_SAMPLE, self._clock())
                else:
                    self._connected(self._clock())
            if done is not None:
                done(outcome)

        self._request(p.Start if self.streaming else p.Stop, finish, now)

    def _accepted(self, outcome: Outcome) -> bool:
        if outcome.answered and not outcome.ok:
            self._fail(outcome.message, self._clock())
        elif not outcome.ok:
            self._begin_handshake(self._clock(), outcome.message)
        return outcome.ok

    def _connected(self, now: float) -> None:
        if self.state is not ConnectionState.CONNECTED:
            self.counters.connections += 1
        self._enter(ConnectionState.CONNECTED, _Stage.DONE, now)
        self._retry_s = self._params.retry_first_s
        self.problem = ""

    def _fail(self, problem: str, now: float) -> None:
        self._abandon(problem)
        self._enter(ConnectionState.ERROR, _Stage.HELLO, now)
        self.problem = problem
        self._next_hello_s = now + self._params.error_period_s

    def _enter(self, state: ConnectionState, stage: _Stage, now: float) -> None:
        self.state, self._stage, self._stage_since_s = state, stage, now

    # Watching

    def _check(self, now: float) -> None:
        params = self._params
        self._check_version(now)
        if self._stage is _Stage.DONE:
            self._check_flow(now)
        elif self._stage is _Stage.FIRST_SAMPLE and now - self._stage_since_s > params.first_sample_s:
            self._begin_handshake(now, "the hub acknowledged START, but no sample came")
        elif now - self._heard_s > params.silence_s:
            self._disconnect(self._silence())

    def _check_version(self, now: float) -> None:
        seen = self.parser.rejects[p.WrongVersionError.reason]
        if seen == self._other_versions:
            return
        self._other_versions = seen
        self._heard_s = now
        if self._stage is _Stage.HELLO and self.parser.found_version is not None:
            self._fail(str(p.WrongVersionError(p.VERSION, self.parser.found_version)), now)

    def _check_flow(self, now: float) -> None:
        params = self._params
        if self.streaming:
            quiet, limit = now - self._sampled_s, max(params.watchdog_s, params.watchdog_periods / self.rate_hz)
        else:
            quiet, limit = now - self._heard_s, params.idle_watchdog_s
        if quiet > limit:
            self.counters.watchdog += 1
            self._begin_handshake(now, f"{self.description}: nothing from the hub for {quiet:.1f} s, asking it again")

    def _silence(self) -> str:
        received = self.parser.bytes - self._bytes_before
        if received:
            return (
                f"{self.description}: expected HELLO, found {received} bytes without a valid packet; "
                "check that this is the hub and that the baud rate is the hub's"
            )
        return f"{self.description}: expected HELLO, found silence; check that the hub is powered and on this line"
