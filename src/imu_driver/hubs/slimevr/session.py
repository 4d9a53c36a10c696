"""All trackers with the SlimeVR firmware that send to one port, as one hub. No ROS, no thread of its own.

| state | event | next |
|---|---|---|
| DISCONNECTED | port opened; tried after 0.1 s, doubling up to 1 s | CONNECTING |
| CONNECTING | a frame: some unit of the layout sends | CONNECTED |
| CONNECTING | trackers are there, but none of the layout | ERROR |
| CONNECTED | no frame for 0.3 s | CONNECTING |
| ERROR | a unit of the layout sends | CONNECTED |
| any | port failed | DISCONNECTED |
| any | a recording ended | ENDED |

Trackers look for a server by broadcast and take the one that answers. They carry no time: a reading is stamped with its
arrival in the system, whose jitter the figures tell (`clock_residual_s`, from round trips). They send orientation and
linear acceleration only: the angular velocity is derived from the orientations, the specific force is the acceleration
and gravity by the orientation. They send nothing while the orientation stays within 0.1 mrad or so (four components
within 1e-4), which a held face does: that a quiet tracker did not turn is known from its numbered heartbeats, for which
it is asked then, provided that no datagram was lost since its last orientation. Without that it is missing.

A tracker that had its handshake with a driver before this one sends on, and says its name only after 3 s: where this
machine's network knows its MAC address, it is known at once.
"""

from __future__ import annotations

import math
import queue
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, TypeAlias

from face_model.frames import GRAVITY_M_S2
from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout
from face_model.saved_arrays import Arrays
from imu_driver.assembler import FrameAssembler
from imu_driver.hub import (
    IDENTIFY,
    LINE,
    LOST,
    OPENED,
    STREAMING,
    ConnectionState,
    HubFigures,
    HubIdentity,
    HubSensor,
    Outcome,
    Tap,
)
from imu_driver.hubs.slimevr import packets as p
from imu_driver.hubs.slimevr.intake import TrackerIntake
from imu_driver.hubs.slimevr.readings import TrackerReadings
from imu_driver.hubs.slimevr.report import figures_of, how_to_use, listed, notices_of, waiting_for
from imu_driver.hubs.slimevr.roster import Roster
from imu_driver.hubs.slimevr.session_state import restore_hub, saved_hub
from imu_driver.hubs.slimevr.talk import TrackerTalk
from imu_driver.hubs.slimevr.trackers import Peer, Tracker, TrackerSensor, Units
from imu_driver.rejects import Rejects
from imu_driver.tapped_line import TappedLine
from imu_driver.transport import EndedError, Transport, TransportError

READ_S: Final = 0.02
"""Longest wait for datagrams in one step."""
READ_CONNECTED_S: Final = 0.005
"""The same while frames are made: those that wait for a late unit must not wait for longer."""
RETRY_FIRST_S: Final = 0.1
RETRY_MOST_S: Final = 1.0

WATCHDOG_S: Final = 0.3
"""Without a frame for so long no samples flow."""
PART_GYRO_RAD_S: Final = math.radians(2000.0)
PART_ACCEL_M_S2: Final = 16.0 * GRAVITY_M_S2
"""Widest ranges of the parts that the firmware drives: trackers do not tell theirs."""

_Command: TypeAlias = Callable[[], None]

_LISTENING: Final = Outcome(False, False, "the driver only listens to these trackers: nothing is sent to them")
_NO_LIGHT: Final = Outcome(
    False,
    True,
    "the SlimeVR firmware has no command for that: turn a tracker by hand, `turns_most` in /diagnostics names it",
)


class SlimeVrHub:
    """A `Hub` of SlimeVR trackers, as `MakeHub` makes it.

    Args:
        transport: of envelopes, `UdpSendersTransport` or a recording of one; opened and closed here.
        layout: its sensors' `unit` is a tracker's MAC address and the number of its sensor: `a4:e5:7c:00:00:01/0`.
        rate_hz: of the frames; trackers send at their own rate, 100 Hz and less.
        listen_only: send nothing.
        by_arrival: nothing changes with it here.
        name: nothing changes with it here: the layout says which trackers are used.
        clock: host monotonic time, s.
        wait: sleeps for some seconds, used only while there is nothing to read from.
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
    ) -> None:
        self.state = ConnectionState.DISCONNECTED
        self.identity: HubIdentity | None = None
        self.layout_id = 0
        self.problem = f"{transport.description}: not tried yet"
        self.streaming = True
        self._line = TappedLine(transport, clock, listen_only=listen_only)
        self._layout = layout
        self._rate_hz = rate_hz
        self._wait = wait
        self._units = Units(layout)
        self._rejects = Rejects()
        self._roster = Roster(self._units, self._rejects)
        assembler = FrameAssembler(len(layout.sensors), rate_hz)
        self._readings = TrackerReadings(self._units, self._roster, assembler, self._rejects)
        self._commands: queue.SimpleQueue[_Command] = queue.SimpleQueue()
        self._talk = TrackerTalk(self._line, self._units, self._roster)
        self._intake = TrackerIntake(self._line, self._units, self._roster, self._readings, self._talk, self._rejects)
        self._notices: list[str] = []
        self._retry_s = RETRY_FIRST_S
        self._next_open_s = float("-inf")
        self._framed_s = 0.0
        self._connections = self._watchdog = self._samples = 0

    @property
    def tap(self) -> Tap | None:
        """See `ReplayableHub`."""
        return self._line.tap

    @tap.setter
    def tap(self, tap: Tap | None) -> None:
        self._line.tap = tap

    @property
    def trackers(self) -> dict[Peer, Tracker]:
        """All that were met, by address."""
        return self._roster.trackers

    @property
    def description(self) -> str:
        """Where trackers are heard."""
        return f"SlimeVR trackers at {self._line.description}"

    @property
    def notices(self) -> Sequence[str]:
        """Which sensors have no tracker, and which trackers no sensor."""
        return self._notices

    def figures(self) -> HubFigures:
        """What happened so far; `lost` are datagrams of trackers in the layout, and frames that were left out."""
        trackers = list(self.trackers.values())
        counts = self._readings.assembler.counts
        trips = [t.trip_s for t in trackers if t.trip_s > 0.0]
        met, count = self._units.sensors(trackers), len(self._layout.sensors)
        warm = {i: s.temperature_c for i, (_, s) in met.items() if s.temperature_c is not None}
        return HubFigures(
            asked_rate_hz=self._rate_hz,
            samples=self._samples,
            lost=self._intake.lost + counts.skipped,
            out_of_order=self._intake.old,
            connections=self._connections,
            reboots=self._intake.reboots,
            watchdog=self._watchdog,
            sensor_lost=tuple(met[i][0].lost if i in met else 0 for i in range(count)),
            sensor_temperature_c=tuple(warm.get(i, math.nan) for i in range(count)) if warm else (),
            rejected=dict(self._rejects.counts),
            last_reject=self._rejects.last,
            foreign_datagrams=self._line.foreign,
            clock_residual_s=max((t.late_s for t in trackers), default=0.0),
            clock_round_trip_s=min(trips) if trips else None,
            more=figures_of(self._units, trackers, counts, self._line.now_s),
        )

    # Commands

    def identify(self, sensor_id: int) -> Future[Outcome]:
        """Trackers have no light that a server may blink; says so in a later `step`."""
        future: Future[Outcome] = Future()

        def begin() -> None:
            self._line.tell(LINE, IDENTIFY + str(sensor_id).encode())
            future.set_result(_LISTENING if self._line.listen_only else _NO_LIGHT)

        self._commands.put(begin)
        return future

    def set_streaming(self, wanted: bool) -> Future[Outcome]:
        """Hand samples on or not; trackers cannot be told to stop."""
        future: Future[Outcome] = Future()

        def begin() -> None:
            self._line.tell(LINE, STREAMING + str(int(wanted)).encode())
            if self._line.listen_only:
                future.set_result(_LISTENING)
                return
            self.streaming = wanted
            self._framed_s = self._line.now_s
            future.set_result(Outcome(True, True, ""))

        self._commands.put(begin)
        return future

    # Steps

    def step(self) -> list[ImuSample]:
        """Do what is due, read once, and return the frames that are due; to be called again and again."""
        samples: list[ImuSample] = []
        try:
            self._line.look()
            self._obey()
            if self.state is ConnectionState.ENDED:
                self._wait(READ_S)
                return samples
            if self.state is ConnectionState.DISCONNECTED and not self._reopen():
                return samples
            self._talk.send_due()
            connected = self.state is ConnectionState.CONNECTED
            data = self._line.read(READ_CONNECTED_S if connected else READ_S)
            if self._intake.take(data):
                samples = self._frames()
                self._check()
        except EndedError as error:
            self._end(str(error))
        except TransportError as error:
            if self.state is not ConnectionState.DISCONNECTED:  # else it was never open
                self._line.tell(LINE, LOST + str(error).encode(errors="replace"))
            self._disconnect(str(error))
        return samples

    def close(self) -> None:
        """Close the port; trackers look for another server after 3 s."""
        self._line.look()
        self._disconnect("the driver is closed")
        self._obey()

    def _obey(self) -> None:
        while not self._commands.empty():
            self._commands.get()()

    def _reopen(self) -> bool:
        remaining = self._next_open_s - self._line.now_s
        if remaining > 0.0:
            self._wait(min(remaining, READ_S))
            return False
        self._line.open()
        self._line.tell(LINE, OPENED)
        self.state = ConnectionState.CONNECTING
        self._roster.changed = True
        self._update(self._line.now_s)
        return True

    def _disconnect(self, problem: str) -> None:
        self._line.close()
        self.problem = problem
        self.state = ConnectionState.DISCONNECTED
        self._next_open_s = self._line.now_s + self._retry_s
        self._retry_s = min(2.0 * self._retry_s, RETRY_MOST_S)

    def _end(self, problem: str) -> None:
        self._line.close()
        self.problem = problem if self._samples else f"{problem} without a sample; before: {self.problem}"
        self.state = ConnectionState.ENDED

    # Frames and states

    def _frames(self) -> list[ImuSample]:
        arrival = self._line.now_s
        if self._roster.changed:
            self._update(arrival)
        frames = self._readings.assembler.frames(arrival)
        if not frames or not self.streaming:
            return []
        self._framed_s = arrival
        self._samples += len(frames)
        if self.state is not ConnectionState.CONNECTED:
            self._connections += 1
            self._connected()
        return frames

    def _connected(self) -> None:
        self.state, self.problem, self._retry_s = ConnectionState.CONNECTED, "", RETRY_FIRST_S

    def _check(self) -> None:
        now = self._line.now_s
        if self.state is ConnectionState.CONNECTED:
            if self.streaming and now - self._framed_s > WATCHDOG_S:
                self._watchdog += 1
                self.state, self._roster.changed = ConnectionState.CONNECTING, True
                self._update(now)
        elif not self.streaming and any(
            now - t.heard_s < WATCHDOG_S for t in self.trackers.values() if self._units.wants(t.name)
        ):
            self._connections += 1
            self._connected()

    def _update(self, now: float) -> None:
        """Identity, notices and the problem, after the trackers or the state changed."""
        self._roster.changed = False
        trackers = list(self.trackers.values())
        met = self._units.sensors(trackers)
        if met:
            self._identify(met)
        self._notices = notices_of(self._layout, self._units, trackers)
        strange = self._units.strange(trackers)
        if self.state is ConnectionState.ERROR and met:
            self.state = ConnectionState.CONNECTING
        if self.state is ConnectionState.CONNECTING and strange and not met:
            self.state = ConnectionState.ERROR
        if self.state is ConnectionState.ERROR:
            self.problem = (
                f"{self.description}: none is in the layout: {listed(strange)}; {how_to_use(strange, self._layout)}"
            )
        elif self.state is ConnectionState.CONNECTING:
            self.problem = f"{self.description}: {waiting_for(self._units, trackers, now, WATCHDOG_S)}"

    def _identify(self, met: dict[int, tuple[Tracker, TrackerSensor]]) -> None:
        sensors = tuple(
            HubSensor(
                self._layout.sensors[i].id,
                self._layout.sensors[i].name,
                p.part_name(s.part),
                s.state == p.WORKING,
                PART_GYRO_RAD_S,
                PART_ACCEL_M_S2,
            )
            for i, (_, s) in sorted(met.items())
        )
        firmware = ", ".join(sorted({t.firmware or "unknown" for t, _ in met.values()}))
        identity = HubIdentity("SlimeVR trackers", firmware, sensors, self._rate_hz, True)
        if identity != self.identity:
            self.identity = identity
        self.layout_id = zlib.crc32(repr((self._layout, self._units.text)).encode())
        self._readings.assembler.layout_id = self.layout_id

    # States, for replays

    @property
    def quiet(self) -> bool:
        """See `ReplayableHub`."""
        return self._commands.empty()

    def saved_state(self) -> Arrays:
        """See `ReplayableHub`."""
        return saved_hub(self)

    def restore_state(self, arrays: Arrays) -> None:
        """Continue from `saved_state`; raises `SnapshotError`."""
        restore_hub(self, arrays)
