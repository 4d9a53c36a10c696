"""What comes from trackers: envelopes, datagrams, numbers, packets, each handed to whom it concerns."""

from __future__ import annotations

from typing import Final

from imu_driver.datagram_envelopes import unpacked
from imu_driver.hubs.slimevr import packets as p
from imu_driver.hubs.slimevr.readings import TrackerReadings
from imu_driver.hubs.slimevr.roster import Roster
from imu_driver.hubs.slimevr.talk import TrackerTalk
from imu_driver.hubs.slimevr.trackers import LOW_BATTERY, Peer, Tracker, Units
from imu_driver.rejects import Rejects
from imu_driver.tapped_line import TappedLine

UNCHANGED_S: Final = 0.012
"""A tracker that sends on, but no orientation, had not turned so long before: its samples are 10 ms apart."""


class TrackerIntake:
    """Takes what is read of all trackers.

    Args:
        line: to all of them, of envelopes.
        units: of the layout.
        roster: of the trackers.
        readings: of theirs.
        talk: with them.
        rejects: what cannot be used is counted there.

    Attributes:
        lost: datagrams of trackers in the layout, by their numbers.
        old: such datagrams that came late or twice.
        reboots: of trackers in the layout.
    """

    def __init__(
        self,
        line: TappedLine,
        units: Units,
        roster: Roster,
        readings: TrackerReadings,
        talk: TrackerTalk,
        rejects: Rejects,
    ) -> None:
        self.lost = self.old = self.reboots = 0
        self._line, self._units, self._roster = line, units, roster
        self._readings, self._talk, self._rejects = readings, talk, rejects

    def take(self, data: bytes) -> bool:
        """Take a piece; False where all of it is what was sent, as in a recording."""
        heard, arrival = not data, self._line.now_s
        for envelope in unpacked(data):
            if envelope is None:
                self._rejects.add("no_envelope", "expected datagrams with their senders, found other bytes")
                heard = True
            elif envelope.neighbour:
                heard = True
                name = envelope.data.hex(":")
                if self._roster.is_silent(name, envelope.peer):
                    self._meet(p.Handshake(name, "", 0, 0), envelope.peer)
            elif not envelope.to_peer:
                heard = True
                try:
                    number, found = p.decode(envelope.data)
                except p.PacketError as error:
                    self._rejects.add(error.reason, f"{envelope.peer[0]}: {error}")
                else:
                    self._datagram(envelope.peer, number, found, arrival - envelope.waited_s)
        return heard

    def _meet(self, packet: p.Handshake, peer: Peer) -> None:
        if self._roster.meet(packet, peer, self._line.now_s):
            self._talk.send(peer, p.HANDSHAKE_ANSWER)

    def _datagram(self, peer: Peer, number: int, found: list[p.Packet], time_s: float) -> None:
        arrival = self._line.now_s
        if len(found) == 1 and isinstance(found[0], p.Handshake):
            self._meet(found[0], peer)
            return
        tracker = self._roster.trackers.get(peer)
        if tracker is None:
            self._rejects.add(
                "no_handshake", f"{peer[0]}: expected a handshake first; the tracker sends one within 4 s"
            )
            return
        if len(found) == 1 and isinstance(found[0], p.Ping) and not number:
            # The firmware sends a ping back as it is, with our number.
            self._talk.answered(tracker, found[0])
            return
        first, wanted = tracker.number < 0, self._units.wants(tracker.name)
        lost = tracker.follow(number)
        if lost is None:
            self.old += wanted
            return
        if first and number < tracker.before:
            self._rebooted(tracker, wanted)
        tracker.heard_s = max(tracker.heard_s, arrival)
        self.lost += lost if wanted else 0
        if lost:
            for sensor in tracker.sensors.values():
                sensor.whole = False
        for packet in found:
            self._packet(tracker, packet, time_s)
        self._readings.repeat(tracker, time_s - UNCHANGED_S, arrival)

    def _packet(self, tracker: Tracker, packet: p.Packet, time_s: float) -> None:
        if isinstance(packet, p.Rotation):
            self._readings.rotation(tracker, packet, time_s, self._line.now_s)
        elif isinstance(packet, p.Acceleration):
            self._readings.acceleration(tracker, packet, time_s, self._line.now_s)
        elif isinstance(packet, p.SensorInfo):
            sensor = self._roster.sensor(tracker, packet.sensor)
            if sensor is not None:
                self._roster.changed |= (sensor.part, sensor.state) != (packet.part, packet.state)
                sensor.part, sensor.state = packet.part, packet.state
                self._talk.send(tracker.peer, p.sensor_info_answer(packet))
        elif isinstance(packet, p.Features):
            self._talk.send(tracker.peer, p.FEATURES_ANSWER)
        elif isinstance(packet, p.Ping):
            self._talk.answered(tracker, packet)
        elif isinstance(packet, p.SensorError):
            sensor = self._roster.sensor(tracker, packet.sensor)
            if sensor is not None:
                sensor.errors += 1
        elif isinstance(packet, p.Status):
            self._status(tracker, packet)

    def _status(self, tracker: Tracker, packet: p.Status) -> None:
        self._roster.changed |= (packet.battery >= 0.0) and (packet.battery < LOW_BATTERY) != (
            0.0 <= tracker.battery < LOW_BATTERY
        )
        tracker.battery = packet.battery if packet.battery >= 0.0 else tracker.battery
        tracker.signal_dbm = packet.signal_dbm or tracker.signal_dbm
        if packet.temperature_c is not None and packet.sensor in tracker.sensors:
            tracker.sensors[packet.sensor].temperature_c = packet.temperature_c

    def _rebooted(self, tracker: Tracker, wanted: bool) -> None:
        """Its orientations begin anew, with another heading."""
        self.reboots += wanted
        tracker.before = -1
        self._readings.forget(tracker)
