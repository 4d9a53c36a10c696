"""Several hubs on one face, such as a left and a right half, as one `Hub`: their samples become frames by time.

Each hub has a clock of its own, which its own code maps to the host's; so a sample of either has a time that both
share. Every hub is stepped in a thread of its own, or one that is silent would hold up the others. What is missing of
a frame, because its hub is late or gone, is marked missing, and the rest goes out (`hub_joint`).

What each hub reads and sends goes through one queue with its samples, so that a recording has all of it in the order in
which the frames were made, and a replay (`replayed_joint`) makes them again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import Final

from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout
from face_model.saved_arrays import Arrays
from imu_driver import host_fusion
from imu_driver.hub import (
    JOINED,
    ConnectionState,
    Hub,
    HubFigures,
    HubIdentity,
    HubSensor,
    Outcome,
    RecordableHub,
    Tap,
)
from imu_driver.hub_joint import HubJoint, owners
from imu_driver.hub_thread import HubThread
from imu_driver.joined_state import GatheredStates
from imu_driver.replayed_hub import Piece
from imu_driver.two_hubs import TWO_HUBS

POLL_S: Final = 0.004
"""Frames are looked after this often, though nothing came."""

_STATES: Final = (
    ConnectionState.CONNECTED,
    ConnectionState.CONNECTING,
    ConnectionState.ERROR,
    ConnectionState.DISCONNECTED,
    ConnectionState.ENDED,
)
"""The state of all is the first of these that one of them has."""


@dataclass
class _Step:
    """What one hub did in one step.

    Attributes:
        hub: which one.
        pieces: read and sent.
        samples: handed on.
        identity: of the hub, after it.
        state: after it, if it is wanted.
    """

    hub: int
    pieces: list[Piece] = field(default_factory=list)
    samples: list[ImuSample] = field(default_factory=list)
    identity: HubIdentity | None = None
    state: Arrays | None = None


class JoinedHubs:
    """One `Hub` made of several; see `HubJoint` for the frames.

    Args:
        hubs: at least one; stepped and closed here, each with the whole layout.
        layout: of all of them together.
        rate_hz: of the frames.
        clock: host monotonic time, s.

    Attributes:
        tap: see `RecordableHub`; set before the first step.
    """

    def __init__(
        self,
        hubs: Sequence[Hub],
        layout: SensorLayout,
        rate_hz: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tap: Tap | None = None
        self._hubs = tuple(hubs)
        self._layout = layout
        self._rate_hz = rate_hz
        self._clock = clock
        self._joint = HubJoint(len(self._hubs), layout, rate_hz)
        self._gathered = GatheredStates(len(self._hubs))
        self._came: SimpleQueue[_Step] = SimpleQueue()
        self._threads: list[HubThread] = []
        self._met: tuple[HubIdentity | None, ...] = ()
        self._identity: HubIdentity | None = None
        self._owner: dict[int, int] = {}

    @property
    def layout_id(self) -> int:
        """See `Hub`; that of the layout alone."""
        return self._joint.layout_id

    @property
    def description(self) -> str:
        """Where each of them is."""
        return " and ".join(hub.description for hub in self._hubs)

    @property
    def state(self) -> ConnectionState:
        """CONNECTED as long as one of them is: the others are in `notices`."""
        states = {hub.state for hub in self._hubs}
        return next(state for state in _STATES if state in states)

    @property
    def problem(self) -> str:
        """Of all, where none is connected."""
        if self.state is ConnectionState.CONNECTED:
            return ""
        return "; ".join(hub.problem for hub in self._hubs if hub.problem)

    @property
    def notices(self) -> Sequence[str]:
        """Hubs that are not connected or not alone, units that none or several of them have."""
        said = [hub.problem for hub in self._hubs if hub.state is not ConnectionState.CONNECTED]
        names = {sensor.id: sensor.name for sensor in self._layout.sensors}
        units = [{s.id: s for s in each.identity.sensors} for each in self._hubs if each.identity is not None]
        if len(units) == len(self._hubs):
            missing = [f"{name} ({i})" for i, name in names.items() if not any(i in of for of in units)]
            said += [f"expected but unknown to all hubs: {', '.join(missing)}"] if missing else []
        twice = [f"{name} ({i})" for i, name in names.items() if sum(i in of for of in units) > 1]
        said += [f"on several hubs, taken from the first: {', '.join(twice)}"] if twice else []
        silent = [f"{name} ({i})" for i, name in names.items() if any(i in of and not of[i].present for of in units)]
        said += [f"not answering, check their cables: {', '.join(silent)}"] if silent else []
        theirs = [notice for hub in self._hubs for notice in hub.notices]
        said += [notice for notice in theirs if notice.startswith(TWO_HUBS)]
        return [*said, host_fusion.MISSING_PACKAGE] if host_fusion.MISSING_PACKAGE in theirs else said

    @property
    def streaming(self) -> bool:
        """Whether samples of all are wanted."""
        return all(hub.streaming for hub in self._hubs)

    @property
    def identity(self) -> HubIdentity | None:
        """All units of the hubs that were met."""
        met = tuple(hub.identity for hub in self._hubs)
        if met != self._met or any(a is not b for a, b in zip(met, self._met, strict=True)):
            self._met, (self._identity, self._owner) = met, _joined(met, self._rate_hz)
        return self._identity

    def figures(self) -> HubFigures:
        """The sums; of clocks the worst, of frames those that were handed on, of each sensor those of its hub."""
        _ = self.identity
        all_of = [hub.figures() for hub in self._hubs]
        rejected: dict[str, int] = {}
        for each in all_of:
            for reason, count in each.rejected.items():
                rejected[reason] = rejected.get(reason, 0) + count
        trips = [each.clock_round_trip_s for each in all_of if each.clock_round_trip_s is not None]
        counted = ("lost", "out_of_order", "stale", "untimed", "connections", "reboots", "watchdog")
        sums = {name: sum(getattr(each, name) for each in all_of) for name in (*counted, "foreign_datagrams")}
        counts = self._joint.counts
        # A hub that counts no losses of its sensors apart loses all of them together.
        lost = self._of_sensors([each.sensor_lost for each in all_of], [each.lost for each in all_of], 0)
        rates_hz = self._of_sensors([each.sensor_rate_hz for each in all_of], None, math.nan)
        warm_c = self._of_sensors([each.sensor_temperature_c for each in all_of], None, math.nan)
        disagreeing = self._of_sensors([each.disagreeing for each in all_of], None, 0)
        return replace(
            HubFigures(**sums),
            lost=sums["lost"] + counts.skipped,
            asked_rate_hz=self._rate_hz,
            samples=counts.frames,
            disagreeing=tuple(map(int, disagreeing)),
            sensor_lost=tuple(map(int, lost)),
            sensor_rate_hz=rates_hz if any(map(math.isfinite, rates_hz)) else (),
            sensor_temperature_c=warm_c if any(map(math.isfinite, warm_c)) else (),
            rejected=rejected,
            last_reject=next((each.last_reject for each in all_of if each.last_reject), ""),
            clock_skew_ppm=max((each.clock_skew_ppm for each in all_of), key=abs),
            clock_residual_s=max(each.clock_residual_s for each in all_of),
            clock_round_trip_s=max(trips) if trips else None,
            clock_resets=sum(each.clock_resets for each in all_of),
            more=self._more(all_of),
        )

    def _of_sensors(
        self, told: Sequence[Sequence[float]], instead: Sequence[float] | None, unknown: float
    ) -> tuple[float, ...]:
        """A figure of each sensor, in layout order.

        Args:
            told: by each hub; empty where it does not tell it.
            instead: what holds for all sensors of a hub that does not tell it.
            unknown: what holds for those of no hub.
        """
        found = []
        for i, sensor in enumerate(self._layout.sensors):
            hub = self._owner.get(sensor.id)
            if hub is not None and i < len(told[hub]):
                found.append(told[hub][i])
            else:
                found.append(instead[hub] if hub is not None and instead is not None else unknown)
        return tuple(found)

    def _more(self, all_of: Sequence[HubFigures]) -> dict[str, object]:
        """How each of them does, what only it can tell, and what became of its readings."""
        counts = self._joint.counts
        found: dict[str, object] = {"late_readings": counts.predicted, "missing_readings": counts.missing}
        for number, (hub, figures) in enumerate(zip(self._hubs, all_of, strict=True), 1):
            name = hub.identity.name if hub.identity is not None else "unknown"
            found[f"hub_{number}"] = (
                f"{name} at {hub.description}, {hub.state.name}, {figures.samples} samples, {figures.lost} lost, "
                f"{sum(figures.rejected.values())} rejected, {figures.reboots} reboots"
            )
            found |= {f"hub_{number}_{key}": value for key, value in figures.more.items()}
        return found

    def step(self) -> list[ImuSample]:
        """Take in what the hubs' threads have brought; the frames that are due."""
        if not self._threads:
            self._start()
        elif not all(thread.alive for thread in self._threads):
            # Else the others would go on as if this hub were only silent.
            raise RuntimeError(f"the thread of a hub has ended, one of {self.description}; the log says why")
        if self._gathered.complete:
            self._gathered.forget()  # it was of the step before this one
        taken = self._take_all()
        now_s = self._clock()
        if not taken and not self._joint.changes_at(now_s):
            return []
        for index, identity, sample in taken:
            self._joint.take(index, identity, sample, now_s)
        if self.tap is not None:
            self.tap(JOINED, now_s, bytes(index for index, _, _ in taken))
        return self._joint.frames(now_s)

    def _take_all(self) -> list[tuple[int, HubIdentity | None, ImuSample]]:
        """What came; no more where the states of all hubs are there, which are of this place."""
        taken: list[tuple[int, HubIdentity | None, ImuSample]] = []
        try:
            step = self._came.get(timeout=POLL_S)
            while True:
                if self.tap is not None:
                    for piece in step.pieces:
                        self.tap(piece.direction, piece.arrival_s, piece.data, piece.hub)
                taken += [(step.hub, step.identity, sample) for sample in step.samples]
                self._gathered.came(step.hub, step.pieces, step.state)
                if self._gathered.complete:
                    return taken
                step = self._came.get_nowait()
        except Empty:
            return taken

    def identify(self, sensor_id: int) -> Future[Outcome]:
        """Blink one unit's light, on the hub that has it."""
        _ = self.identity
        return self._hubs[self._owner.get(sensor_id, 0)].identify(sensor_id)

    def set_streaming(self, wanted: bool) -> Future[Outcome]:
        """Start or stop the samples of all."""
        every: Future[Outcome] = Future()
        ended: SimpleQueue[Outcome] = SimpleQueue()
        count = len(self._hubs)

        def one(done: Future[Outcome]) -> None:
            ended.put(done.result())
            if ended.qsize() == count and not every.done():
                outcomes = [ended.get() for _ in range(count)]
                said = "; ".join(outcome.message for outcome in outcomes if outcome.message)
                every.set_result(Outcome(all(o.ok for o in outcomes), all(o.answered for o in outcomes), said))

        for hub in self._hubs:
            hub.set_streaming(wanted).add_done_callback(one)
        return every

    def close(self) -> None:
        """End all of them."""
        threads, self._threads = self._threads, []
        for thread in threads:
            thread.stop()
        if not threads:
            for hub in self._hubs:
                hub.close()

    # States, for replays

    @property
    def quiet(self) -> bool:
        """See `RecordableHub`: asking is what makes the hubs save their states, each in its own thread."""
        if not self._gathered.complete:
            self._gathered.ask()
        return self._gathered.complete

    def saved_state(self) -> Arrays:
        """See `RecordableHub`; when it is quiet."""
        return self._gathered.arrays(self._joint.saved_state())

    def _start(self) -> None:
        self._threads = [self._thread(i, hub) for i, hub in enumerate(self._hubs)]
        for thread in self._threads:
            thread.start()

    def _thread(self, index: int, hub: Hub) -> HubThread:
        step = _Step(index)
        recordable = hub if isinstance(hub, RecordableHub) else None

        def tapped(what: int, time_s: float, data: bytes, _: int = 0, /) -> None:
            step.pieces.append(Piece(what, time_s, data, hub=index))

        def sampled(sample: ImuSample) -> None:
            step.samples.append(sample)

        def after_step() -> None:
            nonlocal step
            if recordable is not None and self._gathered.wants(index) and recordable.quiet:
                step.state = recordable.saved_state()
            if step.pieces or step.samples or step.state is not None:
                step.identity = hub.identity
                done, step = step, _Step(index)
                self._came.put(done)

        if recordable is not None and self.tap is not None:
            recordable.tap = tapped
        return HubThread(hub, sampled, after_step)


def _joined(met: Sequence[HubIdentity | None], rate_hz: int) -> tuple[HubIdentity | None, dict[int, int]]:
    """Who they are together, and which of them has each unit."""
    known = [identity for identity in met if identity is not None]
    if not known:
        return None, {}
    owner = owners([tuple(s.id for s in one.sensors) if one is not None else () for one in met])
    sensors: dict[int, HubSensor] = {}
    for identity in known:
        for sensor in identity.sensors:
            sensors.setdefault(sensor.id, sensor)
    joined = HubIdentity(
        " + ".join(identity.name for identity in known),
        " + ".join(dict.fromkeys(identity.firmware for identity in known)),
        tuple(sensors.values()),
        rate_hz,
        all(identity.sends_orientation for identity in known),
    )
    return joined, owner
