"""What the driver says of itself, from whatever hub."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from imu_driver.diagnostics import ERROR, OK, WARN, Reporter
from imu_driver.hub import ConnectionState
from imu_driver.hub_thread import HubThread
from imu_sim.hub.faults import Faults

if TYPE_CHECKING:
    from conftest import Rig

KEYS = [
    "state",
    "transport",
    "hub",
    "rate_hz",
    "asked_rate_hz",
    "samples",
    "lost",
    "out_of_order",
    "stale",
    "untimed",
    "connections",
    "reboots",
    "watchdog",
    "rejected_bad_cobs",
    "rejected_short",
    "rejected_oversize",
    "rejected_bad_crc",
    "rejected_wrong_version",
    "rejected_unknown_type",
    "rejected_malformed",
    "foreign_datagrams",
    "clock_skew_ppm",
    "clock_residual_ms",
    "clock_round_trip_ms",
    "clock_resets",
    "disagreeing_samples",
    "missing_sensors",
    "faulty_sensors",
    "saturated_sensors",
]


class Thread:
    """A capture that is stepped by the test."""

    def __init__(self, rig: Rig) -> None:
        self.alive = True
        self.newest = None
        self._rig = rig

    def run(self, seconds: float) -> None:
        self.newest = self._rig.run(seconds)[-1]  # type: ignore[assignment]


def test_keys_verdicts_and_figures(rig: Rig) -> None:
    thread = Thread(rig)
    reporter = Reporter(rig.session, cast(HubThread, thread), rig.session._layout, rig.clock())
    first = reporter.report(rig.clock())
    assert list(first.values) == KEYS
    assert (first.level, first.values["hub"], first.values["asked_rate_hz"]) == (ERROR, "none yet", 100)
    assert first.values["clock_round_trip_ms"] == "unknown"
    rig.run_to(ConnectionState.CONNECTED)
    thread.run(1.0)
    good = reporter.report(rig.clock())
    assert good.level == OK
    assert re.fullmatch(r"(99|100|101)\.\d Hz from virtual line", good.message)
    assert list(good.values) == KEYS
    assert good.values["hub"] == "bench-hub 1.0"
    rig.hub.set_faults(Faults(faulty=("mentalis",), dead=("skull",)))
    rig.hub.skip(5)
    thread.run(1.0)
    bad = reporter.report(rig.clock())
    assert bad.level == WARN
    assert "faulty: mentalis" in bad.message
    assert "5 samples lost lately" in bad.message
    assert "not answering any more: skull; check their cables" in bad.message
    assert (bad.values["missing_sensors"], bad.values["faulty_sensors"]) == ("skull", "mentalis")
    rig.hub.set_faults(Faults(saturated=("mentalis",)))
    thread.run(1.0)
    reporter.report(rig.clock())
    shaken = reporter.report(rig.clock())
    assert shaken.level == WARN
    assert "gyroscope at the end of its range: mentalis" in shaken.message
    assert shaken.values["saturated_sensors"] == "mentalis"
    rig.hub.set_faults(Faults())
    thread.run(1.0)
    reporter.report(rig.clock())
    assert reporter.report(rig.clock()).level == OK
    thread.alive = False
    assert reporter.report(rig.clock()).level == ERROR
