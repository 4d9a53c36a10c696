"""A robot head over time: it never passes a limit, whatever comes in, and does what its file says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from face_model import arkit
from face_retarget.motion_limit import MAX_STEP_S, MotionLimit
from face_retarget.robot import ROBOTS, RobotSettings, load_robot
from face_retarget.robot_head import RobotHead

STEP_S = 0.02
SURE = np.ones(arkit.COUNT)


def weights(**shapes: float) -> NDArray[np.float64]:
    row = np.zeros(arkit.COUNT)
    for name, value in shapes.items():
        row[arkit.INDEX[name]] = value
    return row


def jaw(*, more: dict[str, Any] | None = None, **keys: Any) -> RobotSettings:
    joint = {"name": "jaw", "limits": [-0.1, 0.5], "max_speed": 4.0, "max_acceleration": 60.0}
    joint |= {"moved_by": [{"weight": "jawOpen", "gain": 0.4}]} | keys
    return ROBOTS.checked({"name": "test", "joints": [joint]} | (more or {}))


def settle(head: RobotHead, begin_s: float, row: NDArray[np.float64], **face: Any) -> float:
    """Two seconds of one face; the time then."""
    for i in range(100):
        now_s = begin_s + STEP_S * i
        head.observe(now_s, row, **face)
        head.step(now_s)
    return begin_s + 100 * STEP_S


anything = st.floats(allow_nan=True, allow_infinity=True)
step_of_time = st.one_of(st.floats(-0.5, 0.5), st.sampled_from([0.0, 0.02, 1e-9, 1e6, -1e6, math.nan, math.inf]))
faces = st.lists(
    st.tuples(step_of_time, st.lists(anything, min_size=4, max_size=4), anything, st.booleans(), st.booleans()),
    max_size=60,
)


@settings(deadline=None, max_examples=60)
@given(faces)
def test_no_limit_is_ever_passed_whatever_comes_in(story: list[tuple[float, list[float], float, bool, bool]]) -> None:
    robot, _ = load_robot("demo_head")
    head = RobotHead(robot)
    low, high = (np.array([joint.limits[side] for joint in robot.joints]) for side in (0, 1))
    speed = np.array([joint.max_speed for joint in robot.joints])
    acceleration = np.array([joint.max_acceleration for joint in robot.joints])
    now_s = last_s = 0.0
    head.step(now_s)
    places, velocities = head.places.copy(), head.velocities.copy()
    for passed_s, values, confidence, lost, seen in story:
        now_s += passed_s
        row = np.resize(np.array(values), arkit.COUNT)
        if lost:
            head.lose(now_s)
        else:
            head.observe(now_s, row, np.full(arkit.COUNT, confidence), np.full(arkit.COUNT, seen), values)
        head.step(now_s)
        went_s = min(now_s - last_s, MAX_STEP_S) if math.isfinite(now_s) and now_s > last_s else 0.0
        assert ((head.places >= low) & (head.places <= high)).all()
        assert (np.abs(head.velocities) <= speed * (1 + 1e-9)).all()
        assert (np.abs(head.places - places) <= speed * went_s + 1e-9).all()
        assert (np.abs(head.velocities - velocities) <= acceleration * went_s + 1e-6).all()
        assert np.allclose(head.places, places + head.velocities * went_s, atol=1e-9) or went_s == 0.0
        places, velocities = head.places.copy(), head.velocities.copy()
        if math.isfinite(now_s):
            last_s = now_s
        else:
            now_s = last_s


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.floats(-3.0, 3.0), st.floats(1e-4, 0.2)), min_size=1, max_size=80),
    st.floats(0.1, 20.0),
    st.floats(0.5, 500.0),
)
def test_motion_keeps_room_to_brake_before_every_limit(
    wishes: list[tuple[float, float]], speed: float, acceleration: float
) -> None:
    robot = jaw(max_speed=speed, max_acceleration=acceleration)
    limit = MotionLimit(robot.joints)
    for wish, step_s in wishes:
        before = limit.velocity.copy()
        limit.step(np.array([wish]), step_s)
        v, place = float(limit.velocity[0]), float(limit.place[0])
        room = limit.high[0] - place if v > 0 else place - limit.low[0]
        assert v * v / (2.0 * acceleration) <= room + 1e-9
        assert abs(v - before[0]) <= acceleration * min(step_s, MAX_STEP_S) * (1 + 1e-9) + 1e-9


def test_a_still_wish_is_reached_without_passing_it() -> None:
    limit = MotionLimit(jaw().joints)
    seen = [float(limit.step(np.array([0.3]), STEP_S)[0]) for _ in range(40)]
    assert max(seen) <= 0.3 + 1e-12
    assert seen[-1] == pytest.approx(0.3, abs=1e-6)
    assert np.diff(seen).min() >= -1e-12


def test_gains_and_bent_lines_add_up_and_means_are_means() -> None:
    terms = [
        {"weight": ["mouthSmileLeft", "mouthSmileRight"], "gain": 0.2},
        {"weight": "jawOpen", "points": [[0.2, 0.0], [0.6, 0.1], [1.0, 0.3]]},
    ]
    head = RobotHead(jaw(moved_by=terms, neutral=0.05))
    head.observe(0.0, weights(mouthSmileLeft=1.0, jawOpen=0.8))
    assert head.wish()[0] == pytest.approx(0.05 + 0.1 + 0.2)
    head.observe(0.0, weights(mouthSmileLeft=1.0, jawOpen=0.1))
    assert head.wish()[0] == pytest.approx(0.15)


def test_degrees_give_the_same_motion() -> None:
    terms = [{"weight": "jawOpen", "points": [[0, 0], [1, 0.4]]}, {"head": "yaw", "points": [[-1, -0.1], [1, 0.1]]}]
    in_rad = jaw(moved_by=terms, dead_band=0.01)
    scale = 180.0 / math.pi
    of_deg = [
        {"weight": "jawOpen", "points": [[0, 0], [1, 0.4 * scale]]},
        {"head": "yaw", "points": [[-scale, -0.1 * scale], [scale, 0.1 * scale]]},
    ]
    in_deg = jaw(
        moved_by=of_deg,
        dead_band=0.01 * scale,
        limits=[-0.1 * scale, 0.5 * scale],
        max_speed=4 * scale,
        max_acceleration=60 * scale,
        more={"unit": "deg"},
    )
    first, second = RobotHead(in_rad), RobotHead(in_deg)
    for i in range(50):
        for head in (first, second):
            head.observe(
                STEP_S * i, weights(jawOpen=0.5 + 0.4 * math.sin(i)), head=[0, 0, math.sin(0.1), math.cos(0.1)]
            )
            head.step(STEP_S * i)
        assert second.places == pytest.approx(first.places, abs=1e-9)


def test_a_face_that_is_lost_is_held_and_then_eased_to_neutral() -> None:
    head = RobotHead(jaw(neutral=0.02, more={"lost": {"hold_s": 1.0, "ease_s": 2.0}}))
    begin_s = settle(head, 0.0, weights(jawOpen=1.0))
    open_jaw = float(head.places[0])
    assert open_jaw == pytest.approx(0.42)
    places = []
    for i in range(250):
        now_s = begin_s + STEP_S * i
        head.lose(now_s)
        places.append(float(head.step(now_s)[0]))
    assert places[45] == pytest.approx(open_jaw)
    assert 0.1 < places[100] < 0.35
    assert places[-1] == pytest.approx(0.02)
    assert max(np.diff(places)) <= 1e-12


def test_only_what_the_model_is_sure_of_moves_a_joint_with_two_thresholds() -> None:
    head = RobotHead(jaw(more={"trust": {"follow": 0.5, "leave": 0.3}}))
    at_s = settle(head, 0.0, weights(jawOpen=1.0), confidence=0.4 * SURE)
    assert head.places[0] == 0.0
    at_s = settle(head, at_s, weights(jawOpen=1.0), confidence=0.6 * SURE)
    assert head.places[0] == pytest.approx(0.4)
    at_s = settle(head, at_s, weights(jawOpen=0.5), confidence=0.4 * SURE)
    assert head.places[0] == pytest.approx(0.2)
    head.observe(at_s, weights(jawOpen=1.0), confidence=0.2 * SURE)
    assert head.wish()[0] == pytest.approx(0.2)
    assert head.trusted == 0


def test_guessed_shapes_move_nothing_unless_asked_to() -> None:
    hidden = np.zeros(arkit.COUNT, dtype=bool)
    careful, bold = RobotHead(jaw()), RobotHead(jaw(more={"trust": {"hidden": True}}))
    for head in (careful, bold):
        head.observe(0.0, weights(jawOpen=1.0), SURE, hidden)
    assert careful.wish()[0] == 0.0
    assert bold.wish()[0] == pytest.approx(0.4)


def test_weights_that_are_no_number_leave_the_joint_where_it_was() -> None:
    head = RobotHead(jaw())
    at_s = settle(head, 0.0, weights(jawOpen=1.0))
    settle(head, at_s, np.full(arkit.COUNT, math.nan))
    assert math.isfinite(head.places[0])
    with pytest.raises(ValueError, match="expected 52 values"):
        head.observe(9.0, [0.0])


def test_small_hums_move_nothing_and_a_slow_wish_moves_without_steps() -> None:
    head = RobotHead(jaw(dead_band=0.02))
    at_s = settle(head, 0.0, weights(jawOpen=0.5))
    places = []
    for i in range(100):
        head.observe(at_s + STEP_S * i, weights(jawOpen=0.5 + 0.03 * (-1) ** i))
        places.append(float(head.step(at_s + STEP_S * i)[0]))
    assert np.ptp(places[50:]) < 1e-9
    places = []
    for i in range(200):
        now_s = at_s + 2.0 + STEP_S * i
        head.observe(now_s, weights(jawOpen=0.5 + 0.002 * i))
        places.append(float(head.step(now_s)[0]))
    assert np.abs(np.diff(places)).max() < 0.002


def test_a_mirror_swaps_sides_and_turns() -> None:
    terms = [{"weight": "mouthSmileLeft", "gain": 0.3}, {"head": "yaw", "gain": 1.0}]
    plain = RobotHead(jaw(moved_by=terms, more={"recentre_yaw_s": 0.0}))
    mirror = RobotHead(jaw(moved_by=terms, more={"mirror": True, "recentre_yaw_s": 0.0}))
    left = [0.0, 0.0, math.sin(0.05), math.cos(0.05)]
    plain.observe(0.0, weights(mouthSmileLeft=1.0), head=left)
    mirror.observe(0.0, weights(mouthSmileRight=1.0), head=left)
    assert plain.wish()[0] == pytest.approx(0.4)
    assert mirror.wish()[0] == pytest.approx(0.2)


def test_a_heading_that_drifts_comes_back_to_ahead_and_a_turn_is_followed() -> None:
    head = RobotHead(jaw(limits=[-1.0, 1.0], moved_by=[{"head": "yaw", "gain": 1.0}], more={"recentre_yaw_s": 10.0}))

    def face(yaw: float) -> list[float]:
        return [0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)]

    for i in range(3000):  # half a turn a minute, far more than any sensor drifts
        now_s = STEP_S * i
        head.observe(now_s, weights(), head=face(0.01 * now_s))
        head.step(now_s)
    assert abs(head.places[0]) < 0.15
    head.observe(60.0, weights(), head=face(0.6 + 0.5))
    assert head.wish()[0] > 0.5


def test_smoothing_goes_by_time_and_not_by_steps() -> None:
    slow, fast = (RobotHead(jaw(smoothing_s=0.2, max_speed=100.0, max_acceleration=1e5)) for _ in range(2))
    for head, step_s in ((slow, 0.05), (fast, 0.005)):
        head.step(0.0)
        for i in range(1, round(0.2 / step_s) + 1):
            head.observe(i * step_s, weights(jawOpen=1.0))
            head.step(i * step_s)
    assert slow.places[0] == pytest.approx(0.4 * (1 - math.exp(-1)), rel=0.01)
    assert fast.places[0] == pytest.approx(slow.places[0], rel=0.01)
