"""What is said to trackers: answers, questions for heartbeats, and pings."""

from __future__ import annotations

from typing import Final

from imu_driver.datagram_envelopes import Envelope, packed
from imu_driver.hubs.slimevr import packets as p
from imu_driver.hubs.slimevr.roster import Roster
from imu_driver.hubs.slimevr.trackers import GONE_S, Peer, Tracker, Units
from imu_driver.tapped_line import TappedLine

BEAT_S: Final = 0.5
"""Between heartbeats to a tracker: it gives up a server that it does not hear for 3 s."""
QUIET_S: Final = 0.009
"""A tracker that sent nothing for so long is asked whether it turned."""
ASK_S: Final = 0.015
"""Between such questions."""

PING_S: Final = 1.0
LONGEST_TRIP_S: Final = 1.0


class TrackerTalk:
    """Sends what is due to each tracker.

    Args:
        line: to all of them, of envelopes.
        units: of the layout.
        roster: of the trackers.

    Attributes:
        token: of the newest ping.
    """

    def __init__(self, line: TappedLine, units: Units, roster: Roster) -> None:
        self.token = 0
        self._line, self._units, self._roster = line, units, roster

    def send(self, peer: Peer, data: bytes) -> None:
        """Send a datagram to one tracker."""
        self._line.send(packed(Envelope(peer, data, to_peer=True)))

    def send_due(self) -> None:
        """Send what is due now."""
        now_s = self._line.now_s
        if self._line.listen_only:
            return
        for tracker in self._roster.trackers.values():
            if now_s - tracker.heard_s > GONE_S:
                continue  # it looks for a server by itself
            quiet = self._units.wants(tracker.name) and now_s - tracker.heard_s > QUIET_S
            if now_s - tracker.asked_s >= (ASK_S if quiet else BEAT_S):
                tracker.asked_s = now_s
                self.send(tracker.peer, p.HEARTBEAT_QUESTION)
            if now_s - tracker.pinged_s >= PING_S:
                self.token = (self.token + 1) % (1 << 32)
                tracker.pinged_s, tracker.token = now_s, self.token
                self.send(tracker.peer, p.ping(self.token))

    def answered(self, tracker: Tracker, packet: p.Ping) -> None:
        """A ping came back: how long it took."""
        trip_s = self._line.now_s - tracker.pinged_s
        if packet.token != tracker.token or not 0.0 < trip_s < LONGEST_TRIP_S:
            return
        tracker.token = 0
        tracker.trip_s = min(trip_s, tracker.trip_s or trip_s)
        tracker.late_s += 0.1 * (0.5 * (trip_s - tracker.trip_s) - tracker.late_s)
