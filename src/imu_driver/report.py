"""What the driver says of itself: a verdict in words, and figures. No ROS; the levels are those of DiagnosticStatus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model.imu_sample import STATUS_ACCEL_SATURATED, STATUS_FAULT, STATUS_GYRO_SATURATED, STATUS_MISSING
from face_model.layout import SensorLayout
from imu_driver.capture import Capture
from imu_driver.connection import ConnectionState
from imu_driver.session import HubSession

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
        session: watched.
        capture: watched.
        layout: names of the sensors.
        now_s: host monotonic time.
    """

    def __init__(self, session: HubSession, capture: Capture, layout: SensorLayout, now_s: float) -> None:
        self._session = session
        self._capture = capture
        self._layout = layout
        self._before_s = now_s
        self._samples = session.counters.samples
        self._lost = session.counters.lost
        self._rejects = sum(session.parser.rejects.values())

    def report(self, now_s: float) -> Report:
        """The state since the last call."""
        session, counters = self._session, self._session.counters
        elapsed = max(now_s - self._before_s, 1e-3)
        rate = (counters.samples - self._samples) / elapsed
        lost, rejected = counters.lost - self._lost, sum(session.parser.rejects.values()) - self._rejects
        self._before_s, self._samples, self._lost = now_s, counters.samples, counters.lost
        self._rejects += rejected
        level, message = self._verdict(rate, lost, rejected)
        return Report(level, message, self._values(rate))

    def _verdict(self, rate: float, lost: int, rejected: int) -> tuple[int, str]:
        session = self._session
        if not self._capture.alive:
            return ERROR, "the hub's thread has ended; the log says why: please report it, then deactivate and activate"
        if session.state is not ConnectionState.CONNECTED:
            return (WARN if session.state is ConnectionState.CONNECTING else ERROR), session.problem
        warnings = []
        if session.report is not None and not session.report.complete:
            warnings.append(session.report.summary)
        faulty = self._sensors(STATUS_FAULT)
        if faulty:
            warnings.append(f"faulty: {', '.join(faulty)}")
        if self._capture.orientation_problem:
            warnings.append(self._capture.orientation_problem)
        if lost:
            warnings.append(f"{lost} samples lost lately")
        if rejected:
            warnings.append(f"{rejected} frames rejected lately: {session.parser.last_error}")
        if warnings:
            return WARN, "; ".join(warnings)
        if not session.streaming:
            return OK, f"connected to {session.description}; streaming is switched off"
        return OK, f"{rate:.1f} Hz from {session.description}"

    def _values(self, rate: float) -> dict[str, object]:
        session, counters = self._session, self._session.counters
        hello, clock = session.hello, session.clock_map
        trip = clock.round_trip_s
        return {
            "state": session.state.name,
            "transport": session.description,
            "hub": f"{hello.hub} {hello.firmware}" if hello else "none yet",
            "rate_hz": rate,
            "asked_rate_hz": session.rate_hz,
            "samples": counters.samples,
            "lost": counters.lost,
            "out_of_order": counters.out_of_order,
            "stale": counters.stale,
            "connections": counters.connections,
            "reboots": counters.reboots,
            "watchdog": counters.watchdog,
            **{f"rejected_{reason}": count for reason, count in session.parser.rejects.items()},
            "foreign_datagrams": session.foreign_datagrams,
            "clock_skew_ppm": clock.skew_ppm,
            "clock_residual_ms": 1e3 * clock.residual_s,
            "clock_round_trip_ms": "unknown" if trip is None else 1e3 * trip,
            "clock_resets": clock.state.resets,
            "missing_sensors": ", ".join(self._sensors(STATUS_MISSING)) or "none",
            "faulty_sensors": ", ".join(self._sensors(STATUS_FAULT)) or "none",
            "saturated_sensors": ", ".join(self._sensors(STATUS_GYRO_SATURATED | STATUS_ACCEL_SATURATED)) or "none",
        }

    def _sensors(self, bits: int) -> list[str]:
        frame = self._capture.last
        if frame is None:
            return []
        return [self._layout.sensors[i].name for i in np.flatnonzero(frame.samples.status & bits)]
