"""Topics of other drivers as a hub: what may be wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from face_model.imu_sample import (
    STATUS_ACCEL_SATURATED,
    STATUS_FAULT,
    STATUS_GYRO_SATURATED,
    STATUS_MISSING,
    STATUS_ORIENTATION_HOST,
    STATUS_USABLE,
)
from face_model.layout import load_layout
from imu_driver.hub import ConnectionState
from imu_driver.hubs.imu_topics.session import TopicsHub

if TYPE_CHECKING:
    from conftest import Message, TopicsRig


@dataclass
class VirtualClock:
    """Time that a test sets."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


CHIN = 11


def test_topics_that_are_not_there_are_named_and_may_come_later(topics_rig: TopicsRig) -> None:
    topics_rig.units.silent = set(range(12))
    assert topics_rig.run(1.0) == []
    assert topics_rig.hub.state is ConnectionState.CONNECTING
    assert "no message yet; are the IMUs' drivers running" in topics_rig.hub.problem
    topics_rig.units.silent = {CHIN, 3}
    first = topics_rig.run(1.0)[-1]
    assert first.status[[3, CHIN]].tolist() == [STATUS_MISSING] * 2
    assert np.count_nonzero(first.valid) == 10
    (notice,) = topics_rig.hub.notices
    assert notice.startswith("no message yet of: orbicularis_left, mentalis; are their drivers running")
    layout_id, identity = topics_rig.hub.layout_id, topics_rig.hub.identity
    assert identity is not None
    assert not identity.sensors[CHIN].present
    topics_rig.units.silent = set()
    assert topics_rig.run(0.5)[-1].valid.all()
    assert list(topics_rig.hub.notices) == []
    assert topics_rig.hub.layout_id == layout_id
    assert topics_rig.hub.identity is not None
    assert topics_rig.hub.identity.sensors[CHIN].present


def test_a_sensor_that_dies_stops_nobody_and_comes_back(topics_rig: TopicsRig) -> None:
    topics_rig.run(1.0)
    topics_rig.units.silent = {CHIN}
    topics_rig.run(0.2)
    samples = topics_rig.run(1.0)
    assert len(samples) == pytest.approx(100, abs=2)
    assert all(sample.status[CHIN] == STATUS_MISSING and sample.valid[:CHIN].all() for sample in samples)
    assert max(sample.arrival_s - sample.host_time_s for sample in samples) < 0.03
    topics_rig.units.silent = set()
    topics_rig.run(0.2)
    assert topics_rig.run(0.2)[-1].valid.all()
    assert topics_rig.hub.figures().lost == 0


def test_all_silent_is_told_of_and_heals(topics_rig: TopicsRig) -> None:
    topics_rig.run(1.0)
    topics_rig.units.silent = set(range(12))
    topics_rig.run(1.0)
    assert topics_rig.hub.state is ConnectionState.CONNECTING
    assert "no message on any for 0.5 s" in topics_rig.hub.problem
    assert topics_rig.hub.figures().watchdog == 1
    topics_rig.units.silent = set()
    assert len(topics_rig.run(1.0)) > 90
    assert topics_rig.hub.state is ConnectionState.CONNECTED


@pytest.mark.parametrize("spoilt", ["zeros", "minus one", "standing", "turning"])
def test_an_orientation_that_is_missing_or_no_good_is_fused_here(topics_rig: TopicsRig, spoilt: str) -> None:
    pytest.importorskip("vqf", reason="no vqf: run make setup")

    def spoil(unit: int, message: Message) -> Message:
        if unit != CHIN:
            return message
        if spoilt == "minus one":
            return replace(message, covariances=(-1.0, 0.0, 0.0))
        orientation = {"zeros": (0.0,) * 4, "standing": (0.0, 0.0, 0.0, 1.0), "turning": None}[spoilt]
        if orientation is None:  # z down
            orientation = (1.0, message.orientation[0], 0.0, 0.0)
        return replace(message, orientation=orientation)

    topics_rig.units.spoil = spoil
    topics_rig.run(3.0)
    sample = topics_rig.run(0.2)[-1]
    assert sample.valid.all()
    assert sample.status[CHIN] == STATUS_USABLE | STATUS_ORIENTATION_HOST
    assert (sample.status[:CHIN] == STATUS_USABLE).all()
    (notice,) = topics_rig.hub.notices
    assert notice.startswith("orientation is not used, but fused here: mentalis (it ")


def test_without_rates_or_forces_the_rest_is_used(topics_rig: TopicsRig) -> None:
    topics_rig.units.spoil = lambda unit, message: (
        replace(message, covariances=(0.0, -1.0, -1.0)) if unit == CHIN else message
    )
    topics_rig.run(1.0)
    sample = topics_rig.run(0.2)[-1]
    assert sample.valid.all()
    assert np.linalg.norm(sample.specific_force[CHIN]) == pytest.approx(9.81, abs=0.01)


@pytest.mark.parametrize(
    ("rate", "force", "bit"),
    [((17.87, 0.01, 0.02), None, STATUS_GYRO_SATURATED), (None, (0.1, 0.2, -78.45), STATUS_ACCEL_SATURATED)],
)
def test_the_end_of_a_range_shows_by_values_that_stay_there(
    topics_rig: TopicsRig, rate: tuple[float, ...] | None, force: tuple[float, ...] | None, bit: int
) -> None:
    topics_rig.run(1.0)

    def spoil(unit: int, message: Message) -> Message:
        if unit != CHIN:
            return message
        wiggle = 1e-6 * (message.stamp_ns // 10_000_000 % 97)
        new_rate = message.rate if rate is None else (rate[0], rate[1] + wiggle, rate[2])
        new_force = message.force if force is None else (force[0] + wiggle, force[1], force[2])
        return replace(message, rate=new_rate, force=new_force)

    topics_rig.units.spoil = spoil
    samples = topics_rig.run(0.3)
    assert samples[-1].status[CHIN] & bit
    assert not any((sample.status[:CHIN] & bit).any() for sample in samples)


def test_values_that_stand_still_or_are_nothing_are_a_fault(topics_rig: TopicsRig) -> None:
    topics_rig.run(1.0)
    held: list[Message] = []

    def spoil(unit: int, message: Message) -> Message:
        if unit == CHIN:
            held.append(message)
            return replace(held[0], stamp_ns=message.stamp_ns)
        return replace(message, force=(0.0, 0.0, 0.0)) if unit == 3 else message

    topics_rig.units.spoil = spoil
    early = topics_rig.run(0.3)[-1]
    assert early.status[CHIN] & STATUS_FAULT == 0
    assert early.status[3] & STATUS_FAULT
    late = topics_rig.run(0.7)[-1]
    assert late.status[CHIN] & STATUS_FAULT
    assert not late.specific_force[CHIN].any()


def test_numbers_that_are_none_never_leave(topics_rig: TopicsRig) -> None:
    nan, inf = float("nan"), float("inf")
    topics_rig.units.spoil = lambda unit, message: (
        replace(message, rate=(nan, 0.0, 0.0), force=(0.0, inf, 1.0), orientation=(nan, 0.0, 0.0, 1.0))
        if unit == CHIN
        else message
    )
    samples = topics_rig.run(1.0)
    assert len(samples) > 90
    for sample in samples:
        assert np.isfinite(sample.orientation).all()
        assert np.isfinite(sample.angular_velocity).all()
        assert np.isfinite(sample.specific_force).all()
        assert not sample.valid[CHIN]
    assert topics_rig.hub.figures().rejected["impossible"] > 100


@pytest.mark.parametrize("offset_s", [-3.0, 2.0, -1000.0])
def test_a_clock_that_is_off_is_told_of_and_handled(topics_rig: TopicsRig, offset_s: float) -> None:
    topics_rig.units.spoil = lambda unit, message: (
        replace(message, stamp_ns=message.stamp_ns + round(1e9 * offset_s)) if unit == CHIN else message
    )
    topics_rig.run(2.0)
    samples = topics_rig.run(1.0)
    assert len(samples) == pytest.approx(100, abs=2)
    assert all(sample.valid.all() for sample in samples)
    (notice,) = topics_rig.hub.notices
    assert f"mentalis by {offset_s:+.2f} s" in notice


def test_no_stamps_are_told_of_and_arrival_is_taken(topics_rig: TopicsRig) -> None:
    topics_rig.units.spoil = lambda unit, message: replace(message, stamp_ns=0) if unit == CHIN else message
    topics_rig.run(1.0)
    assert topics_rig.run(0.5)[-1].valid.all()
    (notice,) = topics_rig.hub.notices
    assert notice.startswith("no stamps, time of arrival is taken: mentalis")


def test_a_clock_that_moves_in_steps_takes_nothing_from_the_stamps(topics_rig: TopicsRig) -> None:
    units, clock = topics_rig.units, topics_rig.clock
    steps = VirtualClock()
    hub = TopicsHub(topics_rig.line, load_layout("face_12"), 100, clock=steps, wait=clock.advance)
    topics_rig.hub = hub
    units.step_s = 0.05
    samples = []
    while clock() < 1003.0:
        steps.now_s = units.stepped(clock())
        samples += hub.step()
    assert list(hub.notices) == []
    assert len(samples) > 280
    grid_s = np.array([sample.host_time_s for sample in samples])
    assert np.abs((grid_s - 1000.0) / 0.01 - np.round((grid_s - 1000.0) / 0.01)).max() < 1e-3
    assert all(sample.valid.all() for sample in samples)
    assert hub.figures().untimed == 0


def test_a_clock_that_goes_back_begins_anew(topics_rig: TopicsRig) -> None:
    topics_rig.run(2.0)
    topics_rig.clock.advance(-1.9)
    topics_rig.units.begin_anew()
    samples = topics_rig.run(1.0)
    assert len(samples) > 90
    assert samples[-1].valid.all()
    assert samples[-1].host_time_s == pytest.approx(topics_rig.clock(), abs=0.05)
    assert list(topics_rig.hub.notices) == []


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 200.0, 400.0])
def test_other_rates_than_the_frames(topics_rig: TopicsRig, rate_hz: float) -> None:
    topics_rig.units.rate_hz = rate_hz
    topics_rig.run(1.0)
    samples = topics_rig.run(1.0)
    assert len(samples) == pytest.approx(100, abs=8)
    assert all(sample.valid.all() for sample in samples)
    figures = topics_rig.hub.figures()
    assert figures.sensor_rate_hz == pytest.approx([rate_hz] * 12, rel=0.01)
    assert figures.lost == 0


def test_messages_of_no_sensor_and_no_message_are_counted(topics_rig: TopicsRig) -> None:
    topics_rig.run(0.5)
    from imu_driver.message_pieces import Piece, packed

    now_s = topics_rig.clock()
    topics_rig.line.deliver(packed(Piece(200, now_s, 0, b"x")), now_s + 0.1)
    topics_rig.line.deliver(packed(Piece(1, now_s, 0, b"\0\1\0\0nothing")), now_s + 0.2)
    topics_rig.run(0.5)
    rejected = topics_rig.hub.figures().rejected
    assert (rejected["other_sensor"], rejected["no_message"]) == (1, 1)
