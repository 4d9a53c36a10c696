"""`imusic bench hours`: simulated hours through driver and tracker on virtual time, with faults, without ROS.

What the line does to each frame is known here, so that every sample that the hub sent is either handed on or found in a
counter of the driver; and what takes hours in life shows in minutes whether latency or memory grow.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import numpy as np
import psutil
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.engines.choice import create_engine
from face_inference.engines.protocol import Engine, EngineOutput, EngineState
from face_inference.face_estimate import InputLayout
from face_inference.model_folder import Model, load_model
from face_inference.network_inputs import input_size
from face_inference.tracker import FaceTracker
from face_model.frames import GRAVITY_M_S2
from face_model.imu_sample import ImuSample
from face_model.layout import load_layout
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.session import HubSession
from imu_driver.transport import IsHub, LostError, NotFoundError
from imu_sim.chips.parts import load_part
from imu_sim.hub.clock import HubClock
from imu_sim.hub.faults import Faults
from imu_sim.hub.hub_settings import HubSettings
from imu_sim.hub.simulated_hub import SimulatedHub
from imu_sim.imu_stream import Frames
from imu_sim.motion import Floats
from imusic_bench.trend import Trend, fit_trend

SKEW_PPM: Final = 35.0
FREE_S: Final = 0.001
"""What a frame takes on a free line, each way."""
LOOK_S: Final = 60.0
"""Virtual time between two looks at memory, latency and processor time."""
SETTLE_LOOKS: Final = 5
GROWTH_KB_MIN: Final = 2.0
"""Memory that grows by less per simulated minute is no growth of importance: 1.2 MB in ten hours."""
GROWTH_MS_MIN: Final = 0.001
"""The same for the error of a stamp."""
GROWTH_US_MIN: Final = 0.5
"""The same for the processor time of a sample."""

_MOST_ERROR_MS: Final = 50.0
_ERROR_STEP_MS: Final = 0.01

LINE_FAULTS: Final = ("loss", "corrupt", "garbage", "twice", "jam", "stand", "cut", "unplug", "reboot", "clock step")
UNIT_FAULTS: Final = ("dead", "faulty", "frozen", "saturated", "spikes")


@dataclass(frozen=True)
class Hours:
    """What was found.

    Attributes:
        hours: simulated.
        faults: that happened.
        sent: samples that left the hub.
        handed_on: to the tracker.
        lost: the driver counted.
        untimed: the driver dropped, since their time was in doubt, and counted.
        never_told: sent after the last that arrived before the hub rebooted: no number tells of them.
        in_doubt: what no counter explains; 0 is honest.
        repeated: of `out_of_order` and `stale`, counted by the driver beside their number.
        tracked: samples that the tracker took in.
        tracker_in_doubt: numbers between the first and the last sample that are in none of the tracker's counters.
        worst_stamp_ms: largest error of a stamp that was handed on.
        p99_stamp_ms: of 100 stamps 99 are better.
        latency_ms_min: trend of the time from sample to tracker on a free line, ms per simulated minute.
        cpu_us_min: trend of the processor time of a sample, driver and tracker, us per simulated minute.
        memory_kb_min: trend of resident memory, kB per simulated minute.
        cpu_s: processor time, all.
    """

    hours: float
    faults: int
    sent: int
    handed_on: int
    lost: int
    untimed: int
    never_told: int
    in_doubt: int
    repeated: int
    tracked: int
    tracker_in_doubt: int
    worst_stamp_ms: float
    p99_stamp_ms: float
    latency_ms_min: Trend
    cpu_us_min: Trend
    memory_kb_min: Trend
    cpu_s: float

    @property
    def kept(self) -> bool:
        """Every sample is accounted for, and nothing grows."""
        grows = self.latency_ms_min.grows or self.cpu_us_min.grows or self.memory_kb_min.grows
        return not self.in_doubt and not self.tracker_in_doubt and not grows


class NoddingStream:
    """Boards that rest for 10 s of each minute and nod with the head for the rest, with the noise of living sensors."""

    def __init__(self, units: int, rate_hz: float, start_s: float) -> None:
        self._units, self._rate_hz, self._done = units, rate_hz, round(start_s * rate_hz)
        rng = np.random.default_rng(5)
        self._noise = rng.normal(0.0, 1.0, (997, units, 6)) * np.repeat((0.003, 0.02), 3)

    def next(self, frames: int) -> Frames:
        """The next samples."""
        numbers = self._done + np.arange(frames)
        self._done += frames
        times_s, step_s = numbers / self._rate_hz, 1e-4
        angle = _nod(times_s)
        rate = (_nod(times_s + step_s) - _nod(times_s - step_s)) / (2.0 * step_s)
        noise = self._noise[numbers % len(self._noise)]
        orientation = np.zeros((frames, self._units, 4))
        orientation[..., 1], orientation[..., 3] = np.sin(angle / 2)[:, None], np.cos(angle / 2)[:, None]
        velocity, force = noise[..., :3].copy(), noise[..., 3:].copy()
        velocity[..., 1] += rate[:, None]
        force[..., 0] -= GRAVITY_M_S2 * np.sin(angle)[:, None]
        force[..., 2] += GRAVITY_M_S2 * np.cos(angle)[:, None]
        never = np.zeros((frames, self._units), np.bool_)
        return Frames(orientation, velocity, force, never, never)

    def head(self, time_s: float) -> Floats:
        """Not known to the driver."""
        return np.array([0.0, 0.0, 0.0, 1.0])

    def weights(self, times_s: Floats) -> Floats:
        """Of a face at rest."""
        return np.zeros((len(times_s), 52))


def _nod(times_s: Floats) -> Floats:
    in_minute = np.mod(times_s, 60.0)
    ramp = np.clip((in_minute - 10.0) / 5.0, 0.0, 1.0) * np.clip((60.0 - in_minute) / 5.0, 0.0, 1.0)
    nod: Floats = 0.2 * ramp * ramp * (3.0 - 2.0 * ramp) * np.sin(2.0 * np.pi * 0.5 * times_s)
    return nod


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


class FixedEngine:
    """Takes the place of the network, whose memory and time are fixed, where hours are to take minutes."""

    description = "no network: always the same weights"
    faces = 1

    def __init__(self, model: Model) -> None:
        self.inputs = np.zeros((1, input_size(Channels.of(model.description.mounts))), np.float32)
        self._rings = tuple(np.zeros((ring.length, ring.width), np.float32) for ring in model.description.rings)
        self._output = EngineOutput(np.full((1, 52), 0.1, np.float32), np.full((1, 52), 0.5, np.float32))

    def step(self, active: NDArray[np.bool_] | None = None) -> EngineOutput:
        """See `Engine`."""
        return self._output

    def reset(self, face: int = 0) -> None:
        """Nothing is remembered."""

    def save_state(self, face: int = 0) -> EngineState:
        """See `Engine`."""
        return EngineState(0, self._rings)

    def restore_state(self, state: EngineState, face: int = 0) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        """Nothing is open."""


def measure_hours(
    hours: float,
    rate_hz: int = 60,
    seed: int = 0,
    model: str = "imusic",
    engine: Callable[[Model], Engine] | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> Hours:
    """So many simulated hours.

    Args:
        hours: of virtual time.
        rate_hz: samples per second.
        seed: draws what happens when.
        model: a name or the path of a model folder.
        engine: makes what runs it; None: ONNX Runtime.
        say: told of each simulated half hour.
    """
    return _Run(hours, rate_hz, seed, model, engine, say).run()


class _Run:
    def __init__(
        self,
        hours: float,
        rate_hz: int,
        seed: int,
        model: str,
        engine: Callable[[Model], Engine] | None,
        say: Callable[[str], object],
    ) -> None:
        layout, loaded = load_layout("face_12"), load_model(model)
        self._hours, self._rate_hz, self._say = hours, rate_hz, say
        self._rng = np.random.default_rng([seed, 0x5012])
        self._line = line = FaultyLine(self._rng)
        line.hub = SimulatedHub(
            lambda rate, start_s: NoddingStream(len(layout.sensors), rate, start_s),
            layout,
            load_part(),
            HubClock(line.clock, skew_ppm=SKEW_PPM),
            settings=HubSettings(rate_hz=rate_hz, jitter_s=0.0005),
            seed=seed,
        )
        self._names = layout.names
        self._session = HubSession(line, layout, rate_hz, clock=line.clock, wait=line.wait)
        runs = engine(loaded) if engine is not None else create_engine(loaded, "onnxruntime").engine
        self._tracker = FaceTracker(loaded.description, runs)
        self._layout_id = 0
        self._faults = 0
        self._undo: Callable[[], None] | None = None
        self._next_s = line.now_s + 30.0
        self._errors = np.zeros(round(_MOST_ERROR_MS / _ERROR_STEP_MS) + 1, np.int64)
        self._worst_ms = 0.0

    def run(self) -> Hours:
        line, began_s = self._line, self._line.now_s
        process, looks = psutil.Process(), []
        end_s, look_s = began_s + 3600.0 * self._hours, began_s + LOOK_S
        cpu_s = start_cpu_s = time.process_time()
        before: list[float] = []
        while line.now_s < end_s:
            self._disturb(end_s)
            before += self._step()
            if line.now_s >= look_s:
                self._tracker.missed.clear()  # as each snapshot does, while somebody records
                now_cpu_s = time.process_time()
                if len(before) > 10:
                    per_sample_us = 1e6 * (now_cpu_s - cpu_s) / len(before)
                    looks.append((look_s, float(np.median(before)), per_sample_us, process.memory_info().rss / 1024))
                cpu_s = now_cpu_s
                before.clear()
                look_s += LOOK_S
                if round(look_s - began_s) % 1800 == 0:
                    self._say(f"{(look_s - began_s) / 3600:.1f} h, {now_cpu_s - start_cpu_s:.0f} s of processor time")
        self._end_quietly()
        return self._account(
            np.array(looks[max(0, min(SETTLE_LOOKS, len(looks) - 3)) :]), time.process_time() - start_cpu_s
        )

    def _step(self) -> list[float]:
        return [self._take(sample) for sample in self._session.step()]

    def _take(self, sample: ImuSample) -> float:
        """Into the tracker; its latency, ms."""
        if sample.layout_id != self._layout_id and self._session.identity is not None:
            self._layout_id = sample.layout_id
            self._tracker.set_layout(InputLayout(sample.layout_id, self._names, float(self._session.identity.rate_hz)))
        self._tracker.update(sample, self._line.now_s)
        taken_s = self._line.taken_s(sample)
        error_ms = 1e3 * abs(sample.host_time_s - taken_s)
        self._errors[min(int(error_ms / _ERROR_STEP_MS), len(self._errors) - 1)] += 1
        self._worst_ms = max(self._worst_ms, error_ms)
        return 1e3 * (self._line.now_s - taken_s)

    def _disturb(self, end_s: float) -> None:
        line = self._line
        if line.now_s < self._next_s or line.now_s > end_s - 20.0:
            return
        if self._undo is not None:
            self._undo()
            self._undo = None
            self._next_s = line.now_s + float(self._rng.uniform(4.0, 30.0))
            return
        self._faults += 1
        kinds = LINE_FAULTS + UNIT_FAULTS
        lasts_s = self._do(kinds[int(self._rng.integers(len(kinds)))])
        self._next_s = line.now_s + (lasts_s or float(self._rng.uniform(4.0, 30.0)))

    def _do(self, kind: str) -> float:
        """Begin a fault; how long it lasts, s."""
        line, rng = self._line, self._rng
        if kind in ("loss", "corrupt", "garbage", "twice"):
            setattr(line, kind, float(rng.choice((0.01, 0.05, 0.3))))
            self._undo = lambda: setattr(line, kind, 0.0)
            return float(rng.uniform(1.0, 20.0))
        if kind == "jam":
            line.held_until_s = line.now_s + float(rng.uniform(0.05, 2.0))
        elif kind == "stand":
            line.wait(float(rng.uniform(0.05, 3.0)))
        elif kind in ("cut", "unplug"):
            line.cut, line.plugged = kind == "cut", kind != "unplug"
            self._undo = lambda: line.__dict__.update(cut=False, plugged=True)
            return float(rng.uniform(0.1, 8.0))
        elif kind == "reboot":
            line.reboot()
        elif kind == "clock step":
            while not line.quiet:  # else one sample would be judged by another clock than it was taken on
                self._step()
            line.step_clock(float(rng.choice((-1.0, -0.05, 0.05, 1.0))))
        else:
            units: Any = tuple(rng.choice(self._names[1:], int(rng.integers(1, 4)), replace=False).tolist())
            line.hub.set_faults(Faults(spike_rate_hz=1.0) if kind == "spikes" else Faults(**{kind: units}))
            self._undo = lambda: line.hub.set_faults(Faults())
            return float(rng.uniform(1.0, 30.0))
        return 0.0

    def _end_quietly(self) -> None:
        """Until all that is on its way is there."""
        if self._undo is not None:
            self._undo()
        until_s = self._line.now_s + 15.0
        while self._line.now_s < until_s:
            self._step()

    def _account(self, looks: Floats, cpu_s: float) -> Hours:
        line, figures, counters = self._line, self._session.figures(), self._tracker.counters
        explained = figures.samples + figures.lost + figures.untimed + line.never_told + line.since_heard
        return Hours(
            self._hours,
            self._faults,
            line.sent,
            figures.samples,
            figures.lost,
            figures.untimed,
            line.never_told,
            line.sent - explained,
            figures.out_of_order + figures.stale,
            counters.samples,
            figures.samples - counters.samples - counters.refused,
            self._worst_ms,
            _ERROR_STEP_MS * float(1 + np.searchsorted(np.cumsum(self._errors), 0.99 * self._errors.sum())),
            _trend(looks, 1, GROWTH_MS_MIN),
            _trend(looks, 2, GROWTH_US_MIN),
            _trend(looks, 3, GROWTH_KB_MIN),
            cpu_s,
        )


def _trend(looks: Floats, column: int, practical_per_min: float) -> Trend:
    """Of one value; of fewer than three looks none is known."""
    if len(looks) < 3:
        return Trend(math.nan, math.inf, grows=False)
    return fit_trend(looks[:, 0], looks[:, column], practical_per_min)
