from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from face_model.errors import SnapshotError
from face_model.imu_sample import STATUS_MISSING
from face_model.layout import load_layout
from face_model.saved_arrays import packed as packed_arrays
from face_model.saved_arrays import unpacked as unpacked_arrays
from imu_driver.hub import ConnectionState, ReplayableHub
from imu_driver.hubs.slimevr.session import SlimeVrHub
from imu_driver.replay import HubReplay, Piece, hub_snapshot
from slimevr_trackers import (
    LAYOUT,
    nod,
    turned,
)

if TYPE_CHECKING:
    from conftest import Bench


def test_trackers_are_met_and_served(bench: Bench) -> None:
    bench.run_to_connected()
    samples = bench.run(3.0)
    assert all(sample.valid.all() for sample in samples[5:])
    assert list(bench.hub.notices) == []
    identity = bench.hub.identity
    assert identity is not None
    assert {sensor.part for sensor in identity.sensors} == {"ICM42688"}
    assert [sensor.place for sensor in identity.sensors] == list(LAYOUT.names)
    for tracker in bench.trackers:
        assert tracker.bundles
        assert tracker.told == {0, 1}
    figures = bench.hub.figures()
    assert figures.lost == 0
    assert figures.clock_round_trip_s is not None
    assert 0.0015 < figures.clock_round_trip_s < 0.012
    assert "ICM42688" in str(figures.more["tracker_a4:e5:7c:00:00:01"])


def test_a_face_that_is_held_stays_valid_though_its_trackers_send_nothing(bench: Bench) -> None:
    """The firmware sends no orientation that did not change; the still seconds of the neutral must not be missing."""
    bench.run_to_connected()
    samples = bench.run(5.0)
    assert len(samples) == pytest.approx(500, abs=3)
    assert all(sample.valid.all() for sample in samples)
    for sample in samples:
        np.testing.assert_allclose(sample.specific_force, [[0.0, 0.0, 9.80665]] * 12, atol=1e-4)
        assert not sample.angular_velocity.any()
        assert sample.arrival_s - sample.host_time_s < 0.025


def test_a_quiet_tracker_of_which_a_datagram_was_lost_is_missing_until_it_turns(
    make_bench: Callable[..., Bench],
) -> None:
    angles = [0.0]
    bench = make_bench(lambda _i, _t: turned((1.0, 0.0, 0.0), angles[0]))
    bench.run_to_connected()
    bench.run(1.0)
    bench.trackers[2].packets += 1  # it turned, but that was lost
    missing = bench.run(0.5)[-1]
    assert missing.status[4] == missing.status[5] == STATUS_MISSING
    assert missing.valid[[0, 1, 2, 3, 6, 7]].all()
    assert bench.hub.figures().lost == 1
    angles[0] = 0.05
    assert bench.run(0.5)[-1].valid.all()


def test_motion_comes_through_with_rates_and_forces(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    bench.run_to_connected()
    samples = bench.run(4.0)[20:]
    for sample in samples:
        assert sample.valid.all()
        # What the network and the frames add is common to all.
        angle = 2.0 * np.arctan2(sample.orientation[:, 1], sample.orientation[:, 3])
        np.testing.assert_allclose(angle[0] - angle, [0.1 if i == 3 else 0.0 for i in range(12)], atol=1e-4)
        gravity = 9.80665 * np.stack([-np.sin(angle), np.zeros(12), np.cos(angle)], axis=1)
        gravity[3, 0] += 2.0
        np.testing.assert_allclose(sample.specific_force, gravity, atol=0.02)
    angles = np.array([2.0 * math.atan2(s.orientation[0, 1], s.orientation[0, 3]) for s in samples])
    rates = np.array([s.angular_velocity[0, 1] for s in samples])
    true = np.gradient(angles, 0.01)
    assert np.sqrt(np.mean((rates - true) ** 2)) < 0.15  # of 1.9 rad/s, from 10 ms ago
    assert not bench.hub.figures().rejected


def test_what_is_missing_in_the_layout_and_on_the_network_is_told(make_bench: Callable[..., Bench]) -> None:
    sensors = [replace(s, unit="" if s.name == "mentalis" else s.unit) for s in LAYOUT.sensors]
    bench = make_bench(layout=replace(LAYOUT, sensors=tuple(sensors)))
    bench.trackers[1].dead = True
    bench.run_to_connected()
    sample = bench.run(1.5)[-1]
    assert np.flatnonzero(sample.status == STATUS_MISSING).tolist() == [2, 3, 11]
    said = "; ".join(bench.hub.notices)
    assert "no tracker yet for frontalis_right (a4:e5:7c:00:00:02/0), orbicularis_left (a4:e5:7c:00:00:02/1)" in said
    assert "no `unit` in the layout for mentalis" in said
    assert "a4:e5:7c:00:00:06/1 (ICM42688)" in said
    bench.trackers[1].dead = False  # it is switched on later
    sample = bench.run(3.0)[-1]
    assert np.flatnonzero(sample.status == STATUS_MISSING).tolist() == [11]
    assert "no tracker yet" not in "; ".join(bench.hub.notices)


def test_a_tracker_that_is_turned_by_hand_is_named(make_bench: Callable[..., Bench]) -> None:
    until = [math.inf]
    bench = make_bench(
        lambda i, t: turned((0.0, 1.0, 0.0), math.sin(3.0 * min(t, until[0])) if i == 5 else 0.0),
        layout=load_layout("face_12"),
    )
    bench.run(3.0)
    assert bench.hub.figures().more["turns_most"] == "a4:e5:7c:00:00:03/1"
    until[0] = bench.clock()
    bench.run(3.0)
    assert bench.hub.figures().more["turns_most"] == "none"


def test_units_may_be_written_as_on_a_label(make_bench: Callable[..., Bench]) -> None:
    sensors = [replace(s, unit=s.unit.upper().replace(":", "-").removesuffix("/0")) for s in LAYOUT.sensors]
    bench = make_bench(layout=replace(LAYOUT, sensors=tuple(sensors)))
    bench.run_to_connected()
    assert bench.run(0.5)[-1].valid.all()


def test_one_unit_for_two_sensors_is_refused() -> None:
    sensors = [replace(s, unit="a4:e5:7c:00:00:01/0" if s.id < 2 else "") for s in LAYOUT.sensors]
    with pytest.raises(ValueError, match="every sensor unit once"):
        replace(LAYOUT, sensors=tuple(sensors))


def test_a_tracker_that_goes_is_missing_and_comes_back(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    bench.run_to_connected()
    bench.run(1.0)
    bench.trackers[3].dead = True
    gone = bench.run(1.0)
    assert all((sample.status[6:8] == STATUS_MISSING).all() for sample in gone[10:])
    assert all(sample.valid[[0, 1, 2, 3, 4, 5, 8, 9, 10, 11]].all() for sample in gone)
    bench.trackers[3].dead = False
    assert bench.run(0.2)[-1].valid.all()
    assert bench.hub.figures().reboots == 0


def test_all_of_them_go_and_the_hub_says_so(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    bench.run_to_connected()
    bench.run(0.5)
    bench.line.cut = True
    bench.run(10.0)
    assert bench.hub.state is ConnectionState.CONNECTING
    assert "nothing any more from a4:e5:7c:00:00:01" in bench.hub.problem
    assert bench.hub.figures().watchdog == 1
    bench.line.cut = False
    start_s = bench.clock()
    bench.run_to_connected()
    assert bench.clock() - start_s < 1.2  # they look for a server once a second
    assert bench.run(1.5)[-1].valid.all()
    assert bench.hub.figures().connections == 2


def test_a_snapshot_and_the_pieces_after_it_give_the_same_samples(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(nod)
    hub = bench.hub
    assert isinstance(hub, ReplayableHub)
    bench.run_to_connected()
    bench.run(1.0)
    snapshot = hub_snapshot(hub, "slimevr", LAYOUT, 100, False)
    pieces: list[Piece] = []
    hub.tap = lambda what, time_s, data: pieces.append(Piece(what, time_s, data, round(1e9 * time_s)))
    expected = bench.run(1.0)
    bench.trackers[2].dead = True
    expected += bench.run(1.0)
    replay = HubReplay(snapshot)
    found = [sample.sample for piece in pieces for sample in replay.feed(piece)]
    assert replay.unexplained == 0
    assert len(found) == len(expected) > 190
    for a, b in zip(found, expected, strict=True):
        assert (a.sequence, a.host_time_s, a.arrival_s, a.layout_id) == (
            b.sequence,
            b.host_time_s,
            b.arrival_s,
            b.layout_id,
        )
        assert a.status.tobytes() == b.status.tobytes()
        assert a.orientation.tobytes() == b.orientation.tobytes()
        assert a.angular_velocity.tobytes() == b.angular_velocity.tobytes()
        assert a.specific_force.tobytes() == b.specific_force.tobytes()


def test_a_damaged_state_is_refused(bench: Bench) -> None:
    bench.run_to_connected()
    arrays = unpacked_arrays(packed_arrays(bench.hub.saved_state()))
    other = dict(arrays)
    other["session"] = np.frombuffer(b'{"trackers": [1]}', np.uint8)
    for damaged in ({k: v for k, v in arrays.items() if k != "session"}, other):
        with pytest.raises(SnapshotError):
            SlimeVrHub(bench.line, LAYOUT, 100, clock=bench.clock, wait=bench.clock.advance).restore_state(damaged)
