from __future__ import annotations

import numpy as np
import pytest

from face_inference.alignment.sensor_alignment import SensorAlignment, in_words, told
from face_inference.alignment.solve import solve_alignment
from face_inference.neutral import solve_neutral
from face_model import rotation
from face_model.errors import SnapshotError
from face_model.saved_arrays import SavedArrays, packed, unpacked
from nodding_head import glued, nominal, routine


@pytest.fixture(scope="module")
def aligned():
    mounts = nominal()
    true = glued(mounts, 0.2)
    return mounts, true, solve_alignment(mounts, routine(true))


def up_of(mount, looking=(0.0, 0.0, 0.0)):
    head = rotation.conjugate(rotation.from_vector(np.array(looking)))
    up = rotation.rotate(np.broadcast_to(head, mount.shape), np.broadcast_to([0.0, 0.0, 1.0], (len(mount), 3)))
    return rotation.rotate(rotation.conjugate(mount), up)


def test_saved_and_restored_bit_for_bit(aligned):
    alignment = aligned[2].alignment
    again = SensorAlignment.from_saved(SavedArrays(unpacked(packed(alignment.saved_state()))), 5)
    for name in ("mount", "aligned", "deviation_rad", "residual_rad"):
        assert np.array_equal(getattr(again, name), getattr(alignment, name))
    with pytest.raises(SnapshotError):
        SensorAlignment.from_saved(SavedArrays(alignment.saved_state()), 4)
    with pytest.raises(SnapshotError):
        SensorAlignment.from_saved(SavedArrays(alignment.saved_state() | {"mount": 2.0 * alignment.mount}), 5)


def test_a_head_that_looks_elsewhere_moves_no_board(aligned):
    alignment = aligned[2].alignment
    assert not alignment.moved(up_of(alignment.mount, (0.1, 0.25, 0.0)), np.ones(5, bool), 0).any()


def test_one_board_that_was_glued_anew_is_found(aligned):
    alignment = aligned[2].alignment
    other = alignment.mount.copy()
    other[2] = rotation.multiply(rotation.from_vector(np.array([0.3, 0.0, 0.0])), other[2])
    moved = alignment.moved(up_of(other), np.ones(5, bool), 0)
    assert moved.tolist() == [False, False, True, False, False]
    left = alignment.without(moved)
    assert left.aligned.tolist() == [True, True, False, True, True]
    assert left.without(np.ones(5, bool)) is None


def test_all_boards_that_were_glued_anew_are_found(aligned):
    mounts, _, solved = aligned
    moved = solved.alignment.moved(up_of(glued(mounts, 0.2, seed=9)), np.ones(5, bool), 0)
    assert moved.all()


def test_a_neutral_is_carried_to_other_mountings_as_if_learned_with_them(aligned):
    mounts, true, solved = aligned
    motion = routine(true)
    still = motion.time_s < motion.still_s
    part = motion.orientation[still], motion.angular_velocity[still], motion.valid[still]
    before = solve_neutral(mounts, *part)
    learned = solve_neutral(solved.alignment.mounts(mounts), *part)
    carried = before.mounted(solved.alignment.mount, mounts.reference)
    assert carried.mount == pytest.approx(learned.mount, abs=1e-6)
    assert np.cos(carried.yaw_rad) == pytest.approx(np.cos(learned.yaw_rad), abs=1e-6)
    assert np.sin(carried.yaw_rad) == pytest.approx(np.sin(learned.yaw_rad), abs=1e-6)
    assert carried.front_rad == pytest.approx(learned.front_rad, abs=1e-6)


def test_names_as_people_read_them():
    assert in_words("zygomaticus_left") == "left zygomaticus"
    assert told(["zygomaticus_left", "mentalis", "levator_right"]) == "left zygomaticus, mentalis and right levator"
    assert told(["mentalis"]) == "mentalis"
    assert told([]) == ""
