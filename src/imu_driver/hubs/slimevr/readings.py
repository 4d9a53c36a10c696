"""From what a tracker sends to readings of the layout's sensors; also what it says by sending nothing."""

from __future__ import annotations

import math
from typing import Final

from face_model.imu_sample import STATUS_FAULT
from imu_driver.assembler import FrameAssembler, Reading
from imu_driver.hubs.slimevr import packets as p
from imu_driver.hubs.slimevr.roster import Roster
from imu_driver.hubs.slimevr.trackers import Tracker, Units
from imu_driver.rejects import Rejects

REPEAT_S: Final = 0.008
"""Shortest time between two readings that repeat an orientation."""

FORCE_S: Final = 0.05
"""An acceleration belongs to an orientation that is no older."""

TURNING_SHARE: Final = 0.03
"""Of the newest turn in the smoothed one: about a third of a second."""

STILL_S: Final = 0.1
"""A unit that sent no orientation for so long does not turn."""


class TrackerReadings:
    """Puts readings into frames.

    Args:
        units: of the layout.
        roster: of the trackers.
        assembler: of the frames.
        rejects: what makes no sense is counted there.
    """

    def __init__(self, units: Units, roster: Roster, assembler: FrameAssembler, rejects: Rejects) -> None:
        self.assembler = assembler
        self._units = units
        self._roster = roster
        self._rejects = rejects

    def rotation(self, tracker: Tracker, packet: p.Rotation, time_s: float, arrival: float) -> None:
        """An orientation, of `time_s`."""
        sensor = self._roster.sensor(tracker, packet.sensor)
        if sensor is None:
            return
        size = math.hypot(*packet.orientation)
        if not abs(size - 1.0) < 0.05:
            self._rejects.add(
                "malformed", f"{tracker.unit(packet.sensor)}: expected an orientation, found norm {size:.3g}"
            )
            return
        x, y, z, w = (v / size for v in packet.orientation)
        if sensor.orientation is not None:
            bx, by, bz, bw = sensor.orientation
            turn = 2.0 * math.acos(min(1.0, abs(x * bx + y * by + z * bz + w * bw)))
            sensor.turning += TURNING_SHARE * (turn - sensor.turning)
        sensor.orientation, sensor.told_s, sensor.whole = (x, y, z, w), time_s, True
        self._add(tracker, packet.sensor, time_s, sensor.orientation, None, arrival)

    def acceleration(self, tracker: Tracker, packet: p.Acceleration, time_s: float, arrival: float) -> None:
        """An acceleration, which comes after its orientation."""
        sensor = self._roster.sensor(tracker, packet.sensor)
        if sensor is None or sensor.orientation is None or time_s - sensor.told_s > FORCE_S:
            return
        if not all(map(math.isfinite, packet.acceleration)):
            self._rejects.add("malformed", f"{tracker.unit(packet.sensor)}: expected an acceleration, found no number")
            return
        sensor.sends_force = True
        force = p.specific_force(packet.acceleration, sensor.orientation)
        self._add(tracker, packet.sensor, time_s, None, force, arrival)

    def repeat(self, tracker: Tracker, time_s: float, arrival: float) -> None:
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
            self.assembler.add(Reading(index, time_s, orientation, None, force, flags), arrival)

    def forget(self, tracker: Tracker) -> None:
        """Its orientations begin anew, with another heading."""
        for number, sensor in tracker.sensors.items():
            sensor.orientation = None
            index = self._units.index(tracker, number)
            if index is not None:
                self.assembler.forget(index)
