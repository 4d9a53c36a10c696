"""From HELLO to the first sample, and again whenever a hub has to be attached anew; `session` has the table of states.

| stage | what is waited for | next |
|---|---|---|
| HELLO | HELLO, asked for again and again; samples that go on, after a silence | RATE; DONE |
| RATE | SET_RATE acknowledged | CLOCK; FIRST_SAMPLE, where this session's START still holds |
| CLOCK | pings that agree | START |
| START | START or STOP acknowledged | FIRST_SAMPLE; DONE |
| FIRST_SAMPLE | a sample | DONE |
| DONE | nothing | |
"""

from __future__ import annotations

import math
from typing import Final

from imu_driver.hub import ConnectionState, Outcome
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.handshake import HandshakeReport, same_units
from imu_driver.hubs.imusic_v1.hub_choice import HubChoice
from imu_driver.hubs.imusic_v1.hub_in_use import HubInUse
from imu_driver.hubs.imusic_v1.numbering import FIRST_BELOW
from imu_driver.hubs.imusic_v1.params import SessionCounters, SessionParams
from imu_driver.hubs.imusic_v1.pinger import Pinger
from imu_driver.hubs.imusic_v1.progress import Progress, Stage
from imu_driver.hubs.imusic_v1.requests import Build, Done, RequestBook
from imu_driver.hubs.imusic_v1.sample_flow import SampleFlow
from imu_driver.tapped_line import TappedLine

_PINGING: Final = (Stage.CLOCK, Stage.FIRST_SAMPLE, Stage.DONE)
_BEGUN: Final = (Stage.FIRST_SAMPLE, Stage.DONE)


class Attachment:
    """Leads one session's hub through the handshake, and sends what is due.

    Args:
        line: to the hub.
        progress: of the session.
        flow: of the samples.
        hub: that is in use.
        choice: of the hub.
        counters: of the session.
        rate_hz: sample rate to ask for.
        params: timing.

    Attributes:
        hub: as given.
        requests: commands that wait for their ACK.
        pinger: asks for the hub's clock.
        streaming: whether samples are wanted.
        started: whether the hub streams because of this session's START.
        resuming: whether samples that follow the last one are as good an answer as HELLO.
        next_hello_s: when HELLO is asked for again.
        pings_before: pings sent before the stage CLOCK.
        patient_until_s: until then a hub that took long for START may be silent.
    """

    def __init__(
        self,
        line: TappedLine,
        progress: Progress,
        flow: SampleFlow,
        hub: HubInUse,
        choice: HubChoice,
        counters: SessionCounters,
        rate_hz: int,
        params: SessionParams,
    ) -> None:
        self.hub = hub
        self.requests = RequestBook(params.request_period_s, params.request_tries)
        self.pinger = Pinger(flow.clock_map, params.ping_period_s, params.ping_fast_s)
        self.streaming = True
        self.started = False
        self.resuming = False
        self.next_hello_s = 0.0
        self.pings_before = 0
        self.patient_until_s = 0.0
        self._line, self._progress, self._flow, self._choice = line, progress, flow, choice
        self._counters, self._rate_hz, self._params = counters, rate_hz, params

    @property
    def rate_hz(self) -> int:
        """Rate asked of the hub in use."""
        return self.rate_for(self.hub.hello)

    def rate_for(self, hello: p.Hello | None) -> int:
        """Rate to ask of a hub."""
        return max(1, min(self._rate_hz, hello.max_rate_hz)) if hello else self._rate_hz

    def begin(self, why: str, *, resume: bool = False) -> None:
        """Ask who is there; with `resume`, samples that follow the last one are as good an answer as HELLO."""
        self.abandon(why)
        self.resuming = resume
        self._enter(ConnectionState.CONNECTING, Stage.HELLO)
        self._progress.problem = why
        self.next_hello_s = self._line.now_s

    def begin_from_start(self, why: str) -> None:
        """The same, and START is sent again."""
        self.started = False
        self.begin(why)

    def abandon(self, reason: str) -> None:
        """What waits for an answer waits no more."""
        # The stage first: what is abandoned must not lead the handshake on.
        self._progress.stage = Stage.HELLO
        self.requests.abandon(reason)

    def fail(self, problem: str) -> None:
        """The hub cannot be used as it is."""
        if self._progress.state is not ConnectionState.ERROR:
            # Not put off by what a hub that cannot be used sends by itself.
            self.next_hello_s = self._line.now_s + self._params.error_period_s
        self.abandon(problem)
        self._enter(ConnectionState.ERROR, Stage.HELLO)
        self._progress.problem = problem

    # Sending

    def send_due(self) -> None:
        """Send what is due now."""
        line = self._line
        if line.listen_only:
            return
        for packet in self.requests.due(line.now_s):
            line.send(p.encode(packet))
        stage = self._progress.stage
        if (stage is Stage.HELLO or self._unconfirmed) and line.now_s >= self.next_hello_s:
            failed = self._progress.state is ConnectionState.ERROR
            self._ask_hello(self._params.error_period_s if failed else self._params.hello_period_s)
        if stage in _PINGING:
            # Before the first sample, and while one waits, pings follow one another, so that its time is known soon.
            line.look_again()
            at_once = stage is Stage.CLOCK or bool(self._flow.waiting.held)
            ping = self.pinger.due(line.now_s, at_once=at_once)
            if ping is not None:
                line.send(p.encode(ping))

    def request(self, build: Build, done: Done) -> None:
        """Send a command; `done` is told how it ended."""
        self._line.send(p.encode(self.requests.begin(build, done, self._line.now_s)))

    def stream(self, wanted: bool, done: Done) -> None:
        """Start or stop the samples, now or as soon as the hub is attached."""
        self.streaming = wanted
        # What is missed while nobody wants it is not lost.
        self._flow.count_lost = self._flow.count_lost and wanted
        if self._progress.state is not ConnectionState.CONNECTED:
            done(Outcome(True, False, f"done once the hub is connected: {self._progress.problem}"))
            return
        self._begin_streaming(done)

    def _ask_hello(self, period_s: float) -> None:
        self.next_hello_s = self._line.now_s + period_s
        # Not in the book: HELLO is the answer, and the next request follows anyway.
        self._line.send(p.encode(p.HelloRequest(0)))

    @property
    def _unconfirmed(self) -> bool:
        """Whether the hub that began with our START may have booted since its HELLO, and so lost the rate we set."""
        hello = self.hub.hello
        return self._progress.stage in _BEGUN and self.started and hello is not None and not hello.streaming

    # Answers

    def on_hello(self, hello: p.Hello) -> None:
        """A hub says who it is."""
        refusal = self._choice.refusal(hello)
        if refusal:
            self.fail(f"{self._line.description}: {refusal}")
            self._line.refuse_hub()
            return
        known, listening = self.hub.hello, self._line.listen_only
        rebooted = known is not None and hello.boot_id != known.boot_id
        if rebooted:
            self._counters.reboots += 1
            self._flow.begin_anew()
            self.pinger.forget()
        changed = known is None or (hello.sensors, hello.fields) != (known.sensors, known.fields)
        stage = self._progress.stage
        if known is not None and changed and not rebooted and stage is Stage.DONE and same_units(hello, known):
            usable = self.hub.compared(hello).usable
            if usable and (hello.streaming or not self.streaming or listening):
                # Units were plugged in or out, and samples go on.
                self._adopt(hello)
                return
        if known is not None and not rebooted and stage is not Stage.HELLO:
            stopped = stage is Stage.DONE and self.streaming and not hello.streaming
            if not changed and (listening or not stopped):
                if self._unconfirmed:
                    self._adopt(hello)
                return
        # What this session started and the hub is still doing needs no START, with which some hubs count anew.
        self.started = self.started and self.streaming and hello.streaming and not (rebooted or changed)
        self.resuming = self.resuming and self.started
        self._choice.met = True
        self.abandon("the hub was attached anew")
        self._attach(hello)

    def _attach(self, hello: p.Hello) -> None:
        report = self._adopt(hello)
        if not report.usable:
            self.fail(f"no unit of layout {self.hub.layout.name} can be used: {report.summary}")
            return
        self._enter(ConnectionState.CONNECTING, Stage.RATE)
        self._progress.problem = f"{self._line.description}: the hub answers, waiting for samples"
        if self._line.listen_only:
            self._flow.numbers.restart()
            self._enter(self._progress.state, Stage.FIRST_SAMPLE)
        elif self.started and hello.rate_hz == self.rate_hz:
            self._enter(self._progress.state, Stage.FIRST_SAMPLE)
        else:
            self.request(lambda number: p.SetRate(number, self.rate_hz), self._rate_set)

    def _adopt(self, hello: p.Hello) -> HandshakeReport:
        return self.hub.adopt(hello, self.rate_for(hello))

    def _rate_set(self, outcome: Outcome) -> None:
        if self._progress.stage is not Stage.RATE or not self._accepted(outcome):
            return
        if self.started:
            self._enter(self._progress.state, Stage.FIRST_SAMPLE)
        elif self.streaming and not self._flow.clock_map.settled:
            self.pings_before = self.pinger.sent
            self._enter(self._progress.state, Stage.CLOCK)
        else:
            self._begin_streaming(None)

    def start_if_clocks_agree(self) -> None:
        """In the stage CLOCK: send START as soon as its samples can be timed."""
        # So many without agreement: the hub does not answer them, or the line is never free.
        enough = self.pinger.sent - self.pings_before >= self._params.most_first_pings
        late = self._line.now_s - self._progress.since_s > self._params.first_pings_s
        if self._flow.clock_map.settled or (enough and late):
            self._begin_streaming(None)

    def _begin_streaming(self, done: Done | None) -> None:
        """Send START or STOP, as wanted; `done` is told how it ended."""
        self._enter(self._progress.state, Stage.START)
        ran = self.started or (self.hub.hello is not None and self.hub.hello.streaming)
        self.started = False
        began_s = self._line.now_s

        def finish(outcome: Outcome) -> None:
            if self._progress.stage is Stage.START and self._accepted(outcome):
                self._begun(self._line.now_s - began_s, ran)
            if done is not None:
                done(outcome)

        self.request(p.Start if self.streaming else p.Stop, finish)

    def _begun(self, took_s: float, ran: bool) -> None:
        """START or STOP was acknowledged after `took_s`; `ran`: the hub may have streamed before."""
        now_s = self._line.now_s
        # A hub that ran already may go on with its numbers; one that began with a START whose ACK was lost,
        # and went on at its repetition, has come as far as its rate allows.
        self._flow.numbers.restart(None if ran else FIRST_BELOW + math.ceil(took_s * self.rate_hz))
        # A hub that needed so long for the first START has its repetitions before it.
        self.patient_until_s = now_s + took_s * (took_s // self._params.request_period_s)
        self.started = self.streaming
        self.next_hello_s = now_s
        if self.streaming:
            self.hub.doubt_streaming()
            self._enter(self._progress.state, Stage.FIRST_SAMPLE)
        else:
            self._connected()

    def _accepted(self, outcome: Outcome) -> bool:
        if outcome.answered and not outcome.ok:
            self.fail(outcome.message)
        elif not outcome.ok:
            self.begin(outcome.message)
        return outcome.ok

    # Samples

    def wants(self, sample: p.Sample) -> bool:
        """Whether a sample belongs to what was asked for; where it shows another hub, that one is attached anew."""
        stage, hub = self._progress.stage, self.hub
        wanted = (stage in _BEGUN or self._resumes) and self.streaming
        if not wanted or hub.hello is None or hub.converter is None:
            self._counters.stale += 1
            return False
        if hub.absent and self._line.now_s >= self.next_hello_s:
            self._look_at_absent(sample)
        if (len(sample.status), sample.fields) != (len(hub.hello.sensors), hub.hello.fields):
            self.begin_from_start("the hub's samples have other units or fields than its HELLO")
            return False
        if self._resumes and sample.hub_time_us <= self._flow.numbers.newest_us:
            # The hub may have rebooted in the silence, and its next HELLO will say so.
            self._counters.stale += 1
            return False
        return True

    def sampled(self) -> None:
        """A sample that was wanted was taken: the hub is attached."""
        if self._resumes:
            self.abandon("the hub's samples go on")
        if self._progress.stage is not Stage.DONE:
            self._connected()

    def lost_track(self) -> None:
        """The samples' numbers cannot be followed any more."""
        if self._line.listen_only:
            self._flow.numbers.restart()
        else:
            self.begin_from_start("the hub's sample numbers went back")

    @property
    def _resumes(self) -> bool:
        return self.resuming and self._progress.stage in (Stage.HELLO, Stage.RATE)

    def _look_at_absent(self, sample: p.Sample) -> None:
        """A unit that did not answer at HELLO measures now: it was plugged in, and its ranges are not known yet."""
        if any(i < len(sample.status) and sample.status[i] & p.UnitStatus.OK for i in self.hub.absent):
            self._ask_hello(self._params.error_period_s)

    def _connected(self) -> None:
        if self._progress.state is not ConnectionState.CONNECTED:
            self._counters.connections += 1
        self._enter(ConnectionState.CONNECTED, Stage.DONE)
        self._progress.problem = ""

    def _enter(self, state: ConnectionState, stage: Stage) -> None:
        self._progress.enter(state, stage, self._line.now_s)
