"""What people are told of trackers: who is missing, who is a stranger, and each one's figures."""

from __future__ import annotations

from typing import Final

from face_model.layout import SensorLayout
from imu_driver.assembler import AssemblerCounts
from imu_driver.hubs.slimevr import packets as p
from imu_driver.hubs.slimevr.trackers import GONE_S, LOW_BATTERY, Tracker, Units

MOST_LISTED: Final = 24
"""Units that one line names: two for each sensor of a face."""

LEAST_TURNING_RAD: Final = 0.002
"""A unit that turns less from one orientation to the next is held still: 0.2 rad/s."""


def notices_of(layout: SensorLayout, units: Units, trackers: list[Tracker]) -> list[str]:
    """Which sensors have no tracker, which trackers no sensor, what is broken or nearly empty."""
    met = units.sensors(trackers)
    strange, absent, unnamed = units.strange(trackers), units.absent(trackers), units.unnamed()
    notices = []
    if absent:
        notices.append(f"no tracker yet for {', '.join(absent)}")
    if unnamed and met:
        notices.append(f"no `unit` in the layout for {', '.join(unnamed)}")
    if strange:
        notices.append(f"trackers that are not in the layout, unused: {listed(strange)}; {how_to_use(strange, layout)}")
    broken = [layout.sensors[i].name for i, (_, s) in sorted(met.items()) if s.state == p.BROKEN]
    if broken:
        notices.append(f"broken, as their trackers say: {', '.join(broken)}; check their cables")
    low = sorted({t.name for t, _ in met.values() if 0.0 <= t.battery < LOW_BATTERY})
    if low:
        notices.append(f"battery below {100 * LOW_BATTERY:.0f} %: {', '.join(low)}")
    return notices


def how_to_use(strange: list[str], layout: SensorLayout) -> str:
    """What to write where, so that trackers that are in no layout are used; empty where there are none."""
    if not strange:
        return ""
    return (
        f"write for example `unit: {strange[0].partition(' ')[0]}` at the sensor that it sits on, in a copy of the "
        f"layout {layout.name}"
    )


def waiting_for(units: Units, trackers: list[Tracker], now: float, silent_s: float) -> str:
    """Why there are no frames, and what to do; who was not heard for `silent_s` is named."""
    if not trackers:
        return (
            "no tracker yet; check that they are on, in the Wi-Fi of this machine, that no "
            "firewall is between, and that no SlimeVR server runs: trackers take the first that answers"
        )
    gone = [t.name for t in trackers if now - t.heard_s > silent_s and units.wants(t.name)]
    if gone:
        return f"nothing any more from {', '.join(gone)}; check battery and Wi-Fi"
    return "trackers answer, waiting for their orientations"


def figures_of(units: Units, trackers: list[Tracker], counts: AssemblerCounts, now_s: float) -> dict[str, object]:
    """What only such hubs can tell, see `HubFigures.more`."""
    values: dict[str, object] = {
        "stamps": "by arrival: trackers send no time",
        "late_readings": counts.predicted,
        "missing_readings": counts.missing,
        "unknown_trackers": listed(units.strange(trackers)) or "none",
        "turns_most": turns_most(trackers),
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


def turns_most(trackers: list[Tracker]) -> str:
    """The unit that somebody turns by hand to find out which it is; `none` where all are still."""
    turning = [(s.turning, t.unit(i)) for t in trackers for i, s in sorted(t.sensors.items())]
    most, unit = max(turning, default=(0.0, ""))
    return unit if most > LEAST_TURNING_RAD else "none"


def listed(units: list[str]) -> str:
    """Units in words, `MOST_LISTED` at most: anybody on the network may make up some."""
    more = len(units) - MOST_LISTED
    return ", ".join(units[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
