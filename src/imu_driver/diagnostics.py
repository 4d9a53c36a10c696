"""What the driver says of itself: a verdict in words, and figures. No ROS; the levels are those of DiagnosticStatus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model.imu_sample import STATUS_ACCEL_SATURATED, STATUS_FAULT, STATUS_GYRO_SATURATED, STATUS_MISSING
from face_model.layout import SensorLayout
from imu_driver.hub import ConnectionState, Hub, HubFigures
from imu_driver.hub_thread import HubThread

OK, WARN, ERROR = 0, 1, 2


@dataclass(frozen=True)
class Report:
    """Level, one line for people, figures with their unit in the name."""

    level: int
    message: str
    values: dict[str, object]


class Reporter:
    """Makes a report from time to time; rates and recent losses are those since the report before.

    Args:
        hub: watched.
        thread: its thread.
        layout: names of the sensors.
        now_s: host monotonic time.
    """

    def __init__(self, hub: Hub, thread: HubThread, layout: SensorLayout, now_s: float) -> None:
        self._hub = hub
        self._thread = thread
        self._layout = layout
        self._before_s = now_s
        self._before = hub.figures()

    def report(self, now_s: float) -> Report:
        """The state since the last call."""
        figures, before = self._hub.figures(), self._before
        rate = (figures.samples - before.samples) / max(now_s - self._before_s, 1e-3)
        self._before_s, self._before = now_s, figures
        level, message = self._verdict(rate, figures, before)
        return Report(level, message, self._values(rate, figures))

    def _verdict(self, rate: float, figures: HubFigures, before: HubFigures) -> tuple[int, str]:
        hub = self._hub
        if not self._thread.alive:
            return ERROR, "the hub's thread has ended; the log says why: please report it, then deactivate and activate"
        if hub.state is not ConnectionState.CONNECTED:
            return (WARN if hub.state is ConnectionState.CONNECTING else ERROR), hub.problem
        warnings = list(hub.notices)
        faulty = self._sensors(STATUS_FAULT)
        if faulty:
            warnings.append(f"faulty: {', '.join(faulty)}")
        for bits, word in ((STATUS_GYRO_SATURATED, "gyroscope"), (STATUS_ACCEL_SATURATED, "accelerometer")):
            saturated = self._sensors(bits)
            if saturated:
                warnings.append(f"{word} at the end of its range: {', '.join(saturated)}")
        gone = [name for name in self._sensors(STATUS_MISSING) if name not in self._absent()]
        if gone:
            warnings.append(f"not answering any more: {', '.join(gone)}; check their cables")
        spiky = self._spiky(figures, before)
        if spiky:
            warnings.append(f"orientation and gyroscope disagree, samples not used: {', '.join(spiky)}")
        lost = figures.lost - before.lost
        if lost:
            warnings.append(f"{lost} samples lost lately")
        untimed = figures.untimed - before.untimed
        if untimed:
            warnings.append(
                f"{untimed} samples dropped lately, their time was in doubt: a jam, or the hub's clock was set"
            )
        rejected = sum(figures.rejected.values()) - sum(before.rejected.values())
        if rejected:
            warnings.append(f"{rejected} frames rejected lately: {figures.last_reject}")
        if warnings:
            return WARN, "; ".join(warnings)
        if not hub.streaming:
            return OK, f"connected to {hub.description}; streaming is switched off"
        return OK, f"{rate:.1f} Hz from {hub.description}"

    def _values(self, rate: float, figures: HubFigures) -> dict[str, object]:
        hub, identity, trip = self._hub, self._hub.identity, figures.clock_round_trip_s
        return {
            "state": hub.state.name,
            "transport": hub.description,
            "hub": f"{identity.name} {identity.firmware}" if identity else "none yet",
            "rate_hz": rate,
            "asked_rate_hz": figures.asked_rate_hz,
            "samples": figures.samples,
            "lost": figures.lost,
            "out_of_order": figures.out_of_order,
            "stale": figures.stale,
            "untimed": figures.untimed,
            "connections": figures.connections,
            "reboots": figures.reboots,
            "watchdog": figures.watchdog,
            **{f"rejected_{reason}": count for reason, count in figures.rejected.items()},
            "foreign_datagrams": figures.foreign_datagrams,
            "clock_skew_ppm": figures.clock_skew_ppm,
            "clock_residual_ms": 1e3 * figures.clock_residual_s,
            "clock_round_trip_ms": "unknown" if trip is None else 1e3 * trip,
            "clock_resets": figures.clock_resets,
            "disagreeing_samples": sum(figures.disagreeing),
            "missing_sensors": ", ".join(self._sensors(STATUS_MISSING)) or "none",
            "faulty_sensors": ", ".join(self._sensors(STATUS_FAULT)) or "none",
            "saturated_sensors": ", ".join(self._sensors(STATUS_GYRO_SATURATED | STATUS_ACCEL_SATURATED)) or "none",
            **figures.more,
        }

    def _spiky(self, figures: HubFigures, before: HubFigures) -> list[str]:
        """Sensors with samples that disagreed since the last report; counts begin at 0 with other units."""
        counts = figures.disagreeing
        old = before.disagreeing if len(before.disagreeing) == len(counts) else (0,) * len(counts)
        return [s.name for s, a, b in zip(self._layout.sensors, old, counts, strict=False) if b > a or (b and b < a)]

    def _absent(self) -> set[str]:
        """Sensors that the hub did not have when it was met: the hub's notices name them already."""
        identity = self._hub.identity
        here = {sensor.id for sensor in identity.sensors if sensor.present} if identity else set()
        return {sensor.name for sensor in self._layout.sensors if sensor.id not in here}

    def _sensors(self, bits: int) -> list[str]:
        sample = self._thread.newest
        if sample is None:
            return []
        return [self._layout.sensors[i].name for i in np.flatnonzero(sample.status & bits)]
