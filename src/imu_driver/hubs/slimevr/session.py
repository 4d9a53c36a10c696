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

import json
import math
import queue
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, TypeAlias

from face_model.frames import GRAVITY_M_S2
from face_model.imu_sample import STATUS_FAULT, ImuSample
from face_model.layout import SensorLayout
from face_model.saved_arrays import Arrays, SavedArrays, part_of, text_array
from imu_driver.assembler import FrameAssembler, Reading
from imu_driver.envelopes import Envelope, packed, unpacked
from imu_driver.hub import (
    FROM_HUB,
    IDENTIFY,
    LINE,
    LOST,
    OPENED,
    STREAMING,
    TO_HUB,
    ConnectionState,
    HubFigures,
    HubIdentity,
    HubSensor,
    Outcome,
    Tap,
)
from imu_driver.hubs.slimevr import packets as p
from imu_driver.hubs.slimevr.trackers import GONE_S, MOST_SENSORS, MOST_STRANGERS, Peer, Tracker, TrackerSensor, Units
from imu_driver.transport import EndedError, Transport, TransportError

READ_S: Final = 0.02
"""Longest wait for datagrams in one step."""
READ_CONNECTED_S: Final = 0.005
"""The same while frames are made: those that wait for a late unit must not wait for longer."""
RETRY_FIRST_S: Final = 0.1
RETRY_MOST_S: Final = 1.0

BEAT_S: Final = 0.5
"""Between heartbeats to a tracker: it gives up a server that it does not hear for 3 s."""
QUIET_S: Final = 0.009
"""A tracker that sent nothing for so long is asked whether it turned."""
ASK_S: Final = 0.015
"""Between such questions."""
UNCHANGED_S: Final = 0.012
"""A tracker that sends on, but no orientation, had not turned so long before: its samples are 10 ms apart."""
REPEAT_S: Final = 0.008
"""Shortest time between two readings that repeat an orientation."""

PING_S: Final = 1.0
LONGEST_TRIP_S: Final = 1.0

WATCHDOG_S: Final = 0.3
"""Without a frame for so long no samples flow."""
IMPOSTOR_S: Final = 0.3
"""A tracker that was heard within this time cannot come from another address."""
FORCE_S: Final = 0.05
"""An acceleration belongs to an orientation that is no older."""
LOW_BATTERY: Final = 0.15

MOST_LISTED: Final = 24
"""Units that one line names: two for each sensor of a face."""

TURNING_SHARE: Final = 0.03
"""Of the newest turn in the smoothed one: about a third of a second."""
STILL_S: Final = 0.1
"""A unit that sent no orientation for so long does not turn."""
LEAST_TURNING_RAD: Final = 0.002
"""A unit that turns less from one orientation to the next is held still: 0.2 rad/s."""

PART_GYRO_RAD_S: Final = math.radians(2000.0)
PART_ACCEL_M_S2: Final = 16.0 * GRAVITY_M_S2
"""Widest ranges of the parts that the firmware drives: trackers do not tell theirs."""

_Command: TypeAlias = Callable[[float], None]

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

    Attributes:
        trackers: all that were met, by address.
        rejects: datagrams that were not used, by reason.
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
        self.tap: Tap | None = None
        self.trackers: dict[Peer, Tracker] = {}
        self.rejects: Counter[str] = Counter()
        self.last_reject = ""
        self._transport = transport
        self._layout = layout
        self._rate_hz = rate_hz
        self._listen_only = listen_only
        self._clock = clock
        self._wait = wait
        self._units = Units(layout)
        self._assembler = FrameAssembler(len(layout.sensors), rate_hz)
        self._commands: queue.SimpleQueue[_Command] = queue.SimpleQueue()
        self._notices: list[str] = []
        self._now_s = 0.0
        self._retry_s = RETRY_FIRST_S
        self._next_open_s = float("-inf")
        self._framed_s = 0.0
        self._connections = self._reboots = self._watchdog = self._samples = self._old = self._lost = 0
        self._token = 0
        self._changed = True

    @property
    def description(self) -> str:
        """Where trackers are heard."""
        return f"SlimeVR trackers at {self._transport.description}"

    @property
    def notices(self) -> Sequence[str]:
        """Which sensors have no tracker, and which trackers no sensor."""
        return self._notices

    def figures(self) -> HubFigures:
        """What happened so far; `lost` are datagrams of trackers in the layout, and frames that were left out."""
        trackers = list(self.trackers.values())
        counts = self._assembler.counts
        trips = [t.trip_s for t in trackers if t.trip_s > 0.0]
        return HubFigures(
            asked_rate_hz=self._rate_hz,
            samples=self._samples,
            lost=self._lost + counts.skipped,
            out_of_order=self._old,
            connections=self._connections,
            reboots=self._reboots,
            watchdog=self._watchdog,
            rejected=dict(self.rejects),
            last_reject=self.last_reject,
            foreign_datagrams=self._transport.foreign,
            clock_residual_s=max((t.late_s for t in trackers), default=0.0),
            clock_round_trip_s=min(trips) if trips else None,
            more=self._more(trackers),
        )

    def _more(self, trackers: list[Tracker]) -> dict[str, object]:
        counts, now_s = self._assembler.counts, self._now_s
        values: dict[str, object] = {
            "stamps": "by arrival: trackers send no time",
            "late_readings": counts.predicted,
            "missing_readings": counts.missing,
            "unknown_trackers": _listed(self._units.strange(trackers)) or "none",
            "turns_most": self._turns_most(trackers),
        }
        for t in trackers:
            ago_s = now_s - t.heard_s
            sensors = ", ".join(f"{i} {p.part_name(s.part)}" for i, s in sorted(t.sensors.items())) or "none told"
            battery = "" if t.battery < 0.0 else f", battery {100.0 * t.battery:.0f} %"
            signal = "" if not t.signal_dbm else f", signal {t.signal_dbm} dBm"
            values[f"tracker_{t.name}"] = (
                f"{t.peer[0]}, firmware {t.firmware or 'unknown'}, sensors {sensors}, {t.lost} lost, round trip "
                f"{1e3 * t.trip_s:.1f} ms{battery}{signal}, {'heard' if ago_s < GONE_S else f'gone for {ago_s:.0f} s'}"
            )
        return values

    @staticmethod
    def _turns_most(trackers: list[Tracker]) -> str:
        """The unit that somebody turns by hand to find out which it is; `none` where all are still."""
        turning = [(s.turning, t.unit(i)) for t in trackers for i, s in sorted(t.sensors.items())]
        most, unit = max(turning, default=(0.0, ""))
        return unit if most > LEAST_TURNING_RAD else "none"

    # Commands

    def identify(self, sensor_id: int) -> Future[Outcome]:
        """Trackers have no light that a server may blink; says so in a later `step`."""
        future: Future[Outcome] = Future()

        def begin(now: float) -> None:
            self._tell(LINE, now, IDENTIFY + str(sensor_id).encode())
            future.set_result(_LISTENING if self._listen_only else _NO_LIGHT)

        self._commands.put(begin)
        return future

    def set_streaming(self, wanted: bool) -> Future[Outcome]:
        """Hand samples on or not; trackers cannot be told to stop."""
        future: Future[Outcome] = Future()

        def begin(now: float) -> None:
            self._tell(LINE, now, STREAMING + str(int(wanted)).encode())
            if self._listen_only:
                future.set_result(_LISTENING)
                return
            self.streaming = wanted
            self._framed_s = now
            future.set_result(Outcome(True, True, ""))

        self._commands.put(begin)
        return future

    # Steps

    def step(self) -> list[ImuSample]:
        """Do what is due, read once, and return the frames that are due; to be called again and again."""
        samples: list[ImuSample] = []
        try:
            now = self._now_s = self._clock()
            while not self._commands.empty():
                self._commands.get()(now)
            if self.state is ConnectionState.ENDED:
                self._wait(READ_S)
                return samples
            if self.state is ConnectionState.DISCONNECTED and not self._reopen(now):
                return samples
            self._send_due(now)
            connected = self.state is ConnectionState.CONNECTED
            data = self._transport.read(READ_CONNECTED_S if connected else READ_S)
            arrival = self._now_s = self._clock()
            self._tell(FROM_HUB, arrival, data)
            if self._take(data, arrival):
                samples = self._frames(arrival)
                self._check(arrival)
        except EndedError as error:
            self._end(str(error))
        except TransportError as error:
            if self.state is not ConnectionState.DISCONNECTED:  # else it was never open
                self._tell(LINE, self._now_s, LOST + str(error).encode(errors="replace"))
            self._disconnect(str(error))
        return samples

    def close(self) -> None:
        """Close the port; trackers look for another server after 3 s."""
        now = self._now_s = self._clock()
        self._disconnect("the driver is closed")
        while not self._commands.empty():
            self._commands.get()(now)

    def _reopen(self, now: float) -> bool:
        remaining = self._next_open_s - now
        if remaining > 0.0:
            self._wait(min(remaining, READ_S))
            return False
        self._transport.open()
        self._tell(LINE, now, OPENED)
        self.state = ConnectionState.CONNECTING
        self._changed = True
        self._update(now)
        return True

    def _disconnect(self, problem: str) -> None:
        self._transport.close()
        self.problem = problem
        self.state = ConnectionState.DISCONNECTED
        self._next_open_s = self._now_s + self._retry_s
        self._retry_s = min(2.0 * self._retry_s, RETRY_MOST_S)

    def _end(self, problem: str) -> None:
        self._transport.close()
        self.problem = problem if self._samples else f"{problem} without a sample; before: {self.problem}"
        self.state = ConnectionState.ENDED

    # Sending

    def _tell(self, what: int, time_s: float, data: bytes) -> None:
        if self.tap is not None:
            self.tap(what, time_s, data)

    def _send(self, peer: Peer, data: bytes) -> None:
        if not self._listen_only:
            piece = packed(Envelope(peer, data, to_peer=True))
            self._transport.write(piece)
            self._tell(TO_HUB, self._now_s, piece)

    def _send_due(self, now: float) -> None:
        if self._listen_only:
            return
        for tracker in self.trackers.values():
            if now - tracker.heard_s > GONE_S:
                continue  # it looks for a server by itself
            quiet = self._units.wants(tracker.name) and now - tracker.heard_s > QUIET_S
            if now - tracker.asked_s >= (ASK_S if quiet else BEAT_S):
                tracker.asked_s = now
                self._send(tracker.peer, p.HEARTBEAT_QUESTION)
            if now - tracker.pinged_s >= PING_S:
                self._token = (self._token + 1) % (1 << 32)
                tracker.pinged_s, tracker.token = now, self._token
                self._send(tracker.peer, p.ping(self._token))

    # Receiving

    def _take(self, data: bytes, arrival: float) -> bool:
        """Take a piece; False where all of it is what was sent, as in a recording."""
        heard = not data
        for envelope in unpacked(data):
            if envelope is None:
                self._reject("no_envelope", "expected datagrams with their senders, found other bytes")
                heard = True
            elif envelope.neighbour:
                heard = True
                self._on_neighbour(envelope, arrival)
            elif not envelope.to_peer:
                heard = True
                try:
                    number, found = p.decode(envelope.data)
                except p.PacketError as error:
                    self._reject(error.reason, f"{envelope.peer[0]}: {error}")
                else:
                    self._datagram(envelope.peer, number, found, arrival - envelope.waited_s, arrival)
        return heard

    def _reject(self, reason: str, message: str) -> None:
        self.rejects[reason] += 1
        self.last_reject = message

    def _datagram(self, peer: Peer, number: int, found: list[p.Packet], time_s: float, arrival: float) -> None:
        if len(found) == 1 and isinstance(found[0], p.Handshake):
            self._on_handshake(found[0], peer, arrival)
            return
        tracker = self.trackers.get(peer)
        if tracker is None:
            self._reject("no_handshake", f"{peer[0]}: expected a handshake first; the tracker sends one within 4 s")
            return
        if len(found) == 1 and isinstance(found[0], p.Ping) and not number:
            # The firmware sends a ping back as it is, with our number.
            self._on_ping(tracker, found[0], arrival)
            return
        first, wanted = tracker.number < 0, self._units.wants(tracker.name)
        lost = tracker.follow(number)
        if lost is None:
            self._old += wanted
            return
        if first and number < tracker.before:
            self._rebooted(tracker, wanted)
        tracker.heard_s = max(tracker.heard_s, arrival)
        self._lost += lost if wanted else 0
        if lost:
            for sensor in tracker.sensors.values():
                sensor.whole = False
        for packet in found:
            self._packet(tracker, packet, time_s, arrival)
        self._repeat(tracker, time_s - UNCHANGED_S, arrival)

    def _packet(self, tracker: Tracker, packet: p.Packet, time_s: float, arrival: float) -> None:
        if isinstance(packet, p.Rotation):
            self._on_rotation(tracker, packet, time_s, arrival)
        elif isinstance(packet, p.Acceleration):
            self._on_acceleration(tracker, packet, time_s, arrival)
        elif isinstance(packet, p.SensorInfo):
            sensor = self._sensor(tracker, packet.sensor)
            if sensor is not None:
                self._changed |= (sensor.part, sensor.state) != (packet.part, packet.state)
                sensor.part, sensor.state = packet.part, packet.state
                self._send(tracker.peer, p.sensor_info_answer(packet))
        elif isinstance(packet, p.Features):
            self._send(tracker.peer, p.FEATURES_ANSWER)
        elif isinstance(packet, p.Ping):
            self._on_ping(tracker, packet, arrival)
        elif isinstance(packet, p.SensorError):
            sensor = self._sensor(tracker, packet.sensor)
            if sensor is not None:
                sensor.errors += 1
        elif isinstance(packet, p.Status):
            self._changed |= (packet.battery >= 0.0) and (packet.battery < LOW_BATTERY) != (
                0.0 <= tracker.battery < LOW_BATTERY
            )
            tracker.battery = packet.battery if packet.battery >= 0.0 else tracker.battery
            tracker.signal_dbm = packet.signal_dbm or tracker.signal_dbm

    def _sensor(self, tracker: Tracker, number: int) -> TrackerSensor | None:
        sensor = tracker.sensors.get(number)
        if sensor is None:
            if len(tracker.sensors) >= MOST_SENSORS:
                self._reject("too_many_sensors", f"{tracker.name}: more than {MOST_SENSORS} sensors")
                return None
            sensor = tracker.sensors[number] = TrackerSensor()
            self._changed = True
        return sensor

    def _on_rotation(self, tracker: Tracker, packet: p.Rotation, time_s: float, arrival: float) -> None:
        sensor = self._sensor(tracker, packet.sensor)
        if sensor is None:
            return
        size = math.hypot(*packet.orientation)
        if not abs(size - 1.0) < 0.05:
            self._reject("malformed", f"{tracker.unit(packet.sensor)}: expected an orientation, found norm {size:.3g}")
            return
        x, y, z, w = (v / size for v in packet.orientation)
        if sensor.orientation is not None:
            bx, by, bz, bw = sensor.orientation
            turn = 2.0 * math.acos(min(1.0, abs(x * bx + y * by + z * bz + w * bw)))
            sensor.turning += TURNING_SHARE * (turn - sensor.turning)
        sensor.orientation, sensor.told_s, sensor.whole = (x, y, z, w), time_s, True
        self._add(tracker, packet.sensor, time_s, sensor.orientation, None, arrival)

    def _on_acceleration(self, tracker: Tracker, packet: p.Acceleration, time_s: float, arrival: float) -> None:
        sensor = self._sensor(tracker, packet.sensor)
        if sensor is None or sensor.orientation is None or time_s - sensor.told_s > FORCE_S:
            return
        if not all(map(math.isfinite, packet.acceleration)):
            self._reject("malformed", f"{tracker.unit(packet.sensor)}: expected an acceleration, found no number")
            return
        sensor.sends_force = True
        force = p.specific_force(packet.acceleration, sensor.orientation)
        self._add(tracker, packet.sensor, time_s, None, force, arrival)

    def _repeat(self, tracker: Tracker, time_s: float, arrival: float) -> None:
        """What the tracker did not say again has not changed, as of `time_s`."""
        for number, sensor in tracker.sensors.items():
            if sensor.orientation is None or not sensor.whole or time_s - sensor.told_s < REPEAT_S:
                continue
            still = time_s - sensor.told_s > STILL_S
            sensor.told_s = time_s
            sensor.turning -= (1.0 if still else TURNING_SHARE) * sensor.turning
            force = p.specific_force((0.0, 0.0, 0.0), sensor.orientation) if sensor.sends_force else None
            self._add(tracker, number, time_s, sensor.orientation, force, arrival)

    def _add(
        self,
        tracker: Tracker,
        number: int,
        time_s: float,
        orientation: tuple[float, float, float, float] | None,
        force: tuple[float, float, float] | None,
        arrival: float,
    ) -> None:
        index = self._units.index(tracker, number)
        if index is not None:
            flags = STATUS_FAULT if tracker.sensors[number].state == p.BROKEN else 0
            self._assembler.add(Reading(index, time_s, orientation, None, force, flags), arrival)

    def _on_ping(self, tracker: Tracker, packet: p.Ping, arrival: float) -> None:
        if packet.token != tracker.token or not 0.0 < arrival - tracker.pinged_s < LONGEST_TRIP_S:
            return
        trip_s, tracker.token = arrival - tracker.pinged_s, 0
        tracker.trip_s = min(trip_s, tracker.trip_s or trip_s)
        tracker.late_s += 0.1 * (0.5 * (trip_s - tracker.trip_s) - tracker.late_s)

    # Who is there

    def _on_handshake(self, packet: p.Handshake, peer: Peer, arrival: float) -> None:
        name = packet.mac or peer[0]
        known = next((t for t in self.trackers.values() if t.name == name), None)
        if known is not None and known.peer != peer and arrival - known.heard_s < IMPOSTOR_S:
            self._reject("impostor", f"{peer[0]} says that it is {name}, which sends from {known.peer[0]}")
            return
        here = self.trackers.get(peer)
        if here is not None and here is not known:
            if arrival - here.heard_s < IMPOSTOR_S:
                self._reject("impostor", f"{peer[0]} says that it is {name} and was {here.name} just now")
                return
            del self.trackers[peer]
        tracker = known or Tracker(name, peer)
        if known is not None:
            del self.trackers[known.peer]
        elif not self._units.wants(name) and not self._make_room(arrival):
            self._reject("too_many_trackers", f"{name}: more than {MOST_STRANGERS} trackers of no sensor in the layout")
            return
        tracker.peer, tracker.firmware, tracker.heard_s = peer, packet.firmware, arrival
        tracker.before, tracker.number = max(tracker.number, tracker.before), -1
        for sensor in tracker.sensors.values():
            sensor.whole = False
        self.trackers[peer] = tracker
        self._changed = True
        if packet.protocol < 9 and packet.part and 0 not in tracker.sensors:
            tracker.sensors[0] = TrackerSensor(packet.part)  # says nothing more of it
        self._send(peer, p.HANDSHAKE_ANSWER)

    def _on_neighbour(self, envelope: Envelope, arrival: float) -> None:
        """Who a sender is that says it not: it had its handshake with a driver before this one, and sends on to it."""
        name = envelope.data.hex(":")
        known = envelope.peer in self.trackers or any(t.name == name for t in self.trackers.values())
        if self._units.wants(name) and not known:
            self._on_handshake(p.Handshake(name, "", 0, 0), envelope.peer, arrival)

    def _make_room(self, now: float) -> bool:
        """For a tracker of no sensor in the layout; whether there is some."""
        strangers = [t for t in self.trackers.values() if not self._units.wants(t.name)]
        if len(strangers) < MOST_STRANGERS:
            return True
        oldest = min(strangers, key=lambda t: t.heard_s)
        if now - oldest.heard_s <= GONE_S:
            return False
        del self.trackers[oldest.peer]
        return True

    def _rebooted(self, tracker: Tracker, wanted: bool) -> None:
        """Its orientations begin anew, with another heading."""
        self._reboots += wanted
        tracker.before = -1
        for number, sensor in tracker.sensors.items():
            sensor.orientation = None
            index = self._units.index(tracker, number)
            if index is not None:
                self._assembler.forget(index)

    # Frames and states

    def _frames(self, arrival: float) -> list[ImuSample]:
        if self._changed:
            self._update(arrival)
        frames = self._assembler.frames(arrival)
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

    def _check(self, now: float) -> None:
        if self.state is ConnectionState.CONNECTED:
            if self.streaming and now - self._framed_s > WATCHDOG_S:
                self._watchdog += 1
                self.state, self._changed = ConnectionState.CONNECTING, True
                self._update(now)
        elif not self.streaming and any(
            now - t.heard_s < WATCHDOG_S for t in self.trackers.values() if self._units.wants(t.name)
        ):
            self._connections += 1
            self._connected()

    def _update(self, now: float) -> None:
        """Identity, notices and the problem, after the trackers or the state changed."""
        self._changed = False
        trackers = list(self.trackers.values())
        met = self._units.sensors(trackers)
        if met:
            self._identify(met)
        strange, absent, unnamed = self._units.strange(trackers), self._units.absent(trackers), self._units.unnamed()
        write = (
            f"write for example `unit: {strange[0].partition(' ')[0]}` at the sensor that it sits on, in a copy of the "
            f"layout {self._layout.name}"
            if strange
            else ""
        )
        notices = []
        if absent:
            notices.append(f"no tracker yet for {', '.join(absent)}")
        if unnamed and met:
            notices.append(f"no `unit` in the layout for {', '.join(unnamed)}")
        if strange:
            notices.append(f"trackers that are not in the layout, unused: {_listed(strange)}; {write}")
        broken = [self._layout.sensors[i].name for i, (_, s) in sorted(met.items()) if s.state == p.BROKEN]
        if broken:
            notices.append(f"broken, as their trackers say: {', '.join(broken)}; check their cables")
        low = sorted({t.name for t, _ in met.values() if 0.0 <= t.battery < LOW_BATTERY})
        if low:
            notices.append(f"battery below {100 * LOW_BATTERY:.0f} %: {', '.join(low)}")
        self._notices = notices
        if self.state is ConnectionState.ERROR and met:
            self.state = ConnectionState.CONNECTING
        if self.state is ConnectionState.CONNECTING and strange and not met:
            self.state = ConnectionState.ERROR
        if self.state is ConnectionState.ERROR:
            self.problem = f"{self.description}: none is in the layout: {_listed(strange)}; {write}"
        elif self.state is ConnectionState.CONNECTING:
            self.problem = self._waiting(now, trackers)

    def _waiting(self, now: float, trackers: list[Tracker]) -> str:
        if not trackers:
            return (
                f"{self.description}: no tracker yet; check that they are on, in the Wi-Fi of this machine, that no "
                "firewall is between, and that no SlimeVR server runs: trackers take the first that answers"
            )
        gone = [t.name for t in trackers if now - t.heard_s > WATCHDOG_S and self._units.wants(t.name)]
        if gone:
            return f"{self.description}: nothing any more from {', '.join(gone)}; check battery and Wi-Fi"
        return f"{self.description}: trackers answer, waiting for their orientations"

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
        self._assembler.layout_id = self.layout_id

    # States, for replays

    @property
    def quiet(self) -> bool:
        """See `ReplayableHub`."""
        return self._commands.empty()

    def saved_state(self) -> Arrays:
        """See `ReplayableHub`."""
        saved = {
            "trackers": [tracker.saved() for tracker in self.trackers.values()],
            "state": self.state.name,
            "problem": self.problem,
            "streaming": self.streaming,
            "numbers": [getattr(self, name) for name in _NUMBERS],
            "times": [self._framed_s, self._retry_s, self._next_open_s],
            "rejects": dict(self.rejects),
        }
        return {"session": text_array(json.dumps(saved))} | part_of("assembler", self._assembler.saved_state())

    def restore_state(self, arrays: Arrays) -> None:
        """Continue from `saved_state`; raises `SnapshotError`."""
        saved = SavedArrays(arrays, "slimevr")
        text = saved.text("session", 1 << 20)
        assembler = FrameAssembler(len(self._layout.sensors), self._rate_hz)
        assembler.restore_state(saved.part("assembler"))
        saved.end()
        try:
            values = json.loads(text)
            trackers = [Tracker.from_saved(one) for one in values["trackers"]]
            state, problem = ConnectionState[values["state"]], str(values["problem"])
            numbers = [int(n) for n in values["numbers"]]
            framed_s, retry_s, next_open_s = (float(t) for t in values["times"])
            rejects = Counter({str(reason): int(count) for reason, count in values["rejects"].items()})
            streaming = bool(values["streaming"])
            if len(numbers) != len(_NUMBERS):
                raise ValueError(f"{len(numbers)} numbers")
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise saved.refuse("the state of trackers", repr(error)[:200]) from error
        self.trackers = {tracker.peer: tracker for tracker in trackers}
        self.state, self.problem, self.streaming, self.rejects = state, problem, streaming, rejects
        for name, number in zip(_NUMBERS, numbers, strict=True):
            setattr(self, name, number)
        self._framed_s, self._retry_s, self._next_open_s = framed_s, retry_s, next_open_s
        self._assembler = assembler
        if state is not ConnectionState.DISCONNECTED:
            self._transport.open()
        self._update(self._framed_s)


def _listed(units: list[str]) -> str:
    """Units in words, `MOST_LISTED` at most: anybody on the network may make up some."""
    more = len(units) - MOST_LISTED
    return ", ".join(units[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


_NUMBERS: Final = ("_connections", "_reboots", "_watchdog", "_samples", "_old", "_lost", "_token")
