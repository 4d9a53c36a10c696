from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_inference.alignment.solve import solve_alignment, turned_rad
from face_model import nod_and_shake, rotation
from nodding_head import glued, nominal, routine


def off_deg(found, true):
    """Degrees of each board's mounting against the skull's from what it is."""
    first, second = (rotation.multiply(rotation.conjugate(mount[0]), mount) for mount in (found, true))
    difference = rotation.multiply(first, rotation.conjugate(second))
    difference = difference * np.sign(difference[:, 3:])
    return np.rad2deg(np.linalg.norm(rotation.to_vector(difference), axis=1))


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.0, 0.5))
def test_any_gluing_is_found_exactly_where_nothing_wobbles(seed, error_rad):
    mounts = nominal(seed=seed)
    true = glued(mounts, error_rad, seed)
    solved = solve_alignment(mounts, routine(true, bias_rad_s=0.01, seed=seed))
    assert solved.success, solved.message
    assert solved.alignment.aligned.all()
    assert off_deg(solved.alignment.mount, true).max() < 0.2
    assert np.rad2deg(solved.alignment.residual_rad).max() < 0.5
    level = rotation.rotate(solved.neutral.mount, _up(true))
    assert np.abs(level - [0.0, 0.0, 1.0]).max() < 1e-6, "gravity is exact in every neutral"


def _up(true):
    return rotation.rotate(rotation.conjugate(true), np.broadcast_to([0.0, 0.0, 1.0], (len(true), 3)))


def test_tissue_that_wobbles_costs_degrees_not_tens():
    mounts = nominal()
    true = glued(mounts, 0.2)
    solved = solve_alignment(mounts, routine(true, wobble_rad_s=0.3))
    assert solved.success
    assert off_deg(solved.alignment.mount, true).max() < 3.0
    assert np.rad2deg(solved.alignment.residual_rad[1:]).min() > 2.0
    assert (solved.alignment.deviation_rad[1:] < 0.1).all()


def test_the_turn_is_told_of_each_sensor():
    mounts = nominal()
    about = np.zeros((5, 3))
    about[2, 2] = 0.3
    true = rotation.multiply(rotation.from_vector(about), mounts.orientation)
    solved = solve_alignment(mounts, routine(true))
    tilted = np.abs(rotation.to_vector(rotation.multiply(mounts.orientation, rotation.conjugate(true)))[:, :2]).max()
    assert tilted < 1e-6
    assert solved.turn_rad[2] - solved.turn_rad[0] == pytest.approx(0.3, abs=0.01)


def test_nods_turn_the_skull_unit_most_of_the_way():
    mounts = nominal()
    turned = rotation.multiply(rotation.from_vector(np.array([0.0, 0.0, 0.2])), mounts.orientation)
    solved = solve_alignment(mounts, routine(turned))
    found = turned_rad(solved.alignment.mount[:1], turned[:1])[0]
    assert 0.0 < found < 0.08  # 0.2 before; what is left is how little nods and gluing are believed


@pytest.mark.parametrize(
    ("nod", "shake", "words"),
    [(0.0, 0.0, "hardly moved"), (0.3, 0.0, "hardly shook"), (0.0, 0.3, "hardly nodded")],
)
def test_too_little_motion_is_refused_with_the_reason(nod, shake, words):
    mounts = nominal()
    solved = solve_alignment(mounts, routine(glued(mounts, 0.2), nod, shake))
    assert not solved.success
    assert words in solved.message
    assert solved.neutral is None


def test_a_head_that_moves_in_the_still_seconds_is_refused():
    mounts = nominal()
    solved = solve_alignment(mounts, routine(glued(mounts, 0.2), still_rad=0.03))
    assert not solved.success
    assert "while it should be still" in solved.message


def test_a_face_that_moves_in_the_still_seconds_is_refused():
    mounts = nominal()
    motion = routine(glued(mounts, 0.2))
    rates = motion.angular_velocity.copy()
    rates[:200, 1:] += np.random.default_rng(0).normal(0.0, 0.4, (200, 4, 3))
    solved = solve_alignment(mounts, replace(motion, angular_velocity=rates))
    assert not solved.success
    assert "the face moved" in solved.message


def loosened(motion, board, how):
    rates = motion.angular_velocity.copy()
    moving = motion.time_s >= nod_and_shake.STILL_S
    rates[moving, board] = how(rates[moving, board])
    return replace(motion, angular_velocity=rates)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (lambda r: 1.6 * r, "times as fast as the skull"),
        (lambda r: rotation.rotate(rotation.from_vector(np.array([0.7, 0.0, 0.0])), r), "from what gravity says"),
        (lambda r: r + np.random.default_rng(3).normal(0.0, 4.0, r.shape), "did not turn with the skull"),
    ],
)
def test_a_board_that_disagrees_is_named_and_nothing_is_used(how, words):
    mounts = nominal()
    motion = loosened(routine(glued(mounts, 0.2)), 1, how)
    solved = solve_alignment(mounts, motion)
    assert not solved.success
    assert solved.disagreeing == ("zygomaticus_left",)
    assert "left zygomaticus" in solved.message
    assert words in solved.message
    tolerant = solve_alignment(mounts, motion, tolerant=True)
    assert tolerant.success
    assert tolerant.alignment.aligned.tolist() == [True, False, True, True, True]
    assert "as the layout has them: left zygomaticus" in tolerant.message


def test_a_board_that_is_not_there_keeps_the_layouts_mounting():
    mounts = nominal()
    motion = routine(glued(mounts, 0.2))
    motion.valid[:, 3] = False
    solved = solve_alignment(mounts, motion)
    assert solved.success
    assert not solved.alignment.aligned[3]
    assert solved.alignment.mount[3] == pytest.approx(mounts.orientation[3])
    assert "mentalis" in solved.message


def test_without_the_skull_it_says_so():
    mounts = nominal()
    motion = routine(glued(mounts, 0.2))
    motion.valid[:, 0] = False
    assert "'skull'" in solve_alignment(mounts, motion).message
    motion.valid[:300, 0] = True
    assert "'skull'" in solve_alignment(mounts, motion).message


def test_samples_that_get_lost_for_the_most_part_are_told():
    mounts = nominal()
    motion = routine(glued(mounts, 0.2))
    keep = (motion.time_s < 3.0) | (motion.time_s % 1.0 < 0.2)
    arrays = {name: getattr(motion, name)[keep] for name in ("time_s", "orientation", "angular_velocity", "valid")}
    solved = solve_alignment(mounts, replace(motion, **arrays))
    assert not solved.success
    assert "expected samples in most of the routine" in solved.message


def test_samples_that_get_lost_do_not_matter():
    mounts = nominal()
    true = glued(mounts, 0.2)
    motion = routine(true)
    keep = np.random.default_rng(4).random(len(motion.time_s)) > 0.2
    thinned = replace(
        motion,
        time_s=motion.time_s[keep],
        orientation=motion.orientation[keep],
        angular_velocity=motion.angular_velocity[keep],
        valid=motion.valid[keep],
    )
    solved = solve_alignment(mounts, thinned)
    assert solved.success
    assert off_deg(solved.alignment.mount, true).max() < 0.5
