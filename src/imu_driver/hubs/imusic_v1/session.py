"""A hub that speaks protocol v1: open, handshake, keep alive, recover. No ROS, no thread of its own, no wall clock.

| state | event | next |
|---|---|---|
| DISCONNECTED | transport opened; tried after 0.1 s, doubling up to 0.25 s | CONNECTING |
| CONNECTING | HELLO, SET_RATE and START answered, and a first sample | CONNECTED |
| CONNECTED | samples stop, the hub reboots or changes | CONNECTING |
| CONNECTING, CONNECTED | the hub cannot be used: version, units, command refused | ERROR |
| ERROR | a HELLO that can be used | CONNECTING |
| CONNECTING, ERROR | silence for 5 s | DISCONNECTED |
| any | transport failed | DISCONNECTED |
| any | a recording ended | ENDED |

docs/protocol.md tells firmware engineers the same. A session that only listens sends nothing: after a HELLO it waits
for samples, whatever their numbers, and never opens the transport anew because of silence.
"""

from __future__ import annotations

import math
import queue
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Final, TypeAlias

from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout
from face_model.saved_arrays import Arrays
from imu_driver.clock import ClockMapper
from imu_driver.hub import (
    FROM_HUB,
    GYRO_BIAS,
    IDENTIFY,
    LINE,
    LOST,
    OPENED,
    STREAMING,
    TO_HUB,
    ConnectionState,
    GyroBias,
    HubFigures,
    HubIdentity,
    Outcome,
    Tap,
    gyro_bias_text,
)
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.handshake import HandshakeReport, compare, printable, same_units, silence
from imu_driver.hubs.imusic_v1.held_samples import Held, HeldSamples
from imu_driver.hubs.imusic_v1.hub_in_use import HubInUse
from imu_driver.hubs.imusic_v1.numbering import FIRST_BELOW, SampleNumbers
from imu_driver.hubs.imusic_v1.params import SessionCounters, SessionParams
from imu_driver.hubs.imusic_v1.pinger import Pinger
from imu_driver.hubs.imusic_v1.requests import Build, Done, RequestBook
from imu_driver.hubs.imusic_v1.session_state import Stage, restore_session, session_state
from imu_driver.transport import CheckedTransport, EndedError, Transport, TransportError

_Command: TypeAlias = Callable[[float], None]
"""Something another thread asked for, run in the next step with the time."""

STOOD_S: Final = 0.005
"""A read that takes so much longer than its time-out shows that the reader stood still."""

_LISTENING: Final = Outcome(False, False, "the driver only listens to this hub: no command is sent")


class HubSession:
    """Keeps one hub streaming: a `Hub` of protocol v1.

    Args:
        transport: to the hub; opened and closed here.
        layout: the sensors expected, in the order of the samples.
        rate_hz: sample rate to ask for; the hub's own maximum is used where that is lower. Where the session only
            listens, the rate that the hub was told to send.
        listen_only: send nothing.
        name: of the only hub that is used; empty: any.
        by_arrival: hand on samples whose time is in doubt as well.
        clock: host monotonic time, s.
        wait: sleeps for some seconds, used only while there is nothing to read from.
        params: timing.

    Attributes:
        state: see the module's table.
        problem: see `Hub`.
        streaming: whether samples are wanted.
        counters: what happened so far.
        parser: its counters say what was rejected.
        clock_map: hub time to host time.
        tap: see `ReplayableHub`.
    """

    def __init__(
        self,
        transport: Transport,
        layout: SensorLayout,
        rate_hz: int,
        *,
        listen_only: bool = False,
        by_arrival: bool = False,
        name: str = "",
        clock: Callable[[], float],
        wait: Callable[[float], object],
        params: SessionParams | None = None,
    ) -> None:
        params = params or SessionParams()
        self.state = ConnectionState.DISCONNECTED
        self.problem = f"{transport.description}: not tried yet"
        self.streaming = True
        self.counters = SessionCounters()
        self.parser = p.StreamParser()
        self.clock_map = ClockMapper()
        self._transport = transport
        self._checked = transport if isinstance(transport, CheckedTransport) else None
        self._layout = layout
        self._rate_hz = rate_hz
        self._listen_only = listen_only
        self._by_arrival = by_arrival
        self._name = name
        self._params = params
        self._clock = clock
        self._wait = wait
        self.tap: Tap | None = None
        # Time of what is being done: the clock is read at the begin of a step, for a ping, and after a read, and
        # nowhere else, so that a replay can tell the same times.
        self._now_s = 0.0
        self._stage = Stage.HELLO
        self._requests = RequestBook(params.request_period_s, params.request_tries)
        self._pinger = Pinger(self.clock_map, params.ping_period_s, params.ping_fast_s)
        self._numbers = SampleNumbers(from_any=listen_only)
        self._started = False
        self._resuming = False
        self._count_lost = True
        self._waiting = HeldSamples()
        self._met = False
        self._looked_s = math.inf
        self._pings_before = 0
        self._patient_until_s = 0.0
        self._hub = HubInUse(layout)
        self._commands: queue.SimpleQueue[_Command] = queue.SimpleQueue()
        self._retry_s = params.retry_first_s
        self._next_open_s = float("-inf")
        self._next_hello_s = 0.0
        self._stage_since_s = 0.0
        self._heard_s = 0.0
        self._sampled_s = 0.0
        self._other_versions = 0
        self._bytes_before = 0

    @property
    def description(self) -> str:
        """Where the hub is."""
        return self._transport.description

    @property
    def hello(self) -> p.Hello | None:
        """Of the hub in use, None before the first."""
        return self._hub.hello

    @property
    def report(self) -> HandshakeReport | None:
        """`hello` against the layout."""
        return self._hub.report

    @property
    def identity(self) -> HubIdentity | None:
        """See `Hub`."""
        return self._hub.identity

    @property
    def layout_id(self) -> int:
        """See `Hub`."""
        return self._hub.layout_id

    @property
    def notices(self) -> Sequence[str]:
        """How hub and layout differ, and what is missing on this machine."""
        summary = self.report.summary if self.report is not None else ""
        return [notice for notice in (summary, self._hub.orientation_problem) if notice]

    @property
    def rate_hz(self) -> int:
        """Rate asked of the hub in use."""
        return self._rate_for(self.hello)

    def _rate_for(self, hello: p.Hello | None) -> int:
        return max(1, min(self._rate_hz, hello.max_rate_hz)) if hello else self._rate_hz

    def figures(self) -> HubFigures:
        """What happened so far."""
        counters, clock, rejected = self.counters, self.clock_map, self.parser.last_error
        checked = self._checked
        return HubFigures(
            asked_rate_hz=self.rate_hz,
            **vars(counters),
            disagreeing=tuple(self._hub.converter.disagreeing.tolist()) if self._hub.converter is not None else (),
            rejected=(
                dict(checked.rejected)
                if checked is not None
                else {str(reason): count for reason, count in self.parser.rejects.items()}
            ),
            last_reject=checked.last_reject if checked is not None else str(rejected or ""),
            foreign_datagrams=self._transport.foreign,
            clock_skew_ppm=clock.skew_ppm,
            clock_residual_s=clock.residual_s,
            clock_round_trip_s=clock.round_trip_s,
            clock_resets=clock.state.resets,
        )

    def identify(self, sensor_id: int) -> Future[Outcome]:
        """Blink one unit's light."""
        future: Future[Outcome] = Future()

        def begin(now: float) -> None:
            self._tell(LINE, now, IDENTIFY + str(sensor_id).encode())
            if self._listen_only:
                future.set_result(_LISTENING)
            elif self.state is ConnectionState.CONNECTED:
                self._request(lambda number: p.Identify(number, sensor_id), future.set_result, now)
            else:
                future.set_result(Outcome(False, False, f"the hub is not connected: {self.problem}"))

        self._commands.put(begin)
        return future

    def set_streaming(self, wanted: bool) -> Future[Outcome]:
        """Start or stop the samples; remembered, and sent again whenever the hub is attached anew."""
        future: Future[Outcome] = Future()

        def begin(now: float) -> None:
            self._tell(LINE, now, STREAMING + str(int(wanted)).encode())
            if self._listen_only:
                future.set_result(_LISTENING)
                return
            self.streaming = wanted
            # What is missed while nobody wants it is not lost.
            self._count_lost = self._count_lost and wanted
            if self.state is not ConnectionState.CONNECTED:
                future.set_result(Outcome(True, False, f"done once the hub is connected: {self.problem}"))
                return
            self._begin_streaming(now, future.set_result)

        self._commands.put(begin)
        return future

    def gyro_bias(self) -> Mapping[int, GyroBias]:
        """See `FusingHub`."""
        converter = self._hub.converter
        return converter.gyro_bias() if converter is not None else {}

    def use_gyro_bias(self, known: Mapping[int, GyroBias]) -> None:
        """See `FusingHub`."""

        def begin(now: float) -> None:
            self._tell(LINE, now, GYRO_BIAS + gyro_bias_text(known))
            if self._hub.converter is not None:
                self._hub.converter.use_gyro_bias(known)

        self._commands.put(begin)

    def step(self) -> list[ImuSample]:
        """Do what is due, read once, and return the samples read; to be called again and again without pause."""
        samples: list[ImuSample] = []
        try:
            now = self._now_s = self._clock()
            while not self._commands.empty():
                self._commands.get()(now)
            if self.state is ConnectionState.ENDED:
                self._wait(self._params.read_timeout_s)
                return samples
            if self.state is ConnectionState.DISCONNECTED and not self._reopen(now):
                return samples
            self._send_due(now)
            data = self._transport.read(self._params.read_timeout_s)
            arrival = self._now_s = self._clock()
            if self.tap is not None:
                self.tap(FROM_HUB, arrival, data)
            # A read that finds nothing returns sooner: this process did not get to run.
            if arrival - self._looked_s > self._params.read_timeout_s + STOOD_S:
                self.clock_map.reader_stood(self._looked_s, arrival)
            self._looked_s = arrival
            for packet in self.parser.feed(data) if data else ():
                self._handle(packet, arrival, samples)
            self._check(arrival)
        except EndedError as error:
            self._end(str(error))
        except TransportError as error:
            if self.state is not ConnectionState.DISCONNECTED:  # else it was never open
                self._tell(LINE, self._now_s, LOST + str(error).encode(errors="replace"))
            self._disconnect(str(error))
        return samples

    @property
    def quiet(self) -> bool:
        """See `ReplayableHub`."""
        return self._requests.empty and self._commands.empty()

    def saved_state(self) -> Arrays:
        """See `ReplayableHub`."""
        return session_state(self)

    def restore_state(self, arrays: Arrays) -> None:
        """Continue from `saved_state`; raises `SnapshotError`."""
        restore_session(self, arrays)

    def close(self) -> None:
        """Ask the hub to stop, as far as it can hear, and close the transport."""
        if self.state is not ConnectionState.DISCONNECTED:
            try:
                self._send(p.Stop(0))
            except TransportError as error:
                # The hub is gone already, which is where this leads anyway.
                self.problem = str(error)
        now = self._now_s = self._clock()
        self._disconnect("the driver is closed")
        while not self._commands.empty():
            self._commands.get()(now)

    @property
    def _received(self) -> int:
        return self._checked.received if self._checked is not None else self.parser.bytes

    # Opening and closing

    def _reopen(self, now: float) -> bool:
        remaining = self._next_open_s - now
        if remaining > 0.0:
            self._wait(min(remaining, self._params.read_timeout_s))
            return False
        self._met = False
        self._transport.open(self._is_hub)
        self._tell(LINE, now, OPENED)
        self.parser.reset()
        self._pinger.forget()
        self._heard_s = now
        self._bytes_before = self._received
        self._begin_handshake(now, f"{self.description}: waiting for HELLO")
        return True

    def _is_hub(self, data: bytes) -> bool:
        """Whether a datagram is a HELLO, and of the same hub if one was met since the transport was opened.

        A hub that asks for a key is heard as well, as long as none is met, so that it can be told what is missing.
        """
        found, known = p.leading_packet(data, p.Hello, p.Refused), self.hello
        if isinstance(found, p.Refused):
            return not self._met
        if not isinstance(found, p.Hello):
            return False
        if self._name and found.hub != self._name:
            return False
        if known is None or not self._met:
            return True
        # Another boot of it is another session, but the same hub; its address may be new because it booted.
        return (found.hub, found.firmware, found.sensors) == (known.hub, known.firmware, known.sensors)

    def _disconnect(self, problem: str) -> None:
        self._transport.close()
        self.problem = problem
        self.state = ConnectionState.DISCONNECTED
        self._abandon(problem)
        self._next_open_s = self._now_s + self._retry_s
        self._retry_s = min(2.0 * self._retry_s, self._params.retry_most_s)

    def _end(self, problem: str) -> None:
        self._transport.close()
        self.problem = problem if self.counters.samples else f"{problem} without a sample; before: {self.problem}"
        self.state = ConnectionState.ENDED
        self._abandon(problem)

    def _abandon(self, reason: str) -> None:
        # The stage first: what is abandoned must not lead the handshake on.
        self._stage = Stage.HELLO
        self._requests.abandon(reason)

    # Sending

    def _tell(self, what: int, time_s: float, data: bytes) -> None:
        if self.tap is not None:
            self.tap(what, time_s, data)

    def _send(self, packet: p.HostPacket) -> None:
        if not self._listen_only:
            data = p.encode(packet)
            self._transport.write(data)
            self._tell(TO_HUB, self._now_s, data)

    def _request(self, build: Build, done: Done, now: float) -> None:
        self._send(self._requests.begin(build, done, now))

    def _send_due(self, now: float) -> None:
        if self._listen_only:
            return
        for packet in self._requests.due(now):
            self._send(packet)
        if (self._stage is Stage.HELLO or self._unconfirmed) and now >= self._next_hello_s:
            failed = self.state is ConnectionState.ERROR
            self._next_hello_s = now + (self._params.error_period_s if failed else self._params.hello_period_s)
            # Not in the book: HELLO is the answer, and the next request follows anyway.
            self._send(p.HelloRequest(0))
        if self._stage in (Stage.CLOCK, Stage.FIRST_SAMPLE, Stage.DONE):
            # Before the first sample, and while one waits, pings follow one another, so that its time is known soon.
            self._now_s = self._clock()
            ping = self._pinger.due(self._now_s, at_once=self._stage is Stage.CLOCK or bool(self._waiting.held))
            if ping is not None:
                self._send(ping)

    @property
    def _unconfirmed(self) -> bool:
        """Whether the hub that began with our START may have booted since its HELLO, and so lost the rate we set."""
        begun = self._stage in (Stage.FIRST_SAMPLE, Stage.DONE) and self._started
        return begun and self.hello is not None and not self.hello.streaming

    # Receiving

    def _handle(self, packet: p.Packet, arrival: float, samples: list[ImuSample]) -> None:
        self._heard_s = arrival
        if isinstance(packet, p.Sample):
            self._on_sample(packet, arrival, samples)
        elif isinstance(packet, p.Pong):
            self._pinger.answered(packet, arrival)
            if self._waiting.held:
                self._release(samples)
        elif isinstance(packet, p.Ack):
            self._requests.acknowledge(packet)
            if self._listen_only and (packet.command, packet.result) == (p.Start.TYPE, p.Result.OK):
                # Somebody else sent START: the hub counts from 0 again.
                self._numbers.restart()
        elif isinstance(packet, p.Hello):
            self._on_hello(packet, arrival)
        elif isinstance(packet, p.Refused):
            if self._stage is Stage.HELLO:
                self._fail(f"{self.description}: {printable(packet.message)}", arrival)
        elif isinstance(packet, p.Ping) and self._listen_only:
            self._pinger.heard(packet, arrival)
        # Other host packets come back from a line that echoes; they mean nothing here.

    def _on_sample(self, sample: p.Sample, arrival: float, samples: list[ImuSample]) -> None:
        resuming = self._resuming and self._stage in (Stage.HELLO, Stage.RATE)
        wanted = (self._stage in (Stage.FIRST_SAMPLE, Stage.DONE) or resuming) and self.streaming
        if not wanted or self.hello is None or self._hub.converter is None:
            self.counters.stale += 1
            return
        if self._hub.absent and arrival >= self._next_hello_s:
            self._look_at_absent(sample, arrival)
        if (len(sample.status), sample.fields) != (len(self.hello.sensors), self.hello.fields):
            self._started = False
            self._begin_handshake(arrival, "the hub's samples have other units or fields than its HELLO")
            return
        if resuming and sample.hub_time_us <= self._numbers.newest_us:
            # The hub may have rebooted in the silence, and its next HELLO will say so.
            self.counters.stale += 1
            return
        followed = self._numbers.follow(sample.sequence, sample.hub_time_us, self.rate_hz)
        if followed is None:
            self.counters.out_of_order += 1
            if self._numbers.lost_track:
                self._lost_track(arrival)
            return
        number, lost = followed
        self.clock_map.add_sample(sample.hub_time_us, arrival)
        self._sampled_s = arrival
        self.counters.lost += lost if self._count_lost else 0
        self._count_lost = True
        self._waiting.held.append(Held(sample, lost, arrival, number))
        self._release(samples)
        self.counters.untimed += self._waiting.drop_older(arrival, self._params.hold_s)
        if resuming:
            self._abandon("the hub's samples go on")
        if self._stage is not Stage.DONE:
            self._connected(arrival)

    def _look_at_absent(self, sample: p.Sample, now: float) -> None:
        """A unit that did not answer at HELLO measures now: it was plugged in, and its ranges are not known yet."""
        if any(i < len(sample.status) and sample.status[i] & p.UnitStatus.OK for i in self._hub.absent):
            self._next_hello_s = now + self._params.error_period_s
            self._send(p.HelloRequest(0))

    def _release(self, samples: list[ImuSample]) -> None:
        if self._hub.converter is not None:
            released = self._waiting.release(self.clock_map, self._hub.converter, self._by_arrival)
            self.counters.samples += len(released)
            samples += released

    def _lost_track(self, now: float) -> None:
        if self._listen_only:
            self._numbers.restart()
        else:
            self._started = False
            self._begin_handshake(now, "the hub's sample numbers went back")

    # Handshake

    def _begin_handshake(self, now: float, why: str, *, resume: bool = False) -> None:
        """Ask who is there; with `resume`, samples that follow the last one are as good an answer as HELLO."""
        self._abandon(why)
        self._resuming = resume
        self._enter(ConnectionState.CONNECTING, Stage.HELLO, now)
        self.problem = why
        self._next_hello_s = now

    def _on_hello(self, hello: p.Hello, now: float) -> None:
        if self._name and hello.hub != self._name:
            self._fail(
                f"{self.description}: expected the hub {self._name!r}, found {printable(hello.hub)!r}: set `hub_id` to "
                "that name, or empty for any hub, or plug the other hub in here",
                now,
            )
            return
        known = self.hello
        rebooted = known is not None and hello.boot_id != known.boot_id
        if rebooted:
            self.counters.reboots += 1
            self.counters.untimed += self._waiting.drop_all()  # of a clock that is no more
            self.clock_map.reset()
            self._pinger.forget()
            self._numbers.reboot()
        changed = known is None or (hello.sensors, hello.fields) != (known.sensors, known.fields)
        if known is not None and changed and not rebooted and self._stage is Stage.DONE and same_units(hello, known):
            report = compare(hello, self._layout)
            if report.usable and (hello.streaming or not self.streaming or self._listen_only):
                # Units were plugged in or out, and samples go on.
                self._adopt(hello)
                return
        if known is not None and not rebooted and self._stage is not Stage.HELLO:
            stopped = self._stage is Stage.DONE and self.streaming and not hello.streaming
            if not changed and (self._listen_only or not stopped):
                if self._unconfirmed:
                    self._adopt(hello)
                return
        # What this session started and the hub is still doing needs no START, with which some hubs count anew.
        self._started = self._started and self.streaming and hello.streaming and not (rebooted or changed)
        self._resuming = self._resuming and self._started
        self._met = True
        self._abandon("the hub was attached anew")
        report = self._adopt(hello)
        if not report.usable:
            self._fail(f"no unit of layout {self._layout.name} can be used: {report.summary}", now)
            return
        self._enter(ConnectionState.CONNECTING, Stage.RATE, now)
        self.problem = f"{self.description}: the hub answers, waiting for samples"
        if self._listen_only:
            self._numbers.restart()
            self._enter(self.state, Stage.FIRST_SAMPLE, now)
            return
        if self._started and hello.rate_hz == self.rate_hz:
            self._enter(self.state, Stage.FIRST_SAMPLE, now)
            return
        self._request(lambda number: p.SetRate(number, self.rate_hz), self._rate_set, now)

    def _adopt(self, hello: p.Hello) -> HandshakeReport:
        return self._hub.adopt(hello, self._rate_for(hello))

    def _rate_set(self, outcome: Outcome) -> None:
        if self._stage is not Stage.RATE or not self._accepted(outcome):
            return
        if self._started:
            self._enter(self.state, Stage.FIRST_SAMPLE, self._now_s)
        elif self.streaming and not self.clock_map.settled:
            self._pings_before = self._pinger.sent
            self._enter(self.state, Stage.CLOCK, self._now_s)
        else:
            self._begin_streaming(self._now_s, None)

    def _begin_streaming(self, now: float, done: Done | None) -> None:
        """Send START or STOP, as wanted; `done` is told how it ended."""
        self._enter(self.state, Stage.START, now)
        ran = self._started or (self.hello is not None and self.hello.streaming)
        self._started = False

        def finish(outcome: Outcome) -> None:
            if self._stage is Stage.START and self._accepted(outcome):
                # A hub that ran already may go on with its numbers; one that began with a START whose ACK was lost,
                # and went on at its repetition, has come as far as its rate allows.
                took = self._now_s - now
                self._numbers.restart(None if ran else FIRST_BELOW + math.ceil(took * self.rate_hz))
                # A hub that needed so long for the first START has its repetitions before it.
                self._patient_until_s = self._now_s + took * (took // self._params.request_period_s)
                self._started = self.streaming
                self._next_hello_s = self._now_s
                if self.streaming:
                    self._hub.doubt_streaming()
                    self._enter(self.state, Stage.FIRST_SAMPLE, self._now_s)
                else:
                    self._connected(self._now_s)
            if done is not None:
                done(outcome)

        self._request(p.Start if self.streaming else p.Stop, finish, now)

    def _accepted(self, outcome: Outcome) -> bool:
        if outcome.answered and not outcome.ok:
            self._fail(outcome.message, self._now_s)
        elif not outcome.ok:
            self._begin_handshake(self._now_s, outcome.message)
        return outcome.ok

    def _connected(self, now: float) -> None:
        if self.state is not ConnectionState.CONNECTED:
            self.counters.connections += 1
        self._enter(ConnectionState.CONNECTED, Stage.DONE, now)
        self._retry_s = self._params.retry_first_s
        self.problem = ""

    def _fail(self, problem: str, now: float) -> None:
        if self.state is not ConnectionState.ERROR:
            # Not put off by what a hub that cannot be used sends by itself.
            self._next_hello_s = now + self._params.error_period_s
        self._abandon(problem)
        self._enter(ConnectionState.ERROR, Stage.HELLO, now)
        self.problem = problem

    def _enter(self, state: ConnectionState, stage: Stage, now: float) -> None:
        self.state, self._stage, self._stage_since_s = state, stage, now

    # Watching

    def _check(self, now: float) -> None:
        params = self._params
        self._check_version(now)
        if self._stage is Stage.DONE:
            self._check_flow(now)
        elif self._listen_only:
            return
        elif self._stage is Stage.CLOCK:
            # So many without agreement: the hub does not answer them, or the line is never free.
            enough = self._pinger.sent - self._pings_before >= params.most_first_pings
            late = now - self._stage_since_s > params.first_pings_s
            if self.clock_map.settled or (enough and late):
                self._begin_streaming(now, None)
        elif self._stage is Stage.FIRST_SAMPLE and now - max(self._stage_since_s, self._patient_until_s) > (
            params.first_sample_s
        ):
            self._started = False
            self._begin_handshake(now, "the hub acknowledged START, but no sample came")
        elif now - self._heard_s > params.silence_s:
            received = self._received - self._bytes_before
            self._disconnect(f"{self.description}: {silence(self._transport.datagrams, received)}")

    def _check_version(self, now: float) -> None:
        seen = self.parser.rejects["wrong_version"]
        if seen == self._other_versions:
            return
        self._other_versions = seen
        self._heard_s = now
        if self._stage is Stage.HELLO and self.parser.found_version is not None:
            self._fail(str(p.wrong_version(p.VERSION, self.parser.found_version)), now)

    def _check_flow(self, now: float) -> None:
        params = self._params
        if self.streaming:
            since_s = max(self._sampled_s, self._patient_until_s)
            quiet, limit = now - since_s, max(params.watchdog_s, params.watchdog_periods / self.rate_hz)
        else:
            quiet, limit = now - self._heard_s, params.idle_watchdog_s
        if quiet > limit:
            self.counters.watchdog += 1
            quietly = f"{self.description}: nothing from the hub for {quiet:.1f} s"
            if self._listen_only:
                self._enter(ConnectionState.CONNECTING, Stage.FIRST_SAMPLE, now)
                self.problem = quietly
            else:
                self._begin_handshake(now, f"{quietly}, asking it again", resume=self._started)
