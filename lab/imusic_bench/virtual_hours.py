"""`imusic bench hours`: simulated hours through driver and tracker on virtual time, with faults, without ROS.

What the line does to each frame is known here, so that every sample that the hub sent is either handed on or found in a
counter of the driver; and what takes hours in life shows in minutes whether latency or memory grow.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import psutil

from face_inference.engines.choice import create_engine
from face_inference.engines.protocol import Engine
from face_inference.face_estimate import InputLayout
from face_inference.model_folder import Model, load_model
from face_inference.tracker import FaceTracker
from face_model.imu_sample import ImuSample
from face_model.layout import load_layout
from imu_driver.hubs.imusic_v1.session import HubSession
from imu_sim.chips.parts import load_part
from imu_sim.hub.clock import HubClock
from imu_sim.hub.faults import Faults
from imu_sim.hub.hub_settings import HubSettings
from imu_sim.hub.simulated_hub import SimulatedHub
from imu_sim.motion import Floats
from imusic_bench.faulty_line import FaultyLine
from imusic_bench.nodding_stream import NoddingStream
from imusic_bench.trend import Trend, fit_trend

SKEW_PPM: Final = 35.0
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
