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

`attachment` leads from CONNECTING to CONNECTED and back, `silence_watch` says when, `sample_flow` has the samples.
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
    GYRO_BIAS,
    IDENTIFY,
    LINE,
    LOST,
    OPENED,
    STREAMING,
    ConnectionState,
    GyroBias,
    HubFigures,
    HubIdentity,
    Outcome,
    Tap,
    gyro_bias_text,
)
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.attachment import Attachment
from imu_driver.hubs.imusic_v1.handshake import HandshakeReport, printable
from imu_driver.hubs.imusic_v1.hub_choice import HubChoice
from imu_driver.hubs.imusic_v1.hub_in_use import HubInUse
from imu_driver.hubs.imusic_v1.params import SessionCounters, SessionParams
from imu_driver.hubs.imusic_v1.progress import Progress, Stage
from imu_driver.hubs.imusic_v1.sample_flow import SampleFlow, Taken
from imu_driver.hubs.imusic_v1.session_state import restore_session, session_state
from imu_driver.hubs.imusic_v1.silence_watch import SilenceWatch
from imu_driver.tapped_line import TappedLine
from imu_driver.transport import EndedError, Transport, TransportError
from imu_driver.two_hubs import two_hubs

_Command: TypeAlias = Callable[[], None]
"""Something another thread asked for, run in the next step."""

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
        by_arrival: hand on samples whose time is in doubt as well.
        name: of the only hub that is used; empty: any.
        clock: host monotonic time, s.
        wait: sleeps for some seconds, used only while there is nothing to read from.
        params: timing.

    Attributes:
        counters: what happened so far.
        parser: its counters say what was rejected.
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
        self.counters = SessionCounters()
        self.parser = p.StreamParser()
        self._params = params
        self._wait = wait
        self._line = TappedLine(transport, clock, listen_only=listen_only)
        self._progress = Progress(f"{transport.description}: not tried yet")
        self._flow = SampleFlow(self.counters, from_any=listen_only, by_arrival=by_arrival)
        self._hub = HubInUse(layout)
        self._choice = HubChoice(name)
        self._attachment = Attachment(
            self._line, self._progress, self._flow, self._hub, self._choice, self.counters, rate_hz, params
        )
        self._watch = SilenceWatch(
            self._line, self.parser, self._progress, self._flow, self._attachment, self.counters, params
        )
        self._commands: queue.SimpleQueue[_Command] = queue.SimpleQueue()
        self._looked_s = math.inf
        self._retry_s = params.retry_first_s
        self._next_open_s = float("-inf")

    @property
    def description(self) -> str:
        """Where the hub is."""
        return self._line.description

    @property
    def state(self) -> ConnectionState:
        """See the module's table."""
        return self._progress.state

    @property
    def problem(self) -> str:
        """See `Hub`."""
        return self._progress.problem

    @property
    def streaming(self) -> bool:
        """Whether samples are wanted."""
        return self._attachment.streaming

    @property
    def tap(self) -> Tap | None:
        """See `ReplayableHub`."""
        return self._line.tap

    @tap.setter
    def tap(self, tap: Tap | None) -> None:
        self._line.tap = tap

    @property
    def clock_map(self) -> ClockMapper:
        """Hub time to host time."""
        return self._flow.clock_map

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
        """How hub and layout differ, what is missing on this machine, and who else claims to be the hub."""
        summary = self.report.summary if self.report is not None else ""
        rival, identity = self._line.rival, self.identity
        twice = two_hubs(identity.name, self.description, rival) if rival and identity is not None else ""
        return [notice for notice in (summary, self._hub.orientation_problem, twice) if notice]

    @property
    def rate_hz(self) -> int:
        """Rate asked of the hub in use."""
        return self._attachment.rate_hz

    def figures(self) -> HubFigures:
        """What happened so far."""
        counters, clock, rejected = self.counters, self.clock_map, self.parser.last_error
        checked = self._line.checked
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
            foreign_datagrams=self._line.foreign,
            clock_skew_ppm=clock.skew_ppm,
            clock_residual_s=clock.residual_s,
            clock_round_trip_s=clock.round_trip_s,
            clock_resets=clock.state.resets,
        )

    # Commands

    def identify(self, sensor_id: int) -> Future[Outcome]:
        """Blink one unit's light."""
        future: Future[Outcome] = Future()

        def begin() -> None:
            self._line.tell(LINE, IDENTIFY + str(sensor_id).encode())
            if self._line.listen_only:
                future.set_result(_LISTENING)
            elif self.state is ConnectionState.CONNECTED:
                self._attachment.request(lambda number: p.Identify(number, sensor_id), future.set_result)
            else:
                future.set_result(Outcome(False, False, f"the hub is not connected: {self.problem}"))

        self._commands.put(begin)
        return future

    def set_streaming(self, wanted: bool) -> Future[Outcome]:
        """Start or stop the samples; remembered, and sent again whenever the hub is attached anew."""
        future: Future[Outcome] = Future()

        def begin() -> None:
            self._line.tell(LINE, STREAMING + str(int(wanted)).encode())
            if self._line.listen_only:
                future.set_result(_LISTENING)
            else:
                self._attachment.stream(wanted, future.set_result)

        self._commands.put(begin)
        return future

    def gyro_bias(self) -> Mapping[int, GyroBias]:
        """See `FusingHub`."""
        converter = self._hub.converter
        return converter.gyro_bias() if converter is not None else {}

    def use_gyro_bias(self, known: Mapping[int, GyroBias]) -> None:
        """See `FusingHub`."""

        def begin() -> None:
            self._line.tell(LINE, GYRO_BIAS + gyro_bias_text(known))
            if self._hub.converter is not None:
                self._hub.converter.use_gyro_bias(known)

        self._commands.put(begin)

    # Steps

    def step(self) -> list[ImuSample]:
        """Do what is due, read once, and return the samples read; to be called again and again without pause."""
        samples: list[ImuSample] = []
        try:
            self._line.look()
            self._obey()
            if self.state is ConnectionState.ENDED:
                self._wait(self._params.read_timeout_s)
                return samples
            if self.state is ConnectionState.DISCONNECTED and not self._reopen():
                return samples
            self._attachment.send_due()
            data = self._line.read(self._params.read_timeout_s)
            self._follow_reader()
            for packet in self.parser.feed(data) if data else ():
                self._handle(packet, samples)
                if self.state is ConnectionState.CONNECTED:
                    self._retry_s = self._params.retry_first_s
            silent = self._watch.check()
            if silent:
                self._disconnect(silent)
        except EndedError as error:
            self._end(str(error))
        except TransportError as error:
            if self.state is not ConnectionState.DISCONNECTED:  # else it was never open
                self._line.tell(LINE, LOST + str(error).encode(errors="replace"))
            self._disconnect(str(error))
        return samples

    def close(self) -> None:
        """Ask the hub to stop, as far as it can hear, and close the transport."""
        if self.state is not ConnectionState.DISCONNECTED:
            try:
                self._line.send(p.encode(p.Stop(0)))
            except TransportError as error:
                # The hub is gone already, which is where this leads anyway.
                self._progress.problem = str(error)
        self._line.look()
        self._disconnect("the driver is closed")
        self._obey()

    def _obey(self) -> None:
        while not self._commands.empty():
            self._commands.get()()

    def _follow_reader(self) -> None:
        now_s = self._line.now_s
        # A read that finds nothing returns sooner: this process did not get to run.
        if now_s - self._looked_s > self._params.read_timeout_s + STOOD_S:
            self.clock_map.reader_stood(self._looked_s, now_s)
        self._looked_s = now_s

    # Opening and closing

    def _reopen(self) -> bool:
        remaining_s = self._next_open_s - self._line.now_s
        if remaining_s > 0.0:
            self._wait(min(remaining_s, self._params.read_timeout_s))
            return False
        self._choice.met = False
        self._line.look_at_others(lambda data: self._choice.is_rival(data, self.hello))
        self._line.open(lambda data: self._choice.is_hub(data, self.hello))
        self._line.tell(LINE, OPENED)
        self.parser.reset()
        self._attachment.pinger.forget()
        self._watch.opened()
        self._attachment.begin(f"{self.description}: waiting for HELLO")
        return True

    def _disconnect(self, problem: str) -> None:
        self._close(ConnectionState.DISCONNECTED, problem, problem)
        self._next_open_s = self._line.now_s + self._retry_s
        self._retry_s = min(2.0 * self._retry_s, self._params.retry_most_s)

    def _end(self, problem: str) -> None:
        told = problem if self.counters.samples else f"{problem} without a sample; before: {self.problem}"
        self._close(ConnectionState.ENDED, told, problem)

    def _close(self, state: ConnectionState, problem: str, reason: str) -> None:
        self._line.close()
        self._progress.state, self._progress.problem = state, problem
        self._attachment.abandon(reason)

    # Receiving

    def _handle(self, packet: p.Packet, samples: list[ImuSample]) -> None:
        now_s, attachment, flow = self._line.now_s, self._attachment, self._flow
        self._watch.heard()
        if isinstance(packet, p.Sample):
            self._on_sample(packet, samples)
        elif isinstance(packet, p.Pong):
            attachment.pinger.answered(packet, now_s)
            if flow.waiting.held:
                self._release(samples)
        elif isinstance(packet, p.Ack):
            attachment.requests.acknowledge(packet)
            if self._line.listen_only and (packet.command, packet.result) == (p.Start.TYPE, p.Result.OK):
                # Somebody else sent START: the hub counts from 0 again.
                flow.numbers.restart()
        elif isinstance(packet, p.Hello):
            attachment.on_hello(packet)
        elif isinstance(packet, p.Refused):
            if self._progress.stage is Stage.HELLO:
                attachment.fail(f"{self.description}: {printable(packet.message)}")
        elif isinstance(packet, p.Ping) and self._line.listen_only:
            attachment.pinger.heard(packet, now_s)
        # Other host packets come back from a line that echoes; they mean nothing here.

    def _on_sample(self, sample: p.Sample, samples: list[ImuSample]) -> None:
        if not self._attachment.wants(sample):
            return
        taken = self._flow.take(sample, self._line.now_s, self.rate_hz)
        if taken is Taken.NEW:
            self._release(samples)
            self._flow.drop_late(self._line.now_s, self._params.hold_s)
            self._attachment.sampled()
        elif taken is Taken.LOST_TRACK:
            self._attachment.lost_track()

    def _release(self, samples: list[ImuSample]) -> None:
        if self._hub.converter is not None:
            samples += self._flow.release(self._hub.converter)

    # States, for replays

    @property
    def quiet(self) -> bool:
        """See `ReplayableHub`."""
        return self._attachment.requests.empty and self._commands.empty()

    def saved_state(self) -> Arrays:
        """See `ReplayableHub`."""
        return session_state(self)

    def restore_state(self, arrays: Arrays) -> None:
        """Continue from `saved_state`; raises `SnapshotError`."""
        restore_session(self, arrays)
