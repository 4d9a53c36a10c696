"""What the driver says of itself, from whatever hub."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from face_model.imu_sample import ImuSample
from imu_driver.diagnostics import ERROR, OK, WARN, Reporter
from imu_driver.hub import ConnectionState
from imu_driver.hub_thread import HubThread
from imu_driver.sensor_figures import SensorTally
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
    "late_ms",
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
    "saturated_samples",
    "missing_sensors",
    "faulty_sensors",
    "saturated_sensors",
]


class Thread:
    """A capture that is stepped by the test."""

    def __init__(self, rig: Rig) -> None:
        self.alive = True
        self.newest: ImuSample | None = None
        self.tally = SensorTally(len(rig.layout.sensors))
        self._rig = rig

    def run(self, seconds: float) -> None:
        for sample in self._rig.run(seconds):
            self.newest = sample
            self.tally.add(sample)


SENSOR_KEYS = [
    "part",
    "rate_hz",
    "own_rate_hz",
    "lost",
    "age_ms",
    "missing_samples",
    "faulty_samples",
    "saturated_samples",
    "disagreeing_samples",
    "temperature_c",
    "at_rest",
    "gyro_offset_deg_s",
    "gravity_m_s2",
]


def test_keys_verdicts_and_figures(rig: Rig) -> None:
    thread = Thread(rig)
    reporter = Reporter(rig.session, cast(HubThread, thread), rig.layout, rig.clock())
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


def test_each_sensor_has_figures_of_its_own(rig: Rig) -> None:
    thread = Thread(rig)
    reporter = Reporter(rig.session, cast(HubThread, thread), rig.layout, rig.clock())
    names = rig.layout.names
    before = reporter.report(rig.clock()).sensors
    assert tuple(before) == names
    assert {one.level for one in before.values()} == {ERROR}
    assert before["mentalis"].values["age_ms"] == "none came"
    rig.run_to(ConnectionState.CONNECTED)
    thread.run(2.0)
    for one in reporter.report(rig.clock()).sensors.values():
        assert list(one.values) == SENSOR_KEYS
        assert (one.level, one.values["part"], one.values["at_rest"]) == (OK, "QMI8658", "yes")
        assert 0.0 <= cast(float, one.values["age_ms"]) < 50.0
        assert 9.7 < cast(float, one.values["gravity_m_s2"]) < 9.9
        assert cast(float, one.values["gyro_offset_deg_s"]) < 2.0
        assert one.values["temperature_c"] == "unknown"
    rig.hub.set_faults(Faults(dead=("mentalis",), faulty=("skull",)))
    thread.run(1.0)
    reporter.report(rig.clock())
    rig.hub.set_faults(Faults(dead=("mentalis",), faulty=("skull",), saturated=("levator_left",)))
    thread.run(0.3)
    told = reporter.report(rig.clock())
    sensors = told.sensors
    assert told.level == WARN
    assert {name for name, one in sensors.items() if one.level == OK} == set(names) - {
        "mentalis",
        "skull",
        "levator_left",
    }
    assert (sensors["mentalis"].level, sensors["mentalis"].values["rate_hz"]) == (ERROR, 0.0)
    assert cast(float, sensors["mentalis"].values["age_ms"]) > 1000.0
    assert "cable" in sensors["mentalis"].message
    assert sensors["skull"].level == ERROR
    assert "another unit" in sensors["skull"].message
    assert sensors["levator_left"].level in (WARN, ERROR)
    assert "glue" in sensors["levator_left"].message
    assert 10 < cast(int, told.values["saturated_samples"]) <= 80
    assert cast(float, sensors["zygomaticus_left"].values["rate_hz"]) > 95.0


def test_a_blow_between_two_reports_is_told_of(rig: Rig) -> None:
    thread = Thread(rig)
    reporter = Reporter(rig.session, cast(HubThread, thread), rig.layout, rig.clock())
    rig.run_to(ConnectionState.CONNECTED)
    thread.run(0.5)
    reporter.report(rig.clock())
    rig.hub.set_faults(Faults(saturated=("mentalis",)))
    thread.run(0.3)
    rig.hub.set_faults(Faults())
    thread.run(0.5)
    told = reporter.report(rig.clock())
    assert thread.newest is not None
    assert not thread.newest.status[-1] & 24, "by now it is over"
    assert told.level == WARN
    assert re.search(r"gyroscope at the end of its range: mentalis \(\d+ samples\); a blow or a loose", told.message)
    thread.run(0.5)
    assert reporter.report(rig.clock()).level == OK


def test_a_unit_whose_values_stand_still_is_told_of(rig: Rig) -> None:
    thread = Thread(rig)
    reporter = Reporter(rig.session, cast(HubThread, thread), rig.layout, rig.clock())
    rig.run_to(ConnectionState.CONNECTED)
    thread.run(0.5)
    rig.hub.set_faults(Faults(frozen=("mentalis",)))
    thread.run(1.0)
    told = reporter.report(rig.clock())
    assert told.level == WARN
    assert "faulty: mentalis; it says so itself, or its values stand still" in told.message
    assert told.sensors["mentalis"].level == ERROR


def test_samples_that_come_late_are_told_of(rig: Rig) -> None:
    thread = Thread(rig)
    reporter = Reporter(rig.session, cast(HubThread, thread), rig.layout, rig.clock())
    rig.run_to(ConnectionState.CONNECTED)
    thread.run(1.0)
    assert thread.newest is not None
    thread.newest = replace(thread.newest, arrival_s=thread.newest.host_time_s + 0.25)
    told = reporter.report(rig.clock())
    assert told.level == WARN
    assert "samples are 250 ms old when they come" in told.message


def test_what_a_hub_tells_of_each_sensor_is_shown(rig: Rig) -> None:
    thread = Thread(rig)
    rig.run_to(ConnectionState.CONNECTED)
    count = len(rig.layout.sensors)
    figures = replace(
        rig.session.figures(),
        sensor_lost=(7,) * count,
        sensor_rate_hz=(100.0,) * (count - 1) + (50.0,),
        sensor_temperature_c=(31.5,) * (count - 1) + (float("nan"),),
    )
    rig.session.figures = lambda: figures  # type: ignore[method-assign]
    reporter = Reporter(rig.session, cast(HubThread, thread), rig.layout, rig.clock())
    thread.run(0.5)
    told = reporter.report(rig.clock())
    skull, mentalis = told.sensors["skull"], told.sensors["mentalis"]
    assert (skull.values["lost"], skull.values["temperature_c"], skull.values["own_rate_hz"]) == (7, 31.5, 100.0)
    assert (mentalis.level, mentalis.values["temperature_c"]) == (WARN, "unknown")
    assert "slower than 100 Hz: mentalis; check battery and radio" in told.message
