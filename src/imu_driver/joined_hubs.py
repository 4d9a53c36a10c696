"""Several hubs on one face, such as a left and a right half, as one `Hub`: their samples become frames by time.

Each hub has a clock of its own, which its own code maps to the host's; so a sample of either has a time that both
share. Every hub is stepped in a thread of its own, or one that is silent would hold up the others. What is missing of
a frame, because its hub is late or gone, is marked missing, and the rest goes out.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Final

from face_model.imu_sample import STATUS_ORIENTATION_VALID, STATUS_VALID, ImuSample
from face_model.layout import SensorLayout
from imu_driver import host_fusion
from imu_driver.assembler import FrameAssembler, Reading
from imu_driver.hub import ConnectionState, Hub, HubFigures, HubIdentity, HubSensor, Outcome
from imu_driver.hub_thread import HubThread

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


class JoinedHubs:
    """One `Hub` made of several.

    `hub_time_s` is the host's time since the first frame; it begins at 0 again where one of the hubs was restarted, as
    then some orientations have other headings. A unit that two hubs have is taken from the first.

    Args:
        hubs: at least one; stepped and closed here, each with the whole layout.
        layout: of all of them together.
        rate_hz: of the frames.
        clock: host monotonic time, s.
    """

    def __init__(
        self,
        hubs: Sequence[Hub],
        layout: SensorLayout,
        rate_hz: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hubs = tuple(hubs)
        self._layout = layout
        self._rate_hz = rate_hz
        self._clock = clock
        self.layout_id = zlib.crc32(repr(("joined", layout)).encode())
        self._assembler = FrameAssembler(len(layout.sensors), rate_hz, self.layout_id)
        self._came: SimpleQueue[tuple[int, ImuSample]] = SimpleQueue()
        self._threads: list[HubThread] = []
        self._hub_time_s = [float("-inf")] * len(self._hubs)
        self._epoch_s: float | None = None
        self._met: tuple[HubIdentity | None, ...] = ()
        self._identity: HubIdentity | None = None
        self._owner: dict[int, int] = {}

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
        """Hubs that are not connected, units that none or several of them have."""
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
        if any(host_fusion.MISSING_PACKAGE in hub.notices for hub in self._hubs):
            said.append(host_fusion.MISSING_PACKAGE)
        return said

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
        """The sums; of clocks the worst, and of frames those that were handed on."""
        all_of = [hub.figures() for hub in self._hubs]
        rejected: dict[str, int] = {}
        for each in all_of:
            for reason, count in each.rejected.items():
                rejected[reason] = rejected.get(reason, 0) + count
        trips = [each.clock_round_trip_s for each in all_of if each.clock_round_trip_s is not None]
        counted = ("lost", "out_of_order", "stale", "untimed", "connections", "reboots", "watchdog")
        sums = {name: sum(getattr(each, name) for each in all_of) for name in (*counted, "foreign_datagrams")}
        disagreeing = [each.disagreeing for each in all_of if each.disagreeing]
        return replace(
            HubFigures(**sums),
            asked_rate_hz=self._rate_hz,
            samples=self._assembler.counts.frames,
            disagreeing=tuple(map(sum, zip(*disagreeing, strict=True))) if disagreeing else (),
            rejected=rejected,
            last_reject=next((each.last_reject for each in all_of if each.last_reject), ""),
            clock_skew_ppm=max((each.clock_skew_ppm for each in all_of), key=abs),
            clock_residual_s=max(each.clock_residual_s for each in all_of),
            clock_round_trip_s=max(trips) if trips else None,
            clock_resets=sum(each.clock_resets for each in all_of),
        )

    def step(self) -> list[ImuSample]:
        """Take in what the hubs' threads have brought; the frames that are due."""
        if not self._threads:
            self._start()
        elif not all(thread.alive for thread in self._threads):
            # Else the others would go on as if this hub were only silent.
            raise RuntimeError(f"the thread of a hub has ended, one of {self.description}; the log says why")
        try:
            self._take(*self._came.get(timeout=POLL_S))
            while True:
                self._take(*self._came.get_nowait())
        except Empty:
            pass
        made = self._assembler.frames(self._clock())
        if made and self._epoch_s is None:
            self._epoch_s = made[0].host_time_s
        return [replace(frame, hub_time_s=max(0.0, frame.host_time_s - (self._epoch_s or 0.0))) for frame in made]

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

    def _start(self) -> None:
        def bring(index: int) -> Callable[[ImuSample], None]:
            return lambda sample: self._came.put((index, sample))

        self._threads = [HubThread(hub, bring(i)) for i, hub in enumerate(self._hubs)]
        for thread in self._threads:
            thread.start()

    def _take(self, index: int, sample: ImuSample) -> None:
        _ = self.identity
        if sample.hub_time_s < self._hub_time_s[index]:
            self._epoch_s = None  # it was restarted
        self._hub_time_s[index] = sample.hub_time_s
        now_s = self._clock()
        for i, sensor in enumerate(self._layout.sensors):
            status = int(sample.status[i])
            if self._owner.get(sensor.id) != index or not status & STATUS_VALID:
                continue
            self._assembler.add(
                Reading(
                    i,
                    sample.host_time_s,
                    sample.orientation[i].tolist() if status & STATUS_ORIENTATION_VALID else None,
                    sample.angular_velocity[i].tolist(),
                    sample.specific_force[i].tolist(),
                    status,
                ),
                now_s,
            )


def _joined(met: Sequence[HubIdentity | None], rate_hz: int) -> tuple[HubIdentity | None, dict[int, int]]:
    """Who they are together, and which of them has each unit."""
    known = [identity for identity in met if identity is not None]
    if not known:
        return None, {}
    sensors: dict[int, HubSensor] = {}
    owner: dict[int, int] = {}
    for index, identity in enumerate(met):
        for sensor in identity.sensors if identity is not None else ():
            if sensor.id not in sensors:
                sensors[sensor.id], owner[sensor.id] = sensor, index
    joined = HubIdentity(
        " + ".join(identity.name for identity in known),
        " + ".join(dict.fromkeys(identity.firmware for identity in known)),
        tuple(sensors.values()),
        rate_hz,
        all(identity.sends_orientation for identity in known),
    )
    return joined, owner
