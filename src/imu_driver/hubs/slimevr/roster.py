"""Who is there: trackers by their addresses on the network, and which of those who say to be one are believed."""

from __future__ import annotations

from typing import Final

from imu_driver.hubs.slimevr import packets as p
from imu_driver.hubs.slimevr.trackers import GONE_S, MOST_SENSORS, MOST_STRANGERS, Peer, Tracker, TrackerSensor, Units
from imu_driver.rejects import Rejects

IMPOSTOR_S: Final = 0.3
"""A tracker that was heard within this time cannot come from another address."""


class Roster:
    """Trackers that were met.

    Args:
        units: of the layout.
        rejects: handshakes that are not believed are counted there.

    Attributes:
        trackers: by address.
        changed: whether somebody came or changed since this was last set to False.
    """

    def __init__(self, units: Units, rejects: Rejects) -> None:
        self._units = units
        self._rejects = rejects
        self.trackers: dict[Peer, Tracker] = {}
        self.changed = True

    def meet(self, packet: p.Handshake, peer: Peer, arrival: float) -> bool:
        """A handshake; whether it is believed, and to be answered."""
        name = packet.mac or peer[0]
        known = next((t for t in self.trackers.values() if t.name == name), None)
        if known is not None and known.peer != peer and arrival - known.heard_s < IMPOSTOR_S:
            self._rejects.add("impostor", f"{peer[0]} says that it is {name}, which sends from {known.peer[0]}")
            return False
        here = self.trackers.get(peer)
        if here is not None and here is not known:
            if arrival - here.heard_s < IMPOSTOR_S:
                self._rejects.add("impostor", f"{peer[0]} says that it is {name} and was {here.name} just now")
                return False
            del self.trackers[peer]
        tracker = known or Tracker(name, peer)
        if known is not None:
            del self.trackers[known.peer]
        elif not self._units.wants(name) and not self._make_room(arrival):
            self._rejects.add(
                "too_many_trackers", f"{name}: more than {MOST_STRANGERS} trackers of no sensor in the layout"
            )
            return False
        tracker.peer, tracker.firmware, tracker.heard_s = peer, packet.firmware, arrival
        tracker.before, tracker.number = max(tracker.number, tracker.before), -1
        for sensor in tracker.sensors.values():
            sensor.whole = False
        self.trackers[peer] = tracker
        self.changed = True
        if packet.protocol < 9 and packet.part and 0 not in tracker.sensors:
            tracker.sensors[0] = TrackerSensor(packet.part)  # says nothing more of it
        return True

    def sensor(self, tracker: Tracker, number: int) -> TrackerSensor | None:
        """That of a number, which may be new; None: it has too many."""
        sensor = tracker.sensors.get(number)
        if sensor is None:
            if len(tracker.sensors) >= MOST_SENSORS:
                self._rejects.add("too_many_sensors", f"{tracker.name}: more than {MOST_SENSORS} sensors")
                return None
            sensor = tracker.sensors[number] = TrackerSensor()
            self.changed = True
        return sensor

    def is_silent(self, name: str, peer: Peer) -> bool:
        """Whether a sender says not who it is: it had its handshake with a driver before this one, and sends on."""
        known = peer in self.trackers or any(t.name == name for t in self.trackers.values())
        return self._units.wants(name) and not known

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
