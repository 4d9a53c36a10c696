"""What the driver says of itself: a verdict in words, and figures. No ROS; the levels are those of DiagnosticStatus."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model.frames import GRAVITY_M_S2
from face_model.imu_sample import (
    STATUS_ACCEL_SATURATED,
    STATUS_FAULT,
    STATUS_GYRO_SATURATED,
    STATUS_MISSING,
    STATUS_UNUSABLE,
    STATUS_USABLE,
)
from face_model.layout import SensorLayout
from imu_driver.hub import ConnectionState, Hub, HubFigures, HubSensor
from imu_driver.hub_thread import HubThread
from imu_driver.sensor_figures import SensorTally, Stillness, Tally

OK, WARN, ERROR = 0, 1, 2

_SATURATED: Final = STATUS_GYRO_SATURATED | STATUS_ACCEL_SATURATED

LATE_S: Final = 0.1
"""Samples that are older than this when they come are told of: from here on a face counts as stale."""

LEAST_SHARE: Final = 0.8
"""A sensor with a rate of its own that sends a smaller share of what was asked is told of."""

GRAVITY_SHARE: Final = 0.2
"""At rest gravity is measured; off by more of it, range or unit are wrong: the worst part's offset is a tenth."""

CURES: Final = {
    "fault": "it says so itself, or its values stand still or are impossible: switch the hub off and on, then try its "
    "cable, then another unit",
    "saturated": "a blow or a loose unit: glue it on, or set a larger range in the hub",
    "gone": "check their cables",
    "gravity": "range or unit of what it sends are not what the hub says",
}


@dataclass(frozen=True)
class Report:
    """Level, one line for people, figures with their unit in the name; `sensors`: the same of each one, by name."""

    level: int
    message: str
    values: dict[str, object]
    sensors: Mapping[str, Report] = field(default_factory=dict)


class Reporter:
    """Makes a report from time to time; rates and recent losses are those since the report before.

    Args:
        hub: watched.
        thread: its thread, with a tally.
        layout: names of the sensors.
        now_s: host monotonic time.
    """

    def __init__(self, hub: Hub, thread: HubThread, layout: SensorLayout, now_s: float) -> None:
        self._hub = hub
        self._thread = thread
        self._layout = layout
        self._tally = thread.tally or SensorTally(len(layout.sensors))
        self._before_s = now_s
        self._before = hub.figures()
        self._counts_before = self._tally.tally()

    def report(self, now_s: float) -> Report:
        """The state since the last call."""
        figures, before = self._hub.figures(), self._before
        counts, counts_before = self._tally.tally(), self._counts_before
        elapsed_s = max(now_s - self._before_s, 1e-3)
        rate = (figures.samples - before.samples) / elapsed_s
        self._before_s, self._before, self._counts_before = now_s, figures, counts
        sensors = _Sensors(self, now_s, elapsed_s, figures, before, counts, counts_before)
        level, message = self._verdict(rate, figures, before, sensors)
        return Report(level, message, self._values(rate, figures, sensors), sensors.reports())

    @property
    def _late_s(self) -> float:
        """Age that the newest sample had when it came, s; 0 without one."""
        newest = self._thread.newest
        late_s = 0.0 if newest is None else newest.arrival_s - newest.host_time_s
        return late_s if math.isfinite(late_s) else 0.0

    def _verdict(self, rate: float, figures: HubFigures, before: HubFigures, sensors: _Sensors) -> tuple[int, str]:
        hub = self._hub
        if not self._thread.alive:
            return ERROR, "the hub's thread has ended; the log says why: please report it, then deactivate and activate"
        if hub.state is not ConnectionState.CONNECTED:
            return (WARN if hub.state is ConnectionState.CONNECTING else ERROR), hub.problem
        warnings = [*hub.notices, *sensors.warnings(self._absent())]
        if self._late_s > LATE_S:
            warnings.append(
                f"samples are {1e3 * self._late_s:.0f} ms old when they come: look for what holds up the line or this "
                "computer"
            )
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
            warnings.append(
                f"{rejected} {'frame' if rejected == 1 else 'frames'} rejected lately: {figures.last_reject}"
            )
        if warnings:
            return WARN, "; ".join(warnings)
        if not hub.streaming:
            return OK, f"connected to {hub.description}; streaming is switched off"
        return OK, f"{rate:.1f} Hz from {hub.description}"

    def _values(self, rate: float, figures: HubFigures, sensors: _Sensors) -> dict[str, object]:
        hub, identity, trip = self._hub, self._hub.identity, figures.clock_round_trip_s
        return {
            "state": hub.state.name,
            "transport": hub.description,
            "hub": f"{identity.name} {identity.firmware}".strip() if identity else "none yet",
            "rate_hz": rate,
            "asked_rate_hz": figures.asked_rate_hz,
            "samples": figures.samples,
            "lost": figures.lost,
            "out_of_order": figures.out_of_order,
            "stale": figures.stale,
            "untimed": figures.untimed,
            "late_ms": 1e3 * self._late_s,
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
            "saturated_samples": int(sensors.counts.saturated.sum()),
            "missing_sensors": sensors.named(STATUS_MISSING) or "none",
            "faulty_sensors": sensors.named(STATUS_FAULT) or "none",
            "saturated_sensors": ", ".join(sensors.saturated()) or "none",
            **figures.more,
        }

    def _absent(self) -> set[str]:
        """Sensors that the hub did not have when it was met: the hub's notices name them already."""
        identity = self._hub.identity
        here = {sensor.id for sensor in identity.sensors if sensor.present} if identity else set()
        return {sensor.name for sensor in self._layout.sensors if sensor.id not in here}

    def status(self) -> NDArray[np.uint8]:
        """(S,) status of the newest sample; empty before the first."""
        newest = self._thread.newest
        return np.zeros(0, np.uint8) if newest is None else newest.status

    @property
    def layout(self) -> SensorLayout:
        """Of the sensors."""
        return self._layout

    def units(self) -> dict[int, HubSensor]:
        """What the hub says of its units, by id."""
        identity = self._hub.identity
        return {sensor.id: sensor for sensor in identity.sensors} if identity else {}

    def stillness(self) -> Stillness:
        """How the sensors lay lately."""
        return self._tally.stillness()


class _Sensors:
    """One report's look at each sensor."""

    def __init__(
        self,
        of: Reporter,
        now_s: float,
        elapsed_s: float,
        figures: HubFigures,
        figures_before: HubFigures,
        counts: Tally,
        counts_before: Tally,
    ) -> None:
        self.counts = counts
        self._of, self._now_s, self._elapsed_s = of, now_s, elapsed_s
        self._figures, self._before = figures, figures_before
        self._recent = counts.usable - counts_before.usable
        self._gyro = counts.gyro_saturated - counts_before.gyro_saturated
        self._accel = counts.accel_saturated - counts_before.accel_saturated
        self._faulty = counts.faulty - counts_before.faulty
        self._names = of.layout.names
        self._status = of.status()
        self._still = of.stillness()
        spiky = _more(figures.disagreeing, figures_before.disagreeing)
        self._spiky = [name for name, more in zip(self._names, spiky, strict=False) if more]

    def named(self, bits: int) -> str:
        """Names of the sensors whose newest sample has one of these bits."""
        return ", ".join(self._list((self._status & bits) != 0))

    def saturated(self) -> list[str]:
        """Names of those that reached the end of a range since the report before, or are there now."""
        return [name for i, name in enumerate(self._names) if self._at_end(i, _SATURATED)]

    def _at_end(self, i: int, bits: int) -> bool:
        recent = self._gyro[i] * bool(bits & STATUS_GYRO_SATURATED) + self._accel[i] * bool(
            bits & STATUS_ACCEL_SATURATED
        )
        return bool(recent > 0 or (i < len(self._status) and self._status[i] & bits))

    def warnings(self, absent: set[str]) -> list[str]:
        """What is wrong with sensors, each with what to do."""
        found = []
        faulty = self.named(STATUS_FAULT)
        if faulty:
            found.append(f"faulty: {faulty}; {CURES['fault']}")
        briefly = [name for name in self._list(self._faulty > 0) if name not in faulty and name not in self._spiky]
        if briefly:
            found.append(f"faulty for a moment: {', '.join(briefly)}")
        for bit, counts, word in (
            (STATUS_GYRO_SATURATED, self._gyro, "gyroscope"),
            (STATUS_ACCEL_SATURATED, self._accel, "accelerometer"),
        ):
            names = [f"{name} ({counts[i]} samples)" for i, name in enumerate(self._names) if self._at_end(i, bit)]
            if names:
                found.append(f"{word} at the end of its range: {', '.join(names)}; {CURES['saturated']}")
        gone = [name for name in self._list((self._status & STATUS_MISSING) != 0) if name not in absent]
        if gone:
            found.append(f"not answering any more: {', '.join(gone)}; {CURES['gone']}")
        if self._spiky:
            found.append(f"orientation and gyroscope disagree, samples not used: {', '.join(self._spiky)}")
        slow = self._slow()
        if slow:
            found.append(f"slower than {self._figures.asked_rate_hz} Hz: {', '.join(slow)}; check battery and radio")
        heavy = self._list(self._off_gravity())
        if heavy:
            found.append(f"at rest not 9.81 m/s2: {', '.join(heavy)}; {CURES['gravity']}")
        return found

    def reports(self) -> dict[str, Report]:
        """Of each sensor, by name."""
        units = self._of.units()
        figures, still = self._figures, self._still
        reports = {}
        for i, sensor in enumerate(self._of.layout.sensors):
            unit = units.get(sensor.id)
            status = int(self._status[i]) if i < len(self._status) else STATUS_MISSING
            age_s = self._now_s - float(self.counts.usable_s[i])
            temperature_c = _of(figures.sensor_temperature_c, i, math.nan)
            own_rate_hz = _of(figures.sensor_rate_hz, i, math.nan)
            at_rest = bool(still.at_rest[i])
            values: dict[str, object] = {
                "part": unit.part if unit is not None and unit.part else "unknown",
                "rate_hz": float(self._recent[i]) / self._elapsed_s,
                "own_rate_hz": own_rate_hz if math.isfinite(own_rate_hz) else "that of the hub",
                "lost": int(_of(figures.sensor_lost, i, figures.lost)),
                "age_ms": 1e3 * age_s if math.isfinite(age_s) else "none came",
                "missing_samples": int(self.counts.missing[i]),
                "faulty_samples": int(self.counts.faulty[i]),
                "saturated_samples": int(self.counts.saturated[i]),
                "disagreeing_samples": int(_of(figures.disagreeing, i, 0)),
                "temperature_c": temperature_c if math.isfinite(temperature_c) else "unknown",
                "at_rest": ("yes" if at_rest else "no") if still.known[i] else "unknown",
                "gyro_offset_deg_s": float(np.rad2deg(still.rate_rad_s[i])) if at_rest else "unknown",
                "gravity_m_s2": float(still.force_m_s2[i]) if at_rest else "unknown",
            }
            level, message = self._judged(i, status)
            reports[sensor.name] = Report(level, message, values)
        return reports

    def _judged(self, i: int, status: int) -> tuple[int, str]:
        if status & STATUS_MISSING:
            return ERROR, "no samples of it; check its cable, or whether it is switched on"
        faulty = bool(status & STATUS_FAULT)
        if self._at_end(i, _SATURATED):
            found = f"{self._gyro[i] + self._accel[i]} samples at the end of a range; {CURES['saturated']}"
            return (ERROR, f"{found}; {CURES['fault']}") if faulty else (WARN, found)
        if faulty:
            return ERROR, CURES["fault"]
        if self._names[i] in self._spiky:
            return WARN, "orientation and gyroscope disagree: samples are not used"
        if self._faulty[i] > 0:
            return WARN, f"{int(self._faulty[i])} faulty samples lately"
        if self._off_gravity()[i]:
            return WARN, f"{self._still.force_m_s2[i]:.2f} m/s2 at rest; {CURES['gravity']}"
        if (status & (STATUS_USABLE | STATUS_UNUSABLE)) != STATUS_USABLE:
            return WARN, "no orientation yet"
        if self._names[i] in self._slow():
            return WARN, "slower than asked; check battery and radio"
        return OK, "well"

    def _off_gravity(self) -> NDArray[np.bool_]:
        off: NDArray[np.bool_] = self._still.at_rest & (
            np.abs(self._still.force_m_s2 - GRAVITY_M_S2) > GRAVITY_SHARE * GRAVITY_M_S2
        )
        return off

    def _slow(self) -> list[str]:
        asked_hz = self._figures.asked_rate_hz
        rates = self._figures.sensor_rate_hz
        return [name for name, rate in zip(self._names, rates, strict=False) if 0.0 < rate < LEAST_SHARE * asked_hz]

    def _list(self, where: NDArray[np.bool_]) -> list[str]:
        return [self._names[i] for i in np.flatnonzero(where)]


def _of(values: Sequence[float], i: int, otherwise: float) -> float:
    """The i-th of what a hub tells, where it tells it."""
    return values[i] if i < len(values) else otherwise


def _more(counts: Sequence[int], before: Sequence[int]) -> list[bool]:
    """Where counts rose; they begin at 0 with other units."""
    old = before if len(before) == len(counts) else (0,) * len(counts)
    return [new > was or bool(new and new < was) for was, new in zip(old, counts, strict=True)]
