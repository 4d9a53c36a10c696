from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_model import rotation
from face_model.errors import SnapshotError
from face_model.imu_sample import STATUS_FAULT, STATUS_GYRO_SATURATED, STATUS_MISSING, STATUS_VALID, ImuSample
from face_model.saved_arrays import SavedArrays, packed, unpacked
from imu_driver.assembler import HISTORY, AssemblerParams, FrameAssembler, Reading

IDENTITY = (0.0, 0.0, 0.0, 1.0)
STILL = (0.0, 0.0, 0.0)
UP = (0.0, 0.0, 9.80665)
START_S = 1000.0
P = AssemblerParams()


def whole(sensor: int, time_s: float) -> Reading:
    """Of a unit that lies still."""
    return Reading(sensor, time_s, IDENTITY, STILL, UP)


def nod(time_s: float) -> float:
    """Angle of a head that nods, rad: up to 2.5 rad/s and 31 rad/s2."""
    return 0.2 * math.sin(2.0 * math.pi * 2.0 * time_s)


def nodding(sensor: int, time_s: float) -> Reading:
    half = 0.5 * nod(time_s)
    rate = 0.2 * 2.0 * math.pi * 2.0 * math.cos(2.0 * math.pi * 2.0 * time_s)
    quaternion = (0.0, math.sin(half), 0.0, math.cos(half))
    force = rotation.rotate(rotation.conjugate(np.array(quaternion)), np.array(UP))
    return Reading(sensor, time_s, quaternion, (0.0, rate, 0.0), tuple(force.tolist()))


def played(
    assembler: FrameAssembler,
    units: int,
    seconds: float,
    *,
    reading: Callable[[int, float], Reading] = whole,
    periods_s: tuple[float, ...] = (0.01,),
    late_s: Callable[[int, int], float | None] = lambda _unit, _number: 0.002,
) -> list[ImuSample]:
    """Frames of units with phases of their own, whose readings arrive so late; None: never."""
    arrivals = []
    for unit in range(units):
        period_s = periods_s[unit % len(periods_s)]
        for number in range(int(seconds / period_s)):
            time_s = START_S + number * period_s + 0.00137 * unit
            late = late_s(unit, number)
            if late is not None:
                arrivals.append((time_s + late, reading(unit, time_s)))
    frames: list[ImuSample] = []
    for arrival_s, one in sorted(arrivals, key=lambda pair: pair[0]):
        assembler.add(one, arrival_s)
        frames += assembler.frames(arrival_s)
    return frames


def test_frames_come_at_the_rate_on_a_grid_and_complete() -> None:
    assembler = FrameAssembler(12, 100.0, layout_id=7)
    frames = played(assembler, 12, 2.0)
    assert len(frames) == pytest.approx(200, abs=4)
    for before, after in pairwise(frames):
        assert after.sequence == before.sequence + 1
        assert after.host_time_s == pytest.approx(before.host_time_s + 0.01)
        assert after.hub_time_s == after.host_time_s
    assert all(frame.valid.all() and frame.layout_id == 7 for frame in frames[2:])
    assert assembler.counts.frames == len(frames)
    assert assembler.counts.late == assembler.counts.impossible == assembler.counts.skipped == 0


def test_a_moving_head_does_not_look_like_skin() -> None:
    """Units that measure one motion at times of their own agree in every frame, which their newest values do not."""
    frames = played(FrameAssembler(12, 100.0), 12, 3.0, reading=nodding)
    worst = 0.0
    for frame in frames[5:]:
        angles = 2.0 * np.arctan2(frame.orientation[:, 1], frame.orientation[:, 3])
        worst = max(worst, float(np.abs(angles - nod(frame.host_time_s)).max()))
    assert worst < 0.001
    # The newest values side by side are one period apart.
    assert max(abs(nod(t) - nod(t - 0.01)) for t in np.arange(0.0, 1.0, 0.01)) > 0.02


def test_latency_is_that_of_the_slowest_unit_and_bounded() -> None:
    frames = played(FrameAssembler(12, 100.0), 12, 2.0)
    assert max(frame.arrival_s - frame.host_time_s for frame in frames) < 0.01 + 0.002 + 1e-6
    # One unit is always late by more than is waited for: it is turned on by its rate, the others do not suffer.
    assembler = FrameAssembler(12, 100.0)
    late = played(assembler, 12, 2.0, reading=nodding, late_s=lambda unit, _n: 0.03 if unit == 3 else 0.002)
    assert max(frame.arrival_s - frame.host_time_s for frame in late) < P.wait_s + 0.01
    assert all(frame.valid.all() for frame in late[10:])
    assert assembler.counts.predicted > 150
    angles = [2.0 * math.atan2(f.orientation[3, 1], f.orientation[3, 3]) - nod(f.host_time_s) for f in late[10:]]
    assert max(map(abs, angles)) < 0.012


def test_a_unit_that_falls_silent_is_missing_at_once_and_comes_back() -> None:
    assembler = FrameAssembler(3, 100.0)

    def gone(unit: int, number: int) -> float | None:
        return None if unit == 1 and 50 <= number < 100 else 0.002

    frames = played(assembler, 3, 2.0, late_s=gone)
    last_s, back_s = START_S + 0.49 + 0.00137, START_S + 1.0 + 0.00137
    for frame in frames[5:]:
        if last_s + P.predict_s < frame.host_time_s < back_s:
            assert frame.status[1] == STATUS_MISSING
            assert not frame.orientation[1, :3].any()
            assert frame.orientation[1, 3] == 1.0
            assert not frame.specific_force[1].any()
            assert frame.valid[[0, 2]].all()
        else:
            assert frame.valid.all()
    assert max(frame.arrival_s - frame.host_time_s for frame in frames) < P.wait_s + 0.01


def test_a_unit_that_never_came_is_missing_and_holds_nobody_up() -> None:
    frames = played(FrameAssembler(4, 100.0), 3, 1.0)
    assert all(frame.status[3] == STATUS_MISSING for frame in frames)
    assert max(frame.arrival_s - frame.host_time_s for frame in frames) < 0.013


def test_where_nobody_sends_no_frame_is_made_and_the_numbers_go_on_with_the_time() -> None:
    assembler = FrameAssembler(2, 100.0)
    first = played(assembler, 2, 1.0)
    last = [*first, *assembler.frames(START_S + 1.1)][-1]
    assert last.host_time_s <= START_S + 1.0 + P.predict_s
    for step in range(1, 400):
        assert assembler.frames(START_S + 1.1 + 0.01 * step) == []
    later_s = START_S + 5.1
    for number in range(20):
        for unit in range(2):
            assembler.add(whole(unit, later_s + 0.01 * number), later_s + 0.01 * number + 0.001)
    again = assembler.frames(later_s + 0.2)
    assert again
    assert again[0].sequence - last.sequence == pytest.approx(
        (again[0].host_time_s - last.host_time_s) * 100.0, abs=0.01
    )
    assert again[0].host_time_s >= later_s
    assert assembler.counts.skipped == 0


def test_after_a_pause_of_the_reader_only_the_newest_half_second_is_made() -> None:
    assembler = FrameAssembler(2, 100.0)
    played(assembler, 2, 1.0)
    for number in range(1000):
        for unit in range(2):
            assembler.add(whole(unit, START_S + 1.0 + 0.01 * number), START_S + 11.0)
    frames = assembler.frames(START_S + 11.0)
    assert 40 <= len(frames) <= 51
    assert assembler.counts.skipped > 900


@pytest.mark.parametrize("period_s", [0.005, 0.01, 0.02, 0.03])
def test_any_usual_rate_of_units_serves(period_s: float) -> None:
    frames = played(FrameAssembler(3, 100.0), 3, 2.0, reading=nodding, periods_s=(period_s, 0.01))
    assert len(frames) > 190
    assert all(frame.valid.all() for frame in frames[10:])
    errors = [2.0 * math.atan2(f.orientation[0, 1], f.orientation[0, 3]) - nod(f.host_time_s) for f in frames[10:]]
    assert max(map(abs, errors)) < 0.012


def test_rates_and_forces_that_are_not_sent_follow_from_orientations() -> None:
    assembler = FrameAssembler(2, 100.0)

    def oriented(unit: int, time_s: float) -> Reading:
        moving = nodding(unit, time_s)
        return Reading(unit, time_s, moving.orientation) if unit == 0 else moving

    frames = played(assembler, 2, 2.0, reading=oriented)
    assert (assembler.derived(0), assembler.derived(1)) == ((True, True), (False, False))
    for frame in frames[10:]:
        assert frame.valid.all()
        np.testing.assert_allclose(frame.specific_force[0], frame.specific_force[1], atol=0.02)
        # The rate of 10 to 20 ms ago, at 31 rad/s2.
        np.testing.assert_allclose(frame.angular_velocity[0], frame.angular_velocity[1], atol=0.65)
    measured = np.array([frame.angular_velocity[1, 1] for frame in frames[10:]])
    derived = np.array([frame.angular_velocity[0, 1] for frame in frames[10:]])
    assert np.corrcoef(measured, derived)[0, 1] > 0.97


def test_readings_that_a_network_delivered_together_make_no_rate() -> None:
    assembler = FrameAssembler(1, 100.0)
    for number in range(200):
        time_s = START_S + 0.02 * (number // 2) + 1e-4 * (number % 2)
        assembler.add(Reading(0, time_s, nodding(0, 0.01 * number).orientation), time_s)
    frames = assembler.frames(START_S + 2.0)
    assert frames
    assert max(float(np.abs(frame.angular_velocity).max()) for frame in frames) < 5.0


def test_a_unit_without_orientation_is_left_to_the_fusion_on_the_host() -> None:
    frames = played(FrameAssembler(1, 100.0), 1, 0.5, reading=lambda i, t: Reading(i, t, None, STILL, UP))
    assert {int(frame.status[0]) for frame in frames} == {STATUS_VALID}


def test_flags_come_through_and_a_fault_has_no_values() -> None:
    def flagged(unit: int, time_s: float) -> Reading:
        return Reading(unit, time_s, IDENTITY, STILL, UP, STATUS_FAULT if unit else STATUS_GYRO_SATURATED)

    frame = played(FrameAssembler(2, 100.0), 2, 0.5, reading=flagged)[-1]
    assert frame.status[0] & STATUS_GYRO_SATURATED
    assert frame.valid.tolist() == [True, False]
    assert frame.status[1] == STATUS_FAULT
    assert not frame.specific_force[1].any()


def test_what_cannot_be_is_dropped_and_counted() -> None:
    assembler = FrameAssembler(1, 100.0)
    nan = float("nan")
    for reading in (
        Reading(0, nan, IDENTITY),
        Reading(0, START_S, (nan, 0.0, 0.0, 1.0)),
        Reading(0, START_S, (0.0, 0.0, 0.0, 0.0)),
        Reading(0, START_S, (0.0, 0.0, 0.0, 2.0)),
        Reading(0, START_S, None, (1e30, 0.0, 0.0)),
        Reading(0, START_S, None, None, (math.inf, 0.0, 0.0)),
    ):
        assert not assembler.add(reading, START_S)
    assert assembler.counts.impossible == 6
    assert not assembler.add(whole(0, START_S + 1.0), START_S)
    assert assembler.counts.ahead == 1
    assert assembler.frames(START_S + 1.0) == []
    assert assembler.add(whole(0, START_S), START_S)
    assert not assembler.add(whole(0, START_S), START_S)
    assert not assembler.add(whole(0, START_S - 1.0), START_S)
    assert assembler.counts.late == 6


def test_a_unit_that_began_anew_is_not_joined_with_what_it_was() -> None:
    assembler = FrameAssembler(1, 100.0)
    assembler.add(whole(0, START_S), START_S)
    assembler.forget(0)
    assembler.add(Reading(0, START_S + 0.02, (1.0, 0.0, 0.0, 0.0), STILL, UP), START_S + 0.02)
    frames = assembler.frames(START_S + 0.04)
    assert {tuple(frame.orientation[0].tolist()) for frame in frames} == {(1.0, 0.0, 0.0, 0.0)}


numbers = st.one_of(st.floats(-2.0, 2.0), st.floats(width=32))
triples = st.none() | st.tuples(numbers, numbers, numbers)
quaternions = st.none() | st.tuples(numbers, numbers, numbers, numbers) | st.just(IDENTITY)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.floats(0.0, 0.05),
            st.floats(-0.2, 0.02),
            quaternions,
            triples,
            triples,
            st.integers(0, 255),
        ),
        max_size=200,
    )
)
def test_whatever_comes_frames_are_sound(
    events: list[tuple[int, float, float, object, object, object, int]],
) -> None:
    assembler, now_s = FrameAssembler(3, 100.0), START_S
    before_s, number, newest = -math.inf, -1, [-math.inf] * 3
    for sensor, step_s, late_s, orientation, rate, force, flags in events:
        now_s += step_s
        reading = Reading(sensor, now_s + late_s, orientation, rate, force, flags)  # type: ignore[arg-type]
        if assembler.add(reading, now_s):
            newest[sensor] = max(newest[sensor], reading.time_s)
        state = None if assembler.has_due(now_s) else packed(assembler.saved_state())
        for frame in assembler.frames(now_s):
            assert state is None, "nothing was due"
            assert before_s < frame.host_time_s <= now_s == frame.arrival_s
            assert frame.sequence > number
            assert len(frame.status) == 3
            for array in (frame.orientation, frame.angular_velocity, frame.specific_force):
                assert np.isfinite(array).all()
            np.testing.assert_allclose(np.linalg.norm(frame.orientation, axis=1), 1.0, atol=1e-5)
            for i in np.flatnonzero(frame.valid):
                assert frame.host_time_s - newest[i] <= P.predict_s + 1e-9  # never stale values with a fresh stamp
            off = frame.status & STATUS_VALID == 0
            assert not frame.angular_velocity[off].any()
            assert not frame.specific_force[off].any()
            before_s, number = frame.host_time_s, frame.sequence
        assert state in (None, packed(assembler.saved_state())), "where nothing is due, nothing changes"
    assert assembler.frames(now_s + 10.0)[:0] == []
    assert all(len(channel) <= HISTORY for unit in assembler._units for channel in unit)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 150), st.integers(0, 2**16))
def test_a_restored_one_makes_the_same_frames(cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    events = []
    for number in range(200):
        time_s = START_S + 0.004 * number + 0.002 * rng.random()
        events.append((nodding(int(rng.integers(3)), time_s), time_s + 0.01 * rng.random()))
    events.sort(key=lambda pair: pair[1])
    one, other = FrameAssembler(3, 100.0), FrameAssembler(3, 100.0)
    for reading, now_s in events[:cut]:
        one.add(reading, now_s)
        one.frames(now_s)
    other.restore_state(SavedArrays(unpacked(packed(one.saved_state()))))
    for reading, now_s in events[cut:]:
        assert one.add(reading, now_s) == other.add(reading, now_s)
        for a, b in zip(one.frames(now_s), other.frames(now_s), strict=True):
            assert (a.sequence, a.host_time_s, a.status.tobytes()) == (b.sequence, b.host_time_s, b.status.tobytes())
            assert a.orientation.tobytes() == b.orientation.tobytes()
            assert a.angular_velocity.tobytes() == b.angular_velocity.tobytes()
    assert one.counts == other.counts


@pytest.mark.parametrize("name", ["used", "times", "heard", "grid"])
def test_a_damaged_state_is_refused(name: str) -> None:
    arrays = FrameAssembler(2, 100.0).saved_state()
    arrays[name] = arrays[name] * 0 - 1 if name != "heard" else arrays[name] * np.nan
    if name == "times":
        arrays[name] = arrays[name][:1]
    with pytest.raises(SnapshotError):
        FrameAssembler(2, 100.0).restore_state(SavedArrays(arrays))
